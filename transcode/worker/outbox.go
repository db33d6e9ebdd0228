package worker

import (
	"io"
	"sync"

	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

const (
	// outboxBytes bounds the frames that wait for the server to read.
	outboxBytes = 4 << 20

	// keptBytes is how large a buffer may be to be used again.
	keptBytes = 1 << 20
)

// outbox is the queue of a worker to its stdout, bounded to outboxBytes (or one
// frame, if that is longer). Drop policy: none, add waits while it is full; small
// frames of the worker itself (opened, failed, stats) go in at once. It may be
// used from any goroutine.
type outbox struct {
	mu      sync.Mutex // guards the fields below
	changed *sync.Cond // frames came or went, or the box was closed
	pending []byte     // whole frames
	closed  bool
	beating bool // a heartbeat is among them
}

func newOutbox() *outbox {
	b := &outbox{}
	b.changed = sync.NewCond(&b.mu)
	return b
}

// add appends a frame of about size bytes, and waits until there is room for it
// unless size is 0. gone, if not nil, tells that nobody wants the frame any more;
// it is called under the box's lock.
func (b *outbox) add(size int, gone func() bool, frame func(dst []byte) ([]byte, error)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if b.closed || gone != nil && gone() {
			return errClosed
		}
		if size == 0 || len(b.pending) == 0 || len(b.pending)+size <= outboxBytes {
			break
		}
		b.changed.Wait()
	}
	var err error
	b.pending, err = frame(b.pending)
	b.changed.Broadcast()
	return err
}

// beat appends a heartbeat unless one waits already.
func (b *outbox) beat(frame []byte, err error) error {
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.beating {
		return nil
	}
	b.beating = true
	b.pending = append(b.pending, frame...)
	b.changed.Broadcast()
	return nil
}

// update calls change under the lock and wakes those who wait in add.
func (b *outbox) update(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
	b.changed.Broadcast()
}

// close refuses further frames and lets write return when it has written the rest.
func (b *outbox) close() { b.update(func() { b.closed = true }) }

// write writes the frames to out until the box is closed and empty, or out fails,
// which closes the box.
func (b *outbox) write(out io.Writer) error {
	var buf []byte
	for {
		var ok bool
		if buf, ok = b.take(buf); !ok {
			return nil
		}
		if _, err := out.Write(buf); err != nil {
			b.close()
			return err
		}
	}
}

// take returns what is pending, for which the box gets spare to fill.
func (b *outbox) take(spare []byte) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.pending) == 0 {
		if b.closed {
			return nil, false
		}
		b.changed.Wait()
	}
	if cap(spare) > keptBytes {
		spare = nil
	}
	full := b.pending
	b.pending, b.beating = spare[:0], false
	b.changed.Broadcast()
	return full, true
}

// say appends a short frame; an error means that the box is closed or, for a
// frame that cannot be told, is the worker's own mistake.
func (b *outbox) say(frame []byte, err error) error {
	if err != nil {
		return err
	}
	return b.add(0, nil, func(dst []byte) ([]byte, error) { return append(dst, frame...), nil })
}

// hello appends the first frame.
func (b *outbox) hello(build string) error {
	return b.say(wire.AppendHello(nil, build))
}
