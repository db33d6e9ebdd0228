package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/lectern/lectern/configs"
	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/hls/origin"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/storage/segment"
	"github.com/lectern/lectern/storage/space"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker"
)

const (
	// packagerQueueBytes is the packager's queue: about ten seconds of 1080p.
	packagerQueueBytes = 16 << 20
	// restartPause is how long a failed pipeline waits before it starts again.
	restartPause = time.Second
)

// pipelines owns one pipeline for each class that is on: from the class's stream
// to its playlists. Ended classes are on a shelf. It is the origin's library.
type pipelines struct {
	// Set by newPipelines, then read-only.
	cfg            configs.Config
	hub            *stream.Hub
	worker         []string // command line of an encoder; empty for none
	governor       *transcode.Governor
	machine        *machine
	viewers        *viewers
	space          *space.Monitor
	logger         *slog.Logger
	hlsMetrics     *hls.Metrics
	segmentMetrics *segment.Metrics
	workerMetrics  *worker.Metrics
	failures       prometheus.Counter

	tasks   *tasks
	classes classFinder // set before anything is published
	rooms   cueTeller   // as classes
	ended   *shelf

	protected protected

	byClass sync.Map   // class id to *pipeline; read by the origin without a lock
	mu      sync.Mutex // held while byClass changes
}

// classFinder is the side of the class registry that pipelines need.
type classFinder interface {
	Get(ctx context.Context, id string) (class.Class, error)
}

// pipeline is one class's way from stream to playlists.
type pipeline struct {
	class    class.Class // as it was when the pipeline began
	dir      string
	stream   *stream.Stream
	ladder   atomic.Pointer[transcode.Ladder]    // of the next publication
	current  atomic.Pointer[origin.Presentation] // nil until the first start
	encoding atomic.Pointer[encoding]            // nil until the first start
	packager atomic.Pointer[hls.Packager]        // nil until the first start
	tried    chan struct{}                       // closed when the first start has set current, or failed
	answered func()                              // closes tried; may be called again
	space    *space.Account
	task     *task
}

// pipelineDeps are what pipelines share.
type pipelineDeps struct {
	tasks    *tasks
	hub      *stream.Hub
	governor *transcode.Governor
	machine  *machine
	viewers  *viewers
	space    *space.Monitor
	worker   []string
}

func newPipelines(cfg configs.Config, d pipelineDeps, logger *slog.Logger, reg prometheus.Registerer) *pipelines {
	p := &pipelines{
		cfg: cfg, tasks: d.tasks, hub: d.hub, worker: d.worker, governor: d.governor, machine: d.machine, viewers: d.viewers, space: d.space, logger: logger,
		hlsMetrics: hls.NewMetrics(reg), segmentMetrics: segment.NewMetrics(reg), workerMetrics: worker.NewMetrics(reg),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_app_pipeline_failures_total",
			Help: "Pipelines that failed and were started again.",
		}),
	}
	reg.MustRegister(p.failures)
	p.ended = newShelf(p.openEnded)
	return p
}

// ensure starts the class's pipeline unless it runs. When ensure returns nil the
// stream is open and publishers can be admitted. It returns the registry's error
// or class.ErrEnded for a class that is over.
func (p *pipelines) ensure(ctx context.Context, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.byClass.Load(id); ok {
		return nil
	}
	// Asked under the lock: if the class ends or goes from here on, end or remove
	// is yet to come, and finds the pipeline.
	c, err := p.classes.Get(ctx, id)
	if err != nil {
		return err
	}
	if c.State == class.Ended {
		return class.ErrEnded
	}
	p.protected.refresh(ctx, p.classes, id)
	pl, err := p.newPipeline(ctx, c)
	if err != nil {
		return err
	}
	log, err := p.openLog(pl)
	if err != nil {
		pl.space.Close()
		return err
	}
	pl.stream = p.hub.Open(c.ID, position(log))
	if err = p.setLadder(pl, c.Ladder); err != nil {
		pl.space.Close()
		return err
	}
	// Before any publisher is admitted: one that came first would have its first
	// pictures skipped.
	reader := pl.stream.AddReader("hls", packagerQueueBytes)
	// Before it recalls what its room has said.
	p.byClass.Store(c.ID, pl)
	pl.task, err = p.tasks.start(func(ctx context.Context) { //nolint:contextcheck // the pipeline outlives the call
		defer pl.space.Close()
		p.supervise(ctx, pl, reader, log)
		if ctx.Err() == nil {
			p.retire(pl)
		}
	})
	if err != nil {
		p.byClass.Delete(c.ID)
		pl.stream.RemoveReader(reader)
		pl.space.Close()
	}
	return err
}

// end ends the class's stream; its playlists get their end and stay.
func (p *pipelines) end(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := p.byClass.Load(id); ok {
		v.(*pipeline).stream.End(stream.CloseClassEnded)
	}
}

// retire puts an ended class on the shelf.
func (p *pipelines) retire(pl *pipeline) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := p.byClass.Load(pl.class.ID); !ok || v != any(pl) {
		return // deleted meanwhile
	}
	if pr := pl.current.Load(); pr != nil {
		p.ended.put(pl.class.ID, pr)
	}
	p.byClass.Delete(pl.class.ID)
}

// kick closes the class's publication; the class waits for another.
func (p *pipelines) kick(id string, reason stream.CloseReason) {
	if v, ok := p.byClass.Load(id); ok {
		v.(*pipeline).stream.ClosePublication(reason)
	}
}

// remove ends the class's stream and deletes its media.
func (p *pipelines) remove(id string) error {
	p.mu.Lock()
	v, ok := p.byClass.LoadAndDelete(id)
	p.mu.Unlock()
	if ok {
		pl := v.(*pipeline)
		pl.stream.End(stream.CloseClassEnded)
		pl.task.stop()
	}
	p.ended.remove(id)
	if err := os.RemoveAll(filepath.Join(p.cfg.Data, classesFolder, id)); err != nil {
		return fmt.Errorf("remove media of class %q: %w", id, err)
	}
	return nil
}

// Presentation implements origin.Library. The first request for a class that
// ended long ago, or before the start, reads its index.
func (p *pipelines) Presentation(id string) (origin.Presentation, bool) {
	pr, ok := p.presentation(id)
	pr.Protected = p.protected.has(id)
	return pr, ok
}

func (p *pipelines) presentation(id string) (origin.Presentation, bool) {
	v, ok := p.byClass.Load(id)
	if !ok {
		b, found := p.ended.find(id)
		if !found {
			if !p.hasEnded(id) {
				return origin.Presentation{}, false
			}
			p.protected.refresh(context.Background(), p.classes, id)
			b = p.ended.put(id, nil)
		}
		return p.ended.read(b)
	}
	pr := v.(*pipeline).current.Load()
	if pr == nil {
		return origin.Presentation{}, false
	}
	return *pr, true
}

func (p *pipelines) openLog(pl *pipeline) (*segment.Log, error) {
	return segment.Open(pl.dir, p.cfg.Storage, segment.Deps{
		Logger: p.logger.With("class", pl.class.ID), Metrics: p.segmentMetrics, Space: pl.space,
	})
}

// newPipeline returns the class's pipeline, which does nothing yet. Close its
// account.
func (p *pipelines) newPipeline(ctx context.Context, c class.Class) (*pipeline, error) {
	pl := &pipeline{class: c, dir: filepath.Join(p.cfg.Data, classesFolder, c.ID), tried: make(chan struct{})}
	pl.answered = sync.OnceFunc(func() { close(pl.tried) })
	used, err := space.FolderBytes(ctx, pl.dir)
	if err != nil {
		return nil, fmt.Errorf("measure folder of class %q: %w", c.ID, err)
	}
	pl.space = p.space.Class(c.ID, used)
	return pl, nil
}

// supervise runs the pipeline until its stream or ctx ends. A failure, be it a
// panic, ends one run: the next continues from what the log has.
func (p *pipelines) supervise(ctx context.Context, pl *pipeline, reader *stream.Reader, log *segment.Log) {
	logger := p.logger.With("component", "pipeline", "class", pl.class.ID)
	for {
		err := p.run(ctx, pl, reader, log)
		pl.answered()
		if err == nil {
			return // ended, or stopping
		}
		p.failures.Inc()
		logger.ErrorContext(ctx, "pipeline failed and starts again", "err", err)
		for log = nil; log == nil; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(restartPause):
			}
			if log, err = p.openLog(pl); err != nil {
				logger.ErrorContext(ctx, "media of the class cannot be opened", "err", err)
			}
		}
		reader = pl.stream.AddReader("hls", packagerQueueBytes)
	}
}

// run packages once: from the stream through the ladder into the log.
func (p *pipelines) run(ctx context.Context, pl *pipeline, reader *stream.Reader, log *segment.Log) error {
	defer pl.stream.RemoveReader(reader)

	enc, err := p.newEncoding(pl, reader)
	if err != nil {
		return err
	}
	packager, err := p.newPackager(pl.class, enc.job, log)
	if err != nil {
		return fmt.Errorf("start packager: %w", err)
	}
	pl.encoding.Store(enc)
	pl.packager.Store(packager)
	pl.current.Store(&origin.Presentation{Playlists: packager, Media: log})
	pl.answered()
	p.recall(ctx, pl.class.ID, packager)

	// The log drains what the packager has finished, so it stops after it.
	logCtx, stopLog := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLog()
	encCtx, stopEncoding := context.WithCancel(context.WithoutCancel(ctx))
	defer stopEncoding()
	var g errgroup.Group
	g.Go(func() error { return contain("segment log", func() error { return log.Run(logCtx) }) })
	g.Go(func() error { return contain("encoder", func() error { return enc.run(encCtx) }) })
	g.Go(func() error {
		defer stopLog()
		defer stopEncoding()
		if err := contain("packager", func() error { return packager.Run(ctx) }); err != nil {
			return err
		}
		log.Settle(ctx)
		return nil
	})
	return g.Wait()
}

// hlsConfig is the packager's configuration for the class.
func (p *pipelines) hlsConfig(c class.Class) hls.Config {
	cfg := p.cfg.HLS
	if len(p.cfg.Origin.CDN) > 0 {
		cfg.Pathway = p.cfg.Origin.CDN[0].ID
	}
	if c.DVRWindow > 0 {
		cfg.DVRWindow = c.DVRWindow
	}
	if c.SegmentDuration > 0 { // constant for the life of the class
		cfg.SegmentDuration, cfg.PartDuration = c.SegmentDuration, c.PartDuration
		cfg.Window = max(cfg.Window, 6*cfg.SegmentDuration.Round(time.Second))
	}
	if cfg.DVRWindow > 0 {
		cfg.DVRWindow = max(cfg.DVRWindow, cfg.Window)
	}
	return cfg
}

func (p *pipelines) newPackager(c class.Class, reader hls.Reader, log *segment.Log) (*hls.Packager, error) {
	return hls.New(p.hlsConfig(c), hls.Deps{
		Reader: reader, Log: log,
		Logger: p.logger.With("class", c.ID), Metrics: p.hlsMetrics,
	})
}

// contain turns a panic in one class's pipeline into an error of that pipeline.
func contain(what string, fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: panic: %v\n%s", what, r, debug.Stack())
		}
	}()
	if err := fn(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// position is where the class's clock goes on after a restart.
func position(log *segment.Log) stream.Position {
	var pos stream.Position
	for _, r := range log.Renditions() {
		for _, s := range r.Segments {
			pos.Continues = true
			pos.Media = max(pos.Media, s.MediaEnd)
			if wall := s.ProgramDateTime.Add(s.Duration); wall.After(pos.Wall) {
				pos.Wall = wall
			}
		}
	}
	return pos
}
