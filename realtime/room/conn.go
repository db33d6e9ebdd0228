package room

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/lectern/lectern/realtime"
)

// Frame is one event, encoded. It is shared between connections: nobody changes
// it.
type Frame struct {
	Delivery realtime.Delivery
	Bytes    []byte // one JSON object, without a line feed
	Key      string // of DeliverState: a newer frame with the same Key takes its place
}

// Conn is a connection as a room sees it. Its methods are called from several
// goroutines, also at the same time, must not block, and do nothing once it is
// closed. The events of the log come one at a time and in order.
type Conn interface {
	// Send queues frames, in their order. It may keep them, but not the slice.
	Send(frames ...*Frame)

	// Close ends the connection with that code. retryAfter is when the client
	// should come back at the earliest, 0: the room does not mind.
	Close(code realtime.CloseCode, retryAfter time.Duration)
}

// Clock knows what of the video is there.
type Clock interface {
	// Edge returns the EXT-X-PROGRAM-DATE-TIME of the end of the newest media of a
	// class, and whether there is any. It is called often and must not block.
	Edge(class string) (time.Time, bool)
}

// Classes knows the classes.
type Classes interface {
	// Ended returns when the class ended, the zero time if it has not. The error is a
	// *realtime.Error with CodeNotFound if there is no such class, or a fault. It is
	// called once a second for each open room.
	Ended(class string) (time.Time, error)
}

// Position is how far a client has followed a room: the zero value is not at all.
type Position struct {
	Epoch string
	Seq   uint64
}

// Member is a connection that is in a room. Its methods may be called from any
// goroutine.
type Member struct {
	room  *room
	id    string
	conn  Conn
	view  view // at its join
	limit *limiter

	principal atomic.Pointer[realtime.Principal]
	left      atomic.Bool
}

// Do carries out a command: the answer comes to the connection. What is refused
// for its rate, or since the room has too much to do, is refused at once.
// hello and refresh are not for the room.
func (m *Member) Do(c realtime.Command) {
	r := m.room
	now := r.deps.Now()
	by := m.principal.Load()
	if !by.ExpiresAt.IsZero() && now.After(by.ExpiresAt) {
		r.answer(m, c.ID, realtime.NewError(realtime.CodeUnauthorized, "the grant has expired"))
		return
	}
	if wait, verdict := m.limit.take(c.Type, by.Staff(), now); verdict != withinLimit {
		err := realtime.NewError(realtime.CodeRateLimited, string(c.Type)+": comes too often")
		err.RetryAfter = wait
		r.answer(m, c.ID, err)
		if verdict == farBeyondLimit {
			m.conn.Close(realtime.CloseLimit, wait)
		}
		return
	}
	select {
	case r.inbox <- order{member: m, command: c, at: now}:
	case <-r.done: // the connection has been closed, or is about to be
	default:
		err := realtime.NewError(realtime.CodeBusy, "the room has too much to do")
		err.RetryAfter = busyRetry
		r.answer(m, c.ID, err)
	}
}

// Refresh makes the person at the other end who a new grant says, who must be the
// same and in the same view as before.
func (m *Member) Refresh(p realtime.Principal) error {
	if p.ID != m.id || viewOf(p) != m.view {
		return realtime.NewError(realtime.CodeUnauthorized, "the grant is of someone else")
	}
	m.principal.Store(&p)
	return nil
}

// Leave takes the connection out of the room. It is to be called once the
// connection has ended, for whatever reason, but not by Conn.Close, which the room
// may be waiting for; later calls do nothing.
func (m *Member) Leave() {
	if m.left.Swap(true) {
		return
	}
	_ = m.room.call(context.Background(), func() { m.room.leave(m) }) // the room is gone: so are its members
}
