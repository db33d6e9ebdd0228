package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lectern/lectern/media/health"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/storage/storyboard"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker"
)

// keyframeSlack is what a keyframe may be later than stream.max_keyframe_interval
// before the pictures are encoded anew.
const keyframeSlack = 300 * time.Millisecond

// maxPictures is how many thumbnails may wait for the disk: the latest is what
// counts, so more are dropped.
const maxPictures = 2

// encoding is what makes the ladder of one class: the Job with the worker process
// that encodes for it, and those who look at what comes by.
type encoding struct {
	class    string
	job      *transcode.Job
	host     *worker.Host // nil without encoders
	monitor  *health.Monitor
	governor *transcode.Governor
	viewers  *viewers
	logger   *slog.Logger

	board  string // folder of the storyboard
	boards storyboard.Config
	drawn  chan drawn
}

// drawn is a picture on its way to the disk.
type drawn struct {
	at  time.Time
	pts time.Duration
	jpg []byte
}

// newEncoding makes the ladder of the class from what the reader gets.
func (p *pipelines) newEncoding(pl *pipeline, reader *stream.Reader) (*encoding, error) {
	logger := p.logger.With("class", pl.class.ID)
	e := &encoding{
		class: pl.class.ID, governor: p.governor, viewers: p.viewers, logger: logger.With("component", "pipeline"),
		monitor: health.New(p.cfg.Health, health.Deps{OnEvent: func(ev health.Event) {
			logger.Info("ingest health changed", "component", "health", "reason", ev.Finding.Code.String(), "raised", ev.Raised)
		}}),
		board: filepath.Join(pl.dir, boardFolder), boards: p.cfg.Storyboard, drawn: make(chan drawn, maxPictures),
	}
	deps := transcode.JobDeps{Ladder: pl.ladder.Load(), Source: &watched{reader: reader, monitor: e.monitor}, Observer: e, Logger: logger}
	if len(p.worker) > 0 {
		host, err := worker.New(p.cfg.Worker, worker.Deps{
			Command: p.worker, Env: os.Environ(), Logger: logger, Metrics: p.workerMetrics, Now: time.Now,
		})
		if err != nil {
			return nil, fmt.Errorf("start encoder: %w", err)
		}
		e.host, deps.Encoder = host, host
	}
	e.job = transcode.NewJob(transcode.JobConfig{
		MaxKeyframeInterval: maxKeyframeInterval(p.cfg.Stream, p.hlsConfig(pl.class).SegmentDuration) + keyframeSlack,
	}, deps)
	return e, nil
}

// run runs what a Job works with until ctx ends.
func (e *encoding) run(ctx context.Context) error {
	e.viewers.watch(e.class)
	defer e.viewers.forget(e.class)
	defer e.governor.Leave(e.class)
	g, gctx := errgroup.WithContext(ctx)
	if e.host != nil {
		g.Go(func() error { return e.host.Run(gctx) })
	}
	g.Go(func() error { return e.draw(gctx) })
	return g.Wait()
}

// draw keeps the class's pictures on disk. What fails there costs pictures only.
func (e *encoding) draw(ctx context.Context) error {
	var board *storyboard.Board
	for {
		var d drawn
		select {
		case d = <-e.drawn:
		case <-ctx.Done():
			return nil
		}
		if board == nil {
			var err error
			if board, err = storyboard.Open(e.board, e.boards, storyboard.Deps{Logger: e.logger}); err != nil {
				e.logger.ErrorContext(ctx, "storyboard cannot be opened", "err", err)
				continue
			}
		}
		// After a loss of the encoder the latest picture may come again.
		if err := board.Add(d.at, d.pts, d.jpg); err != nil && !errors.Is(err, storyboard.ErrOrder) {
			e.logger.WarnContext(ctx, "picture not kept", "err", err)
		}
	}
}

// Planned implements transcode.Observer.
func (e *encoding) Planned() { e.governor.Join(e.class, e) }

// Thumbnail implements transcode.Observer.
func (e *encoding) Thumbnail(at time.Time, t transcode.Thumbnail) {
	select {
	case e.drawn <- drawn{at: at, pts: t.PTS, jpg: t.JPEG}:
	default: // the disk is slow: there is another one in some seconds
	}
}

// Loudness implements transcode.Observer.
func (e *encoding) Loudness(l transcode.Loudness) {
	e.monitor.Loudness(l.PTS, l.ShortTerm, l.Peak, l.Clipped)
}

// Plan implements transcode.Member.
func (e *encoding) Plan() transcode.Plan { return e.job.State().Plan }

// Lag implements transcode.Member.
func (e *encoding) Lag() time.Duration {
	var worst time.Duration
	for _, r := range e.job.State().Renditions {
		if r.Making == transcode.MakingEncoded {
			worst = max(worst, r.Lag)
		}
	}
	return worst
}

// Viewers implements transcode.Member.
func (e *encoding) Viewers() int { return e.viewers.of(e.class) }

// SetLevel implements transcode.Member.
func (e *encoding) SetLevel(c transcode.LevelChange) { e.job.SetLevel(c.Level) }

// watched is a class's reader whose items the monitor sees first: it implements
// transcode.Source.
type watched struct {
	reader  *stream.Reader
	monitor *health.Monitor
}

// Poll implements transcode.Source.
func (w *watched) Poll() (stream.Item, bool, error) {
	item, ok, err := w.reader.Poll()
	switch {
	case !ok:
	case item.Discontinuity != nil:
		w.monitor.Tracks(item.Discontinuity.Tracks)
	case item.AccessUnit != nil:
		w.monitor.AccessUnit(item.AccessUnit, time.Now())
	case item.Interrupted:
		w.monitor.Interrupted()
	}
	return item, ok, err
}

// Ready implements transcode.Source.
func (w *watched) Ready() <-chan struct{} { return w.reader.Ready() }
