package rtmp_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media/ingest/ingesttest"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtmp"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
	"github.com/lectern/lectern/media/stream"
)

func newHub(tb testing.TB, cfg stream.Config) *stream.Hub {
	tb.Helper()
	hub, err := stream.New(cfg, stream.Deps{Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry()})
	if err != nil {
		tb.Fatal(err)
	}
	return hub
}

// Case 31 with the product's rule: the same address takes over, and the first
// encoder is told.
func TestTakeOverFromTheSameAddress(t *testing.T) {
	hub := newHub(t, stream.DefaultConfig())
	s := hub.Open("algebra", stream.Position{})
	r := start(t, func(_ *rtmp.Config, d *rtmp.Deps) { d.Hub = ingesttest.StreamHub(hub) })
	reader := s.AddReader("test", 16<<20)
	defer s.RemoveReader(reader)

	publish := func() *rtmptest.Client {
		c := r.push(goodKey)
		src := mediatest.New(t, mediatest.Config{Round: time.Millisecond})
		if err := errors.Join(c.WriteHeaders(0, src.Tracks()), c.WriteSamples(src.Tracks(), src.Take(3*time.Second)...)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := publish()
	next(t, reader)
	publish()
	st, err := first.NextStatus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, &rtmptest.StatusError{Status: st}, "NetStream.Publish.BadName", "taken over")

	s.End(stream.CloseClassEnded)
	_, err = rtmptest.Push(t.Context(), r.addr, goodKey)
	wantStatus(t, err, "NetStream.Publish.Denied", "not open for publishing")
}

// next reads items until an access unit comes.
func next(t *testing.T, r *stream.Reader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		item, err := r.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if item.AccessUnit != nil {
			return
		}
	}
}
