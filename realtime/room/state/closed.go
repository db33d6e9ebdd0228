package state

import "github.com/lectern/lectern/realtime"

// decideRoomClose lets a host close the room of a class that has ended.
func (s *State) decideRoomClose(in input) (Fact, string, error) {
	if !in.now.Ended {
		return nil, "", refuse(realtime.CodeConflict, "the class has not ended")
	}
	return Closed{}, "", nil
}

// Closed is the end of the room: nobody may come in any more, and nothing is taken.
// Polls that were open count as they stand.
type Closed struct{}

func (Closed) kind() string { return "closed" }

func (Closed) apply(s *State, e *Entry, out *Effects) {
	s.closed = true
	for _, p := range s.polls.order {
		if p.state == realtime.PollIsOpen {
			p.state, p.at, p.closedTS, p.final = realtime.PollIsClosed, e.MediaTS, e.TS, true
		}
	}
	s.polls.open = 0
	out.Close = true
}

// Closed reports whether the room was closed for good.
func (s *State) Closed() bool { return s.closed }

// errClosed refuses who comes too late.
func errClosed() error { return refuse(realtime.CodeClosed, "the class has ended") }
