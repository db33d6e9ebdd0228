package stream

import (
	"context"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
)

// itemOverhead is what an item counts for beside its payload, so that a flood of
// tiny access units is bounded too.
const itemOverhead = 256

// Item is one thing a Reader gets: exactly one field is set. What it points to is
// shared with other readers and must not be changed.
type Item struct {
	Discontinuity *media.Discontinuity
	AccessUnit    *media.AccessUnit

	// Track describes an encoded track that a Discontinuity has announced; Gap
	// tells of its silence. Only a ladder sends them, never a Stream.
	Track *media.Track
	Gap   *media.Gap

	// Interrupted tells that the publication has ended. Nothing follows before
	// the Discontinuity of the next one: what was held back for the next access
	// unit can be let go.
	Interrupted bool
}

// size is what the item counts for in a queue.
func (i Item) size() int {
	if i.AccessUnit != nil {
		return i.AccessUnit.Size() + itemOverhead
	}
	return itemOverhead
}

// Reader is one consumer with its own queue, bounded in bytes (payload plus 256
// an item). Next belongs to one goroutine.
//
// Drop policy: a queue that would exceed its limit is emptied. The reader then
// skips to the leading track's next random access point (video's, or sound's if
// there is no video), so that what it decodes has no missing references, and gets
// a Discontinuity with reason lost and the current tracks before it. Losses are
// counted in lectern_stream_access_units_dropped_total.
type Reader struct {
	// Set by AddReader, then read-only.
	maxBytes int
	dropped  [2]prometheus.Counter
	ready    chan struct{} // capacity 1: something changed

	mu     sync.Mutex // guards the fields below
	queue  []Item     // from head on, oldest first
	head   int
	bytes  int
	ended  bool
	tracks []media.Track // of the run
	lead   media.TrackID

	// pending, if set, is the reason of the Discontinuity that must precede the
	// next random access point; until then everything is skipped.
	pending media.DiscontinuityReason
	lossy   bool // pending because of an overflow, not because the reader just came

	// first is the reason of the reader's first Discontinuity, taken whether Next
	// has returned it.
	first media.DiscontinuityReason
	taken bool
}

func newReader(maxBytes int, dropped [2]prometheus.Counter) *Reader {
	return &Reader{maxBytes: maxBytes, dropped: dropped, ready: make(chan struct{}, 1)}
}

// Next blocks until there is an item, the stream's end (ErrEnded once the queue
// is drained) or ctx's end (ctx.Err()); in the last case nothing was taken. What
// is queued is returned even after ctx has ended.
func (r *Reader) Next(ctx context.Context) (Item, error) {
	for {
		item, ok, ended := r.pop()
		switch {
		case ok:
			return item, nil
		case ended:
			return Item{}, ErrEnded
		case ctx.Err() != nil:
			return Item{}, ctx.Err()
		}
		select {
		case <-r.ready:
		case <-ctx.Done():
		}
	}
}

// Poll returns the next item if there is one now; ok is false if there is none.
// Once the stream has ended and the queue is drained it returns ErrEnded.
func (r *Reader) Poll() (item Item, ok bool, err error) {
	item, ok, ended := r.pop()
	if ended {
		err = ErrEnded
	}
	return item, ok, err
}

// Ready is sent to when Poll may have something new. It belongs to the goroutine
// that calls Poll or Next.
func (r *Reader) Ready() <-chan struct{} { return r.ready }

func (r *Reader) pop() (item Item, ok, ended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.head == len(r.queue) {
		return Item{}, false, r.ended
	}
	item = r.queue[r.head]
	r.queue[r.head] = Item{}
	r.head++
	r.bytes -= item.size()
	if item.Discontinuity != nil {
		r.taken = true
	}
	switch {
	case r.head == len(r.queue):
		r.queue, r.head = r.queue[:0], 0
	case r.head >= 64 && r.head*2 >= len(r.queue):
		n := copy(r.queue, r.queue[r.head:])
		clear(r.queue[n:])
		r.queue, r.head = r.queue[:n], 0
	}
	return item, true, false
}

// join sets up a reader that comes to a run that is on the air.
func (r *Reader) join(tracks []media.Track, lead media.TrackID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tracks, r.lead = tracks, lead
	r.pending, r.first = media.DiscontinuityStart, media.DiscontinuityStart
}

// open queues the Discontinuity that starts a run and never blocks.
func (r *Reader) open(d *media.Discontinuity, lead media.TrackID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tracks, r.lead = d.Tracks, lead
	if r.pending == media.DiscontinuityStart || !r.taken && r.pending != 0 {
		d = &media.Discontinuity{Reason: r.first, Tracks: d.Tracks}
	}
	if r.first == 0 {
		r.first = d.Reason
	}
	r.pending, r.lossy = 0, false
	if r.bytes+itemOverhead > r.maxBytes {
		r.overflow()
		return
	}
	r.put(Item{Discontinuity: d})
}

// push queues au and never blocks.
func (r *Reader) push(au *media.AccessUnit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	entry := au.RandomAccess && au.Track == r.lead
	if r.pending != 0 && !entry {
		if r.lossy {
			r.dropped[dropSkipped].Inc()
		}
		return
	}
	item := Item{AccessUnit: au}
	need := item.size()
	if r.pending != 0 {
		need += itemOverhead
	}
	if r.bytes+need > r.maxBytes {
		r.overflow()
		if need = item.size() + itemOverhead; !entry || need > r.maxBytes {
			r.dropped[dropOverflow].Inc()
			return
		}
	}
	if r.pending != 0 {
		r.put(Item{Discontinuity: &media.Discontinuity{Reason: r.pending, Tracks: r.tracks}})
		r.pending, r.lossy = 0, false
	}
	r.put(item)
}

// interrupt queues the end of a publication, unless the reader is skipping to a
// random access point that will not come. It takes no room: the queue is at its
// limit by an item at most.
func (r *Reader) interrupt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pending == 0 && r.first != 0 {
		r.put(Item{Interrupted: true})
	}
}

// overflow empties the queue. The caller holds mu.
func (r *Reader) overflow() {
	lost := 0
	for _, item := range r.queue[r.head:] {
		if item.AccessUnit != nil {
			lost++
		}
	}
	r.dropped[dropOverflow].Add(float64(lost))
	clear(r.queue)
	r.queue, r.head, r.bytes = r.queue[:0], 0, 0
	r.pending, r.lossy = media.DiscontinuityLost, true
	if !r.taken && r.first != 0 {
		r.pending = r.first
	}
}

// put queues an item and wakes Next. The caller holds mu.
func (r *Reader) put(item Item) {
	r.queue = append(r.queue, item)
	r.bytes += item.size()
	r.wake()
}

// end lets Next return ErrEnded once the queue is drained.
func (r *Reader) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	r.wake()
}

// discard empties the queue for good.
func (r *Reader) discard() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue, r.head, r.bytes = nil, 0, 0
}

func (r *Reader) wake() {
	select {
	case r.ready <- struct{}{}:
	default: // a wake-up is pending already
	}
}
