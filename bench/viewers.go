package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// The targets of low latency.
const (
	playlistTarget = 50 * time.Millisecond
	partTarget     = 60 * time.Millisecond
)

// freeLimit is how long a server may take to notice that viewers have left.
const freeLimit = 10 * time.Second

// Viewers lets Count viewers follow one class for Duration, as low-latency players
// do, and reports what that costs the server and how late playlists and parts are:
// first the pictures alone, then pictures and sound, each over a connection of its
// own. It returns ErrMissed if a target of lateness is missed or a viewer had
// nothing left to play.
func Viewers(ctx context.Context, o Options) error {
	return run(ctx, o, stage{clip: testCard(serveRate)}, func(ctx context.Context, s *scenario) error {
		c, err := s.publish(ctx, "viewers", passedThrough())
		if err != nil {
			return err
		}
		if err = wait(ctx, settleWithin); err != nil { // until there are parts enough
			return err
		}
		v := &verdicts{out: o.Out}
		for _, renditions := range [][]string{{"source"}, passedThrough()} {
			a, err := newAudience(o.Count, c.Playback.HLS, renditions, true)
			if err != nil {
				return err
			}
			seen, err := s.watched(ctx, a, o)
			if err != nil {
				return err
			}
			fmt.Fprintf(o.Out, "%d viewers of %s for %.0f s: %s\n", o.Count, strings.Join(renditions, " and "), seen.spent.elapsed.Seconds(), seen)
			v.lateness(a, a.summary(1))
		}
		return v.err()
	})
}

// watching is what an audience cost the server.
type watching struct {
	spent           usage
	requests, bytes int64
	freed           time.Duration // from when all left until no request was held
}

func (w watching) String() string {
	elapsed := w.spent.elapsed.Seconds()
	return fmt.Sprintf("%.0f requests a second, %.2f Gbit/s; %.2f of a core, %.1f CPU-µs a request, %d MiB resident; all held requests were freed in %d ms",
		float64(w.requests)/elapsed, float64(w.bytes)*8/1e9/elapsed,
		w.spent.cores(), float64(w.spent.cpu.Microseconds())/float64(max(1, w.requests)), w.spent.memory>>20, w.freed.Milliseconds())
}

// watched lets the audience watch and leave.
func (s *scenario) watched(ctx context.Context, a *audience, o Options) (watching, error) {
	var w watching
	if err := a.follow(ctx, s.http, func(ctx context.Context, sw *swarm) error {
		a.note(1)
		w.requests, w.bytes = -sw.requests.Load(), -sw.bytes.Load()
		g, gctx := errgroup.WithContext(ctx)
		g.Go(func() (err error) {
			w.spent, err = s.measure(gctx, o.Duration)
			w.requests += sw.requests.Load()
			w.bytes += sw.bytes.Load()
			return err
		})
		if o.Profile != "" {
			g.Go(func() error { return s.profile(gctx, o.Duration, o.Profile) })
		}
		return g.Wait()
	}); err != nil {
		return watching{}, err
	}
	left := time.Now()
	err := poll(ctx, freeLimit, func() error {
		n, merr := s.metric(ctx, "lectern_origin_waiters")
		if merr == nil && n > 0 {
			merr = fmt.Errorf("%.0f requests are still held", n)
		}
		return merr
	})
	w.freed = time.Since(left)
	return w, err
}

// lateness prints the verdicts on what an audience has met with.
func (v *verdicts) lateness(a *audience, w attendance) {
	playlist, part := percentile(w.playlists, 99), percentile(w.parts, 99)
	v.say(len(w.playlists) > 0 && playlist <= playlistTarget, "a playlist is with 99 %% of its viewers within %d ms of the first: median %s, p99 %s, last %s, of %d; %d were refused",
		playlistTarget.Milliseconds(), inMilliseconds(percentile(w.playlists, 50)), inMilliseconds(playlist), inMilliseconds(percentile(w.playlists, 100)), len(w.playlists), a.refused.Load())
	v.say(len(w.parts) > 0 && part <= partTarget, "99 %% of the parts are fetched within %d ms: median %s, p99 %s, last %s, of %d; %d were not found",
		partTarget.Milliseconds(), inMilliseconds(percentile(w.parts, 50)), inMilliseconds(part), inMilliseconds(percentile(w.parts, 100)), len(w.parts), a.missed.Load())
	v.say(w.stalls == 0, "no viewer has nothing left to play: %d stalls in %d of %d, %.1f s in all", w.stalls, w.stalled, w.viewers, w.dry.Seconds())
}

func inMilliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
