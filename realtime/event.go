package realtime

// EventType names an event on the wire.
type EventType string

// The events.
const (
	EventWelcome             EventType = "welcome"
	EventAck                 EventType = "ack"
	EventError               EventType = "error"
	EventClosing             EventType = "closing"
	EventChatMessage         EventType = "chat.message"
	EventChatEdited          EventType = "chat.edited"
	EventChatDeleted         EventType = "chat.deleted"
	EventChatRestored        EventType = "chat.restored"
	EventChatPinned          EventType = "chat.pinned"
	EventChatMore            EventType = "chat.more"
	EventQuestionAsked       EventType = "question.asked"
	EventQuestionMoved       EventType = "question.moved"
	EventQuestionAnswered    EventType = "question.answered"
	EventQuestionMerged      EventType = "question.merged"
	EventPollSaved           EventType = "poll.saved"
	EventPollDiscarded       EventType = "poll.discarded"
	EventPollOpened          EventType = "poll.opened"
	EventPollClosed          EventType = "poll.closed"
	EventPollRevealed        EventType = "poll.revealed"
	EventHandCalled          EventType = "hand.called"
	EventAnnouncement        EventType = "announcement"
	EventAnnouncementCleared EventType = "announcement.cleared"
	EventMarker              EventType = "marker"
	EventModerated           EventType = "moderated"
	EventRestricted          EventType = "restricted"
	EventRoomSettings        EventType = "room.settings"
	EventRoomCloses          EventType = "room.closes"
	EventTally               EventType = "tally"
	EventVotes               EventType = "votes"
	EventPresence            EventType = "presence"
	EventHands               EventType = "hands"
	EventHandPosition        EventType = "hand.position"
	EventReactions           EventType = "reactions"
	EventPulse               EventType = "pulse"
)

// EventInfo is the row of an event in the table.
type EventInfo struct {
	Type     EventType
	Delivery Delivery
	Data     EventData // the zero value of its data
}

// Events returns the table of events.
func Events() []EventInfo {
	table := eventTable()
	return table[:]
}

// eventTable is an array, which needs no memory to look something up in.
func eventTable() [34]EventInfo {
	return [...]EventInfo{
		{EventWelcome, DeliverReply, Welcome{}},
		{EventAck, DeliverReply, Ack{}},
		{EventError, DeliverReply, Refusal{}},
		{EventClosing, DeliverReply, Closing{}},
		{EventChatMessage, DeliverLog, ChatMessage{}},
		{EventChatEdited, DeliverLog, ChatEdited{}},
		{EventChatDeleted, DeliverLog, ChatDeleted{}},
		{EventChatRestored, DeliverLog, ChatRestored{}},
		{EventChatPinned, DeliverLog, ChatPinned{}},
		{EventChatMore, DeliverEphemeral, ChatMore{}},
		{EventQuestionAsked, DeliverLog, QuestionAsked{}},
		{EventQuestionMoved, DeliverLog, QuestionMoved{}},
		{EventQuestionAnswered, DeliverLog, QuestionAnswered{}},
		{EventQuestionMerged, DeliverLog, QuestionMerged{}},
		{EventPollSaved, DeliverLog, PollSaved{}},
		{EventPollDiscarded, DeliverLog, PollDiscarded{}},
		{EventPollOpened, DeliverLog, PollOpened{}},
		{EventPollClosed, DeliverLog, PollClosed{}},
		{EventPollRevealed, DeliverLog, PollRevealed{}},
		{EventHandCalled, DeliverLog, HandCalled{}},
		{EventAnnouncement, DeliverLog, Announcement{}},
		{EventAnnouncementCleared, DeliverLog, AnnouncementCleared{}},
		{EventMarker, DeliverLog, Marked{}},
		{EventModerated, DeliverLog, Moderated{}},
		{EventRestricted, DeliverLog, Restricted{}},
		{EventRoomSettings, DeliverLog, Settings{}},
		{EventRoomCloses, DeliverState, RoomCloses{}},
		{EventTally, DeliverState, Tally{}},
		{EventVotes, DeliverState, Votes{}},
		{EventPresence, DeliverState, Presence{}},
		{EventHands, DeliverState, Hands{}},
		{EventHandPosition, DeliverState, HandPosition{}},
		{EventReactions, DeliverEphemeral, Reactions{}},
		{EventPulse, DeliverState, Pulses{}},
	}
}

// Delivery returns the delivery class of the type, 0 for one that is unknown.
func (t EventType) Delivery() Delivery {
	table := eventTable()
	for i := range table {
		if table[i].Type == t {
			return table[i].Delivery
		}
	}
	return 0
}
