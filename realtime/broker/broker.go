package broker

import (
	"context"
	"time"
)

// Limits of what a broker takes.
const (
	MaxData = 64 << 10 // bytes of an event or a value
	MaxID   = 128      // bytes of an event's id, a key
	MaxRoom = 128      // bytes of a room's name, at least 1
)

// Position is a place in a log: behind the event Seq of that epoch. Seq counts
// from 1 without gaps. The zero Position is the start of whatever log there is.
type Position struct {
	Epoch string
	Seq   uint64
}

// Event is something to keep.
type Event struct {
	// ID is what makes it the same event when it is published again, within two
	// minutes at least. Empty: it is always a new one.
	ID string

	// At, if not 0, is the only number that it may get: where the publisher
	// decided something, nobody else may have come between. Otherwise it is
	// ErrConflict, as for all that were enqueued behind one that failed.
	At uint64

	// Data is the event itself. The broker does not look into it. It must not be
	// changed once it has been given away or been gotten.
	Data []byte
}

// Record is an event that is kept.
type Record struct {
	Seq  uint64
	Time time.Time // when it was enqueued, in milliseconds
	ID   string
	Data []byte
}

// Result is what became of an event.
type Result struct {
	Position Position
	Again    bool // an event with that ID was there before, at Position
	Err      error
}

// Health says how the broker does.
type Health struct {
	Waiting    int           // events that wait to be kept
	LastCommit time.Duration // how long the last commit took
	Err        error         // why the last commit failed, nil if it did not
}

// Broker keeps the logs of rooms. All methods may be called from any goroutine.
type Broker interface {
	// Enqueue takes an event to be kept and returns at once, with ErrBusy,
	// ErrTooLarge or ErrClosed if it was not taken. Otherwise done is called once,
	// when the event is on the disk or has failed: in the order of the positions
	// for all events of a room, one at a time, in a goroutine that others wait
	// for, so it must not block, nor call the broker except for Enqueue.
	Enqueue(room string, ev Event, done func(Result)) error

	// Publish is Enqueue and the wait for its result. If ctx ends first the event
	// may be kept nevertheless: publish it again with the same ID to know.
	Publish(ctx context.Context, room string, ev Event) (pos Position, again bool, err error)

	// History returns up to limit events behind from, in order and without a gap,
	// and the end of the log at that moment. It returns fewer than limit only
	// at the end, or if they are large.
	History(ctx context.Context, room string, from Position, limit int) ([]Record, Position, error)

	// Subscribe calls h with every event behind from, in order and without a gap,
	// those that are there and those that come, until ctx ends (nil), h returns
	// an error (that one), or the position is lost (ErrPositionLost). A slow h
	// delays nobody else.
	Subscribe(ctx context.Context, room string, from Position, h func(Position, Record) error) error

	// PutIf sets the value of a key of the room, if its revision is rev, where 0
	// is that of a key without a value. On ErrConflict it returns the revision and
	// the value that are there.
	PutIf(ctx context.Context, room, key string, rev uint64, value []byte) (newRev uint64, current []byte, err error)

	// Delete forgets the log of a room and its keys. An event that comes later
	// begins a new epoch.
	Delete(ctx context.Context, room string) error

	// Signal tells those who listen for that kind in that room, on all machines.
	// It is quick and may be lost.
	Signal(ctx context.Context, room, kind string, payload []byte) error

	// OnSignal calls h for each signal of that kind in that room until cancel is
	// called. h must not block.
	OnSignal(room, kind string, h func(payload []byte)) (cancel func())

	// Health says how the broker does.
	Health() Health
}

// chunk is how many events are read from the log at a time: few enough for a
// short transaction.
const chunk = 500

// Each calls fn with every event that a room's log holds, in order: an export,
// or a replay. It returns the position behind the last one.
func Each(ctx context.Context, b Broker, room string, fn func(Record) error) (Position, error) {
	var pos Position
	for {
		records, end, err := b.History(ctx, room, pos, chunk)
		if err != nil {
			return pos, err
		}
		for _, r := range records {
			if err := fn(r); err != nil {
				return pos, err
			}
			pos = Position{Epoch: end.Epoch, Seq: r.Seq}
		}
		if pos.Seq == end.Seq {
			return end, nil
		}
	}
}
