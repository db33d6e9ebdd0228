package state

import (
	"encoding/json"
	"fmt"

	"github.com/lectern/lectern/realtime"
)

// Entry is one thing that happened in a room, as the log keeps it.
type Entry struct {
	TS      int64   // Unix milliseconds of the server
	MediaTS int64   // the newest published media at TS; 0: there was none
	By      *Author // who caused it; nil: the room itself
	Command string  // the id of the command that caused it, if one did
	Fact    Fact
}

// Author is who caused an entry, as they were then.
type Author struct {
	ID        string        `json:"id"`
	Name      string        `json:"name,omitempty"`
	Role      realtime.Role `json:"role"`
	Anonymous bool          `json:"anonymous,omitempty"` // to other participants
}

// Fact is what happened. Its JSON form is part of the file format.
type Fact interface {
	// kind names it in the log.
	kind() string
	// apply makes s what it is after the entry e, of which this is the fact, and
	// fills in whom to tell.
	apply(s *State, e *Entry, out *Effects)
}

// entryJSON is an entry in the log.
type entryJSON struct {
	Kind    string          `json:"kind"`
	TS      int64           `json:"ts"`
	MediaTS int64           `json:"media_ts,omitempty"`
	By      *Author         `json:"by,omitempty"`
	Command string          `json:"command,omitempty"`
	Fact    json.RawMessage `json:"fact"`
}

// Encode returns the entry as the log keeps it.
func (e Entry) Encode() ([]byte, error) {
	fact, err := json.Marshal(e.Fact)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.Fact.kind(), err)
	}
	b, err := json.Marshal(entryJSON{e.Fact.kind(), e.TS, e.MediaTS, e.By, e.Command, fact})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.Fact.kind(), err)
	}
	return b, nil
}

// DecodeEntry reads what Encode wrote.
func DecodeEntry(b []byte) (Entry, error) {
	var j entryJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return Entry{}, fmt.Errorf("decode entry: %w", err)
	}
	decode := decoder(j.Kind)
	if decode == nil {
		return Entry{}, fmt.Errorf("decode entry: kind %.40q is of a later version", j.Kind)
	}
	fact, err := decode(j.Fact)
	if err != nil {
		return Entry{}, fmt.Errorf("decode %s: %w", j.Kind, err)
	}
	return Entry{TS: j.TS, MediaTS: j.MediaTS, By: j.By, Command: j.Command, Fact: fact}, nil
}

func decodeAs[T Fact](b []byte) (Fact, error) {
	var f T
	err := json.Unmarshal(b, &f)
	return f, err
}

// decoder returns how a kind of fact is read, nil if there is no such kind.
func decoder(kind string) func([]byte) (Fact, error) {
	switch kind {
	case Said{}.kind():
		return decodeAs[Said]
	case Edited{}.kind():
		return decodeAs[Edited]
	case Deleted{}.kind():
		return decodeAs[Deleted]
	case Restored{}.kind():
		return decodeAs[Restored]
	case Pinned{}.kind():
		return decodeAs[Pinned]
	case Asked{}.kind():
		return decodeAs[Asked]
	case Upvoted{}.kind():
		return decodeAs[Upvoted]
	case Moved{}.kind():
		return decodeAs[Moved]
	case Answered{}.kind():
		return decodeAs[Answered]
	case Merged{}.kind():
		return decodeAs[Merged]
	case PollSaved{}.kind():
		return decodeAs[PollSaved]
	case PollOpened{}.kind():
		return decodeAs[PollOpened]
	case PollClosed{}.kind():
		return decodeAs[PollClosed]
	case PollRevealed{}.kind():
		return decodeAs[PollRevealed]
	case PollDiscarded{}.kind():
		return decodeAs[PollDiscarded]
	case Voted{}.kind():
		return decodeAs[Voted]
	case HandRaised{}.kind():
		return decodeAs[HandRaised]
	case HandLowered{}.kind():
		return decodeAs[HandLowered]
	case HandCalled{}.kind():
		return decodeAs[HandCalled]
	case Announced{}.kind():
		return decodeAs[Announced]
	case Cleared{}.kind():
		return decodeAs[Cleared]
	case Marked{}.kind():
		return decodeAs[Marked]
	case Moderated{}.kind():
		return decodeAs[Moderated]
	case Set{}.kind():
		return decodeAs[Set]
	case Joined{}.kind():
		return decodeAs[Joined]
	case Left{}.kind():
		return decodeAs[Left]
	case Ticked{}.kind():
		return decodeAs[Ticked]
	case Closed{}.kind():
		return decodeAs[Closed]
	}
	return nil
}

// Sender returns the author as staff see them.
func (a *Author) Sender() *realtime.Sender {
	if a == nil {
		return nil
	}
	return &realtime.Sender{ID: a.ID, Name: a.Name, Role: a.Role, Anonymous: a.Anonymous}
}

// Public returns the author as participants see them.
func (a *Author) Public() *realtime.Sender {
	if a == nil {
		return nil
	}
	if a.Anonymous {
		return &realtime.Sender{Role: a.Role, Anonymous: true}
	}
	return a.Sender()
}

// Nameless reports that the entry is a question whose author is told only to those
// with the permission to know.
func (e Entry) Nameless() bool {
	return e.By != nil && e.By.Anonymous && isQuestion(e.Fact)
}

func isQuestion(f Fact) bool {
	switch f.(type) {
	case Asked, Moved:
		return true
	}
	return false
}
