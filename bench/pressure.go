package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lectern/lectern/realtime/api"
)

const (
	// lagTarget is the most that a rung may be behind while nothing competes.
	lagTarget = 500 * time.Millisecond

	// cadenceTarget is how far parts of the publisher's own pictures may be off, in
	// percent of their duration, for 95 of 100 parts.
	cadenceTarget = 10

	// recoveryLimit is how long the ladder may take to be whole again.
	recoveryLimit = 5 * time.Minute

	// recoverAfter makes a ladder recover within the time of a scenario.
	recoverAfter = "LECTERN_TRANSCODE_GOVERNOR_RECOVER_AFTER"
)

// Pressure gives the default ladder of Count classes of a camera, 1080p30 for
// one and 720p30 for more, a calm time, then the competition of as many busy
// processes as there are cores, then time to recover. For each of the three it
// reports levels, lag, the cadence of the publisher's own pictures and what was
// used. It returns ErrMissed if a target was.
//
// The server waits 15 s before it gives a level back, unless the environment says
// otherwise.
func Pressure(ctx context.Context, o Options) error {
	st := stage{clip: recording{pictures: camera(1920, 1080), preset: "veryfast", kbps: 6000}}
	if o.Count > 1 {
		st.clip = recording{pictures: camera(1280, 720), preset: "veryfast", kbps: 3000}
	}
	if _, ok := os.LookupEnv(recoverAfter); !ok {
		st.env = append(st.env, recoverAfter+"=15s")
	}
	return run(ctx, o, st, func(ctx context.Context, s *scenario) error {
		if err := s.waitMeasured(ctx); err != nil {
			return err
		}
		p := &pressure{scenario: s, o: o}
		var err error
		if p.meter, err = newMeter(s.cmd.Process.Pid); err != nil {
			return err
		}
		watching, stop := context.WithCancel(ctx)
		defer stop()
		g, gctx := errgroup.WithContext(watching)
		for i := range o.Count {
			c, err := s.publish(gctx, "pressure-"+strconv.Itoa(i), nil)
			if err != nil {
				return err
			}
			v := newViewer(strings.TrimSuffix(c.Playback.HLS, "index.m3u8") + "source/index.m3u8")
			p.classes = append(p.classes, &watched{id: c.ID, viewer: v})
			g.Go(func() error { return v.watch(gctx) })
		}
		g.Go(func() error {
			defer stop()
			return p.play(gctx)
		})
		if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		return errors.Join(ctx.Err(), p.judge())
	})
}

// waitMeasured waits until the server knows how fast the machine is: on that
// depends what it admits.
func (s *server) waitMeasured(ctx context.Context) error {
	if err := poll(ctx, time.Minute, func() error {
		_, err := os.Stat(filepath.Join(s.data, "machine.json"))
		return err
	}); err != nil {
		return fmt.Errorf("the server has not measured this machine: %w", err)
	}
	return nil
}

// pressure is the scenario in play.
type pressure struct {
	*scenario

	o       Options
	meter   *meter
	classes []*watched
	phases  []*phase
}

// warmUp is how long all renditions are there before anything is measured.
const warmUp = 10 * time.Second

// play goes through the phases.
func (p *pressure) play(ctx context.Context) (err error) {
	if err = p.waitLadders(ctx); err != nil {
		return err
	}
	if err = wait(ctx, warmUp); err != nil {
		return err
	}
	if err = p.phase(ctx, "calm", p.o.Duration, func() bool { return false }); err != nil {
		return err
	}
	f, err := light(ctx, p.o.Binary, runtime.NumCPU())
	if err != nil {
		return err
	}
	err = p.phase(ctx, "pressure", p.o.Load, func() bool { return false })
	if err = errors.Join(err, f.quench()); err != nil {
		return err
	}
	return p.phase(ctx, "recovery", recoveryLimit, p.whole)
}

// waitLadders waits until each rung of each class is made, or shed already.
func (p *pressure) waitLadders(ctx context.Context) error {
	return poll(ctx, time.Minute, func() error {
		for _, w := range p.classes {
			c, err := p.api.Get(ctx, w.id)
			if err != nil {
				return err
			}
			if c.LadderState == nil || len(c.LadderState.Renditions) == 0 {
				return fmt.Errorf("%s has no ladder", w.id)
			}
			w.level = c.LadderState.Level
			for _, r := range c.LadderState.Renditions {
				if r.State == "starting" || r.State == "failed" {
					return fmt.Errorf("%s of %s is %s", r.Name, w.id, r.State)
				}
			}
		}
		return nil
	})
}

// lookEvery is the distance of samples.
const lookEvery = 500 * time.Millisecond

// phase looks at the classes and the processes until limit is over or done says
// so, and reports.
func (p *pressure) phase(ctx context.Context, name string, limit time.Duration, done func() bool) error {
	ph := &phase{name: name, start: time.Now()}
	p.phases = append(p.phases, ph)
	if err := p.meter.look(); err != nil {
		return err
	}
	p.meter.take()
	for _, w := range p.classes {
		ph.classes = append(ph.classes, &observed{id: w.id, level: w.level, latest: ph.start})
	}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for ph.elapsed < limit && !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		for i, w := range p.classes {
			c, err := p.look(ctx, w.id)
			if err != nil {
				return err
			}
			w.level = c.Level
			ph.classes[i].look(c)
		}
		if err := p.meter.look(); err != nil {
			return err
		}
		ph.elapsed = time.Since(ph.start)
	}
	ph.used = p.meter.take()
	for i, w := range p.classes {
		ph.classes[i].cadence = cadenceOf(w.viewer.between(ph.start, ph.start.Add(ph.elapsed)))
	}
	return ph.report(p.o.Out)
}

// look asks for the ladder of a class, and whether its publisher is well.
func (p *pressure) look(ctx context.Context, id string) (*api.LadderState, error) {
	for _, e := range p.ended {
		if len(e) > 0 {
			return nil, errors.New("a publisher has ended")
		}
	}
	c, err := p.api.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.LadderState == nil {
		return nil, fmt.Errorf("nobody publishes to %s any more", id)
	}
	return c.LadderState, nil
}

// whole reports whether all classes have all their renditions.
func (p *pressure) whole() bool {
	for _, w := range p.classes {
		if w.level != 0 {
			return false
		}
	}
	return true
}

// watched is a class of the scenario.
type watched struct {
	id     string
	viewer *viewer
	level  int // at the latest look
}
