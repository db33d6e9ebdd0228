package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/lectern/lectern/bench"
)

// scenario is one of bench's.
type scenario struct {
	count    int           // unless told
	duration time.Duration // unless told
	run      func(context.Context, bench.Options) error
}

func scenarios() map[string]scenario {
	return map[string]scenario{
		"ingest":   {count: 10, duration: 20 * time.Second, run: bench.Ingest},
		"herd":     {count: 2000, duration: 20 * time.Second, run: bench.Herd},
		"ladder":   {count: 5, run: bench.LadderCost},
		"pressure": {count: 1, duration: 3 * time.Minute, run: bench.Pressure},
		"cycles":   {count: 200, run: bench.Cycles},
	}
}

// benchmark runs one load scenario against a server of its own.
func benchmark(ctx context.Context, args []string, env environment) error {
	fs := flags("bench", env)
	count := fs.Int("n", 0, "how many publishers, viewers, runs, classes or cycles; 0 is the scenario's own")
	duration := fs.Duration("duration", 0, "how long to measure, 1s to 10m; 0 is the scenario's own")
	load := fs.Duration("pressure", time.Minute, "how long other programs compete in pressure, 1s to 10m")
	words, err := parse(fs, args, 2)
	if err != nil {
		return err
	}
	switch { // parts of scenarios that are processes of their own
	case len(words) == 2 && words[0] == "encode":
		return encode(ctx, words[1], env)
	case len(words) == 1 && words[0] == "burn":
		bench.Burn(ctx, os.Stdin)
		return nil
	}
	const longest = 10 * time.Minute
	if len(words) != 1 || *count < 0 || *count > 20000 || *duration != 0 && (*duration < time.Second || *duration > longest) || *load < time.Second || *load > longest {
		return &usageError{"say ingest, herd, ladder, pressure or cycles, with -n up to 20000, -duration and -pressure from 1s to 10m"}
	}
	s, ok := scenarios()[words[0]]
	if !ok {
		return &usageError{fmt.Sprintf("unknown scenario %q", words[0])}
	}
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	return s.run(ctx, bench.Options{
		Binary: binary, Count: cmp.Or(*count, s.count), Duration: cmp.Or(*duration, s.duration), Load: *load, Out: env.stdout,
	})
}
