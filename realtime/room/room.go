package room

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room/state"
)

const (
	// inboxSize bounds the commands that wait for a room. Beyond it they are refused
	// with CodeBusy.
	inboxSize = 1024
	busyRetry = time.Second

	shardCount   = 4
	tickInterval = 250 * time.Millisecond

	// lastPicture is how far before the end of the media what is shown last is.
	lastPicture = time.Second

	// drainTimeout bounds how long a room that ends waits for the disk.
	drainTimeout = 10 * time.Second
)

// errGone is of a room that has ended: there may be another.
var errGone = errors.New("room has ended")

// order is a command of a member.
type order struct {
	member  *Member
	command realtime.Command
	at      time.Time
}

// room is one room. Its run owns all that is not said to be shared.
type room struct {
	// set by newRoom, read-only
	class   string
	cfg     Config
	deps    Deps
	metrics *metrics
	logger  *slog.Logger
	inbox   chan order  // shared
	calls   chan func() // shared; not buffered, so that none is lost when the room ends
	shards  [shardCount]*shard
	done    chan struct{} // closed when the room has ended
	end     func()        // closes done

	// failureMu guards the field below, which is shared.
	failureMu sync.Mutex
	failed    error

	shut func() // is called once the room is closed for good, and all is kept

	kept   kept // shared with the broker
	st     *state.State
	epoch  string
	seq    uint64 // of the last entry that is kept
	line   []waiting
	time   timeline
	people map[string]*occupant
	counts realtime.Presence // of people
	limits map[string]*limiter
	told   told
	over   bool // to end as soon as all is kept
	empty  time.Time
	closes time.Time // when it does for good; zero: the class has not ended
	edge   int64     // of the media, as it was last known
}

func newRoom(class string, cfg Config, deps Deps, m *metrics) *room {
	r := &room{
		class: class, cfg: cfg, deps: deps, metrics: m, logger: deps.Logger.With("class", class),
		inbox: make(chan order, inboxSize), calls: make(chan func()), done: make(chan struct{}),
		st:     state.New(cfg.rules()),
		kept:   kept{wake: make(chan struct{}, 1)},
		time:   timeline{maxEvents: cfg.Log.ResumeEvents},
		people: make(map[string]*occupant), limits: make(map[string]*limiter), told: newTold(),
	}
	r.end = sync.OnceFunc(func() { close(r.done) })
	for i := range r.shards {
		r.shards[i] = newShard()
	}
	return r
}

// call has the room call fn, and returns errGone if it has ended before.
func (r *room) call(ctx context.Context, fn func()) error {
	called := make(chan struct{})
	select {
	case r.calls <- func() { fn(); close(called) }:
		<-called
		return nil
	case <-r.done:
		return errGone
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *room) failure() error {
	r.failureMu.Lock()
	defer r.failureMu.Unlock()
	return r.failed
}

// run opens the room from its log and runs it until it is over.
func (r *room) run(ctx context.Context) {
	var wait sync.WaitGroup
	defer r.end()
	defer wait.Wait()
	for _, s := range r.shards {
		wait.Go(s.run)
		defer close(s.ops)
	}
	if err := r.replay(ctx); err != nil {
		if ctx.Err() == nil {
			r.logger.Error("room cannot be opened", "err", err)
		}
		r.failureMu.Lock()
		r.failed = err
		r.failureMu.Unlock()
		return
	}
	if r.st.Closed() {
		r.shut()
	}
	tick := time.NewTicker(tickInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			r.drain()
			r.closeAll(realtime.CloseRestart)
			return
		case fn := <-r.calls:
			fn()
		case o := <-r.inbox:
			r.command(o)
		case <-r.kept.wake:
		case <-tick.C:
			r.tick(r.deps.Now())
		}
		if err := r.release(); err != nil {
			r.reset(err)
			return
		}
		if r.over && len(r.line) == 0 {
			return
		}
	}
}

// replay reads the log. Those who were in the room when it ended have some time
// to come back.
func (r *room) replay(ctx context.Context) error {
	_, end, err := r.deps.Broker.History(ctx, r.class, broker.Position{}, 0)
	if err != nil {
		return err
	}
	r.epoch = end.Epoch
	last, err := broker.Each(ctx, r.deps.Broker, r.class, func(rec broker.Record) error {
		e, derr := state.DecodeEntry(rec.Data)
		if derr != nil {
			return derr
		}
		fx := r.st.Apply(e)
		r.edge = max(r.edge, e.MediaTS)
		if rec.Seq+uint64(r.time.maxEvents) <= end.Seq {
			r.time.skip(rec.Seq, fx)
			return nil
		}
		fx.Over = false
		r.note(fx) // who resumes has not been told
		_, _, derr = r.time.add(r.class, r.epoch, rec.Seq, e, fx)
		return derr
	})
	if err != nil {
		return err
	}
	r.seq = last.Seq
	now := r.deps.Now()
	r.empty = now
	for _, who := range r.st.AllPresent() {
		o := &occupant{author: who, gone: now, left: r.st.TS()}
		r.count(o, who.Role != realtime.RoleParticipant && who.Role != realtime.RoleObserver)
		r.people[who.ID] = o
	}
	return nil
}

// reset ends the room since something that was decided could not be kept.
func (r *room) reset(err error) {
	r.metrics.resets.Inc()
	r.logger.Error("room begins anew", "err", err)
	r.closeAll(realtime.CloseEpochReset)
}

// drain waits for what is not kept yet.
func (r *room) drain() {
	timeout := time.NewTimer(drainTimeout)
	defer timeout.Stop()
	for r.release() == nil && len(r.line) > 0 {
		select {
		case <-r.kept.wake:
		case <-timeout.C:
			return
		}
	}
}

// closeAll closes all connections. When they are to come back, they are told to
// do so one after another.
func (r *room) closeAll(code realtime.CloseCode) {
	n := 0
	for _, o := range r.people {
		n += len(o.members)
	}
	spread := time.Duration(n) * 2 * time.Millisecond
	for id, o := range r.people {
		for _, m := range o.members {
			var after time.Duration
			if code.Info().Return != realtime.ReturnNever {
				after = time.Second + rand.N(spread+1)
			}
			r.shardOf(id).ops <- op{kind: opClose, member: m, code: code, after: after}
			r.metrics.members.Dec()
		}
		o.members = nil
	}
}

// moment is now, on both clocks. That of the media stands when the media have ended:
// a little before, since a picture has to get there for what is shown with it.
func (r *room) moment(now time.Time) state.Moment {
	m := state.Moment{Now: now.UnixMilli(), Edge: r.edge, Ended: !r.closes.IsZero()}
	if r.deps.Clock == nil {
		return m
	}
	if edge, ok := r.deps.Clock.Edge(r.class); ok {
		m.Edge = edge.UnixMilli()
		r.edge = m.Edge - lastPicture.Milliseconds()
	}
	return m
}

// fault wraps what only a defect of the program can cause.
func fault(what string, err error) error { return fmt.Errorf("%s: %w", what, err) }
