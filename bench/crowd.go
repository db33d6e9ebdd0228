package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// crowd is viewers that fetch one segment after another at the pace at which they
// play them, each over a connection that it keeps.
type crowd struct {
	requests  [][]byte // one a segment
	period    time.Duration
	measuring atomic.Bool
	members   []*fetcher
}

// newCrowd returns n viewers of the segments at these paths, of which each plays
// for period.
func newCrowd(n int, period time.Duration, paths []string) *crowd {
	c := &crowd{period: period}
	for _, p := range paths {
		c.requests = append(c.requests, request(p))
	}
	for i := range n {
		c.members = append(c.members, &fetcher{crowd: c, next: i})
	}
	return c
}

// fetcher is one of a crowd. It implements driver.
type fetcher struct {
	crowd *crowd
	next  int       // segment
	due   time.Time // when the present one was to be asked for

	took []time.Duration // while the crowd was measured
	late int             // segments that took longer than they play
}

func (f *fetcher) wake(c *connection, now time.Time) error {
	if f.due.IsZero() {
		f.due = now
	}
	f.next++
	return c.get(f.crowd.requests[f.next%len(f.crowd.requests)])
}

func (f *fetcher) keep(*head) bool { return false }

func (f *fetcher) answered(c *connection, now time.Time, h *head, _ []byte) error {
	if h.status != http.StatusOK {
		return fmt.Errorf("a segment is answered with %d", h.status)
	}
	f.due = f.due.Add(f.crowd.period)
	if f.crowd.measuring.Load() {
		f.took = append(f.took, now.Sub(c.asked))
		if now.After(f.due) {
			f.late++
		}
	}
	if now.After(f.due) {
		f.due = now // what is lost is lost
	}
	c.sleep(f.due)
	return nil
}

// serving is what it took to serve a crowd.
type serving struct {
	elapsed  time.Duration
	cpu      time.Duration
	bytes    int64
	requests int64
	took     []time.Duration
	late     int
}

// gigabits that were delivered.
func (s serving) gigabits() float64 { return float64(s.bytes) * 8 / 1e9 }

// cost is CPU seconds for each gigabit.
func (s serving) cost() float64 { return s.cpu.Seconds() / s.gigabits() }

// serve lets the crowd play from the server at addr, and measures d of it once all
// are there. cpu returns the CPU time of that server. meanwhile, unless nil, runs
// along with the measurement.
func (c *crowd) serve(ctx context.Context, addr string, d time.Duration, cpu func() (time.Duration, error), meanwhile func(context.Context) error) (serving, error) {
	s, err := newSwarm(addr)
	if err != nil {
		return serving{}, err
	}
	start := time.Now()
	for i, m := range c.members { // evenly over one period, for ever
		s.add(i, start.Add(c.period*time.Duration(i)/time.Duration(len(c.members))), m)
	}
	playing, stop := context.WithCancel(ctx)
	defer stop()
	g, gctx := errgroup.WithContext(playing)
	g.Go(func() error { return s.run(gctx) })
	var out serving
	g.Go(func() error {
		defer stop()
		if werr := wait(gctx, 2*c.period); werr != nil { // one to come, one to settle
			return werr
		}
		if werr := s.complete(gctx, len(c.members)); werr != nil {
			return werr
		}
		var merr error
		out, merr = c.measure(gctx, s, d, cpu, meanwhile)
		return merr
	})
	if err = g.Wait(); err != nil && (ctx.Err() != nil || !errors.Is(err, context.Canceled)) {
		return serving{}, err
	}
	for _, m := range c.members {
		out.took = append(out.took, m.took...)
		out.late += m.late
	}
	return out, nil
}

func (c *crowd) measure(ctx context.Context, s *swarm, d time.Duration, cpu func() (time.Duration, error), meanwhile func(context.Context) error) (serving, error) {
	before, err := cpu()
	if err != nil {
		return serving{}, err
	}
	out := serving{bytes: -s.bytes.Load(), requests: -s.requests.Load()}
	start := time.Now()
	c.measuring.Store(true)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return wait(gctx, d) })
	if meanwhile != nil {
		g.Go(func() error { return meanwhile(gctx) })
	}
	if err = g.Wait(); err != nil {
		return serving{}, err
	}
	c.measuring.Store(false)
	after, err := cpu()
	out.elapsed, out.cpu = time.Since(start), after-before
	out.bytes += s.bytes.Load()
	out.requests += s.requests.Load()
	return out, err
}

// complete waits until n connections are open.
func (s *swarm) complete(ctx context.Context, n int) error {
	return poll(ctx, arriveLimit, func() error {
		if open := s.open.Load(); open != int64(n) {
			return fmt.Errorf("%d of %d connections are open", open, n)
		}
		return nil
	})
}

// arriveLimit is how long a slow machine may take until all viewers are there.
const arriveLimit = time.Minute

// wait returns after d, or ctx's error.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
