package loop

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// maxHanded bounds the connections that wait for net/http to accept them. Further
// ones are closed.
const maxHanded = 1024

// Deps are what a [Server] works with. All are needed.
type Deps struct {
	// Handler answers. It is called from the loops, and must not wait.
	Handler http.Handler
	// Serves says whether a path is for the loops. It is called from them.
	Serves func(path string) bool
	Logger *slog.Logger
	// Registerer gets the metrics.
	Registerer prometheus.Registerer
}

// Server serves one listener. Its methods are safe for concurrent use.
type Server struct {
	cfg     Config
	handler http.Handler
	serves  func(path string) bool
	logger  *slog.Logger
	metrics *metrics
	handed  *listener

	count atomic.Int64 // connections in the loops
}

// New checks cfg and returns a Server for connections of addr's listener, which Run
// gets. It opens nothing.
func New(cfg Config, addr net.Addr, deps Deps) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if addr == nil || deps.Handler == nil || deps.Serves == nil || deps.Logger == nil || deps.Registerer == nil {
		return nil, errors.New("loop needs an address, a handler, its paths, a logger and a metrics registry")
	}
	return &Server{
		cfg: cfg, handler: deps.Handler, serves: deps.Serves, logger: deps.Logger.With("component", "loop"),
		metrics: newMetrics(deps.Registerer),
		handed:  &listener{addr: addr, conns: make(chan net.Conn, maxHanded), closed: make(chan struct{})},
	}, nil
}

// Listener returns where the connections come out that are handed over. Closing it
// leaves the listener of Run alone: from then on what would be handed over is closed.
func (s *Server) Listener() net.Listener { return s.handed }

// listener is a net.Listener for connections that were accepted already.
type listener struct {
	addr  net.Addr
	conns chan net.Conn

	mu     sync.Mutex // held while conns gets one, and to close closed
	closed chan struct{}
	over   bool
}

// give hands c over, and reports whether somebody may take it.
func (l *listener) give(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	select {
	case l.conns <- c:
		return true
	default:
		return false
	}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	case c := <-l.conns:
		return c, nil
	}
}

// Close implements net.Listener. Connections that nobody has accepted are closed.
func (l *listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return net.ErrClosed
	}
	l.over = true
	close(l.closed)
	for {
		select {
		case c := <-l.conns:
			_ = c.Close() // nobody has it
		default:
			return nil
		}
	}
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.addr }
