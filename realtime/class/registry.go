package class

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/storage/kv"
)

// Observer is told of every change after it is in the database. before is the
// zero Class when the class is new, or new to this process: after a start each
// class that has not ended is announced that way. after is the zero Class when
// the class was deleted, which it is only once it has ended.
//
// The calls for one class come in order and never overlap; see the package
// documentation. ctx is that of some caller of the Registry without its
// cancellation. If the Observer is slow, adjacent changes may be joined into
// one, so compare before with after instead of counting calls.
type Observer interface {
	ClassChanged(ctx context.Context, before, after Class)
}

// Deps are what a Registry works with. DB is required.
type Deps struct {
	DB *kv.DB

	// Timing is copied into each class that goes live for the first time.
	Timing Timing

	Observer   Observer              // nil: nobody is told
	Logger     *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: metrics are not exposed
	Now        func() time.Time      // nil: time.Now

	// Elapsed is time that passes evenly, whatever happens to the system's clock:
	// graces are measured with it. Nil: the monotonic reading of Now, if it has
	// one.
	Elapsed func() time.Duration
}

// Registry owns the classes. All methods may be called from any goroutine, and
// by the Observer. Run must be running for graces to end and pulls to start.
type Registry struct {
	// Set by NewRegistry, then read-only.
	rules    rules
	db       *kv.DB
	store    store
	observer Observer
	logger   *slog.Logger
	metrics  *metrics
	now      func() time.Time
	elapsed  func() time.Duration
	wake     chan struct{} // holds one token when Run should look again

	// changes makes a change one step: look, commit, remember. It is held during
	// the commit, since the database takes one writer at a time anyway and what
	// is in memory must follow in the same order. Readers do not take it.
	changes sync.Mutex
	entries map[string]*entry // guarded by changes

	announcements announcements
}

// entry is what the registry remembers of a class that has not ended, or whose
// publications have not all left yet.
type entry struct {
	class      Class // as committed
	publishers int   // publications that arrived and have not left

	// graceEnds is the Deadline of an interrupted class on the clock of elapsed: a
	// step of the system's clock must not cut a grace short.
	graceEnds time.Duration

	// departed counts publications of a deleted class whose ID was taken again:
	// the next to leave are theirs.
	departed int

	// retryAt is when Run tries again what the database refused: what passing
	// time does or, if leftUnsaved, the interruption.
	retryAt                time.Time
	leftUnsaved, leftClean bool
}

// retryDelay is how long a change that nobody waits for rests after the
// database refused it.
const retryDelay = time.Second

// NewRegistry reads the classes. Nobody publishes at a start, so classes that
// were live are written back as interrupted, with a whole grace. The Observer is
// not called before Run or the first change.
func NewRegistry(cfg Config, deps Deps) (*Registry, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.DB == nil {
		return nil, errors.New("class registry needs a database")
	}
	r := &Registry{
		rules:    rules{Config: cfg, timing: deps.Timing},
		db:       deps.DB,
		store:    newStore(),
		observer: deps.Observer,
		logger:   deps.Logger,
		metrics:  newMetrics(deps.Registerer),
		now:      deps.Now,
		elapsed:  deps.Elapsed,
		wake:     make(chan struct{}, 1),
		entries:  map[string]*entry{},
	}
	if r.logger == nil {
		r.logger = slog.New(slog.DiscardHandler)
	}
	r.logger = r.logger.With("component", "class")
	if r.now == nil {
		r.now = time.Now
	}
	if r.elapsed == nil {
		start := r.now()
		r.elapsed = func() time.Duration { return r.now().Sub(start) }
	}
	if err := r.load(); err != nil {
		return nil, fmt.Errorf("load classes: %w", err)
	}
	return r, nil
}

func (r *Registry) load() error {
	now := utc(r.now())
	var stale []Class
	err := r.db.View(func(tx *kv.Tx) error {
		return r.store.classes.ForEach(tx, "", func(_ string, rec record) (bool, error) {
			c := rec.class()
			r.metrics.classes.WithLabelValues(c.State.String()).Inc()
			if c.State != Ended {
				r.entries[c.ID] = &entry{class: c}
				if !r.rules.restored(c, now).Equal(c) {
					stale = append(stale, c)
				}
			}
			return true, nil
		})
	})
	if err != nil {
		return err
	}
	if len(stale) > 0 {
		if err = r.db.Update(func(tx *kv.Tx) error {
			for _, c := range stale {
				if perr := r.store.put(tx, c, r.rules.restored(c, now)); perr != nil {
					return perr
				}
			}
			return nil
		}); err != nil {
			// A full disk must not keep the server down. The next change of each of
			// them is stored with this one, or they are restored again.
			r.metrics.failures.Inc()
			r.logger.Error("classes that were on could not be stored as interrupted", "count", len(stale), "err", err)
		}
	}
	for _, c := range stale {
		after := r.rules.restored(c, now)
		r.entries[c.ID].class = after
		r.metrics.changed(c, after)
		r.logger.Info("class restored", "class", c.ID, "state", after.State.String(), "was", c.State.String())
	}
	for _, e := range r.entries {
		r.beginGrace(e)
		r.announcements.add(e.class.ID, Class{}, e.class)
	}
	return nil
}

// change applies fn to the class with the ID, commits the result, remembers and
// announces it, and returns it. An error of fn is returned with the class as it
// is. commit, if not nil, runs after the commit, or at once if fn changed
// nothing, still in the same step.
func (r *Registry) change(ctx context.Context, id string, fn func(Class, time.Time) (Class, error), commit func(*entry)) (Class, error) {
	after, err := r.changeSilently(id, fn, commit)
	r.announce(ctx, id)
	return after, err
}

func (r *Registry) changeSilently(id string, fn func(Class, time.Time) (Class, error), commit func(*entry)) (Class, error) {
	r.changes.Lock()
	defer r.changes.Unlock()
	before, err := r.currentLocked(id)
	if err != nil {
		return Class{}, err
	}
	after, err := fn(before, utc(r.now()))
	if err != nil {
		return before, err
	}
	if !after.Equal(before) {
		if err = r.commitLocked(before, after); err != nil {
			return before, err
		}
	}
	if e := r.entries[id]; e != nil && commit != nil {
		commit(e)
	}
	r.forgetLocked(id)
	return after, nil
}

func (r *Registry) currentLocked(id string) (c Class, err error) {
	if e := r.entries[id]; e != nil && e.class.ID != "" {
		return e.class, nil
	}
	return r.get(id)
}

// commitLocked stores after in the place of before and remembers it. A zero
// before creates, a zero after deletes.
func (r *Registry) commitLocked(before, after Class) error {
	err := r.db.Update(func(tx *kv.Tx) error {
		if after.ID == "" {
			return r.store.remove(tx, before)
		}
		if before.ID == "" {
			switch _, gerr := r.store.get(tx, after.ID); {
			case gerr == nil:
				return ErrExists
			case !errors.Is(gerr, ErrNotFound):
				return gerr
			}
		}
		return r.store.put(tx, before, after)
	})
	id := cmp.Or(after.ID, before.ID)
	if errors.Is(err, ErrExists) {
		return ErrExists
	}
	if err != nil {
		r.metrics.failures.Inc()
		return fmt.Errorf("store class %s: %w", id, err)
	}
	e := r.entries[id]
	if e == nil {
		e = &entry{}
		r.entries[id] = e
	}
	e.class = after
	if !after.Deadline.Equal(before.Deadline) {
		r.beginGrace(e)
	}
	if after.ID == "" {
		e.departed, e.publishers = e.departed+e.publishers, 0
	}
	if !e.leftUnsaved || after.State != Live {
		e.leftUnsaved, e.retryAt = false, time.Time{}
	}
	r.forgetLocked(id)
	r.metrics.changed(before, after)
	r.announcements.add(id, before, after)
	if before.State != after.State && before.ID != "" && after.ID != "" {
		r.logger.Info("class changed state", "class", id, "from", before.State.String(), "state", after.State.String())
	}
	select {
	case r.wake <- struct{}{}:
	default: // Run will look anyway
	}
	return nil
}

// beginGrace notes when the grace of an interrupted class ends.
func (r *Registry) beginGrace(e *entry) {
	e.graceEnds = r.elapsed() + e.class.Deadline.Sub(utc(r.now()))
}

// asOf returns the class of e with its Deadline on the system's clock as it
// stands now, which may have been set since.
func (r *Registry) asOf(e *entry, now time.Time) Class {
	c := e.class
	if c.State == Interrupted {
		c.Deadline = now.Add(e.graceEnds - r.elapsed())
	}
	return c
}

// forgetLocked drops the entry of a class that nothing can happen to any more.
func (r *Registry) forgetLocked(id string) {
	e := r.entries[id]
	if e != nil && e.publishers == 0 && e.departed == 0 && (e.class.ID == "" || e.class.State == Ended) {
		delete(r.entries, id)
	}
}
