package rtsp

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/lectern/lectern/media/ingest"
)

// closedReason says why a TCP connection was closed; it is a metric label.
type closedReason string

const (
	closedEnded    closedReason = "ended"
	closedIdle     closedReason = "idle"
	closedFull     closedReason = "too_many"
	closedFullByIP closedReason = "too_many_from_address"
)

// listener gives the library connections that close themselves when idle.
type listener struct {
	*ingest.Listener

	cfg     Config // set at the start, read-only
	metrics *Metrics
}

func newListener(ln net.Listener, cfg Config, metrics *Metrics, logger *slog.Logger) *listener {
	door := ingest.NewDoor(ingest.Caps{Total: cfg.MaxConnections, PerAddress: cfg.MaxConnectionsPerIP})
	return &listener{Listener: door.Listener(ln, logger, metrics.events()), cfg: cfg, metrics: metrics}
}

// Accept implements [net.Listener].
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptConn()
		if err != nil {
			return nil, err
		}
		if _, ok := c.RemoteAddr().(*net.TCPAddr); !ok { // the library asserts this type
			_ = c.Close()
			continue
		}
		l.metrics.connections.Inc()
		return &peerConn{
			Conn: c, metrics: l.metrics,
			idle: l.cfg.IdleTimeout, setup: l.cfg.PublishTimeout, setupBy: time.Now().Add(l.cfg.PublishTimeout),
		}, nil
	}
}

// peerConn is a connection with a read deadline of its own, since the library
// clears the deadline while it waits for requests. Until the peer publishes, a
// read must bring something within the idle time, and publishing must begin
// within the set-up time. While it publishes, the library's deadline counts.
type peerConn struct {
	// Set by Accept, read-only.
	*ingest.Conn
	metrics *Metrics
	idle    time.Duration
	setup   time.Duration

	once sync.Once

	mu         sync.Mutex // guards the fields below
	publishing bool
	setupBy    time.Time
	asked      time.Time // deadline the library asked for; zero for none
	timedOut   bool
}

// Read applies the deadline and reads.
func (c *peerConn) Read(b []byte) (int, error) {
	if err := c.apply(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	var netErr net.Error
	if errors.As(err, &netErr) && netErr.Timeout() {
		c.mu.Lock()
		c.timedOut = !c.publishing
		c.mu.Unlock()
	}
	return n, err //nolint:wrapcheck // the library compares these errors
}

// SetReadDeadline notes what the library asks for.
func (c *peerConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.asked = t
	c.mu.Unlock()
	return c.apply()
}

// setPublishing tells whether the peer publishes now. Afterwards it may prepare
// to publish again.
func (c *peerConn) setPublishing(on bool) {
	c.mu.Lock()
	c.publishing = on
	c.setupBy = time.Now().Add(c.setup)
	c.mu.Unlock()
	_ = c.apply() // fails on a closed connection only
}

func (c *peerConn) apply() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	deadline := c.asked
	if !c.publishing {
		deadline = time.Now().Add(c.idle)
		if c.setupBy.Before(deadline) {
			deadline = c.setupBy
		}
		if !c.asked.IsZero() && c.asked.Before(deadline) {
			deadline = c.asked
		}
	}
	return c.Conn.SetReadDeadline(deadline) //nolint:wrapcheck // the library compares these errors
}

// Close closes the connection and counts it. It may be called more than once.
func (c *peerConn) Close() error {
	c.once.Do(func() {
		c.mu.Lock()
		reason := closedEnded
		if c.timedOut {
			reason = closedIdle
		}
		c.mu.Unlock()
		c.metrics.connections.Dec()
		c.metrics.connectionsClosed.WithLabelValues(string(reason)).Inc()
	})
	return c.Conn.Close() //nolint:wrapcheck // the library compares these errors
}
