package realtime

// ChatSend writes a message.
type ChatSend struct {
	Text     string   `json:"text"`
	ReplyTo  string   `json:"reply_to,omitempty"` // a message
	Mentions []string `json:"mentions,omitempty"` // participants
	To       string   `json:"to,omitempty"`       // ToStaff; empty: everybody
}

// ToStaff is the To of a message for staff only.
const ToStaff = "staff"

// CommandType returns CommandChatSend.
func (ChatSend) CommandType() CommandType { return CommandChatSend }

// Validate implements CommandData.
func (d ChatSend) Validate() error {
	if len(d.Mentions) > MaxMentions {
		return tooLarge("mentions", MaxMentions, "entries")
	}
	for _, id := range d.Mentions {
		if err := requiredID("mentions", id); err != nil {
			return err
		}
	}
	if d.To != "" && d.To != ToStaff {
		return invalid("to", "must be staff or absent")
	}
	return firstOf(requiredText("text", d.Text, MaxChat), optionalID("reply_to", d.ReplyTo))
}

// ChatEdit changes one's own message, as long as Limits.EditMS says.
type ChatEdit struct {
	Message string `json:"message"`
	Text    string `json:"text"`
}

// CommandType returns CommandChatEdit.
func (ChatEdit) CommandType() CommandType { return CommandChatEdit }

// Validate implements CommandData.
func (d ChatEdit) Validate() error {
	return firstOf(requiredID("message", d.Message), requiredText("text", d.Text, MaxChat))
}

// ChatDelete hides a message: one's own, or any with MayModerate.
type ChatDelete struct {
	Message string `json:"message"`
}

// CommandType returns CommandChatDelete.
func (ChatDelete) CommandType() CommandType { return CommandChatDelete }

// Validate implements CommandData.
func (d ChatDelete) Validate() error { return requiredID("message", d.Message) }

// ChatRestore shows a message again that a moderator had hidden.
type ChatRestore struct {
	Message string `json:"message"`
}

// CommandType returns CommandChatRestore.
func (ChatRestore) CommandType() CommandType { return CommandChatRestore }

// Validate implements CommandData.
func (d ChatRestore) Validate() error { return requiredID("message", d.Message) }

// ChatPin pins a message above the chat, in place of the one before, or takes it
// down.
type ChatPin struct {
	Message string `json:"message"`
	Pinned  bool   `json:"pinned,omitempty"`
}

// CommandType returns CommandChatPin.
func (ChatPin) CommandType() CommandType { return CommandChatPin }

// Validate implements CommandData.
func (d ChatPin) Validate() error { return requiredID("message", d.Message) }

// ChatMessage is a message. Who wrote it and when is in the envelope.
type ChatMessage struct {
	ID       string   `json:"id"`
	Text     string   `json:"text"`
	ReplyTo  string   `json:"reply_to,omitempty"`
	Mentions []string `json:"mentions,omitempty"`
	To       string   `json:"to,omitempty"` // ToStaff

	// Shadow reports, to staff only, that other participants do not see it.
	Shadow bool `json:"shadow,omitempty"`
	// Over reports, to staff only, that the room was too fast to show it to others.
	Over bool `json:"over,omitempty"`
}

// EventType returns EventChatMessage.
func (ChatMessage) EventType() EventType { return EventChatMessage }

// ChatEdited replaces the text of a message.
type ChatEdited struct {
	Message string `json:"message"`
	Text    string `json:"text"`
}

// EventType returns EventChatEdited.
func (ChatEdited) EventType() EventType { return EventChatEdited }

// ChatDeleted takes a message away. Its text is not to be shown any more.
type ChatDeleted struct {
	Message string `json:"message"`
}

// EventType returns EventChatDeleted.
func (ChatDeleted) EventType() EventType { return EventChatDeleted }

// ChatRestored brings a message back, whole, for those who never had it.
type ChatRestored struct {
	Message Message `json:"message"`
}

// EventType returns EventChatRestored.
func (ChatRestored) EventType() EventType { return EventChatRestored }

// ChatPinned tells which message is pinned, whole, for those who never had it.
type ChatPinned struct {
	Message *Message `json:"message,omitempty"` // absent: none is
}

// EventType returns EventChatPinned.
func (ChatPinned) EventType() EventType { return EventChatPinned }

// ChatMore counts messages that were not shown because the room was too fast.
type ChatMore struct {
	N int `json:"n"` // since the last chat.more
}

// EventType returns EventChatMore.
func (ChatMore) EventType() EventType { return EventChatMore }

// Message is a message outside of its own event: in a snapshot, pinned or
// restored.
type Message struct {
	ChatMessage

	From     *Sender `json:"from,omitempty"`
	Seq      uint64  `json:"seq"`
	TS       int64   `json:"ts"`
	MediaTS  int64   `json:"media_ts,omitempty"`
	EditedTS int64   `json:"edited_ts,omitempty"`
	Deleted  bool    `json:"deleted,omitempty"` // staff only: it can be restored
}
