package rtmp

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media/ingest"
	"github.com/lectern/lectern/media/rtmp/internal/chunk"
)

// strangerBuffer is the read buffer of a connection that has not published.
const strangerBuffer = 4 << 10

// conn is one accepted connection. It embeds the socket so that it passes
// through the library's listener; the library then works on a wire.
type conn struct {
	net.Conn

	// Set by serve, then read-only.
	srv       *Server
	protocol  string
	remote    netip.Addr
	logger    *slog.Logger
	src       *bufio.Reader
	san       *chunk.Sanitizer
	received  prometheus.Counter
	authorize func(key string) (streamName string, err error)
	since     time.Time

	released chan struct{}           // closed when the library has closed the wire
	once     sync.Once               // closes released
	admitted chan ingest.Publication // what the reader publishes, for the watcher; holds one

	reason   atomic.Uint32 // closeReason; the first one stays
	stopped  atomic.Bool   // reads fail from now on
	silenced atomic.Bool   // a last status was sent: the library's writes go nowhere
	told     atomic.Bool   // the peer was told something and shall get to read it
	msid     atomic.Uint32 // message stream of the publish command
	redirect atomic.Bool   // the peer understands a reconnect request

	// Owned by the reader; the watcher looks after released was closed.
	publishing bool      // publish was accepted
	armed      time.Time // when the read deadline was set last
	writerDone <-chan struct{}
}

// serve runs one connection from accept to close. It is the connection's
// watcher and returns when its goroutines are gone.
func (s *Server) serve(ctx context.Context, nc *ingest.Conn, protocol string) {
	s.metrics.accepted.WithLabelValues(protocol).Inc()
	open := s.metrics.open.WithLabelValues(protocol)
	open.Inc()
	defer open.Dec()
	defer func() { _ = nc.Close() }()
	defer func() {
		if r := recover(); r != nil {
			s.panicked(s.logger, r)
		}
	}()

	remote := nc.Remote()
	c := &conn{
		Conn:     nc.Conn, // TCP or TLS; closing nc frees its place within the caps
		srv:      s,
		protocol: protocol,
		remote:   remote,
		logger:   s.logger.With("protocol", protocol, "remote", remote.String()),
		received: s.metrics.received.WithLabelValues(protocol),
		since:    time.Now(),
		released: make(chan struct{}),
		admitted: make(chan ingest.Publication, 1),
	}
	deadline := c.since.Add(s.cfg.PublishTimeout)
	c.authorize = func(key string) (string, error) {
		limited, cancel := context.WithDeadline(ctx, deadline)
		defer cancel()
		return s.authorizer.Authorize(limited, key, remote)
	}
	c.src = bufio.NewReaderSize(socketReader{c}, strangerBuffer)
	c.san = chunk.New(c.src, s.limits, chunk.Hooks{
		Reply:   func(msg []byte) error { _, err := wire{c}.Write(msg); return err },
		Dropped: func(r chunk.DropReason) { s.metrics.dropped.WithLabelValues(r.String()).Inc() },
	})

	if c.SetDeadline(deadline) == nil && c.open(ctx) {
		c.watch(ctx)
	}
	if c.told.Load() {
		c.linger(ctx)
	}
	s.metrics.closed.WithLabelValues(protocol, closeReason(c.reason.Load()).String()).Inc()
}

// open does the TLS handshake, looks at the first byte, and hands connections
// that speak RTMP to the library.
func (c *conn) open(ctx context.Context) bool {
	stop := context.AfterFunc(ctx, func() { c.end(reasonShutdown); c.interrupt() })
	defer stop()
	if t, ok := c.Conn.(*tls.Conn); ok {
		if err := t.HandshakeContext(ctx); err != nil {
			c.end(tlsReason(err))
			return false
		}
	}
	first, err := c.src.Peek(1)
	if err != nil {
		c.end(c.readReason(err))
		return false
	}
	if first[0] != 3 {
		c.turnAway()
		return false
	}
	if err := c.srv.handover.give(c); err != nil {
		c.end(reasonShutdown)
		return false
	}
	return true
}

func tlsReason(err error) closeReason {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return reasonPublishTimeout
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return reasonLeft
	default:
		return reasonTLS
	}
}

// watch waits until the library has let go of the connection. Meanwhile it ends
// the connection when the server stops or the publication was closed from
// outside.
func (c *conn) watch(ctx context.Context) {
	var closed <-chan struct{}
	var pub ingest.Publication
	stopping := ctx.Done()
	for done := false; !done; {
		select {
		case <-c.released:
			done = true
		case pub = <-c.admitted:
			closed = pub.Done()
		case <-closed:
			closed = nil
			c.finish(reasonEnded, c.endedStatus(pub.Reason()))
		case <-stopping:
			stopping = nil
			c.finish(reasonShutdown, c.shutdownStatus())
		}
	}
	c.end(reasonProtocol) // the library gave up by itself
	if c.writerDone != nil {
		<-c.writerDone
	}
}

// end notes why the connection ends, unless something else was noted before.
func (c *conn) end(r closeReason) bool {
	return c.reason.CompareAndSwap(uint32(reasonNone), uint32(r))
}

// finish ends the connection for r: last, if any, is the last thing the peer
// reads. It may be called by any goroutine and does nothing after an end.
func (c *conn) finish(r closeReason, last []byte) {
	if !c.end(r) {
		// A publisher that said goodbye may still be connected.
		if r != reasonShutdown || closeReason(c.reason.Load()) != reasonClean {
			return
		}
	}
	c.tell(last)
	c.interrupt()
}

// tell sends the last message of the connection.
func (c *conn) tell(last []byte) {
	c.silenced.Store(true)
	if last == nil {
		return
	}
	if _, err := c.write(last); err == nil {
		c.told.Store(true)
	}
}
