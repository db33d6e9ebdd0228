package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/storage/segment"
)

// settleEvery is how often a fast lesson lets the disk catch up, in class time.
const settleEvery = time.Minute

// studio packages a lesson in this process, into a folder, as a server would.
type studio struct {
	lesson   *lesson
	log      *segment.Log
	packager *hls.Packager

	names map[media.TrackID]string
	last  map[media.TrackID]*hls.Snapshot
	lists listing
}

// listing is what it took to make playlists.
type listing struct {
	publish []time.Duration // an access unit that ended a part: media, all live lists and what they say of each other
	dvr     []time.Duration // the list of the DVR window and its delta update, once a segment
	bytes   int             // of the longest of these, with its delta update
}

// openStudio continues the lesson in dir, or begins it, at that class time.
func openStudio(dir string, m *material, at time.Duration, began time.Time, store segment.Config, window time.Duration) (*studio, error) {
	reg := prometheus.NewRegistry()
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	log, err := segment.Open(dir, store, segment.Deps{Logger: logger, Metrics: segment.NewMetrics(reg)})
	if err != nil {
		return nil, fmt.Errorf("open the folder of the class: %w", err)
	}
	s := &studio{
		lesson: &lesson{material: m, began: began, from: at}, log: log,
		names: map[media.TrackID]string{}, last: map[media.TrackID]*hls.Snapshot{},
	}
	for _, t := range m.tracks {
		s.names[t.ID] = t.Rendition
	}
	cfg := hls.DefaultConfig()
	cfg.DVRWindow = max(window, cfg.Window)
	s.packager, err = hls.New(cfg, hls.Deps{
		Reader: s.lesson, Log: log, Logger: logger, Metrics: hls.NewMetrics(reg),
		Now: func() time.Time { return s.lesson.wall(s.lesson.at()) },
	})
	if err != nil {
		return nil, err
	}
	s.lesson.took = s.took
	return s, nil
}

// took is told how long an access unit of the track kept the packager busy.
func (s *studio) took(track media.TrackID, d time.Duration) {
	now := s.packager.Snapshot(s.names[track])
	before := s.last[track]
	if now == nil || now == before {
		return
	}
	s.last[track] = now
	if before == nil || now.Changed == before.Changed {
		return // another rendition's part
	}
	s.lists.publish = append(s.lists.publish, d)
	if now.NextMSN == before.NextMSN {
		return
	}
	start := time.Now()
	full, delta := now.DVR()
	if full != nil {
		s.lists.dvr = append(s.lists.dvr, time.Since(start))
		s.lists.bytes = max(s.lists.bytes, len(full.Body)+len(delta.Body))
	}
}

// run packages until before ends the lesson with io.EOF.
func (s *studio) run(ctx context.Context, before func(context.Context, time.Duration) error) error {
	playing, stop := context.WithCancel(ctx)
	defer stop()
	var failed error
	s.lesson.before = func(ctx context.Context, at time.Duration) error {
		err := before(ctx, at)
		if err == nil {
			return nil
		}
		if !errors.Is(err, io.EOF) {
			failed = err
		}
		stop() // the packager leaves whole segments behind
		return context.Canceled
	}
	writing, stopWriting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWriting()
	var g errgroup.Group
	g.Go(func() error { return s.log.Run(writing) })
	g.Go(func() error {
		defer stopWriting()
		return s.packager.Run(playing)
	})
	return errors.Join(g.Wait(), failed, ctx.Err())
}

// fast makes a function for run that goes on as fast as it can and calls at for
// every full settleEvery, when all is on disk.
func (s *studio) fast(at func(time.Duration) error) func(context.Context, time.Duration) error {
	next := s.lesson.from
	return func(ctx context.Context, now time.Duration) error {
		if now < next {
			return nil
		}
		next += settleEvery
		s.log.Settle(ctx)
		return at(now)
	}
}

// inUse returns the heap in use after a collection, in bytes.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // of a process
}
