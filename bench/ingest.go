package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// Options are what a scenario can be told.
type Options struct {
	// Binary is the lectern to measure.
	Binary string
	// Count is the number of publishers (ingest) or viewers (herd).
	Count int
	// Duration of the measurement, after everything runs.
	Duration time.Duration
	// Out gets the figures.
	Out io.Writer
}

// Ingest pushes Count classes of 1080p at 6 Mbit/s and reports what the whole
// server, packaging and recording included, spends on a megabit.
func Ingest(ctx context.Context, o Options) (err error) {
	dir, err := os.MkdirTemp("", "lectern-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	media, err := makeClip(ctx, dir, 6000)
	if err != nil {
		return err
	}
	s, err := startServer(ctx, o.Binary, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()

	pushCtx, stopPush := context.WithCancel(ctx)
	var ended []<-chan error
	defer func() {
		stopPush()
		for _, e := range ended {
			err = errors.Join(err, <-e)
		}
	}()
	for i := range o.Count {
		c, e, perr := publish(pushCtx, s, media, "bench-"+strconv.Itoa(i))
		if perr != nil {
			return perr
		}
		ended = append(ended, e)
		if perr = s.waitLive(ctx, c.Playback.HLS); perr != nil {
			return perr
		}
	}
	before, err := s.cpu()
	if err != nil {
		return err
	}
	start := time.Now()
	if err = sleep(ctx, o.Duration); err != nil {
		return err
	}
	after, err := s.cpu()
	if err != nil {
		return err
	}
	elapsed := time.Since(start)
	memory, err := s.resident()
	if err != nil {
		return err
	}
	megabits := float64(o.Count) * float64(media.bytes) * 8 / 1e6 * elapsed.Seconds() / media.duration.Seconds()
	_, err = fmt.Fprintf(o.Out, "ingest: %d publishers of %.2f Mbit/s for %.0f s: %.0f Mbit, %.2f CPU-s, %.3f CPU-ms per Mbit, %.3f of a core, %d MiB resident\n",
		o.Count, float64(media.bytes)*8/1e6/media.duration.Seconds(), elapsed.Seconds(), megabits, (after - before).Seconds(),
		float64((after-before).Milliseconds())/megabits, (after-before).Seconds()/elapsed.Seconds(), memory>>20)
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
