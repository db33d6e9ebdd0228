package room

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room/state"
)

// Deps are what rooms work with.
type Deps struct {
	// Broker keeps the logs. It must run longer than the rooms do.
	Broker broker.Broker

	// Clock knows the edge of the media. Nil: there is no media.
	Clock Clock

	// Classes knows which classes there are, and which have ended. Nil: all there can
	// be, and none.
	Classes Classes

	// Cue, if not nil, hears of every moment of the lecture that is marked, once it
	// is kept: polls and markers. It is called by the room and must not block. After
	// a restart it does not hear of the old ones: see [Rooms.Cues].
	Cue func(class string, c Cue)

	// Logger gets a line when a room ends for a fault. Nil discards.
	Logger *slog.Logger

	// Registerer gets the metrics lectern_room_*. Nil keeps them to the rooms.
	Registerer prometheus.Registerer

	// Now is the clock. Nil is time.Now.
	Now func() time.Time
}

// Cue is a moment of the lecture.
type Cue struct {
	Event realtime.EventType // poll.opened, poll.closed, poll.revealed or marker
	ID    string             // of the poll or marker
	Seq   uint64             // of the event
	At    time.Time          // on the media's clock
}

// Rooms are the rooms of all classes. All methods may be called from any
// goroutine, and wait until Run runs.
type Rooms struct {
	cfg     Config
	deps    Deps
	metrics *metrics

	starting chan *room
	stopped  chan struct{} // closed when Run has ended

	mu     sync.Mutex // guards the fields below
	rooms  map[string]*room
	closed map[string]bool // classes whose room is closed for good, until time says so, too
}

// New returns rooms that are all closed.
func New(cfg Config, deps Deps) *Rooms {
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	deps.Logger = deps.Logger.With("component", "room")
	if deps.Now == nil {
		deps.Now = time.Now
	}
	return &Rooms{
		cfg: cfg, deps: deps, metrics: newMetrics(deps.Registerer),
		starting: make(chan *room), stopped: make(chan struct{}), rooms: make(map[string]*room), closed: make(map[string]bool),
	}
}

// Run keeps rooms open until ctx ends. Then it closes all connections with
// [realtime.CloseRestart] and returns nil. It may be called once.
func (rs *Rooms) Run(ctx context.Context) error {
	var wait sync.WaitGroup
	defer close(rs.stopped)
	defer wait.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-rs.starting:
			wait.Go(func() {
				rs.metrics.open.Inc()
				defer rs.metrics.open.Dec()
				defer rs.forget(r)
				r.run(ctx)
			})
		}
	}
}

func (rs *Rooms) forget(r *room) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.rooms[r.class] == r {
		delete(rs.rooms, r.class)
	}
}

// open returns the room of a class, and starts it if there is none.
func (rs *Rooms) open(ctx context.Context, class string) (*room, error) {
	rs.mu.Lock()
	r := rs.rooms[class]
	fresh := r == nil
	if fresh {
		r = newRoom(class, rs.cfg, rs.deps, rs.metrics)
		r.shut = func() { rs.shut(class) }
		rs.rooms[class] = r
	}
	rs.mu.Unlock()
	if !fresh {
		return r, nil
	}
	select {
	case rs.starting <- r:
		return r, nil
	case <-rs.stopped:
	case <-ctx.Done():
	}
	r.end() // nobody runs it: those who have found it meanwhile look again
	rs.forget(r)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return nil, ErrUnavailable
}

// attempts is how often a room that closes just now is asked for again.
const attempts = 10

// with has the room of a class call fn between two commands.
func (rs *Rooms) with(ctx context.Context, class string, fn func(*room)) error {
	for range attempts {
		r, err := rs.open(ctx, class)
		if err != nil {
			return err
		}
		err = r.call(ctx, func() { fn(r) })
		if !errors.Is(err, errGone) {
			return err
		}
		if cause := r.failure(); cause != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, cause)
		}
		rs.forget(r)
	}
	return ErrUnavailable
}

// Join lets a connection into the room of a class. from is how far the client has
// followed the room. What it gets first is welcome. The error is a *realtime.Error
// if the person is refused, as by Open: then nothing was sent.
func (rs *Rooms) Join(ctx context.Context, class string, who realtime.Principal, from Position, conn Conn) (*Member, error) {
	var m *Member
	var refused error
	err := rs.Open(class) // a room that is over is not read for everybody who knocks
	if err == nil {
		err = rs.with(ctx, class, func(r *room) { m, refused = r.join(who, from, conn) })
	}
	if err == nil {
		err = refused
	}
	if err != nil {
		rs.metrics.joins.WithLabelValues("refused").Inc()
		return nil, err
	}
	return m, nil
}

// Delete ends the room of a class that is gone, also one that no room can be opened
// from: connections are closed with [realtime.CloseClassEnded], and its log is
// deleted.
func (rs *Rooms) Delete(ctx context.Context, class string) error {
	var over <-chan struct{}
	err := rs.with(ctx, class, func(r *room) {
		r.dismiss()
		r.over = true
		over = r.done
	})
	if err != nil && !errors.Is(err, ErrUnavailable) {
		return fmt.Errorf("end room of class %q: %w", class, err)
	}
	if err == nil {
		select {
		case <-over:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := rs.deps.Broker.Delete(ctx, class); err != nil {
		return fmt.Errorf("delete room of class %q: %w", class, err)
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	delete(rs.closed, class)
	return nil
}

// Read calls fn with the state of a room, open or not: for exports. fn must not
// keep it, nor take long: the room waits.
func (rs *Rooms) Read(ctx context.Context, class string, fn func(*state.State)) error {
	return rs.with(ctx, class, func(r *room) { fn(r.st) })
}
