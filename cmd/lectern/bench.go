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
		"ingest":       {count: 10, duration: 20 * time.Second, run: bench.Ingest},
		"herd":         {count: 2000, duration: 20 * time.Second, run: bench.Herd},
		"serve":        {count: 2000, duration: 10 * time.Second, run: bench.Serve},
		"viewers":      {count: 2000, duration: 20 * time.Second, run: bench.Viewers},
		"idle":         {count: 4000, duration: 10 * time.Second, run: bench.Idle},
		"dvr":          {count: 2, duration: 3 * time.Minute, run: bench.DVR},
		"soak":         {count: 4, run: bench.Soak},
		"hostile":      {count: 10000, duration: 20 * time.Second, run: bench.Hostile},
		"ladder":       {count: 5, run: bench.LadderCost},
		"pressure":     {count: 1, duration: 3 * time.Minute, run: bench.Pressure},
		"cycles":       {count: 200, run: bench.Cycles},
		"room":         {count: 2000, duration: 20 * time.Second, run: bench.Room},
		"hostile-room": {count: 2000, duration: 15 * time.Second, run: bench.HostileRoom},
		"ballot":       {count: 2000, duration: 10 * time.Second, run: bench.Ballot},
	}
}

// longestLesson bounds the hours of a lesson that is packaged into a temporary
// folder.
const longestLesson = 24

// benchmark runs one load scenario against a server of its own.
func benchmark(ctx context.Context, args []string, env environment) error {
	fs := flags("bench", env)
	count := fs.Int("n", 0, "how many publishers, viewers, connections, people, requests, runs, classes, cycles or hours; 0 is the scenario's own")
	duration := fs.Duration("duration", 0, "how long to measure, 1s to 10m; 0 is the scenario's own")
	load := fs.Duration("pressure", time.Minute, "how long other programs compete in pressure, 1s to 10m")
	profile := fs.String("profile", "", "a file for a profile of the server: CPU time (serve, viewers, room) or memory (idle, dvr)")
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
		return &usageError{"say ingest, herd, serve, viewers, idle, dvr, soak, hostile, ladder, pressure, cycles or room, with -n up to 20000, -duration and -pressure from 1s to 10m"}
	}
	s, ok := scenarios()[words[0]]
	if !ok {
		return &usageError{fmt.Sprintf("unknown scenario %q", words[0])}
	}
	if words[0] == "dvr" || words[0] == "soak" {
		if *count > longestLesson {
			return &usageError{fmt.Sprintf("%s packages at most %d hours", words[0], longestLesson)}
		}
	}
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	return s.run(ctx, bench.Options{
		Binary: binary, Count: cmp.Or(*count, s.count), Duration: cmp.Or(*duration, s.duration), Load: *load, Profile: *profile, Out: env.stdout,
	})
}
