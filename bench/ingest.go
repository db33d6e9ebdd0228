package bench

import (
	"context"
	"fmt"
	"strconv"
)

// Ingest pushes Count classes of 1080p at 6 Mbit/s and reports what the whole
// server, packaging and recording included, spends on a megabit.
func Ingest(ctx context.Context, o Options) error {
	return run(ctx, o, stage{clip: testCard(6000)}, func(ctx context.Context, s *scenario) error {
		for i := range o.Count {
			if _, err := s.publish(ctx, "bench-"+strconv.Itoa(i), passedThrough()); err != nil {
				return err
			}
		}
		u, err := s.measure(ctx, o.Duration)
		if err != nil {
			return err
		}
		rate := float64(s.media.bytes) * 8 / 1e6 / s.media.duration.Seconds()
		megabits := float64(o.Count) * rate * u.elapsed.Seconds()
		_, err = fmt.Fprintf(o.Out, "ingest: %d publishers of %.2f Mbit/s for %.0f s: %.0f Mbit, %.2f CPU-s, %.3f CPU-ms per Mbit, %.3f of a core, %d MiB resident\n",
			o.Count, rate, u.elapsed.Seconds(), megabits, u.cpu.Seconds(), float64(u.cpu.Milliseconds())/megabits, u.cores(), u.memory>>20)
		return err
	})
}
