package hls_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/storage/segment"
)

// A restart must look like a reconnect: the same numbers go on behind a
// discontinuity, and what was listed stays as it was.
func TestRestartContinues(t *testing.T) {
	cfg := hls.DefaultConfig()
	l := newMemoryLog()
	c := newClass()
	w := newWatcher(t, cfg)
	w.wild = true
	var before *hls.Packager
	for i := range 3 {
		c.items = nil
		c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityReconnect, 13*time.Second)
		clear(w.snapshots) // another server: waiters of the old one are gone
		before = run(t, cfg, l, c.items, false, w.observe)
		next := before.Snapshot("source").NextMSN

		p := newPackager(t, cfg, &script{}, l)
		if p.Multivariant() == nil {
			t.Fatalf("restart %d: no multivariant playlist at once", i)
		}
		for _, name := range []string{"source", "audio"} {
			s := p.Snapshot(name)
			if s == nil || s.NextMSN != next || s.NextPart != 0 || s.Ended {
				t.Fatalf("restart %d: %s starts as %+v, want next %d", i, name, s, next)
			}
		}
		c.away(time.Minute)
	}
	if got := before.Renditions(); len(got) != 2 || got[0] != "source" {
		t.Errorf("renditions %v", got)
	}
	pl := parsePlaylist(t, before.Snapshot("source").Full.Body)
	last := pl.segments[len(pl.segments)-1]
	if last.dsn != 2 {
		t.Errorf("discontinuity sequence %d after two restarts", last.dsn)
	}
	if n := len(l.renditions["source"].inits); n != 1 {
		t.Errorf("%d init sections for one format", n)
	}
}

// Parts are for the live edge: long after, the log has given them up.
func TestRestartListsRecentPartsOnly(t *testing.T) {
	c := newClass()
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 13*time.Second)
	l := newMemoryLog()
	run(t, hls.DefaultConfig(), l, c.items, false, nil)
	for _, tc := range []struct {
		name  string
		after time.Duration
		want  bool
	}{{"at once", 2 * time.Second, true}, {"later", time.Minute, false}} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := hls.New(hls.DefaultConfig(), hls.Deps{
				Reader: &script{}, Log: l, Logger: slog.New(slog.DiscardHandler),
				Metrics: hls.NewMetrics(prometheus.NewRegistry()),
				Now:     func() time.Time { return c.wall.Add(13*time.Second + tc.after) },
			})
			if err != nil {
				t.Fatal(err)
			}
			got := parsePlaylist(t, p.Snapshot("source").Full.Body).segments
			if has := len(got[len(got)-1].parts) > 0; has != tc.want {
				t.Errorf("parts listed: %v", has)
			}
		})
	}
}

// An initialization section that the disk has lost costs what it began, not the
// class: its id is never used again.
func TestRestartWithoutInit(t *testing.T) {
	l := newMemoryLog()
	c := newClass()
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 13*time.Second)
	before := run(t, hls.DefaultConfig(), l, c.items, false, nil)
	video := l.renditions["source"]
	video.inits, video.lost = nil, 1

	c.items = nil
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityReconnect, 13*time.Second)
	after := run(t, hls.DefaultConfig(), l, c.items, false, nil)
	s := after.Snapshot("source")
	if s == nil || s.FirstMSN < before.Snapshot("source").NextMSN {
		t.Fatalf("video is %+v after %+v", s, before.Snapshot("source"))
	}
	if a := after.Snapshot("audio"); a.NextMSN != s.NextMSN {
		t.Errorf("audio is at %d, video at %d", a.NextMSN, s.NextMSN)
	}
	if len(video.inits) != 1 || video.inits[0].ID != 1 {
		t.Errorf("inits %+v, want one with id 1", video.inits)
	}
}

// A crash can leave one rendition shorter than the other.
func TestRestartFillsShorterRendition(t *testing.T) {
	l := newMemoryLog()
	c := newClass()
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 21*time.Second)
	run(t, hls.DefaultConfig(), l, c.items, false, nil)
	audio := l.renditions["audio"]
	n := len(audio.segments) - 2
	for _, s := range audio.segments[n:] {
		delete(audio.parts, s.MSN)
	}
	audio.segments = audio.segments[:n]

	c.items = nil
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityReconnect, 9*time.Second)
	w := newWatcher(t, hls.DefaultConfig())
	p := run(t, hls.DefaultConfig(), l, c.items, true, w.observe)
	gaps := 0
	for _, s := range parsePlaylist(t, p.Snapshot("audio").Full.Body).segments {
		if s.gap {
			gaps++
		}
	}
	if gaps != 2 {
		t.Errorf("%d gaps, want 2", gaps)
	}
	if a, v := p.Snapshot("audio").NextMSN, p.Snapshot("source").NextMSN; a != v {
		t.Errorf("audio is at %d, video at %d", a, v)
	}
}

// feed is a Reader on a channel; closing it ends the stream.
type feed chan stream.Item

func (f feed) Next(ctx context.Context) (stream.Item, error) {
	select {
	case item, ok := <-f:
		if !ok {
			return stream.Item{}, stream.ErrEnded
		}
		return item, nil
	case <-ctx.Done():
		return stream.Item{}, ctx.Err()
	}
}

// When the publisher goes away, what it said last must show without waiting for
// the reconnect: the segment ends, the playlist stays open.
func TestInterruptionPublishesWhatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClass()
		c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 5300*time.Millisecond)
		in := make(feed)
		l := newMemoryLog()
		p := newPackager(t, hls.DefaultConfig(), in, l)
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			if err := p.Run(t.Context()); err != nil {
				t.Errorf("run: %v", err)
			}
		})
		for _, item := range c.items {
			in <- item
		}
		synctest.Wait()
		s := p.Snapshot("source")
		if s.NextMSN != 2 || s.NextPart != 2 {
			t.Fatalf("at %d.%d before the interruption", s.NextMSN, s.NextPart)
		}
		in <- stream.Item{Interrupted: true}
		synctest.Wait()
		select {
		case <-s.Changed:
		default:
			t.Fatal("nothing published at the interruption")
		}
		for _, name := range []string{"source", "audio"} {
			var total time.Duration
			for _, seg := range l.renditions[name].segments {
				total += seg.Duration
			}
			if s := p.Snapshot(name); total < 5290*time.Millisecond || s.NextMSN != 3 || s.NextPart != 0 || s.Ended {
				t.Errorf("%s: %s published, next %d.%d, ended %v", name, total, s.NextMSN, s.NextPart, s.Ended)
			}
		}
		close(in)
		wg.Wait()
		if s := p.Snapshot("audio"); !s.Ended || s.NextMSN != 3 || s.NextPart != 0 {
			t.Errorf("ended %v at %d.%d", s.Ended, s.NextMSN, s.NextPart)
		}
	})
}

func TestEndedPlaylists(t *testing.T) {
	c := newClass()
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 10*time.Second)
	p := run(t, hls.DefaultConfig(), newMemoryLog(), c.items, true, nil)
	for _, name := range p.Renditions() {
		s := p.Snapshot(name)
		l := parsePlaylist(t, s.Full.Body)
		if !l.ended || l.hintPart != "" || !s.Ended || s.NextPart != 0 || !s.Has(s.NextMSN+9, 0) {
			t.Errorf("%s: %+v", name, l)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Run("configuration", func(t *testing.T) {
		_, err := hls.New(hls.Config{}, hls.Deps{})
		if !errors.Is(err, hls.ErrConfig) {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("log", func(t *testing.T) {
		c := newClass()
		c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 2*time.Second)
		l := newMemoryLog()
		l.fail = segment.ErrOutOfOrder
		p := newPackager(t, hls.DefaultConfig(), &script{items: c.items}, l)
		if err := p.Run(t.Context()); !errors.Is(err, segment.ErrOutOfOrder) {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("reader", func(t *testing.T) {
		broken := errors.New("broken")
		p := newPackager(t, hls.DefaultConfig(), brokenReader{broken}, newMemoryLog())
		if err := p.Run(t.Context()); !errors.Is(err, broken) {
			t.Errorf("err = %v", err)
		}
	})
}

type brokenReader struct{ err error }

func (b brokenReader) Next(context.Context) (stream.Item, error) { return stream.Item{}, b.err }

// Readers take what is published at any time and see it whole.
func TestConcurrentReaders(t *testing.T) {
	c := newClass()
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 20*time.Second)
	s := &script{items: c.items, ended: true}
	p := newPackager(t, hls.DefaultConfig(), s, newMemoryLog())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			at := 0
			for {
				v := p.Snapshot("source")
				if v == nil {
					runtime.Gosched()
					continue
				}
				if v.NextMSN < at || len(v.Full.Body) == 0 {
					t.Errorf("went back from %d to %d", at, v.NextMSN)
					return
				}
				at = v.NextMSN
				_ = p.Multivariant()
				if v.Ended {
					return
				}
				<-v.Changed
			}
		})
	}
	if err := p.Run(t.Context()); err != nil {
		t.Error(err)
	}
	wg.Wait()
}
