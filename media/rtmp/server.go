package rtmp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	gortmp "github.com/yutopp/go-rtmp"
	"github.com/yutopp/go-rtmp/message"

	"github.com/lectern/lectern/media/ingest"
	"github.com/lectern/lectern/media/rtmp/internal/chunk"
)

const (
	outgoingChunk    = 64 << 10
	peerChunkStreams = 8 // the sanitizer maps all of the peer's to five
	messageStreams   = 4
	ackWindow        = 2_500_000 // bytes
)

// Deps are the parts a Server works with. All are required.
type Deps struct {
	Authorizer ingest.Authorizer
	Hub        ingest.Hub
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Listener is a listening socket and the protocol spoken on it.
type Listener struct {
	net.Listener

	// Protocol is "rtmp" or "rtmps": the label of metrics and the protocol of
	// publications. TLS is the listener's business ([crypto/tls.NewListener]).
	Protocol string
}

// Server takes RTMP publishers in.
type Server struct {
	// Set by New, then read-only.
	cfg        Config
	authorizer ingest.Authorizer
	hub        ingest.Hub
	logger     *slog.Logger
	metrics    *metrics
	door       *ingest.Door
	limits     chunk.Limits
	demuxer    func(sink ingest.Publication) demuxer
	handover   *handover
}

// New checks cfg and registers the metrics. It opens nothing.
func New(cfg Config, deps Deps) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure rtmp: %w", err)
	}
	if deps.Authorizer == nil || deps.Hub == nil || deps.Logger == nil || deps.Registerer == nil {
		return nil, errors.New("configure rtmp: authorizer, hub, logger and registerer are needed")
	}
	return &Server{
		cfg:        cfg,
		authorizer: ingest.Guard(deps.Authorizer),
		hub:        deps.Hub,
		logger:     deps.Logger.With("component", "rtmp"),
		metrics:    newMetrics(deps.Registerer),
		door:       ingest.NewDoor(ingest.Caps{Total: cfg.MaxConnections, PerAddress: cfg.MaxConnectionsPerIP}),
		limits:     chunk.DefaultLimits(),
		demuxer:    newDemuxer,
		handover:   newHandover(),
	}, nil
}

// Run serves the listeners until ctx ends, and closes them. It then tells every
// publisher that the server stops, and returns nil once all connections and
// goroutines are gone; a publisher that does not listen delays that by the
// write timeout at most. It also returns when others closed all listeners and
// the last connection has ended. Call it once.
func (s *Server) Run(ctx context.Context, listeners []Listener) error {
	if len(listeners) == 0 {
		return ErrNoListener
	}
	library := gortmp.NewServer(&gortmp.ServerConfig{OnConnect: s.onConnect})
	var libraryDone sync.WaitGroup
	libraryDone.Go(func() { _ = library.Serve(s.handover) }) // ErrClosed, always
	defer libraryDone.Wait()
	defer func() {
		_ = library.Close()
		_ = s.handover.Close() // Close of the library misses a Serve that has not begun
	}()

	var conns, accepts sync.WaitGroup
	for _, l := range listeners {
		s.metrics.protocol(l.Protocol)
		admitted := s.door.Listener(l.Listener, s.logger.With("protocol", l.Protocol), s.metrics.events(l.Protocol))
		stop := context.AfterFunc(ctx, func() { _ = admitted.Close() })
		defer func() { stop(); _ = admitted.Close() }()
		accepts.Go(func() { s.accept(ctx, admitted, l.Protocol, &conns) })
	}
	accepts.Wait() // no conns.Go after this
	conns.Wait()
	return nil
}

// accept takes connections from l until it is closed.
func (s *Server) accept(ctx context.Context, l *ingest.Listener, protocol string, conns *sync.WaitGroup) {
	for {
		c, err := l.AcceptConn()
		if err != nil {
			return // closed
		}
		if ctx.Err() != nil {
			_ = c.Close()
			return
		}
		conns.Go(func() { s.serve(ctx, c, protocol) })
	}
}

// onConnect is the library's callback for a connection it was handed. It runs
// outside the library's recover and therefore does next to nothing.
func (s *Server) onConnect(nc net.Conn) (io.ReadWriteCloser, *gortmp.ConnConfig) {
	c, ok := nc.(*conn)
	if !ok {
		return nc, nil // cannot be: the listener is ours
	}
	return wire{c}, &gortmp.ConnConfig{
		Handler: &handler{conn: c},
		// Clients with a digest handshake need not echo, and nothing rests on it.
		SkipHandshakeVerification:               true,
		IgnoreMessagesOnNotExistStream:          true,
		IgnoreMessagesOnNotExistStreamThreshold: math.MaxUint32,
		Logger:                                  s.libraryLogger(),
		RPreset: &gortmp.DefaultResponsePreset{
			// Some encoders refuse servers that do not look like Adobe's.
			ServerConnectResultProperties: message.NetConnectionConnectResultProperties{
				FMSVer: "FMS/3,0,1,123", Capabilities: 31, Mode: 1,
			},
			ServerConnectResultData: map[string]any{"version": "lectern"},
		},
		ControlState: gortmp.StreamControlStateConfig{
			MaxChunkStreams:            peerChunkStreams,
			MaxMessageStreams:          messageStreams,
			DefaultAckWindowSize:       ackWindow,
			DefaultBandwidthWindowSize: ackWindow,
		},
	}
}

// libraryLogger discards: the library logs stream names, which are keys.
func (s *Server) libraryLogger() logrus.FieldLogger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	l.SetLevel(logrus.PanicLevel)
	return l
}

// handover is the listener the library accepts from: what comes out was
// accepted, counted and found to speak RTMP before.
type handover struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newHandover() *handover {
	return &handover{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept implements [net.Listener].
func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (h *handover) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr implements [net.Listener]; the library does not ask.
func (h *handover) Addr() net.Addr { return &net.TCPAddr{} }

var errHandover = errors.New("library stopped")

// give hands c to the library. The library takes it at once unless it stopped.
func (h *handover) give(c net.Conn) error {
	select {
	case h.conns <- c:
		return nil
	case <-h.closed:
		return errHandover
	}
}
