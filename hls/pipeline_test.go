package hls_test

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/storage/segment"
)

// The packager between its real neighbours: a publisher comes, is cut off, comes
// back; the class ends; and a new server shows the same playlist.
func TestBetweenHubAndLog(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	clock := mediatest.NewClock()
	hub, err := stream.New(stream.DefaultConfig(), stream.Deps{Logger: quiet, Registerer: prometheus.NewRegistry(), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	s := hub.Open("algebra", stream.Position{})
	reader := s.AddReader("hls", 64<<20)
	defer s.RemoveReader(reader)

	dir := t.TempDir()
	l := openLog(t, dir)
	p, err := hls.New(hls.DefaultConfig(), hls.Deps{
		Reader: reader, Log: l, Logger: quiet, Metrics: hls.NewMetrics(prometheus.NewRegistry()), Now: clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var saving, packaging sync.WaitGroup
	defer saving.Wait()
	defer cancel()
	saving.Go(func() {
		if runErr := l.Run(ctx); runErr != nil {
			t.Errorf("log: %v", runErr)
		}
	})
	packaging.Go(func() {
		if runErr := p.Run(t.Context()); runErr != nil {
			t.Errorf("packager: %v", runErr)
		}
	})
	for _, cfg := range []mediatest.Config{{BFrames: true, Round: time.Millisecond}, {Large: true, Start: time.Hour}} {
		src := mediatest.New(t, cfg)
		pub, pubErr := hub.Publish(stream.PublishRequest{Stream: "algebra", Protocol: "rtmp", Remote: netip.MustParseAddr("::1")})
		if pubErr != nil {
			t.Fatal(pubErr)
		}
		if pubErr = pub.SetTracks(src.Tracks()); pubErr != nil {
			t.Fatal(pubErr)
		}
		if pubErr = mediatest.Push(pub, src, clock, 13*time.Second); pubErr != nil {
			t.Fatal(pubErr)
		}
		pub.Close(stream.CloseDropped)
		clock.Advance(20 * time.Second)
	}
	s.End(stream.CloseClassEnded)
	packaging.Wait()

	for _, name := range []string{"source", "audio"} {
		got := parsePlaylistOf(t, p, name)
		tags := 0
		for _, x := range got.segments {
			if x.discontinuity {
				tags++
			}
			o, openErr := l.OpenSegment(name, l.Epoch(), x.msn)
			if openErr != nil {
				t.Fatalf("%s: segment %d: %v", name, x.msn, openErr)
			}
			b, readErr := io.ReadAll(o)
			if readErr != nil || len(b) == 0 || string(b[4:8]) != "moof" {
				t.Errorf("%s: segment %d has %d bytes: %v", name, x.msn, len(b), readErr)
			}
			if closeErr := o.Close(); closeErr != nil {
				t.Error(closeErr)
			}
		}
		if tags != 1 || !got.ended || len(got.segments) < 6 {
			t.Errorf("%s: %d discontinuities in %d segments", name, tags, len(got.segments))
		}
	}
	before := p
	cancel()
	saving.Wait()

	after := newPackager(t, hls.DefaultConfig(), reader, openLog(t, dir))
	for _, name := range before.Renditions() {
		was, is := parsePlaylistOf(t, before, name), parsePlaylistOf(t, after, name)
		if was.open.msn != is.open.msn || was.msn != is.msn || was.dsn != is.dsn || len(was.segments) != len(is.segments) {
			t.Fatalf("%s: %d..%d became %d..%d", name, was.msn, was.open.msn, is.msn, is.open.msn)
		}
		for i := range was.segments {
			a, b := was.segments[i], is.segments[i]
			if a.uri != b.uri || a.extinf != b.extinf || !a.date.Equal(b.date) || a.initURI != b.initURI || a.discontinuity != b.discontinuity {
				t.Errorf("%s: segment %d was\n%+v, is\n%+v", name, a.msn, a, b)
			}
		}
	}
}

func openLog(t *testing.T, dir string) *segment.Log {
	t.Helper()
	l, err := segment.Open(dir, segment.DefaultConfig(), segment.Deps{
		Logger: slog.New(slog.DiscardHandler), Metrics: segment.NewMetrics(prometheus.NewRegistry()),
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func parsePlaylistOf(t *testing.T, p *hls.Packager, name string) *mediaPlaylist {
	t.Helper()
	s := p.Snapshot(name)
	if s == nil {
		t.Fatalf("no playlist of %s", name)
	}
	return parsePlaylist(t, s.Full.Body)
}
