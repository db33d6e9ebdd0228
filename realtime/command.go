package realtime

// CommandType names a command on the wire.
type CommandType string

// The commands.
const (
	CommandHello          CommandType = "hello"
	CommandRefresh        CommandType = "refresh"
	CommandPosition       CommandType = "position"
	CommandChatSend       CommandType = "chat.send"
	CommandChatEdit       CommandType = "chat.edit"
	CommandChatDelete     CommandType = "chat.delete"
	CommandChatRestore    CommandType = "chat.restore"
	CommandChatPin        CommandType = "chat.pin"
	CommandQuestionAsk    CommandType = "question.ask"
	CommandQuestionVote   CommandType = "question.vote"
	CommandQuestionMove   CommandType = "question.move"
	CommandQuestionAnswer CommandType = "question.answer"
	CommandQuestionMerge  CommandType = "question.merge"
	CommandPollSave       CommandType = "poll.save"
	CommandPollOpen       CommandType = "poll.open"
	CommandPollClose      CommandType = "poll.close"
	CommandPollReveal     CommandType = "poll.reveal"
	CommandPollDiscard    CommandType = "poll.discard"
	CommandPollVote       CommandType = "poll.vote"
	CommandHandRaise      CommandType = "hand.raise"
	CommandHandLower      CommandType = "hand.lower"
	CommandHandCall       CommandType = "hand.call"
	CommandReact          CommandType = "react"
	CommandPulse          CommandType = "pulse"
	CommandAnnounce       CommandType = "announce"
	CommandAnnounceClear  CommandType = "announce.clear"
	CommandMarker         CommandType = "marker"
	CommandModerate       CommandType = "moderate"
	CommandRoomSet        CommandType = "room.set"
	CommandRoomClose      CommandType = "room.close"
)

// CommandInfo is the row of a command in the table.
type CommandInfo struct {
	Type CommandType

	// Needs are the permissions without which the command is forbidden. Some
	// commands need more, by what they are about: to delete or move what others
	// wrote, to lower their hand, RoomSet.Needs.
	Needs Permissions

	// Answered reports that it must have an id, and always gets an ack or an error.
	Answered bool

	decode func(data []byte) (CommandData, error)
}

// Commands returns the table of commands.
func Commands() []CommandInfo {
	table := commandTable()
	return table[:]
}

// commandTable is an array, which needs no memory to look something up in.
func commandTable() [30]CommandInfo {
	return [...]CommandInfo{
		{CommandHello, 0, true, decodeAs[Hello]},
		{CommandRefresh, 0, true, decodeAs[Refresh]},
		{CommandPosition, 0, false, decodeAs[Position]},
		{CommandChatSend, MayChat, true, decodeAs[ChatSend]},
		{CommandChatEdit, MayChat, true, decodeAs[ChatEdit]},
		{CommandChatDelete, MayChat, true, decodeAs[ChatDelete]},
		{CommandChatRestore, MayModerate, true, decodeAs[ChatRestore]},
		{CommandChatPin, MayModerate, true, decodeAs[ChatPin]},
		{CommandQuestionAsk, MayAsk, true, decodeAs[QuestionAsk]},
		{CommandQuestionVote, MayVote, true, decodeAs[QuestionVote]},
		{CommandQuestionMove, MayAsk, true, decodeAs[QuestionMove]},
		{CommandQuestionAnswer, MayTriage, true, decodeAs[QuestionAnswer]},
		{CommandQuestionMerge, MayTriage, true, decodeAs[QuestionMerge]},
		{CommandPollSave, MayPoll, true, decodeAs[PollSave]},
		{CommandPollOpen, MayPoll, true, decodeAs[PollOpen]},
		{CommandPollClose, MayPoll, true, decodeAs[PollClose]},
		{CommandPollReveal, MayPoll, true, decodeAs[PollReveal]},
		{CommandPollDiscard, MayPoll, true, decodeAs[PollDiscard]},
		{CommandPollVote, MayVote, true, decodeAs[PollVote]},
		{CommandHandRaise, MayRaiseHand, true, decodeAs[HandRaise]},
		{CommandHandLower, MayRaiseHand, true, decodeAs[HandLower]},
		{CommandHandCall, MayTriage, true, decodeAs[HandCall]},
		{CommandReact, MayReact, false, decodeAs[React]},
		{CommandPulse, MayReact, false, decodeAs[Pulse]},
		{CommandAnnounce, MayAnnounce, true, decodeAs[Announce]},
		{CommandAnnounceClear, MayAnnounce, true, decodeAs[AnnounceClear]},
		{CommandMarker, MayCue, true, decodeAs[Marker]},
		{CommandModerate, MayModerate, true, decodeAs[Moderate]},
		{CommandRoomSet, MayModerate, true, decodeAs[RoomSet]},
		{CommandRoomClose, MaySetRoom, true, decodeAs[RoomClose]},
	}
}

// Info returns the command's row of the table, and whether there is one.
func (t CommandType) Info() (CommandInfo, bool) {
	table := commandTable()
	for i := range table {
		if table[i].Type == t {
			return table[i], true
		}
	}
	return CommandInfo{}, false
}
