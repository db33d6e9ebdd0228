package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/lectern/lectern/realtime/api"
)

// Options are what a scenario can be told.
type Options struct {
	// Binary is the lectern to measure.
	Binary string
	// Count is the number of publishers (ingest), viewers (herd, serve, viewers),
	// people (room), idle connections (idle), hostile requests (hostile), hours of class time (dvr,
	// soak), runs (ladder, cycles) or classes (pressure).
	Count int
	// Duration of the measurement, after everything runs; of pressure, that
	// without competing load.
	Duration time.Duration
	// Load is how long other programs compete for the processors (pressure).
	Load time.Duration
	// Profile names a file that gets a CPU profile of the server (serve, viewers; room,
	// with the name of the target behind it) or a heap profile (idle, dvr); none if it
	// is empty.
	Profile string
	// Out gets the figures.
	Out io.Writer
}

// scenario is a server in a temporary folder and its publishers.
type scenario struct {
	*server

	media clip
	ended []<-chan error // of the publishers
}

// stage is what a scenario needs.
type stage struct {
	clip recording
	env  []string // of the server, beside its own
}

// passedThrough are the renditions of classes in which nothing is encoded.
func passedThrough() []string { return []string{"source", "audio"} }

// run lets play use a server and a clip, and ends all that play has started. The
// context of play ends with it.
func run(ctx context.Context, o Options, st stage, play func(context.Context, *scenario) error) (err error) {
	dir, err := os.MkdirTemp("", "lectern-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	media, err := st.clip.make(ctx, dir)
	if err != nil {
		return err
	}
	s, err := startServer(ctx, o.Binary, dir, st.env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	sc := &scenario{server: s, media: media}
	playing, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		for _, e := range sc.ended {
			err = errors.Join(err, <-e)
		}
	}()
	return play(playing, sc)
}

// publish makes a class with these renditions, nil for the server's own, pushes
// the clip to it, and returns once it can be watched.
func (s *scenario) publish(ctx context.Context, id string, ladder []string) (api.Class, error) {
	c, ended, err := publish(ctx, s.server, s.media, id, ladder)
	if err != nil {
		return api.Class{}, err
	}
	s.ended = append(s.ended, ended)
	return c, s.waitLive(ctx, c.Playback.HLS)
}

// usage is what a server spent.
type usage struct {
	elapsed, cpu time.Duration
	memory       int64 // bytes resident at the end
}

// cores is the part of a core that was busy; 2 is two of them.
func (u usage) cores() float64 { return u.cpu.Seconds() / u.elapsed.Seconds() }

// measure waits for d and returns what the server spent meanwhile.
func (s *scenario) measure(ctx context.Context, d time.Duration) (usage, error) {
	before, err := s.cpu()
	if err != nil {
		return usage{}, err
	}
	start := time.Now()
	select {
	case <-ctx.Done():
		return usage{}, ctx.Err()
	case <-time.After(d):
	}
	after, err := s.cpu()
	if err != nil {
		return usage{}, err
	}
	u := usage{elapsed: time.Since(start), cpu: after - before}
	u.memory, err = s.resident()
	return u, err
}
