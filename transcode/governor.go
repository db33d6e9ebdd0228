package transcode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// governorTick is how often the Governor looks.
	governorTick = 500 * time.Millisecond

	// maxHistory is how many changes of a class are remembered.
	maxHistory = 50

	// maxRecoverAfter bounds the wait for a level that failed before. A level that
	// has held for so long begins anew.
	maxRecoverAfter = 10 * time.Minute
)

// Member is a class as the Governor sees it. The methods are called from several
// goroutines, never while the Governor holds a lock; they must not block.
type Member interface {
	// Plan is that of the class's run, zero while nobody publishes.
	Plan() Plan

	// Lag is how far the slowest rung that is made is behind the publisher: how
	// long after it was received the latest picture was given to its encoder. What
	// the encoder looks ahead does not count: it would never fall below
	// GovernorConfig.RecoverLag.
	Lag() time.Duration

	// Viewers is how many watch.
	Viewers() int

	// SetLevel tells of a new level. For one class the calls follow each other.
	// One that was under way may still come when Leave returns.
	SetLevel(LevelChange)
}

// GovernorDeps are what a Governor works with.
type GovernorDeps struct {
	// HostCPU returns the busy share of the processors in the last second; ok is
	// false if it is not known, and lag alone then counts. See [HostCPU.Share].
	HostCPU func() (share float64, ok bool)

	// Cores is how many there are; see [HostCPU.Cores].
	Cores float64

	Calibration Calibration
	Logger      *slog.Logger
	Registerer  prometheus.Registerer
	Now         func() time.Time // default time.Now
}

// Governor cuts the ladders of classes back, level by level, while the machine
// cannot keep up, and restores them. Its methods may be called from any
// goroutine, except that a Member must not call Join.
type Governor struct {
	// Set by NewGovernor, then read-only.
	cfg     Config
	host    func() (share float64, ok bool)
	cores   float64
	logger  *slog.Logger
	now     func() time.Time
	metrics *governorMetrics

	mu       sync.Mutex // guards the fields below and those of every governed
	cal      Calibration
	classes  map[string]*governed
	cpu      hostLoad
	lastStep time.Time // of any class
}

// governed is a class. The Governor's mu guards it.
type governed struct {
	name    string
	member  Member
	plan    Plan
	lag     time.Duration
	meanLag time.Duration // of the last seconds: a short peak is still calm
	viewers int

	level   Level
	since   time.Time // when it came to this level
	reason  string
	text    string
	history []LevelChange // oldest first, at most maxHistory

	lateSince time.Time     // since when the lag has been too high; zero if it is not
	calmSince time.Time     // since when its mean has been low
	idleSince time.Time     // since when there has been nothing to encode; zero if there is
	stepped   time.Time     // the last change
	raised    time.Time     // the last change, if it was for the better
	wait      time.Duration // before the next change for the better

	gone     bool
	changed  *LevelChange // that the member is to be told
	applying bool         // a goroutine is telling it
}

// ClassState is what the Governor has done with a class.
type ClassState struct {
	Level  Level
	Since  time.Time
	Reason string // as in LevelChange; empty if the level never changed
	Text   string // a sentence for the instructor

	// Cores is the estimate of what the class takes at its level.
	Cores float64

	History []LevelChange // oldest first, at most 50
}

// NewGovernor returns a governor without classes. It fails on a cfg or a
// calibration that is not valid.
func NewGovernor(cfg Config, d GovernorDeps) (*Governor, error) {
	err := errors.Join(cfg.Governor.validate(), d.Calibration.Validate())
	if !(d.Cores > 0) {
		err = errors.Join(err, fmt.Errorf("%v cores", d.Cores))
	}
	if err != nil {
		return nil, fmt.Errorf("new governor: %w", err)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Governor{
		cfg: cfg, host: d.HostCPU, cores: d.Cores, cal: d.Calibration,
		logger: d.Logger.With("component", "governor"), now: d.Now,
		metrics: newGovernorMetrics(d.Registerer),
		classes: map[string]*governed{},
	}, nil
}

// Run looks twice a second until ctx ends and returns nil. Call it once.
func (g *Governor) Run(ctx context.Context) error {
	ticker := time.NewTicker(governorTick)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			g.tick()
		case <-ctx.Done():
			return nil
		}
	}
}

// Join takes a class in, or takes note of a member or plan that has changed.
// If its plan does not fit into what the other classes leave of the cores, the
// member is given a lower level before Join returns. A plan that changes without
// Join is noticed at the next look.
func (g *Governor) Join(class string, m Member) {
	plan, viewers := m.Plan(), m.Viewers()
	now := g.now()
	g.mu.Lock()
	c := g.classes[class]
	if c == nil {
		c = &governed{name: class, since: now, wait: g.cfg.Governor.RecoverAfter, calmSince: now}
		c.text = levelText(plan.Spec, LevelFull)
		g.classes[class] = c
	} else if c.member != m && c.level != LevelFull {
		last := c.history[len(c.history)-1]
		c.changed = &last
	}
	c.member, c.viewers = m, viewers
	g.replan(c, plan, now)
	g.metrics.update(g.classes, g.cal)
	g.mu.Unlock()
	g.deliver(c)
}

// SetCalibration replaces the figures of the machine, for classes that join from
// now on. It fails on figures that are not valid and keeps the old ones.
func (g *Governor) SetCalibration(cal Calibration) error {
	if err := cal.Validate(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cal = cal
	g.metrics.update(g.classes, g.cal)
	return nil
}

// Leave forgets a class.
func (g *Governor) Leave(class string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c := g.classes[class]; c != nil {
		c.gone, c.changed = true, nil
		delete(g.classes, class)
		g.metrics.update(g.classes, g.cal)
	}
}

// State returns what has been done with a class; ok is false for one that has
// not joined.
func (g *Governor) State(class string) (st ClassState, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.classes[class]
	if c == nil {
		return ClassState{}, false
	}
	return ClassState{
		Level: c.level, Since: c.since, Reason: c.reason, Text: c.text,
		Cores: Cost(c.plan, c.level, g.cal), History: slices.Clone(c.history),
	}, true
}

// deliver tells the member what has changed. Whoever finds nobody at it does it,
// also for those who come meanwhile, so that the member hears of the latest
// change last.
func (g *Governor) deliver(c *governed) {
	g.mu.Lock()
	if c.applying {
		g.mu.Unlock()
		return
	}
	c.applying = true
	for c.changed != nil {
		change, member := *c.changed, c.member
		c.changed = nil
		g.mu.Unlock()
		member.SetLevel(change)
		g.mu.Lock()
	}
	c.applying = false
	g.mu.Unlock()
}
