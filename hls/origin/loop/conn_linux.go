package loop

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lectern/lectern/hls/origin"
)

const (
	// maxSent is how much is sent of one answer before other connections have their
	// turn, in bytes.
	maxSent = 2 << 20
	// maxTurn is how many requests of one connection are answered before others have
	// their turn.
	maxTurn = 16
)

// conn is one connection. It belongs to its loop.
type conn struct {
	fd     int
	turn   int32  // tells it from others that had its descriptor
	remote string // HOST:PORT

	in       []byte    // what was read and not used yet
	exchange *exchange // under way, nil between requests
	watch    *watch    // what it is parked for, nil if it is not
	index    int       // in watch.conns

	timer   timer
	started bool // a head has begun
	fresh   bool // no request has come yet
	// readable says that the kernel may have more, over that the client will send no
	// more: events come once (EPOLLET).
	readable, over bool
	queued         bool // in loop.ready
	closed         bool
	chunk          int64 // how much may be sent before the deadline moves on
}

// exchange is a request and its answer, in memory that is used again.
type exchange struct {
	request request
	answer  answer
	closing bool   // the connection, afterwards
	rest    []byte // of the head, which did not fit
}

// event reacts to what the kernel says of c.
func (l *loop) event(c *conn, events uint32) {
	if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		l.hangUp(c, endClient)
		return
	}
	c.readable = c.readable || events&unix.EPOLLIN != 0
	if events&unix.EPOLLRDHUP != 0 {
		c.over = true
		if c.watch != nil {
			l.unpark(c)
			l.resume(c, true)
		}
	}
	if c.exchange != nil && c.watch == nil && events&unix.EPOLLOUT != 0 {
		l.flush(c)
	}
	l.advance(c)
}

// advance answers what c asks, until there is no more or an answer takes time.
func (l *loop) advance(c *conn) {
	for range maxTurn {
		if c.closed || c.exchange != nil {
			return
		}
		if !l.next(c) {
			return
		}
	}
	l.later(c)
}

// next reads and serves one request. It reports whether there may be another.
func (l *loop) next(c *conn) bool {
	x := l.take()
	b := c.in
	n, why := 0, reasonNone
	if len(b) > 0 {
		n, why = l.parse(c, x, b)
	}
	for n == 0 && why == reasonNone {
		if !c.readable {
			l.give(x)
			if c.over {
				l.leave(c, b)
			} else {
				l.wait(c, b)
			}
			return false
		}
		k, err := unix.Read(c.fd, l.buf[len(b):])
		switch {
		case errors.Is(err, unix.EAGAIN):
			c.readable = false
			continue
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			l.give(x)
			l.hangUp(c, endClient)
			return false
		case k == 0:
			l.give(x)
			l.leave(c, b)
			return false
		}
		// A short read says that there is no more, until the next event.
		c.readable = len(b)+k == len(l.buf)
		copy(l.buf, b) // all but the first time it is there already
		b = l.buf[:len(b)+k]
		n, why = l.parse(c, x, b)
	}
	if why != reasonNone {
		l.give(x)
		l.handOver(c, b, why)
		return false
	}
	if rest := b[n:]; len(rest) == 0 {
		c.in = nil
	} else {
		c.in = append([]byte(nil), rest...)
	}
	c.started, c.fresh = false, false
	c.exchange = x
	l.serve(c)
	return true
}

// parse reads the head that b begins with. As for net/http, what comes after another
// request is none before it has 4 bytes.
func (l *loop) parse(c *conn, x *exchange, b []byte) (n int, why reason) {
	if len(b) < 4 && !c.fresh {
		return 0, reasonNone
	}
	return x.request.parse(b, l.server.serves)
}

// leave ends c, whose client will say no more than b. If that is the beginning of a
// head, somebody may want to hear what is wrong with it.
func (l *loop) leave(c *conn, b []byte) {
	if len(b) >= 4 || c.fresh && len(b) > 0 {
		l.handOver(c, b, reasonMalformed)
		return
	}
	l.hangUp(c, endClient)
}

// wait keeps the beginning of a head, if there is one, and sets the deadline.
func (l *loop) wait(c *conn, b []byte) {
	switch {
	case len(b) == 0:
	case !c.started:
		c.started = true
		if !c.fresh { // for the first, time runs since the client has connected
			l.wheel.set(c, l.now+l.server.cfg.HeadTimeout)
		}
	}
	if len(b) > 0 && len(b) != len(c.in) {
		c.in = append([]byte(nil), b...)
	}
}

// serve answers the request of c.
func (l *loop) serve(c *conn) {
	x := c.exchange
	q := x.request.http
	q.RemoteAddr = c.remote
	x.answer.reset(q.Method == "HEAD")
	x.rest = nil
	if !l.guarded(func() { l.server.handler.ServeHTTP(&x.answer, q) }) {
		l.fail(c)
		return
	}
	if x.answer.held.changed != nil {
		l.park(c, x.answer.held.changed)
		return
	}
	l.send(c)
}

// send begins to send what was answered.
func (l *loop) send(c *conn) {
	x := c.exchange
	x.answer.file, x.answer.held = nil, held{}
	l.head, x.closing = x.answer.finish(l.head[:0], x.request.last || l.stopping, l.date)
	x.rest, c.chunk = l.head, origin.WriteChunk
	l.flush(c)
	if c.exchange != nil {
		x.rest = append([]byte(nil), x.rest...) // the loop's own is for the next
		l.wheel.set(c, l.now+l.server.cfg.WriteTimeout)
	}
}

// flush sends what the kernel takes.
func (l *loop) flush(c *conn) {
	x := c.exchange
	a := &x.answer
	sent := int64(0)
	for len(x.rest) > 0 || a.left() {
		if sent >= maxSent {
			l.later(c)
			return
		}
		n, err := l.write(c.fd, x)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			l.hangUp(c, endClient)
			return
		case n == 0:
			l.hangUp(c, endFault) // the file is shorter than it was
			return
		}
		sent += n
		if c.chunk -= n; c.chunk <= 0 {
			c.chunk = origin.WriteChunk
			l.wheel.set(c, l.now+l.server.cfg.WriteTimeout)
		}
	}
	c.exchange = nil
	broken, closing := a.broken, x.closing
	l.give(x)
	switch {
	case broken:
		l.hangUp(c, endFault)
	case l.stopping:
		l.hangUp(c, endShutdown)
	case closing:
		l.hangUp(c, endAsked)
	default:
		l.wheel.set(c, l.now+l.server.cfg.IdleTimeout)
	}
}

// write sends one part of what is left of x, in one call, and takes it off.
func (l *loop) write(fd int, x *exchange) (int64, error) {
	a := &x.answer
	if a.left() && a.pieces[a.sent].file >= 0 {
		if len(x.rest) > 0 {
			// The file follows: both shall share a packet.
			n, err := unix.SendmsgN(fd, x.rest, nil, nil, unix.MSG_MORE|unix.MSG_NOSIGNAL)
			x.rest = x.rest[max(n, 0):]
			return int64(n), err
		}
		p := &a.pieces[a.sent]
		n, err := unix.Sendfile(fd, p.file, &p.offset, int(min(p.size, maxSent)))
		a.done(int64(max(n, 0)))
		return int64(n), err
	}
	v := l.vector[:0]
	if len(x.rest) > 0 {
		v = append(v, x.rest)
	}
	for _, p := range a.pieces[a.sent:] {
		if p.file >= 0 || len(v) == maxVector {
			break
		}
		v = append(v, p.memory)
	}
	var n int
	var err error
	if len(v) == 1 {
		n, err = unix.SendmsgN(fd, v[0], nil, nil, unix.MSG_NOSIGNAL)
	} else {
		n, err = unix.Writev(fd, v)
	}
	clear(v)
	k := min(max(n, 0), len(x.rest))
	x.rest = x.rest[k:]
	a.done(int64(max(n, 0) - k))
	return int64(n), err
}

// passed ends what c has taken too long for.
func (l *loop) passed(c *conn) {
	switch {
	case c.watch != nil:
		l.unpark(c)
		l.resume(c, false)
		l.advance(c)
	case c.exchange != nil:
		l.hangUp(c, endWrite)
	case c.started || c.fresh:
		l.hangUp(c, endHead)
	default:
		l.hangUp(c, endIdle)
	}
}

// hangUp closes c.
func (l *loop) hangUp(c *conn, why ending) {
	if c.closed {
		return
	}
	if c.watch != nil {
		l.unpark(c)
		l.guarded(func() { c.exchange.answer.held.resume(true) }) // it is told, and nobody reads what it says
	}
	if x := c.exchange; x != nil {
		c.exchange = nil
		l.give(x)
	}
	l.forget(c)
	l.server.metrics.closed[why].Inc()
	_ = unix.Close(c.fd) // the client has what it is going to have
}

// fail closes c, whose handler has failed: it may have left its request and answer to
// somebody, so they are not used again.
func (l *loop) fail(c *conn) {
	c.exchange.answer.drop()
	c.exchange = nil
	l.hangUp(c, endFault)
}

// deadline converts a point in time.
func (l *loop) deadline(t time.Time) time.Duration { return t.Sub(l.begun) }
