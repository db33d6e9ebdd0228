package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

// longest bounds times on the class's clock.
const longest = 100 * 365 * 24 * time.Hour

// Deps are what a Host works with. All are required.
type Deps struct {
	// Command is the argv of the worker: the server's own program and "worker".
	// Give /proc/self/exe where there is one, so that a program that was replaced
	// on disk meanwhile still finds itself.
	Command []string

	// Env is the server's environment, of which PATH, HOME, LANG, GODEBUG and
	// GOTRACEBACK are passed on.
	Env []string

	// Logger has the class's attributes.
	Logger *slog.Logger

	// Metrics are shared by all Hosts.
	Metrics *Metrics

	// Now is the server's clock.
	Now func() time.Time
}

func (d Deps) validate() error {
	if len(d.Command) == 0 || d.Logger == nil || d.Metrics == nil || d.Now == nil {
		return errors.New("worker: command, logger, metrics and now are required")
	}
	return nil
}

// Host is a class's encoder: a worker process that is started when there is work,
// and anew when it is lost.
//
// A lost worker is replaced after 0 s, 1 s, 2 s, 4 s and so on up to 30 s; a
// minute of health begins that anew. Three losses within a minute are final: the
// class has no encoded renditions then, and every Open of the next ten minutes
// says so at once. The first Open after that tries again. A spec that the engine
// refuses is final for its run alone.
//
// Within a run the access units of a track rise in DTS, also over restarts: what
// a new worker makes again is dropped up to the first random access point that is
// new. Thus it costs the track the rest of a segment at most.
//
// The methods of transcode.Encoder and Status may be called from any goroutine.
type Host struct {
	// Set by New, then read-only.
	cfg     Config
	logger  *slog.Logger
	metrics *Metrics
	now     func() time.Time
	build   string
	start   func() process
	ready   chan struct{} // capacity 1: Poll may have something
	work    chan struct{} // capacity 1: there is a run to be worked on
	fed     chan struct{} // capacity 1: there is something to send

	mu     sync.Mutex // guards the fields below
	feed   feed
	events eventQueue

	// The run.
	run      uint32
	spec     transcode.Spec
	tracks   map[media.TrackID]media.Track // of the publisher
	intake   *intake
	wanted   bool // there is work: a run that is neither drained nor given up
	draining bool
	final    bool // the run was given up
	effort   *transcode.Effort

	// The process, as far as the run is concerned.
	proc       bool   // there is one
	generation uint32 // of the run in this process, in frames
	openSent   bool
	effortSent bool
	drainSent  bool
	opened     bool
	attachedAt time.Time

	losses        []time.Time // of the last minute
	failures      int         // in a row
	disabledUntil time.Time
	starts        int
	status        Status
}

var _ transcode.Encoder = (*Host)(nil)

// New returns a Host that does nothing until Run.
func New(cfg Config, deps Deps) (*Host, error) {
	if err := errors.Join(cfg.Validate(), deps.validate()); err != nil {
		return nil, err
	}
	env := passedOn(deps.Env)
	return newHost(cfg, deps, func() process { return newProgram(deps.Command, env) }), nil
}

func newHost(cfg Config, deps Deps, start func() process) *Host {
	return &Host{
		cfg: cfg, logger: deps.Logger.With("component", "worker"), metrics: deps.Metrics, now: deps.Now,
		build: BuildID(), start: start,
		ready: make(chan struct{}, 1), work: make(chan struct{}, 1), fed: make(chan struct{}, 1),
		feed:   feed{maxBytes: int(cfg.QueueBytes)},
		events: eventQueue{maxBytes: int(cfg.QueueBytes)},
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // a wake-up is pending already
	}
}

// Open implements transcode.Encoder. A spec that cannot be sent is answered by a
// final Lost.
func (h *Host) Open(run uint32, spec transcode.Spec, keep bool) {
	tracks, in, err := prepare(spec)
	h.mu.Lock()
	defer h.mu.Unlock()
	defer wake(h.work)
	defer wake(h.fed)
	newest := time.Duration(math.MinInt64)
	if keep && h.intake != nil {
		newest = h.intake.newest
	}
	h.run, h.spec, h.tracks, h.intake = run, spec, tracks, in
	h.wanted, h.draining, h.final = true, false, false
	h.status.Stats = transcode.Stats{}
	h.events.clear()
	h.renewLocked()
	_, pictures := media.Find(spec.Tracks, media.KindVideo)
	h.feed.open(pictures, keep)
	if !h.proc && h.status.Retry.IsZero() {
		h.feed.expect()
	}
	if err != nil {
		h.giveUpLocked(transcode.Lost{Reason: reasonSpec, Text: err.Error()})
		return
	}
	in.newest = newest
	if until := h.disabledUntil; !until.IsZero() {
		if h.now().Before(until) {
			h.giveUpLocked(transcode.Lost{Reason: h.status.Reason, Text: "Encoding is switched off for this class after repeated crashes."})
			return
		}
		h.disabledUntil, h.losses, h.failures = time.Time{}, nil, 0
	}
}

// prepare checks a spec.
func prepare(spec transcode.Spec) (map[media.TrackID]media.Track, *intake, error) {
	tracks := map[media.TrackID]media.Track{}
	for _, t := range spec.Tracks {
		if t.Timescale == 0 || tracks[t.ID].Timescale != 0 {
			return nil, nil, fmt.Errorf("%w: track %d has no timescale or comes twice", transcode.ErrSpec, t.ID)
		}
		tracks[t.ID] = t
	}
	in, err := newIntake(spec)
	if err != nil {
		return nil, nil, err
	}
	if _, err = wire.AppendOpen(nil, 0, spec); err != nil {
		return nil, nil, err
	}
	return tracks, in, nil
}

// renewLocked makes the run one that the process has not begun.
func (h *Host) renewLocked() {
	h.generation++
	h.openSent, h.drainSent, h.opened = false, false, false
	h.effortSent = h.effort == nil
}

// giveUpLocked ends the work on the run for good.
func (h *Host) giveUpLocked(l transcode.Lost) {
	l.Final, l.Restart = true, time.Time{}
	h.wanted, h.final, h.opened = false, true, false
	h.status.Reason, h.status.Text = l.Reason, l.Text
	h.putLocked(transcode.Event{Lost: &l})
}

// Write implements transcode.Encoder.
func (h *Host) Write(au *media.AccessUnit) {
	received := h.now()
	if wire.CheckUnit(au) != nil {
		h.metrics.drop(dropInvalid, 1)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t, known := h.tracks[au.Track]
	if !known || h.draining || h.intake == nil {
		return
	}
	i := item{au: au, received: received, video: t.Codec.Kind() == media.KindVideo}
	var okDTS, okPTS bool
	i.dts, okDTS = clock(t.Timescale, au.DTS)
	i.pts, okPTS = clock(t.Timescale, au.PTS)
	if !okDTS || !okPTS {
		h.metrics.drop(dropInvalid, 1)
		return
	}
	h.intake.newest = max(h.intake.newest, i.pts)
	h.feed.push(i)
	h.metrics.drop(dropFeed, h.feed.dropped)
	h.feed.dropped = 0
	wake(h.fed)
}

// clock converts ticks to a time on the class's clock, if they are one.
func clock(ts media.Timescale, ticks int64) (time.Duration, bool) {
	if most := ts.Ticks(longest); ticks > most || ticks < -most {
		return 0, false
	}
	return ts.Duration(ticks), true
}

// SetEffort implements transcode.Encoder.
func (h *Host) SetEffort(e transcode.Effort) {
	e.Off = slices.Clone(e.Off)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.effort, h.effortSent = &e, false
	wake(h.fed)
}

// Drain implements transcode.Encoder. If no worker has the run open or about to
// be opened, Drained comes at once. A worker that is lost while it drains is not
// replaced: the Lost is final.
func (h *Host) Drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.run == 0 && h.intake == nil || h.draining:
		return
	case !h.wanted || !h.proc && !h.status.Retry.IsZero():
		h.wanted = false
		h.putLocked(transcode.Event{Drained: true})
	}
	h.draining = true
	wake(h.fed)
}

// Poll implements transcode.Encoder.
func (h *Host) Poll() (transcode.Event, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.events.take()
}

// Ready implements transcode.Encoder.
func (h *Host) Ready() <-chan struct{} { return h.ready }

// putLocked queues an event of the run.
func (h *Host) putLocked(e transcode.Event) {
	e.Run = h.run
	h.events.put(e)
	h.metrics.drop(dropEvents, h.events.dropped)
	h.events.dropped = 0
	wake(h.ready)
}

// Run starts worker processes when there is work and keeps them going until ctx
// ends; then it closes the worker's stdin, waits for it, kills it after 2 s, and
// returns nil with no process and no goroutine left. Call it once.
func (h *Host) Run(ctx context.Context) error {
	defer h.metrics.lag(h, -1)
	var pause time.Duration
	for h.await(ctx, pause) {
		end := h.attend(ctx)
		if ctx.Err() != nil {
			break
		}
		pause = h.lost(end)
	}
	return nil
}
