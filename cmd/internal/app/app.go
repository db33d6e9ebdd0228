package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/lectern/lectern/configs"
	"github.com/lectern/lectern/hls/origin"
	"github.com/lectern/lectern/media/rtmp"
	"github.com/lectern/lectern/media/rtsp"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/realtime/web"
	"github.com/lectern/lectern/storage/kv"
	"github.com/lectern/lectern/storage/space"
	"github.com/lectern/lectern/transcode"
)

const (
	databaseFile  = "lectern.db" // all but what is said in the rooms
	tokenFile     = "api-token"
	classesFolder = "classes"
)

// App is one server. Its methods are safe for concurrent use.
type App struct {
	// Set by New, then read-only.
	cfg    configs.Config
	worker []string
	logger *slog.Logger

	token  atomic.Pointer[class.Secret] // set before ready is closed
	addrs  atomic.Pointer[Addrs]        // set before ready is closed
	ready  chan struct{}
	ended  chan struct{}
	called atomic.Bool
}

// New checks cfg. It opens no file and no socket. worker is the command line that
// starts an encoder process (see package worker); without one nothing is encoded,
// and publishers are refused whose media browsers do not play.
func New(cfg configs.Config, worker []string, logger *slog.Logger) (*App, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &App{cfg: cfg, worker: worker, logger: logger, ready: make(chan struct{}), ended: make(chan struct{})}, nil
}

// ErrNotRunning is returned by Addrs when the server ended before it was ready,
// and by Run when it is called twice.
var ErrNotRunning = errors.New("the server is not running")

// Addrs blocks until all listeners are open and returns where they listen. It
// returns ctx's error, or ErrNotRunning when Run returned before.
func (a *App) Addrs(ctx context.Context) (Addrs, error) {
	select {
	case <-a.ready:
		return *a.addrs.Load(), nil
	case <-a.ended:
		return Addrs{}, ErrNotRunning
	case <-ctx.Done():
		return Addrs{}, ctx.Err()
	}
}

// Token returns the bearer token of the API. It is empty before Addrs returns.
func (a *App) Token() class.Secret {
	if t := a.token.Load(); t != nil {
		return *t
	}
	return class.Secret{}
}

// DataDir returns the data folder as configured.
func (a *App) DataDir() string { return a.cfg.Data }

// Run serves until ctx ends, then stops in order and returns nil. It returns an
// error when the server cannot start or one of its parts fails. Call it once.
func (a *App) Run(ctx context.Context) (err error) {
	if a.called.Swap(true) {
		return ErrNotRunning
	}
	defer close(a.ended)

	if err = os.MkdirAll(filepath.Join(a.cfg.Data, classesFolder), 0o700); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	db, err := a.openDatabase(databaseFile, kv.Options{}, reg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }() // the fourth stage
	logs, err := a.openDatabase(roomsFile, kv.Options{SkipFreelist: true}, reg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, logs.Close()) }()

	token, err := a.loadToken()
	if err != nil {
		return err
	}
	a.token.Store(&token)

	listeners, err := openListeners(ctx, a.cfg)
	if err != nil {
		return err
	}
	defer listeners.close()

	t := newTasks(ctx)
	defer t.stop()
	parts, err := a.assemble(db, logs, reg, t, token, listeners.addrs)
	if err != nil {
		return err
	}
	return a.serve(ctx, parts, listeners)
}

// openDatabase opens a database of the data folder, whose metrics carry its name.
func (a *App) openDatabase(file string, opts kv.Options, reg prometheus.Registerer) (*kv.DB, error) {
	name := strings.TrimSuffix(file, filepath.Ext(file))
	opts.Logger = a.logger
	opts.Registerer = prometheus.WrapRegistererWith(prometheus.Labels{"database": name}, reg)
	db, err := kv.Open(filepath.Join(a.cfg.Data, file), opts)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return db, nil
}

// parts are the server's parts, made but not running.
type parts struct {
	tasks    *tasks
	governor *transcode.Governor
	machine  *machine
	space    *space.Monitor
	media    *pipelines
	registry *class.Registry
	rooms    *rooms
	rtmp     *rtmp.Server
	rtsp     *rtsp.Server
	web      *webServer
}

// assemble makes the parts and joins them.
func (a *App) assemble(db, logs *kv.DB, reg *prometheus.Registry, t *tasks, token class.Secret, addrs Addrs) (*parts, error) {
	// Where nothing is encoded segments can begin at the publisher's keyframes only.
	streamCfg := a.cfg.Stream
	streamCfg.MaxKeyframeInterval = maxKeyframeInterval(streamCfg, a.cfg.HLS.SegmentDuration)
	hub, err := stream.New(streamCfg, stream.Deps{Logger: a.logger, Registerer: reg})
	if err != nil {
		return nil, err
	}
	host := transcode.NewHostCPU()
	governor, err := transcode.NewGovernor(a.cfg.Transcode, transcode.GovernorDeps{
		HostCPU: host.Share, Cores: host.Cores(), Calibration: transcode.DefaultCalibration(), Logger: a.logger, Registerer: reg,
	})
	if err != nil {
		return nil, err
	}
	audiences := newViewers()
	here := newMachine(a.cfg.Data, a.worker, a.cfg.Transcode.Calibrate && a.cfg.Transcode.Encoder != transcode.EncoderNone, governor, a.logger)
	room := space.New(a.cfg.Space, filepath.Join(a.cfg.Data, classesFolder), space.Deps{Logger: a.logger, Registerer: reg})
	pipelines := newPipelines(a.cfg, pipelineDeps{
		tasks: t, hub: hub, governor: governor, machine: here, viewers: audiences, space: room, worker: a.worker,
	}, a.logger, reg)
	rooms, err := newRooms(a.cfg, db, logs, pipelines, a.logger, reg)
	if err != nil {
		return nil, err
	}
	watcher := &classWatcher{pipelines: pipelines, rooms: rooms, logger: a.logger}
	p := &parts{rooms: rooms, tasks: t, governor: governor, machine: here, space: room, media: pipelines}
	p.registry, err = class.NewRegistry(a.cfg.Class, class.Deps{
		DB:       db,
		Timing:   class.Timing{SegmentDuration: a.cfg.HLS.SegmentDuration, PartDuration: a.cfg.HLS.PartDuration},
		Observer: watcher, Logger: a.logger, Registerer: reg,
	})
	if err != nil {
		return nil, err
	}
	pipelines.classes, pipelines.rooms, rooms.classes = p.registry, rooms.rooms, p.registry
	in := newAdmission(hub, p.registry, pipelines, t, a.logger)
	p.rtmp, err = rtmp.New(a.cfg.RTMP, rtmp.Deps{Authorizer: in, Hub: in, Logger: a.logger, Registerer: reg})
	if err != nil {
		return nil, err
	}
	rtspMetrics := rtsp.NewMetrics(reg)
	p.rtsp, err = rtsp.NewServer(a.cfg.RTSP, rtsp.Deps{Authorizer: in, Hub: in, Logger: a.logger, Metrics: rtspMetrics})
	if err != nil {
		return nil, err
	}
	watcher.pullers = newPullers(a.cfg.RTSP.Pull, t, in, a.logger, rtspMetrics)

	keyRing, err := access.New(a.cfg.Access, access.Deps{DB: db, Logger: a.logger, Registerer: reg})
	if err != nil {
		return nil, err
	}
	stills := &pictures{folder: filepath.Join(a.cfg.Data, classesFolder), logger: a.logger.With("component", "http")}
	media, err := origin.New(a.cfg.Origin, pipelines, a.logger, reg, origin.WithGate(gate{keyRing}), origin.WithPictures(stills), origin.WithTranscripts(rooms))
	if err != nil {
		return nil, err
	}
	links := newLinks(a.cfg.PublicURL, addrs, stills)
	apiHandler, err := api.New(api.Deps{
		Token: token, Classes: p.registry, Tokens: keyRing, Grants: rooms.grants, Studios: rooms.studio, Attendances: rooms, Links: links.of, Publishers: publishers{hub},
		CheckLadder: pipelines.checkLadder, Ladders: pipelines, Checkups: pipelines, Pictures: links.pictures,
		Logger: a.logger, Registerer: reg,
	})
	if err != nil {
		return nil, err
	}
	pages, err := web.New(a.cfg.Web, web.Deps{
		Classes: publicClasses{registry: p.registry, pictures: stills, dvr: a.cfg.HLS.DVRWindow > 0},
		Admit:   func(_ *http.Request, id, token string) bool { return keyRing.Check(token, id, time.Now()) == nil },
		Rooms:   rooms,
		Studio:  studio{rooms: rooms, classes: p.registry, hub: hub, pipelines: pipelines, tokens: keyRing, links: links},
		Origin:  func(r *http.Request) string { return links.base(r).String() },
		Logger:  a.logger, Registerer: reg,
	})
	if err != nil {
		return nil, err
	}
	p.web = newWebServer(a.cfg.Shutdown.Timeout, loopConfig(a.cfg), a.logger, public{
		origin: audiences.count(media), api: apiHandler, pages: newDoorman(a.cfg.WS, pages), rooms: rooms.sockets,
	}, admin{db: db, gatherer: reg})
	return p, nil
}

// serve runs the parts in stages.
func (a *App) serve(ctx context.Context, p *parts, l *listeners) error {
	stopRooms, err := p.rooms.start(ctx)
	if err != nil {
		return err
	}
	defer stopRooms()
	for _, part := range []struct {
		component string
		run       func(context.Context) error
	}{
		{"registry", p.registry.Run},
		{"governor", p.governor.Run},
		{"space", p.space.Run},
	} {
		if _, err = p.tasks.start(func(ctx context.Context) { //nolint:contextcheck // the group outlives ctx: see tasks
			if rerr := part.run(ctx); rerr != nil {
				a.logger.ErrorContext(ctx, "part of the server failed", "component", part.component, "err", rerr)
			}
		}); err != nil {
			return err
		}
	}
	if _, err = p.tasks.start(p.machine.run); err != nil { //nolint:contextcheck // the group outlives ctx: see tasks
		return err
	}

	if err = p.media.restore(ctx, p.registry); err != nil {
		return err
	}

	edges, edgeCtx := errgroup.WithContext(ctx)
	if ls := l.rtmpListeners(); len(ls) > 0 {
		edges.Go(func() error { return p.rtmp.Run(edgeCtx, ls) })
	}
	if l.rtsp != nil {
		edges.Go(func() error { return p.rtsp.Run(edgeCtx, l.rtsp) })
	}
	edges.Go(func() error { return p.web.Run(edgeCtx, l) })
	edges.Go(func() error { return p.rooms.sockets.Run(edgeCtx) })

	a.addrs.Store(&l.addrs)
	close(a.ready)
	a.logger.InfoContext(ctx, "server ready", "component", "app",
		"rtmp", l.addrs.RTMP, "rtmps", l.addrs.RTMPS, "rtsp", l.addrs.RTSP,
		"http", l.addrs.HTTP, "https", l.addrs.HTTPS, "admin", l.addrs.Admin, "data", a.cfg.Data)

	err = edges.Wait() // the first stage
	p.tasks.stop()     // the second
	stopRooms()        // the third
	a.logger.InfoContext(ctx, "server stopped", "component", "app")
	return err
}

// loadToken returns the API token: configured, from a file, or made and kept.
func (a *App) loadToken() (class.Secret, error) {
	switch {
	case a.cfg.API.Token != "":
		return class.NewSecret(string(a.cfg.API.Token)), nil
	case a.cfg.API.TokenFile != "":
		token, err := api.ReadToken(a.cfg.API.TokenFile)
		if err != nil {
			return class.Secret{}, fmt.Errorf("api.token_file: %w", err)
		}
		return token, nil
	}
	path := filepath.Join(a.cfg.Data, tokenFile)
	token, made, err := api.EnsureToken(path)
	if made {
		a.logger.Info("api token made", "component", "app", "file", path)
	}
	return token, err
}
