package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/lectern/lectern/media/ingest"
	"github.com/lectern/lectern/media/rtsp"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/realtime/class"
)

// classWatcher lets media and rooms follow the classes: it implements class.Observer.
type classWatcher struct {
	pipelines *pipelines
	rooms     *rooms
	pullers   *pullers // set before the registry runs
	logger    *slog.Logger
}

// ClassChanged starts and ends what the class needs.
func (w *classWatcher) ClassChanged(ctx context.Context, before, after class.Class) {
	id := cmp.Or(after.ID, before.ID)
	logger := w.logger.With("component", "app", "class", id)
	if !after.Pull {
		w.pullers.stop(id)
	}
	w.pipelines.protected.refresh(ctx, w.pipelines.classes, id)
	switch {
	case after.ID == "": // deleted
		w.rooms.remove(ctx, id)
		if err := w.pipelines.remove(id); err != nil {
			logger.Error("media of a deleted class remain", "err", err)
		}
		return
	case after.State == class.Ended:
		w.pipelines.end(id) // its room closes by itself, later
		return
	case after.State == class.Live || after.State == class.Interrupted:
		// After a start of the server this brings the playlists back before any
		// publisher is. If the class is over already, the next call says so.
		err := w.pipelines.ensure(ctx, id) //nolint:contextcheck // the pipeline outlives the call
		if err != nil && !errors.Is(err, class.ErrEnded) && !errors.Is(err, class.ErrNotFound) {
			logger.Error("pipeline could not start", "err", err)
		}
	}
	if before.ID != "" && !slices.Equal(before.Ladder, after.Ladder) {
		if err := w.pipelines.changeLadder(id, after.Ladder); err != nil {
			logger.Error("ladder of the class is not to be had", "err", err)
		}
	}
	if before.ID != "" && !before.StreamKey.Equal(after.StreamKey) {
		w.pipelines.kick(id, stream.CloseKeyChanged)
	}
	if after.Pull {
		w.pullers.start(after) //nolint:contextcheck // the pull outlives the call
	}
}

// pullers runs one rtsp.Puller for each class that is to be pulled.
type pullers struct {
	// Set by newPullers, then read-only.
	cfg     rtsp.PullConfig
	tasks   *tasks
	hub     ingest.Hub
	logger  *slog.Logger
	metrics *rtsp.Metrics

	mu      sync.Mutex // guards the field below
	byClass map[string]*pull
}

type pull struct {
	source class.Secret
	task   *task
}

func newPullers(cfg rtsp.PullConfig, t *tasks, hub ingest.Hub, logger *slog.Logger, m *rtsp.Metrics) *pullers {
	return &pullers{cfg: cfg, tasks: t, hub: hub, logger: logger.With("component", "app"), metrics: m, byClass: map[string]*pull{}}
}

// start pulls c, anew if its source has changed. Calls for one class do not
// overlap.
func (p *pullers) start(c class.Class) {
	p.mu.Lock()
	old := p.byClass[c.ID]
	p.mu.Unlock()
	if old != nil && old.source.Equal(c.Source) {
		return
	}
	p.stop(c.ID)

	puller, err := rtsp.NewPuller(p.cfg, rtsp.PullerDeps{
		Stream: c.ID, Source: c.Source.Reveal(), Hub: p.hub, Logger: p.logger.With("class", c.ID), Metrics: p.metrics,
	})
	if err != nil {
		p.logger.Error("class cannot be pulled", "class", c.ID, "err", err)
		return
	}
	t, err := p.tasks.start(func(ctx context.Context) {
		if perr := contain("pull", func() error { return puller.Run(ctx) }); perr != nil {
			p.logger.ErrorContext(ctx, "pull failed", "class", c.ID, "err", perr)
		}
	})
	if err != nil {
		return // stopping: the next start of the server pulls
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.byClass[c.ID] = &pull{source: c.Source, task: t}
}

// stop ends the pull of the class, if there is one, and waits for it.
func (p *pullers) stop(id string) {
	p.mu.Lock()
	run := p.byClass[id]
	delete(p.byClass, id)
	p.mu.Unlock()
	if run != nil {
		run.task.stop()
	}
}
