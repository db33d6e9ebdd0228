package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/lectern/lectern/cmd/internal/ops"
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

// public holds the handlers of the public listeners.
type public struct {
	origin, api, pages http.Handler
}

// admin is what the admin listener shows.
type admin struct {
	db       *kv.DB
	gatherer prometheus.Gatherer
}

// webServer serves the public and the admin listener.
type webServer struct {
	// Set by newWebServer, then read-only.
	logger          *slog.Logger
	timeout         time.Duration
	readTimeout     time.Duration
	public, private http.Handler

	stopping atomic.Bool // readiness says no
}

func newWebServer(timeout time.Duration, logger *slog.Logger, pub public, adm admin) *webServer {
	s := &webServer{logger: logger.With("component", "http"), timeout: timeout, readTimeout: readTimeout}
	mux := http.NewServeMux()
	mux.Handle("/live/", pub.origin)
	mux.Handle("/api/", pub.api)
	mux.Handle("/", pub.pages)
	s.public = mux
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

// Run serves until ctx ends, then lets requests under way finish within the
// shutdown timeout; those that are held for a future part end at once.
func (s *webServer) Run(ctx context.Context, l *listeners) error {
	g, gctx := errgroup.WithContext(ctx)
	serve := func(name string, ln net.Listener, h http.Handler, tlsCfg *tls.Config, readTimeout, writeTimeout time.Duration) {
		srv := &http.Server{
			Handler:           h,
			TLSConfig:         tlsCfg,
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
	serve("http", l.http, s.public, nil, s.readTimeout, writeTimeout)
	if l.https != nil {
		serve("https", l.https, s.public, l.tls.Clone(), s.readTimeout, writeTimeout)
	}
	serve("admin", l.admin, s.private, nil, 0, 0) // profiles take as long as was asked for
	return g.Wait()
}
