package rtsp

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// closedReason says why a TCP connection was closed; it is a metric label.
type closedReason string

const (
	closedEnded    closedReason = "ended"
	closedIdle     closedReason = "idle"
	closedFull     closedReason = "too_many"
	closedFullByIP closedReason = "too_many_from_address"
)

const (
	acceptPauseMin = 5 * time.Millisecond
	acceptPauseMax = time.Second
)

// keepAlive finds peers that vanished without a FIN within about a minute.
func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 3}
}

// listener gives the library connections that are capped in number and close
// themselves when idle, and hides errors of accept from it: the library would
// stop at the first one.
type listener struct {
	// Set at the start, read-only.
	net.Listener
	cfg     Config
	metrics *Metrics
	logger  *slog.Logger

	closed    chan struct{}
	closeOnce sync.Once

	mu    sync.Mutex // guards the fields below
	total int
	byIP  map[netip.Addr]int
}

func newListener(ln net.Listener, cfg Config, metrics *Metrics, logger *slog.Logger) *listener {
	return &listener{
		Listener: ln, cfg: cfg, metrics: metrics, logger: logger,
		closed: make(chan struct{}), byIP: make(map[netip.Addr]int),
	}
}

// Accept returns the next admitted connection, or net.ErrClosed after Close.
func (l *listener) Accept() (net.Conn, error) {
	pause := time.Duration(0)
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil, fmt.Errorf("accept rtsp connection: %w", err)
			}
			// Out of file descriptors, or a peer that left already. Without a
			// pause the former would cost a whole core.
			l.metrics.acceptErrors.Inc()
			if pause = min(max(2*pause, acceptPauseMin), acceptPauseMax); pause == acceptPauseMax {
				l.logger.Warn("accepting rtsp connections fails", "err", err)
			}
			t := time.NewTimer(pause)
			select {
			case <-t.C:
				continue
			case <-l.closed:
				t.Stop()
				return nil, net.ErrClosed
			}
		}
		pause = 0
		if pc := l.admit(c); pc != nil {
			return pc, nil
		}
	}
}

// admit wraps c, or closes it and returns nil.
func (l *listener) admit(c net.Conn) net.Conn {
	tcp, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok { // the library asserts this type
		_ = c.Close()
		return nil
	}
	ip := tcp.AddrPort().Addr().Unmap()
	if reason := l.reserve(ip); reason != "" {
		l.metrics.connectionsClosed.WithLabelValues(string(reason)).Inc()
		_ = c.Close()
		return nil
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetKeepAliveConfig(keepAlive()) // an optimisation only
	}
	now := time.Now()
	return &peerConn{
		Conn: c, remote: ip, idle: l.cfg.IdleTimeout, setup: l.cfg.PublishTimeout, setupBy: now.Add(l.cfg.PublishTimeout),
		release: func(reason closedReason) { l.release(ip, reason) },
	}
}

func (l *listener) reserve(ip netip.Addr) closedReason {
	ip = limitKey(ip)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.total >= l.cfg.MaxConnections:
		return closedFull
	case l.byIP[ip] >= l.cfg.MaxConnectionsPerIP:
		return closedFullByIP
	}
	l.total++
	l.byIP[ip]++
	l.metrics.connections.Inc()
	return ""
}

func (l *listener) release(ip netip.Addr, reason closedReason) {
	ip = limitKey(ip)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	if l.byIP[ip]--; l.byIP[ip] == 0 {
		delete(l.byIP, ip)
	}
	l.metrics.connections.Dec()
	l.metrics.connectionsClosed.WithLabelValues(string(reason)).Inc()
}

// Close stops Accept. It may be called more than once.
func (l *listener) Close() error {
	l.closeOnce.Do(func() { close(l.closed) })
	if err := l.Listener.Close(); err != nil {
		return fmt.Errorf("close rtsp listener: %w", err)
	}
	return nil
}

// peerConn is a connection with a read deadline of its own, since the library
// clears the deadline while it waits for requests. Until the peer publishes, a
// read must bring something within the idle time, and publishing must begin
// within the set-up time. While it publishes, the library's deadline counts.
type peerConn struct {
	// Set by admit, read-only.
	net.Conn
	remote  netip.Addr
	idle    time.Duration
	setup   time.Duration
	release func(closedReason)

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

// Close closes the connection and gives its place to another. It may be called
// more than once.
func (c *peerConn) Close() error {
	c.once.Do(func() {
		c.mu.Lock()
		reason := closedEnded
		if c.timedOut {
			reason = closedIdle
		}
		c.mu.Unlock()
		c.release(reason)
	})
	return c.Conn.Close() //nolint:wrapcheck // the library compares these errors
}
