package bench

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"
)

const (
	// turnEvery is how often a loop looks whether it shall end.
	turnEvery = 100 * time.Millisecond
	// sinkSize is how much of a body is thrown away in one call.
	sinkSize = 4 << 20
	// readSize is how much is read of what must be seen.
	readSize = 4 << 10
)

// loop drives a part of a swarm's connections. It belongs to one goroutine.
type loop struct {
	swarm  *swarm
	epoll  int
	addr   syscall.SockaddrInet4
	agenda agenda
	conns  map[int]*connection // by file descriptor
	events []syscall.EpollEvent
	buf    []byte
	sink   []byte // never touched: MSG_TRUNC wants the length alone
}

func newLoop(s *swarm) (*loop, error) {
	ip, err := netip.ParseAddr(s.host)
	if err != nil || !ip.Is4() {
		return nil, fmt.Errorf("%q is not an IPv4 address", s.host)
	}
	l := &loop{
		swarm: s, conns: map[int]*connection{}, events: make([]syscall.EpollEvent, 256),
		addr: syscall.SockaddrInet4{Port: s.port, Addr: ip.As4()},
		buf:  make([]byte, readSize), sink: make([]byte, sinkSize),
	}
	if l.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return l, nil
}

func (l *loop) close() error {
	for _, c := range l.conns {
		l.hangUp(c)
	}
	if err := syscall.Close(l.epoll); err != nil {
		return fmt.Errorf("close epoll: %w", err)
	}
	return nil
}

func (l *loop) run(ctx context.Context) error {
	for ctx.Err() == nil {
		now := time.Now()
		for c := l.agenda.due(now); c != nil; c = l.agenda.due(now) {
			if err := c.driver.wake(c, now); err != nil {
				return err
			}
		}
		// Rounded up, so that the next turn finds something to do.
		wait := (l.agenda.until(time.Now(), turnEvery) + time.Millisecond - 1) / time.Millisecond
		n, err := syscall.EpollWait(l.epoll, l.events, int(wait))
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("epoll: %w", err)
		}
		for i := range max(n, 0) {
			if c := l.conns[int(l.events[i].Fd)]; c != nil {
				if err := l.read(c); err != nil {
					return fmt.Errorf("viewer: %w", err)
				}
			}
		}
	}
	return nil
}

// get sends a request, over a new connection if there is none. The answer to the
// one before must be complete.
func (c *connection) get(req []byte) error {
	if c.fd < 0 {
		if err := c.loop.connect(c); err != nil {
			return err
		}
	}
	c.asked = time.Now()
	n, err := syscall.Write(c.fd, req)
	if err == nil && n < len(req) {
		err = errors.New("a request did not fit into the socket")
	}
	if err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	return nil
}

// connect waits for the handshake, which the kernel of this machine answers.
func (l *loop) connect(c *connection) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make socket: %w", err)
	}
	err = syscall.Connect(fd, &l.addr)
	if err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	if err == nil {
		err = syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP, Fd: int32(fd)}) //nolint:gosec // descriptors are small
	}
	if err != nil {
		return errors.Join(fmt.Errorf("connect: %w", err), syscall.Close(fd))
	}
	c.fd = fd
	l.conns[fd] = c
	l.swarm.open.Add(1)
	return nil
}

// hangUp closes the connection; the next request makes a new one.
func (l *loop) hangUp(c *connection) {
	if c.fd < 0 {
		return
	}
	delete(l.conns, c.fd)
	_ = syscall.Close(c.fd) // leaves epoll with it; nothing is unsent
	c.fd = -1
	l.swarm.open.Add(-1)
}

// read takes what a connection has, until the kernel has no more of it.
func (l *loop) read(c *connection) error {
	for c.fd >= 0 {
		var n int
		var err error
		drained := c.left > 0 && !c.kept
		if drained {
			n, _, err = syscall.Recvfrom(c.fd, l.sink[:min(c.left, sinkSize)], syscall.MSG_TRUNC|syscall.MSG_DONTWAIT)
		} else {
			n, err = syscall.Read(c.fd, l.buf)
		}
		switch {
		case errors.Is(err, syscall.EAGAIN):
			return nil
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("read answer: %w", err)
		case n == 0:
			return errors.New("the server closed the connection")
		}
		before := max(c.left, 0)
		var done bool
		if drained {
			c.left -= int64(n)
			done = c.left == 0
		} else if done, err = c.take(l.buf[:n]); err != nil {
			return err
		}
		switch { // bytes of the body among these
		case drained || before > 0:
			l.swarm.bytes.Add(int64(n))
		case c.left >= 0:
			l.swarm.bytes.Add(c.head.length - c.left)
		}
		if done {
			if err := c.finish(time.Now()); err != nil {
				return err
			}
			return nil // one answer for one request: the next event is another's
		}
	}
	return nil
}
