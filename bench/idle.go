package bench

import (
	"context"
	"fmt"
	"time"
)

// idleTarget is what a waiting viewer may take of the server's memory, in bytes.
const idleTarget = 40_000

// memory is what a server takes.
type memory struct {
	resident                  int64 // bytes, as the kernel says
	heap, stacks, all, counts float64
}

// remember collects the server's garbage and looks at what is left.
func (s *server) remember(ctx context.Context) (m memory, err error) {
	if m.resident, err = s.resident(); err != nil { // as it was
		return m, err
	}
	if err = s.collect(ctx); err != nil {
		return m, err
	}
	for name, to := range map[string]*float64{
		"go_memstats_heap_alloc_bytes": &m.heap, "go_memstats_stack_inuse_bytes": &m.stacks,
		"go_memstats_sys_bytes": &m.all, "go_goroutines": &m.counts,
	} {
		if *to, err = s.metric(ctx, name); err != nil {
			return m, err
		}
	}
	return m, nil
}

// Idle opens Count connections that each hold a blocking playlist reload, and
// reports what one takes of the server's memory: while parts come and every request
// is answered and made again, and when the publisher is gone and all just wait. It
// returns ErrMissed if that is more than 40 KB.
func Idle(ctx context.Context, o Options) error {
	return run(ctx, o, stage{clip: testCard(serveRate)}, func(ctx context.Context, s *scenario) error {
		publishing, stop := context.WithCancel(ctx)
		defer stop()
		c, err := s.publish(publishing, "idle", passedThrough())
		if err != nil {
			return err
		}
		a, err := newAudience(o.Count, c.Playback.HLS, []string{"source"}, false)
		if err != nil {
			return err
		}
		// The media of the window fill memory first; they are none of the viewers'.
		fmt.Fprintf(o.Out, "waiting for the window of the playlist to fill\n")
		if err = wait(ctx, 70*time.Second); err != nil {
			return err
		}
		before, err := s.remember(ctx)
		if err != nil {
			return err
		}
		var busy, waiting memory
		if err = a.follow(ctx, s.http, func(ctx context.Context, _ *swarm) error {
			busy, waiting, err = s.idle(ctx, o, stop)
			return err
		}); err != nil {
			return err
		}
		n := float64(o.Count)
		for _, l := range []struct {
			what string
			memory
		}{{"while parts come", busy}, {"all waiting", waiting}} {
			fmt.Fprintf(o.Out, "%d connections, %s: %.1f KB each resident; without garbage %.1f KB of heap and %.1f KB of stacks, %.2f goroutines each\n",
				o.Count, l.what, float64(l.resident-before.resident)/n/1000, (l.heap-before.heap)/n/1000, (l.stacks-before.stacks)/n/1000, (l.counts-before.counts)/n)
		}
		v := &verdicts{out: o.Out}
		each := float64(waiting.resident-before.resident) / n
		v.say(each <= idleTarget, "an idle connection that holds a reload takes at most %d KB: %.1f KB", idleTarget/1000, each/1000)
		return v.err()
	})
}

// idle looks at the server while parts come, and when stop has ended them.
func (s *scenario) idle(ctx context.Context, o Options, stop func()) (busy, waiting memory, err error) {
	if err = wait(ctx, o.Duration); err != nil {
		return memory{}, memory{}, err
	}
	if busy, err = s.remember(ctx); err != nil {
		return memory{}, memory{}, err
	}
	stop()
	if err = wait(ctx, 2*time.Second); err != nil {
		return memory{}, memory{}, err
	}
	held, err := s.metric(ctx, "lectern_origin_waiters")
	if err != nil {
		return memory{}, memory{}, err
	}
	if int(held) < o.Count*99/100 {
		return memory{}, memory{}, fmt.Errorf("%.0f of %d connections hold a request", held, o.Count)
	}
	if o.Profile != "" {
		if err = s.save(ctx, "/debug/pprof/heap?gc=1", o.Profile); err != nil {
			return memory{}, memory{}, err
		}
	}
	waiting, err = s.remember(ctx)
	return busy, waiting, err
}
