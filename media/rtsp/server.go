package rtsp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"

	"github.com/bluenviron/gortsplib/v4"

	"github.com/lectern/lectern/media/ingest"
)

// Deps are the parts a Server works with. All are required.
type Deps struct {
	Authorizer ingest.Authorizer
	Hub        ingest.Hub
	Logger     *slog.Logger
	Metrics    *Metrics
}

// Server takes RTSP publishers in: ANNOUNCE and RECORD to /live/<stream key>,
// media interleaved in the TCP connection or, when the configuration says so,
// over UDP. It plays nothing.
type Server struct {
	// Set by NewServer, then read-only.
	cfg        Config
	deps       Deps
	authorizer ingest.Authorizer
	logger     *slog.Logger

	// listenPacket opens the UDP ports; nil for net.ListenPacket. Tests take a
	// free pair of ports that way.
	listenPacket func(network, address string) (net.PacketConn, error)
}

// NewServer checks cfg. It opens nothing.
func NewServer(cfg Config, deps Deps) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure rtsp: %w", err)
	}
	return &Server{
		cfg:        cfg,
		deps:       deps,
		authorizer: ingest.Guard(deps.Authorizer),
		logger:     deps.Logger.With("component", "rtsp"),
	}, nil
}

// Run serves ln, which must be TCP, until ctx ends, and closes it. Publications
// are then closed with stream.CloseShutdown. It returns nil once all connections
// and goroutines are gone, or an error when a UDP port cannot be opened. Call it
// once.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	wrapped := newListener(ln, s.cfg, s.deps.Metrics, s.logger)
	defer wrapped.Close() //nolint:errcheck // closed by the library already, unless it did not start

	var watches sync.WaitGroup
	h := &handler{
		server: s,
		authorize: func(key string, pub *publisher) (string, error) {
			return s.authorizer.Authorize(ctx, key, pub.remote)
		},
		stopping: ctx.Done(),
		watch:    watches.Go,
	}
	library := &gortsplib.Server{
		Handler:                  h,
		RTSPAddress:              ln.Addr().String(),
		ReadTimeout:              s.cfg.MediaTimeout,
		WriteTimeout:             s.cfg.WriteTimeout,
		DisableRTCPSenderReports: true,
		Listen:                   func(string, string) (net.Listener, error) { return wrapped, nil },
		ListenPacket:             s.listenPacket,
	}
	if s.cfg.UDPPort != 0 {
		host, _, err := net.SplitHostPort(ln.Addr().String())
		if err != nil {
			return fmt.Errorf("open rtsp udp ports: %w", err)
		}
		library.UDPRTPAddress = net.JoinHostPort(host, strconv.Itoa(s.cfg.UDPPort))
		library.UDPRTCPAddress = net.JoinHostPort(host, strconv.Itoa(s.cfg.UDPPort+1))
	}
	if err := library.Start(); err != nil {
		return fmt.Errorf("start rtsp server: %w", err)
	}

	ended := make(chan error, 1)
	var wait sync.WaitGroup
	wait.Go(func() { ended <- library.Wait() })
	var err error
	select {
	case <-ctx.Done():
		library.Close() // ends all callbacks; no watch is started afterwards
		<-ended
	case err = <-ended: // somebody closed ln
	}
	wait.Wait()
	watches.Wait()
	if err != nil && ctx.Err() == nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("serve rtsp: %w", err)
	}
	return nil
}
