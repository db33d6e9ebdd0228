package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/lectern/lectern/cmd/internal/certs"
	"github.com/lectern/lectern/cmd/internal/ops"
	"github.com/lectern/lectern/configs"
	"github.com/lectern/lectern/hls/origin"
	"github.com/lectern/lectern/hls/origin/loop"
	"github.com/lectern/lectern/storage/kv"
)

const (
	// headerTimeout is how long a client may take to send its request's header,
	// and how long an idle connection is kept afterwards.
	headerTimeout = 10 * time.Second
	idleTimeout   = 75 * time.Second
	// readTimeout bounds a request with its body, also where nobody reads it: the
	// server does, before it answers. When it is over a held request is given up,
	// so it must exceed origin.hold_cap, 30 s at most.
	readTimeout = time.Minute
	// writeTimeout bounds an answer of the pages and the API. The origin sets
	// deadlines of its own, by progress.
	writeTimeout = time.Minute
	maxHeader    = 16 << 10
)

// http2Limits are what one HTTP/2 connection may take. A player has fewer than
// ten requests under way, a proxy in front of many players more: it opens a
// further connection when the streams do not suffice. Nobody sends us bodies
// worth a large buffer, and each viewer is a connection of its own.
//
// The streams of a connection are written in turns. Go 1.26 has a scheduler for
// the priorities of RFC 9218 but offers no way to turn it on; from Go 1.27 on it
// is the default, and what browsers signal is respected.
func http2Limits() *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams:          128,
		MaxReadFrameSize:              16 << 10, // the least that RFC 9113 §4.2 allows
		MaxReceiveBufferPerConnection: 128 << 10,
		MaxReceiveBufferPerStream:     64 << 10,
		// A connection that takes nothing at all is given up before the time for an
		// answer is over.
		WriteByteTimeout: 30 * time.Second,
	}
}

// playlistUrgency is the Priority (RFC 9218 §4.1) of playlists: a player can do
// nothing without them, and they are small. 3 is the urgency of everything else.
const playlistUrgency = "u=1"

// public holds the handlers of the public listeners.
type public struct {
	origin, api, pages, rooms http.Handler
}

// admin is what the admin listener shows. The web server's own metrics are in the
// same registry.
type admin struct {
	db       *kv.DB
	gatherer *prometheus.Registry
}

// webServer serves the public and the admin listener.
type webServer struct {
	// Set by newWebServer, then read-only.
	logger          *slog.Logger
	root            *slog.Logger // without a component, for parts that name their own
	timeout         time.Duration
	readTimeout     time.Duration
	loop            loop.Config
	public, private http.Handler
	registry        *prometheus.Registry

	stopping atomic.Bool // readiness says no
}

func newWebServer(timeout time.Duration, media loop.Config, logger *slog.Logger, pub public, adm admin) *webServer {
	s := &webServer{logger: logger.With("component", "http"), root: logger, timeout: timeout, loop: media, readTimeout: readTimeout, registry: adm.gatherer}
	mux := http.NewServeMux()
	mux.Handle("/api/", pub.api)
	mux.Handle("/ws/{class}", pub.rooms)
	mux.Handle("/", pub.pages)
	answers := prioritised(pub.origin)
	s.public = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Not by the mux: it redirects to what it thinks a path should be, and the
		// viewer token in the path would stand in Location.
		if isMedia(r.URL.Path) {
			answers.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
	s.private = ops.NewHandler(adm.gatherer, []ops.Check{
		{Name: "listeners", Ready: func(context.Context) error {
			if s.stopping.Load() {
				return errStopping
			}
			return nil
		}},
		{Name: "store", Ready: func(context.Context) error { return adm.db.View(func(*kv.Tx) error { return nil }) }},
	}, s.logger)
	return s
}

// isMedia reports whether a path is the origin's.
func isMedia(path string) bool {
	return strings.HasPrefix(path, "/live/") || strings.HasPrefix(path, "/t/")
}

// prioritised tells proxies and CDNs which answers to send first (RFC 9218 §5 and
// §8). It says the same of a URL whoever asks.
func prioritised(next http.Handler) http.Handler {
	urgency := []string{playlistUrgency}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".m3u8") {
			w.Header()["Priority"] = urgency
		}
		next.ServeHTTP(w, r)
	})
}

// loopConfig lets event loops treat their clients as net/http does. Every request that
// may be held may come from a connection of its own.
func loopConfig(cfg configs.Config) loop.Config {
	c := loop.DefaultConfig()
	c.MaxConnections = min(max(c.MaxConnections, 2*cfg.Origin.MaxWaiters), 1000000)
	c.HeadTimeout, c.IdleTimeout = headerTimeout, idleTimeout
	c.WriteTimeout, c.DrainTimeout = cfg.Origin.WriteTimeout, cfg.Shutdown.Timeout
	return c
}

// newLoop returns what serves media on plain connections; everything else on them is
// handed to net/http: still pictures too, which are served as the pages are, and what
// was said, which has to be read first.
func (s *webServer) newLoop(addr net.Addr, h http.Handler) (*loop.Server, error) {
	return loop.New(s.loop, addr, loop.Deps{
		Handler: h, Serves: func(path string) bool { return isMedia(path) && !origin.IsPicture(path) && !origin.IsTranscript(path) },
		Logger: s.root, Registerer: s.registry,
	})
}

// Run serves until ctx ends, then lets requests under way finish within the
// shutdown timeout; those that are held for a future part end at once.
func (s *webServer) Run(ctx context.Context, l *listeners) error {
	g, gctx := errgroup.WithContext(ctx)
	serve := func(name string, ln net.Listener, h http.Handler, tlsCfg *tls.Config, readTimeout, writeTimeout time.Duration) {
		srv := &http.Server{
			Handler:           h,
			TLSConfig:         tlsCfg,
			HTTP2:             http2Limits(),
			ReadHeaderTimeout: headerTimeout,
			ReadTimeout:       readTimeout,
			IdleTimeout:       idleTimeout,
			WriteTimeout:      writeTimeout,
			MaxHeaderBytes:    maxHeader,
			ErrorLog:          slog.NewLogLogger(s.logger.With("listener", name).Handler(), slog.LevelDebug),
			BaseContext:       func(net.Listener) context.Context { return gctx },
		}
		g.Go(func() error {
			var err error
			if tlsCfg != nil {
				err = srv.ServeTLS(ln, "", "")
			} else {
				err = srv.Serve(ln)
			}
			if errors.Is(err, http.ErrServerClosed) {
				return nil
			}
			return fmt.Errorf("serve %s: %w", name, err)
		})
		g.Go(func() error {
			<-gctx.Done()
			s.stopping.Store(true)
			stop, cancel := context.WithTimeout(context.WithoutCancel(gctx), s.timeout)
			defer cancel()
			if err := srv.Shutdown(stop); err != nil {
				// Somebody is still downloading after the time that was given.
				return srv.Close()
			}
			return nil
		})
	}
	plain := s.public
	if l.certs != nil {
		plain = l.certs.Challenges(s.public)
		monitor := certs.NewMonitor(l.certs, certs.Deps{Logger: s.root, Registerer: s.registry})
		g.Go(func() error { return monitor.Run(gctx) })
	}
	media, err := s.newLoop(l.http.Addr(), plain)
	if err != nil {
		return err
	}
	g.Go(func() error {
		if err := media.Run(gctx, l.http); err != nil {
			return fmt.Errorf("serve http: %w", err)
		}
		return nil
	})
	serve("http", media.Listener(), plain, nil, s.readTimeout, writeTimeout)
	if l.https != nil {
		serve("https", l.https, s.public, l.certs.Config("h2", "http/1.1"), s.readTimeout, writeTimeout)
	}
	serve("admin", l.admin, s.private, nil, 0, 0) // profiles take as long as was asked for
	return g.Wait()
}
