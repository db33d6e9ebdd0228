package loop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxEvents = 256
	maxVector = 64 // buffers in one call
	// maxAccepted is how many connections are accepted before others have their turn.
	maxAccepted = 64
	// maxSpare is how many exchanges are kept for use.
	maxSpare = 1024
	// quantum is how long a loop waits that has something to do, in milliseconds, and
	// lively how often it finds nothing before it waits for longer.
	quantum = 4
	lively  = 12
	// headRoom is what the head of an answer takes, mostly.
	headRoom = 2 << 10
)

// loop drives a part of the connections. It belongs to one goroutine, but for what mu
// guards.
type loop struct {
	server *Server
	//nolint:containedctx // of the requests, as net/http has it in its connections
	ctx      context.Context
	epoll    int
	eventfd  int
	listener int // -1 once it is not to be accepted from
	events   []unix.EpollEvent
	begun    time.Time
	now      time.Duration // since begun, when events came last
	yielded  time.Duration // since begun, when others had the processor
	quiet    int           // how often nothing came

	conns    map[int]*conn // by descriptor
	turns    int32
	ready    []*conn // that have something to do without an event
	wheel    wheel
	watches  map[<-chan struct{}]*watch
	watchers sync.WaitGroup
	spare    []*exchange
	buf      []byte   // for reading
	head     []byte   // for heads of answers
	vector   [][]byte // for writing
	paused   bool     // the listener is not listened to
	pausedAt time.Duration
	stopping bool
	today    int64 // the second that Date stands for
	dateText string

	mu    sync.Mutex // held while woken changes
	woken []*watch
}

func newLoop(ctx context.Context, s *Server, listener int) (*loop, error) {
	l := &loop{
		server: s, ctx: ctx, epoll: -1, eventfd: -1, listener: listener, begun: time.Now(),
		events: make([]unix.EpollEvent, maxEvents), conns: make(map[int]*conn), watches: make(map[<-chan struct{}]*watch),
		buf: make([]byte, maxHead), head: make([]byte, 0, headRoom), vector: make([][]byte, 0, maxVector),
	}
	var err error
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("make epoll: %w", err)
	}
	if l.eventfd, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, errors.Join(fmt.Errorf("make eventfd: %w", err), l.close())
	}
	err = l.add(l.eventfd, unix.EPOLLIN, 0)
	if err == nil {
		err = l.listen()
	}
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *loop) close() error {
	var errs []error
	for _, fd := range []int{l.epoll, l.eventfd} {
		if fd >= 0 {
			errs = append(errs, unix.Close(fd))
		}
	}
	return errors.Join(errs...)
}

func (l *loop) add(fd int, events uint32, turn int32) error {
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd), Pad: turn}); err != nil { //nolint:gosec // descriptors are small
		return fmt.Errorf("watch descriptor: %w", err)
	}
	return nil
}

// listen begins to accept. One loop is woken for a connection, not all.
func (l *loop) listen() error {
	l.paused = false
	return l.add(l.listener, unix.EPOLLIN|unix.EPOLLEXCLUSIVE, 0)
}

// deafen stops that.
func (l *loop) deafen() { _ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, l.listener, nil) } // it is there

// pause stops it for a tick: what fails now would fail again at once.
func (l *loop) pause() {
	l.deafen()
	l.paused, l.pausedAt = true, l.now
}

// retry ends the pause when it is over.
func (l *loop) retry() error {
	if !l.paused || l.stopping || l.now < l.pausedAt+tick {
		return nil
	}
	return l.listen()
}

// run serves until stop is closed and everything under way is over, or for the drain
// timeout from then.
func (l *loop) run(stop <-chan struct{}) error {
	defer l.hangUpAll()
	var drained time.Duration
	for {
		n, err := l.poll(l.patience())
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("epoll: %w", err)
		}
		l.now = time.Since(l.begun)
		for _, e := range l.events[:max(n, 0)] {
			switch fd := int(e.Fd); fd {
			case l.eventfd:
				var count [8]byte
				_, _ = unix.Read(fd, count[:]) // there is something
				l.changed()
			case l.listener:
				l.accept()
			default:
				if c := l.conns[fd]; c != nil && c.turn == e.Pad {
					l.event(c, e.Events)
				}
			}
		}
		ready := l.ready
		l.ready = nil
		for _, c := range ready {
			c.queued = false
			if c.exchange != nil && c.watch == nil && !c.closed {
				l.flush(c)
			}
			l.advance(c)
		}
		l.wheel.expire(l.now, l.passed)
		if err = l.retry(); err != nil {
			return err
		}
		select {
		case <-stop:
			if !l.stopping {
				drained = l.now + l.server.cfg.DrainTimeout
				l.stop()
			}
			if l.now >= drained {
				l.hangUpAll()
			}
			if len(l.conns) == 0 {
				return nil
			}
		default:
		}
	}
}

// poll waits for events. Go's scheduler takes the processor from a goroutine that was
// in one call, or not scheduled anew, for 10 ms; to watch it and to get the processor
// back costs an eighth of all that serving costs. So a loop that has something to do
// waits and works for shorter times than that.
func (l *loop) poll(ms int) (int, error) {
	if l.quiet < lively && (ms < 0 || ms > quantum) {
		ms = quantum
	}
	if l.now-l.yielded > quantum*time.Millisecond {
		l.yielded = l.now
		runtime.Gosched()
	}
	n, err := unix.EpollWait(l.epoll, l.events, ms)
	if l.quiet++; n > 0 {
		l.quiet = 0
	}
	return n, err
}

// patience is how long to wait for events, in milliseconds; -1 is for ever.
func (l *loop) patience() int {
	switch {
	case len(l.ready) > 0:
		return 0
	case l.wheel.count > 0 || l.paused || l.stopping:
		return int(tick / time.Millisecond)
	default:
		return -1
	}
}

// accept takes in who has connected.
func (l *loop) accept() {
	m := l.server.metrics
	for range maxAccepted {
		fd, from, err := unix.Accept4(l.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
			continue
		case errors.Is(err, unix.EINVAL): // it is shut down
			l.pause()
			return
		case err != nil: // too many files, or no memory: they can wait
			l.pause()
			l.server.logger.Warn("connections cannot be accepted", "err", err)
			return
		}
		m.accepted.Inc()
		if l.server.count.Add(1) > int64(l.server.cfg.MaxConnections) {
			l.server.count.Add(-1)
			_ = unix.Close(fd)
			m.closed[endOverload].Inc()
			continue
		}
		l.turns++
		c := &conn{fd: fd, turn: l.turns, remote: address(from), fresh: true}
		l.conns[fd] = c
		m.connections.Inc()
		l.wheel.set(c, l.now+l.server.cfg.HeadTimeout)
		if err = l.add(fd, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET, c.turn); err != nil {
			l.hangUp(c, endOverload)
		}
	}
}

// forget takes c out of the loop. Its descriptor is the caller's.
func (l *loop) forget(c *conn) {
	c.closed = true
	l.wheel.remove(c)
	delete(l.conns, c.fd)
	l.server.count.Add(-1)
	l.server.metrics.connections.Dec()
}

// handOver gives c to net/http, with what was read.
func (l *loop) handOver(c *conn, b []byte, why reason) {
	_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, c.fd, nil) // it is there
	l.forget(c)
	l.server.handOver(c.fd, append([]byte(nil), b...), why)
}

// stop begins to stop: who is idle is hung up on, who waits is answered.
func (l *loop) stop() {
	l.stopping = true
	if !l.paused {
		l.deafen()
	}
	for _, c := range l.conns {
		switch {
		case c.watch != nil:
			l.unpark(c)
			l.resume(c, true)
		case c.exchange == nil:
			l.hangUp(c, endShutdown)
		}
	}
}

func (l *loop) hangUpAll() {
	for _, c := range l.conns {
		l.hangUp(c, endShutdown)
	}
}

// later gives c another turn, after the others.
func (l *loop) later(c *conn) {
	if !c.queued {
		c.queued = true
		l.ready = append(l.ready, c)
	}
}

// take returns an exchange.
func (l *loop) take() *exchange {
	if n := len(l.spare); n > 0 {
		x := l.spare[n-1]
		l.spare = l.spare[:n-1]
		return x
	}
	return &exchange{request: newRequest(l.ctx), answer: answer{header: make(http.Header, 16)}}
}

// give takes an exchange back that is over.
func (l *loop) give(x *exchange) {
	x.answer.drop()
	x.rest = nil
	if len(l.spare) < maxSpare {
		l.spare = append(l.spare, x)
	}
}

// guarded calls f, and reports whether it did not panic: a fault of the handler costs
// one connection, as in net/http.
func (l *loop) guarded(f func()) (ok bool) {
	defer func() {
		if ok {
			return
		}
		if v := recover(); v != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
			l.server.logger.ErrorContext(l.ctx, "handler failed", "err", fmt.Sprintf("%v\n%s", v, debug.Stack()))
		}
	}()
	f()
	return true
}

// date returns the value of Date now.
func (l *loop) date() string {
	now := time.Now()
	if s := now.Unix(); s != l.today {
		l.today, l.dateText = s, now.UTC().Format(http.TimeFormat)
	}
	return l.dateText
}

// address renders where a client comes from.
func address(from unix.Sockaddr) string {
	switch a := from.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)).String() //nolint:gosec // it is one
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port)).String() //nolint:gosec // it is one
	default:
		return ""
	}
}
