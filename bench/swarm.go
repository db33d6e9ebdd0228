package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// swarm is many viewers over HTTP/1.1, driven by as many threads as there are
// processors and two at most, so that they cost little beside the server: they wait
// with epoll, read heads by hand, and let the kernel throw bodies away (recv(2)
// with MSG_TRUNC) that nobody wants to see. It works on Linux only.
type swarm struct {
	host  string
	port  int
	loops []*loop

	// What all connections have done so far. The loops add, anybody may read.
	open     atomic.Int64 // connections now
	requests atomic.Int64 // that were answered
	bytes    atomic.Int64 // of bodies
}

// driver decides what one connection does. All calls for one connection come from
// one goroutine. An error ends the swarm.
type driver interface {
	// wake is called at the time that was given to add or [connection.sleep].
	wake(c *connection, now time.Time) error
	// keep reports whether the body of this answer is wanted.
	keep(h *head) bool
	// answered is called when an answer is complete. body is nil if it was not
	// wanted; it is valid during the call.
	answered(c *connection, now time.Time, h *head, body []byte) error
}

// connection is one connection of a swarm. Its methods may be called from its
// driver only.
type connection struct {
	loop   *loop
	driver driver
	fd     int // -1 until the first request

	asked time.Time // when the request was sent
	got   []byte    // the head so far, then the body if it is kept
	head  head
	left  int64 // of the body; -1 while the head is read
	kept  bool
}

// newSwarm returns a swarm for the server at addr, HOST:PORT with a numeric host.
func newSwarm(addr string) (*swarm, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("address of the server: %w", err)
	}
	s := &swarm{host: host}
	if s.port, err = strconv.Atoi(port); err != nil {
		return nil, fmt.Errorf("address of the server: %w", err)
	}
	for range min(2, runtime.NumCPU()) {
		l, err := newLoop(s)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.loops = append(s.loops, l)
	}
	return s, nil
}

// add adds a connection that is woken at that time. Call it before run.
func (s *swarm) add(n int, at time.Time, d driver) {
	l := s.loops[n%len(s.loops)]
	l.agenda.add(at, &connection{loop: l, driver: d, fd: -1, left: -1})
}

// run drives all connections until ctx ends, then closes them. It returns nil
// then, and an error if a driver or the network fails.
func (s *swarm) run(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	for _, l := range s.loops {
		g.Go(func() error { return l.run(gctx) })
	}
	return errors.Join(g.Wait(), s.close())
}

func (s *swarm) close() error {
	var errs []error
	for _, l := range s.loops {
		errs = append(errs, l.close())
	}
	s.loops = nil
	return errors.Join(errs...)
}

// sleep wakes the driver at that time.
func (c *connection) sleep(until time.Time) { c.loop.agenda.add(until, c) }

// request is a GET for path, which may have a query.
func request(path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: bench\r\nUser-Agent: lectern-bench\r\nAccept: */*\r\n\r\n")
}

// take goes on with an answer of which data came. It reports whether it is
// complete.
func (c *connection) take(data []byte) (bool, error) {
	if c.left >= 0 {
		if int64(len(data)) > c.left {
			return false, errHead
		}
		if c.kept {
			c.got = append(c.got, data...)
		}
		c.left -= int64(len(data))
		return c.left == 0, nil
	}
	c.got = append(c.got, data...)
	h, size, err := parseHead(c.got)
	if err != nil || size == 0 {
		return false, err
	}
	c.head, c.kept = h, c.driver.keep(&h)
	c.left = h.length - int64(len(c.got)-size)
	if c.left < 0 {
		return false, errHead // nothing else was asked for
	}
	if c.kept {
		c.got = append(c.got[:0], c.got[size:]...)
	} else {
		c.got = c.got[:0]
	}
	return c.left == 0, nil
}

// finish hands a complete answer to the driver.
func (c *connection) finish(now time.Time) error {
	s := c.loop.swarm
	s.requests.Add(1)
	if c.head.closes {
		c.loop.hangUp(c)
	}
	var body []byte
	if c.kept {
		body = c.got
	}
	c.left = -1
	c.got = c.got[:0] // of the same memory: the driver may use body until it asks again
	return c.driver.answered(c, now, &c.head, body)
}
