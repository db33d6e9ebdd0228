package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// serveRate is what a viewer takes, in kbit/s.
	serveRate = 2500
	// serveSegments is how many segments there are to be fetched.
	serveSegments = 8
	// serveRounds is how often each server is measured.
	serveRounds = 3
	// servePeriod is how long a segment plays.
	servePeriod = 4 * time.Second
	// serveTarget is what a delivered gigabit may cost, as a multiple of what it
	// costs nginx.
	serveTarget = 1.0
)

// Serve lets Count viewers fetch segments of 4 s at 2.5 Mbit/s each, over
// connections that they keep, and compares what a delivered gigabit costs Lectern
// and nginx: the same files, from disk by sendfile, rounds of Duration in turn, the
// medians. It also reports what it costs while the class is on, when segments come
// from memory. It returns ErrMissed if Lectern needs more CPU time than nginx.
func Serve(ctx context.Context, o Options) error {
	st := stage{clip: testCard(serveRate), env: []string{"LECTERN_HLS_WINDOW=15m"}} // all that is on disk is listed
	return run(ctx, o, st, func(ctx context.Context, s *scenario) error {
		live, err := s.serveLive(ctx, o)
		if err != nil {
			return err
		}
		v := &verdicts{out: o.Out}
		reportServing(o, "lectern, from memory", live)

		if err = s.restart(ctx); err != nil { // the media are on disk alone
			return err
		}
		ours, theirs, err := s.serveTurns(ctx, o)
		if err != nil {
			return err
		}
		if err = fair(append(slices.Clone(ours), theirs...)); err != nil {
			return err
		}
		ratio := medianCost(ours) / medianCost(theirs)
		v.say(ratio <= serveTarget, "%d viewers at %.1f Mbit/s: a gigabit costs at most %.2f times the CPU of nginx: %.4f s and %.4f s, ratio %.2f",
			o.Count, serveRate/1000.0, serveTarget, medianCost(ours), medianCost(theirs), ratio)
		return v.err()
	})
}

// errBusy says that figures mean nothing.
var errBusy = errors.New("the machine was too busy with other things: more than 1 % of the segments came too late")

// fair returns errBusy if a round was not at the pace that it was to have.
func fair(rounds []serving) error {
	for _, s := range rounds {
		if s.late*100 > len(s.took) {
			return errBusy
		}
	}
	return nil
}

func medianCost(all []serving) float64 {
	var costs []float64
	for _, s := range all {
		costs = append(costs, s.cost())
	}
	return percentile(costs, 50)
}

func reportServing(o Options, who string, s serving) {
	fmt.Fprintf(o.Out, "%s: %.2f Gbit/s for %.0f s, %.2f of a core, %.4f CPU-s a Gbit; a segment takes median %d ms, p99 %d ms; %d of %d came too late\n",
		who, s.gigabits()/s.elapsed.Seconds(), s.elapsed.Seconds(), s.cpu.Seconds()/s.elapsed.Seconds(), s.cost(),
		percentile(s.took, 50).Milliseconds(), percentile(s.took, 99).Milliseconds(), s.late, len(s.took))
}

// serveLive publishes the class, lets the crowd fetch what is in memory, and ends
// it. What ingest costs is left out.
func (s *scenario) serveLive(ctx context.Context, o Options) (serving, error) {
	publishing, stop := context.WithCancel(ctx)
	defer stop()
	c, err := s.publish(publishing, "serve", passedThrough())
	if err != nil {
		return serving{}, err
	}
	var paths []string
	if err = poll(ctx, 2*time.Minute, func() error {
		if paths, err = mediaPaths(ctx, renditionOf(c.Playback.HLS, "source")); err == nil && len(paths) < serveSegments {
			err = fmt.Errorf("there are only %d segments", len(paths))
		}
		return err
	}); err != nil {
		return serving{}, err
	}
	alone, err := s.measure(ctx, o.Duration/2)
	if err != nil {
		return serving{}, err
	}
	out, err := newCrowd(o.Count, servePeriod, paths).serve(ctx, s.http, o.Duration, s.cpu, nil)
	if err != nil {
		return serving{}, err
	}
	out.cpu -= time.Duration(alone.cores() * float64(out.elapsed))
	stop()
	if _, err = s.api.End(ctx, c.ID); err != nil {
		return serving{}, fmt.Errorf("end class: %w", err)
	}
	return out, nil
}

// serveTurns measures both servers in turn.
func (s *scenario) serveTurns(ctx context.Context, o Options) (ours, theirs []serving, err error) {
	c, err := s.api.Get(ctx, "serve")
	if err != nil {
		return nil, nil, fmt.Errorf("get class: %w", err)
	}
	folder := filepath.Join(s.data, "classes", c.ID, "source")
	files, err := filepath.Glob(filepath.Join(folder, "*.m4s"))
	if err != nil {
		return nil, nil, fmt.Errorf("list segments: %w", err)
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = "/" + filepath.Base(f)
	}
	paths, err := mediaPaths(ctx, renditionOf(c.Playback.HLS, "source"))
	if err != nil {
		return nil, nil, err
	}
	n, err := startNginx(ctx, s.dir, folder)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	if err = sameMedia(ctx, "http://"+s.http, paths, "http://"+n.addr, names); err != nil {
		return nil, nil, err
	}
	for round := range serveRounds {
		a, err := newCrowd(o.Count, servePeriod, paths).serve(ctx, s.http, o.Duration, s.cpu, nil)
		if err != nil {
			return nil, nil, fmt.Errorf("lectern: %w", err)
		}
		reportServing(o, "lectern, from disk", a)
		b, err := newCrowd(o.Count, servePeriod, names).serve(ctx, n.addr, o.Duration, n.cpu, nil)
		if err != nil {
			return nil, nil, fmt.Errorf("nginx: %w", err)
		}
		reportServing(o, "nginx, from disk", b)
		ours, theirs = append(ours, a), append(theirs, b)
		if round == serveRounds-1 && o.Profile != "" {
			if _, err = newCrowd(o.Count, servePeriod, paths).serve(ctx, s.http, o.Duration, s.cpu, func(ctx context.Context) error {
				return s.profile(ctx, o.Duration, o.Profile)
			}); err != nil {
				return nil, nil, fmt.Errorf("profile: %w", err)
			}
		}
	}
	return ours, theirs, nil
}

// renditionOf returns the URL of a media playlist, given that of the class.
func renditionOf(multivariant, rendition string) string {
	return strings.TrimSuffix(multivariant, "index.m3u8") + rendition + "/index.m3u8"
}

// mediaPaths returns the paths of the segments that a media playlist lists.
func mediaPaths(ctx context.Context, playlist string) ([]string, error) {
	u, err := url.Parse(playlist)
	if err != nil {
		return nil, fmt.Errorf("playlist: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, playlist, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // read-only
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d", playlist, res.StatusCode)
	}
	return listMedia(res.Body, path.Dir(u.Path))
}

// listMedia returns the segments of a media playlist as paths, folder being that of
// the playlist.
func listMedia(r io.Reader, folder string) ([]string, error) {
	var out []string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if line := lines.Text(); line != "" && line[0] != '#' {
			out = append(out, path.Join(folder, line))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read playlist: %w", err)
	}
	return out, nil
}

// sameMedia makes sure that two servers serve objects of the same sizes, and that
// these are in the memory of the operating system.
func sameMedia(ctx context.Context, oneBase string, one []string, otherBase string, other []string) error {
	sizes := func(base string, paths []string) ([]int64, error) {
		var out []int64
		for _, p := range paths {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+p, http.NoBody)
			if err != nil {
				return nil, fmt.Errorf("make request: %w", err)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				return nil, err
			}
			n, err := io.Copy(io.Discard, res.Body)
			if err = errors.Join(err, res.Body.Close()); err != nil {
				return nil, err
			}
			if res.StatusCode != http.StatusOK {
				return nil, fmt.Errorf("%s answers %d", p, res.StatusCode)
			}
			out = append(out, n)
		}
		slices.Sort(out)
		return out, nil
	}
	a, err := sizes(oneBase, one)
	if err != nil {
		return err
	}
	b, err := sizes(otherBase, other)
	if err != nil {
		return err
	}
	if len(a) == 0 || !slices.Equal(a, b) {
		return fmt.Errorf("the two servers do not have the same media: %d objects and %d: %w", len(a), len(b), os.ErrInvalid)
	}
	return nil
}
