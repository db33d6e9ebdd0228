package rtmp

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/lectern/lectern/media/rtmp/internal/chunk"
)

// wire is a connection as the library sees it: what it reads was sanitised,
// what it writes has a deadline and ends where a last status was sent, and
// closing it only tells the watcher that the library has let go.
type wire struct{ c *conn }

// Read implements [io.Reader].
func (w wire) Read(p []byte) (n int, err error) {
	defer w.c.guard(&err)
	n, err = w.c.san.Read(p)
	if err != nil {
		w.c.end(w.c.readReason(err))
	}
	return n, err
}

// Write implements [io.Writer]. The library writes whole messages.
func (w wire) Write(p []byte) (int, error) {
	if w.c.silenced.Load() {
		return len(p), nil // after a last status the library has nothing to add
	}
	return w.c.write(p)
}

// Close implements [io.Closer].
func (w wire) Close() error {
	w.c.once.Do(func() { close(w.c.released) })
	return nil
}

// write sends p under the write deadline. It may be called by any goroutine:
// net.Conn writes one slice at a time.
func (c *conn) write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.srv.cfg.WriteTimeout)); err != nil {
		return 0, err
	}
	return c.Write(p)
}

// socketReader reads the socket under the read deadline and counts.
type socketReader struct{ c *conn }

// Read implements [io.Reader].
func (r socketReader) Read(p []byte) (int, error) {
	c := r.c
	if c.stopped.Load() {
		return 0, errStopped
	}
	// Before publish the one deadline set at accept stands: a trickle of bytes
	// does not move it.
	if c.publishing {
		slack := c.srv.cfg.ReadTimeout / 8
		if now := time.Now(); now.Sub(c.armed) > slack {
			c.armed = now
			if err := c.SetReadDeadline(now.Add(c.srv.cfg.ReadTimeout + slack)); err != nil {
				return 0, err
			}
			if c.stopped.Load() { // interrupt came between; do not undo it
				return 0, errStopped
			}
		}
	}
	n, err := c.Read(p)
	c.received.Add(float64(n))
	return n, err
}

// interrupt makes the current and all further reads return at once.
func (c *conn) interrupt() {
	c.stopped.Store(true)
	_ = c.SetReadDeadline(time.Unix(1, 0))
}

// readReason tells what a failed read means for the connection.
func (c *conn) readReason(err error) closeReason {
	var tooLong *chunk.SizeError
	switch {
	case errors.Is(err, errStopped):
		return reasonShutdown // the true reason was noted before
	case errors.Is(err, os.ErrDeadlineExceeded) && c.publishing:
		return reasonIdle
	case errors.Is(err, os.ErrDeadlineExceeded):
		return reasonPublishTimeout
	case errors.As(err, &tooLong), isAny(err, chunk.ErrVersion, chunk.ErrNoHeader, chunk.ErrChunkStreams,
		chunk.ErrChunkSize, chunk.ErrUnpublished, chunk.ErrPartial, chunk.ErrAMF):
		return reasonProtocol
	case c.publishing:
		return reasonDropped
	default:
		return reasonLeft
	}
}

func isAny(err error, targets ...error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

const (
	lingerTime     = 2 * time.Second
	lingerShutdown = 500 * time.Millisecond // the server waits for it
	lingerBytes    = 32 << 20
)

// linger closes the sending side and reads on for a moment. Closing a socket
// with unread data resets it, and a reset makes the peer throw away what it has
// not read yet: the status that says why.
func (c *conn) linger(ctx context.Context) {
	if h, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = h.CloseWrite()
	}
	if c.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Now().Add(lingerShutdown)) })
	defer stop()
	_, _ = io.Copy(io.Discard, io.LimitReader(c.Conn, lingerBytes))
}
