package state

import (
	"slices"

	"github.com/lectern/lectern/realtime"
)

// message is a message in memory.
type message struct {
	realtime.Message

	author   Author
	audience audience
	deleted  bool // Message.Deleted is for staff, of what a moderator deleted
}

// messages are the newest messages.
type messages struct {
	byID   map[string]*message
	order  []*message
	pinned *message
}

func (ms *messages) add(m *message) {
	ms.byID[m.ID] = m
	ms.order = append(ms.order, m)
	if len(ms.order) > maxMessages {
		delete(ms.byID, ms.order[0].ID)
		ms.order[0] = nil
		ms.order = ms.order[1:]
	}
}

// find returns a message that the person may know of.
func (ms *messages) find(id string, by realtime.Principal) (*message, error) {
	m := ms.byID[id]
	if m == nil || (m.audience == staffAndOwner && m.author.ID != by.ID && !by.Staff()) {
		return nil, refuse(realtime.CodeNotFound, "message: is not there")
	}
	return m, nil
}

// shown returns the message as it goes into an event, for staff or not.
func (m *message) shown(staff bool) realtime.Message {
	c := m.Message
	if staff {
		c.From = m.author.Sender()
		return c
	}
	c.From = m.author.Public()
	c.Shadow, c.Over = false, false
	return c
}

// mayWrite reports why someone may not write to others now.
func (s *State) mayWrite(in input) error {
	p := s.people[in.by.ID]
	if p == nil || in.by.Role == realtime.RoleHost || !p.isMuted(in.now.Now) {
		return nil
	}
	if p.mutedUntil > 0 {
		return refuseFor(realtime.CodeMuted, "is muted", p.mutedUntil-in.now.Now)
	}
	return refuse(realtime.CodeMuted, "is muted")
}

// decideSend refuses what the chat does not take now, and marks what only staff
// and the author get to see.
func (s *State) decideSend(d realtime.ChatSend, in input) (Fact, string, error) {
	if err := s.mayWrite(in); err != nil {
		return nil, "", err
	}
	f := Said{Text: d.Text, ReplyTo: d.ReplyTo, To: d.To}
	if len(d.Mentions) > 0 {
		f.Mentions = d.Mentions
	}
	if d.ReplyTo != "" {
		if _, err := s.messages.find(d.ReplyTo, in.by); err != nil {
			return nil, "", err
		}
	}
	for _, id := range d.Mentions {
		if s.people[id] == nil {
			return nil, "", refuse(realtime.CodeNotFound, "mentions: is not there")
		}
	}
	if in.by.Staff() {
		return f, messagePrefix + in.id, nil
	}
	mode := s.settings.Chat
	if mode == realtime.ChatOff || (mode != realtime.ChatOpen && d.To == "") {
		return nil, "", refuse(realtime.CodeClosed, "the chat takes no messages of participants now")
	}
	if p := s.people[in.by.ID]; p != nil && s.settings.SlowMode > 0 && p.lastMessage > 0 {
		if wait := p.lastMessage + int64(s.settings.SlowMode)*1000 - in.now.Now; wait > 0 {
			return nil, "", refuseFor(realtime.CodeSlowMode, "the room is in slow mode", wait)
		}
	}
	if err := s.checkLinks(d.Text); err != nil {
		return nil, "", err
	}
	if d.To == "" {
		f.Shadow = s.isShadowed(in.by.ID) || hasWord(d.Text, s.settings.Words)
		f.Over = !f.Shadow && !s.display.fits(in.by.ID, in.now.Now, s.rules.DisplayPerSecond)
	}
	return f, messagePrefix + in.id, nil
}

// Said is a message.
type Said struct {
	Text     string   `json:"text"`
	ReplyTo  string   `json:"reply_to,omitempty"`
	Mentions []string `json:"mentions,omitempty"`
	To       string   `json:"to,omitempty"`
	Shadow   bool     `json:"shadow,omitempty"` // only staff and the author see it
	Over     bool     `json:"over,omitempty"`   // the same, since too many came
}

func (Said) kind() string { return "said" }

func (f Said) apply(s *State, e *Entry, out *Effects) {
	m := &message{author: *e.By, Message: realtime.Message{
		ChatMessage: realtime.ChatMessage{
			ID: idOf(f, s.seq), Text: f.Text, ReplyTo: f.ReplyTo, Mentions: slices.Clone(f.Mentions), To: f.To, Shadow: f.Shadow, Over: f.Over,
		},
		Seq: s.seq, TS: e.TS, MediaTS: e.MediaTS,
	}}
	if f.To != "" || f.Shadow || f.Over {
		m.audience = staffAndOwner
	}
	s.messages.add(m)
	if p := s.people[e.By.ID]; p != nil {
		p.lastMessage = e.TS
	}
	if m.audience == everybody && e.By.Role == realtime.RoleParticipant {
		s.display.take(e.By.ID, e.TS, s.rules.DisplayPerSecond)
	}
	out.tell(m.audience, e.By.ID, m.shown(false).ChatMessage, m.shown(true).ChatMessage)
	out.Over = f.Over
}

func (s *State) decideEdit(d realtime.ChatEdit, in input) (Fact, string, error) {
	m, err := s.messages.find(d.Message, in.by)
	if err != nil {
		return nil, "", err
	}
	if err := s.mayWrite(in); err != nil {
		return nil, "", err
	}
	switch {
	case m.author.ID != in.by.ID:
		return nil, "", refuse(realtime.CodeForbidden, "message: is someone else's")
	case m.deleted:
		return nil, "", refuse(realtime.CodeConflict, "message: is deleted")
	case in.now.Now-m.TS > s.rules.EditWindow.Milliseconds():
		return nil, "", refuse(realtime.CodeClosed, "message: is too old to be changed")
	}
	if !in.by.Staff() {
		if s.settings.Chat != realtime.ChatOpen && m.To == "" {
			return nil, "", refuse(realtime.CodeClosed, "the chat takes no messages of participants now")
		}
		if err := s.checkLinks(d.Text); err != nil {
			return nil, "", err
		}
		if m.audience == everybody && hasWord(d.Text, s.settings.Words) {
			return nil, "", refuse(realtime.CodeForbidden, "text: holds a word that is not allowed")
		}
	}
	if m.Text == d.Text {
		return nil, "", nil
	}
	return Edited{Message: d.Message, Text: d.Text}, "", nil
}

// Edited is a message that was changed.
type Edited struct {
	Message string `json:"message"`
	Text    string `json:"text"`
}

func (Edited) kind() string { return "edited" }

func (f Edited) apply(s *State, e *Entry, out *Effects) {
	if m := s.messages.byID[f.Message]; m != nil {
		m.Text, m.EditedTS = f.Text, e.TS
		to := m.audience
		if s.messages.pinned == m {
			to = everybody // who see the pin
		}
		out.tell(to, m.author.ID, realtime.ChatEdited{Message: f.Message, Text: f.Text}, nil)
	}
}

func (s *State) decideDelete(d realtime.ChatDelete, in input) (Fact, string, error) {
	m, err := s.messages.find(d.Message, in.by)
	if err != nil {
		return nil, "", err
	}
	if m.author.ID != in.by.ID && !in.by.Permissions.Has(realtime.MayModerate) {
		return nil, "", refuse(realtime.CodeForbidden, "message: is someone else's")
	}
	if m.deleted {
		return nil, "", nil
	}
	return Deleted{Message: d.Message}, "", nil
}

// Deleted is a message that was taken away.
type Deleted struct {
	Message string `json:"message"`
}

func (Deleted) kind() string { return "deleted" }

func (f Deleted) apply(s *State, e *Entry, out *Effects) {
	m := s.messages.byID[f.Message]
	if m == nil {
		return
	}
	m.deleted, m.Deleted = true, m.author.ID != e.By.ID
	to := m.audience
	if s.messages.pinned == m {
		s.messages.pinned, to = nil, everybody // who see the pin
	}
	out.tell(to, m.author.ID, realtime.ChatDeleted{Message: f.Message}, nil)
}

func (s *State) decideRestore(d realtime.ChatRestore) (Fact, string, error) {
	m := s.messages.byID[d.Message]
	switch {
	case m == nil:
		return nil, "", refuse(realtime.CodeNotFound, "message: is not there")
	case !m.deleted:
		return nil, "", nil
	case !m.Deleted:
		return nil, "", refuse(realtime.CodeConflict, "message: was deleted by its author")
	}
	return Restored{Message: d.Message}, "", nil
}

// Restored is a message that is shown again.
type Restored struct {
	Message string `json:"message"`
}

func (Restored) kind() string { return "restored" }

func (f Restored) apply(s *State, _ *Entry, out *Effects) {
	if m := s.messages.byID[f.Message]; m != nil {
		m.deleted, m.Deleted = false, false
		out.tell(m.audience, m.author.ID, realtime.ChatRestored{Message: m.shown(false)}, realtime.ChatRestored{Message: m.shown(true)})
	}
}

func (s *State) decidePin(d realtime.ChatPin) (Fact, string, error) {
	m := s.messages.byID[d.Message]
	switch {
	case m == nil || m.deleted:
		return nil, "", refuse(realtime.CodeNotFound, "message: is not there")
	case m.To != "" || m.Shadow:
		return nil, "", refuse(realtime.CodeConflict, "message: is not for everybody")
	case d.Pinned == (s.messages.pinned == m):
		return nil, "", nil
	}
	return Pinned{Message: d.Message, Pinned: d.Pinned}, "", nil
}

// Pinned is a message that is pinned now, or is no longer.
type Pinned struct {
	Message string `json:"message"`
	Pinned  bool   `json:"pinned"`
}

func (Pinned) kind() string { return "pinned" }

func (f Pinned) apply(s *State, _ *Entry, out *Effects) {
	m := s.messages.byID[f.Message]
	if m == nil || !f.Pinned {
		s.messages.pinned = nil
		out.All = realtime.ChatPinned{}
		return
	}
	s.messages.pinned = m
	all, staff := m.shown(false), m.shown(true)
	out.All, out.Staff = realtime.ChatPinned{Message: &all}, realtime.ChatPinned{Message: &staff}
}
