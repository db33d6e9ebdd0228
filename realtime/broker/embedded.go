package broker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/storage/kv"
)

// queueBytes bounds the data that waits for the disk.
const queueBytes = 32 << 20

// Deps are what an Embedded works with.
type Deps struct {
	// DB holds the logs, in its folder "rooms". It should be a file of its own: it
	// grows and is emptied again with each class, and is written to all the time.
	DB *kv.DB

	// Logger gets a line when the disk fails and when it works again. Nil discards.
	Logger *slog.Logger

	// Registerer gets the metrics lectern_broker_*. Nil keeps them to the broker.
	Registerer prometheus.Registerer

	// Now is the clock that events are stamped with. Nil is time.Now.
	Now func() time.Time
}

// Embedded is the Broker of a single machine. Its Run must be running for
// events to be kept.
//
// Its queue is bounded in events ([Config].QueueEvents) and bytes (32 MiB); what
// does not fit is refused with ErrBusy and counted.
type Embedded struct {
	// set by NewEmbedded, read-only
	cfg     Config
	db      *kv.DB
	store   store
	logger  *slog.Logger
	metrics *metrics
	now     func() time.Time
	wake    chan struct{} // the queue is no longer empty
	full    chan struct{} // the queue is worth a commit

	queueMu    sync.Mutex // guards the fields below
	queue      []item
	queueBytes int
	closed     bool
	lastCommit time.Duration
	commitErr  error

	mu    sync.Mutex // guards the field below and what it points to
	rooms map[string]*roomLog

	signals signals
}

// item is something that the committer has to do.
type item struct {
	room   string
	ev     Event
	time   time.Time
	done   func(Result)
	put    *put // instead of ev: a PutIf
	delete bool // instead of ev: a Delete
	touch  bool // instead of ev: only have the room in memory
}

// NewEmbedded returns a broker on a database, which must outlive its Run.
func NewEmbedded(cfg Config, deps Deps) *Embedded {
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	return &Embedded{
		cfg: cfg, db: deps.DB, logger: deps.Logger.With("component", "broker"),
		metrics: newMetrics(deps.Registerer), now: deps.Now,
		wake: make(chan struct{}, 1), full: make(chan struct{}, 1),
		rooms: make(map[string]*roomLog),
	}
}

// Enqueue implements [Broker].
func (b *Embedded) Enqueue(room string, ev Event, done func(Result)) error {
	if len(room) == 0 || len(room) > MaxRoom || len(ev.ID) > MaxID || len(ev.Data) > MaxData {
		return ErrTooLarge
	}
	return b.push(item{room: room, ev: ev, done: done})
}

func (b *Embedded) push(it item) error {
	b.queueMu.Lock()
	defer b.queueMu.Unlock()
	if b.closed {
		return ErrClosed
	}
	size := it.size()
	if len(b.queue) >= b.cfg.QueueEvents || b.queueBytes+size > queueBytes {
		b.metrics.events.WithLabelValues("busy").Inc()
		return ErrBusy
	}
	it.time = b.now().Truncate(time.Millisecond)
	b.queue = append(b.queue, it)
	b.queueBytes += size
	b.metrics.waiting.Set(float64(len(b.queue)))
	switch len(b.queue) {
	case 1:
		notify(b.wake)
	case batchEvents:
		notify(b.full)
	}
	return nil
}

func (it item) size() int {
	n := len(it.room) + len(it.ev.ID) + len(it.ev.Data)
	if it.put != nil {
		n += len(it.put.key) + len(it.put.value)
	}
	return n
}

// take empties the queue, or what of it fits into a transaction.
func (b *Embedded) take() []item {
	b.queueMu.Lock()
	defer b.queueMu.Unlock()
	n, bytes := 0, 0
	for n < len(b.queue) && n < maxBatchEvents && bytes < maxBatchBytes {
		bytes += b.queue[n].size()
		n++
	}
	batch := b.queue[:n:n]
	if n == len(b.queue) {
		b.queue = nil
	} else {
		b.queue = append([]item(nil), b.queue[n:]...)
		notify(b.wake)
	}
	b.queueBytes -= bytes
	b.metrics.waiting.Set(float64(len(b.queue)))
	return batch
}

// Publish implements [Broker].
func (b *Embedded) Publish(ctx context.Context, room string, ev Event) (Position, bool, error) {
	results := make(chan Result, 1)
	if err := b.Enqueue(room, ev, func(r Result) { results <- r }); err != nil {
		return Position{}, false, err
	}
	r, err := wait(ctx, results)
	return r.Position, r.Again, err
}

func wait(ctx context.Context, results <-chan Result) (Result, error) {
	select {
	case r := <-results:
		return r, r.Err
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// Health implements [Broker].
func (b *Embedded) Health() Health {
	b.queueMu.Lock()
	defer b.queueMu.Unlock()
	return Health{Waiting: len(b.queue), LastCommit: b.lastCommit, Err: b.commitErr}
}

func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // one is pending already
	}
}
