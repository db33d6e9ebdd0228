package ingest

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	minAcceptPause = 5 * time.Millisecond // doubles up to maxAcceptPause
	maxAcceptPause = time.Second
)

// Events are what a [Listener] tells its protocol, which counts them under names
// of its own. All are required, run in Accept, and must not block.
type Events struct {
	// AcceptFailed tells that the system refused an accept; a pause follows.
	AcceptFailed func()

	// Rejected tells that a connection was closed at once because c was reached.
	Rejected func(c Cap)
}

// Listener takes connections through a [Door] and hides failures of the system
// from whoever accepts. Its methods may be called from any goroutine.
type Listener struct {
	// Set by Door.Listener, then read-only.
	net.Listener
	door   *Door
	logger *slog.Logger
	events Events

	closed chan struct{}
	once   sync.Once // closes closed
}

// Listener wraps inner, which may be a TLS listener.
func (d *Door) Listener(inner net.Listener, logger *slog.Logger, events Events) *Listener {
	return &Listener{Listener: inner, door: d, logger: logger, events: events, closed: make(chan struct{})}
}

// Accept implements [net.Listener]: it is AcceptConn.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.AcceptConn()
	if err != nil {
		return nil, err // never a typed nil
	}
	return c, nil
}

// AcceptConn returns the next connection within the caps, with TCP keep-alive
// on. It fails with net.ErrClosed only, after Close. Failures to accept are
// retried with a growing pause: most are EMFILE, which passes as others close,
// and which would otherwise burn a core.
func (l *Listener) AcceptConn() (*Conn, error) {
	pause := time.Duration(0)
	for {
		c, err := l.Listener.Accept()
		switch {
		case err == nil:
			pause = 0
			if admitted := l.admit(c); admitted != nil {
				return admitted, nil
			}
		case l.isClosed() || errors.Is(err, net.ErrClosed):
			return nil, net.ErrClosed
		default:
			l.events.AcceptFailed()
			if pause == 0 {
				l.logger.Error("accept refused by the system", "err", err)
			}
			pause = min(max(minAcceptPause, 2*pause), maxAcceptPause)
			t := time.NewTimer(pause)
			select {
			case <-t.C:
			case <-l.closed:
				t.Stop()
				return nil, net.ErrClosed
			}
		}
	}
}

func (l *Listener) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

// admit wraps c, or closes it and returns nil.
func (l *Listener) admit(c net.Conn) *Conn {
	remote := remoteAddr(c)
	if reached := l.door.take(remote); reached != 0 {
		l.events.Rejected(reached)
		_ = c.Close()
		return nil
	}
	keepAliveOn(c)
	return &Conn{Conn: c, remote: remote, release: sync.OnceFunc(func() { l.door.release(remote) })}
}

// Close stops Accept at once. Connections stay open. It may be called more than
// once; further calls return the inner listener's error.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	if err := l.Listener.Close(); err != nil {
		return fmt.Errorf("close listener: %w", err)
	}
	return nil
}

// Conn is a connection that has a place within the caps until it is closed.
type Conn struct {
	net.Conn

	remote  netip.Addr
	release func()
}

// Remote returns the peer's address, unmapped and without a zone, or the zero
// Addr if it has none.
func (c *Conn) Remote() netip.Addr { return c.remote }

// Close closes the connection and gives its place to another. It may be called
// more than once.
func (c *Conn) Close() error {
	defer c.release()
	return c.Conn.Close() //nolint:wrapcheck // protocol libraries compare these errors
}

// remoteAddr returns the peer's address, or the zero Addr if c has none.
func remoteAddr(c net.Conn) netip.Addr {
	ap, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// KeepAlive finds peers that vanished without a FIN within a minute.
func KeepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 3}
}

// keepAliveOn turns on TCP keep-alive, beneath TLS if there is any.
func keepAliveOn(c net.Conn) {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = t.NetConn()
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetKeepAliveConfig(KeepAlive()) // an optimisation only
	}
}
