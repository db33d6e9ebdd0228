package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/lectern/lectern/bench"
)

// benchmark runs one load scenario against a server of its own.
func benchmark(ctx context.Context, args []string, env environment) error {
	fs := flags("bench", env)
	count := fs.Int("n", 0, "how many publishers or viewers; 0 is the scenario's own")
	duration := fs.Duration("duration", 20*time.Second, "how long to measure, 1s to 10m")
	words, err := parse(fs, args, 1)
	if err != nil {
		return err
	}
	if len(words) != 1 || *count < 0 || *count > 20000 || *duration < time.Second || *duration > 10*time.Minute {
		return &usageError{"say ingest or herd, with -n up to 20000 and -duration from 1s to 10m"}
	}
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	o := bench.Options{Binary: binary, Count: *count, Duration: *duration, Out: env.stdout}
	switch words[0] {
	case "ingest":
		if o.Count == 0 {
			o.Count = 10
		}
		return bench.Ingest(ctx, o)
	case "herd":
		if o.Count == 0 {
			o.Count = 2000
		}
		return bench.Herd(ctx, o)
	default:
		return &usageError{fmt.Sprintf("unknown scenario %q", words[0])}
	}
}
