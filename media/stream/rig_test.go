package stream_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a hub with one open stream, on a clock that stands still.
type rig struct {
	tb     testing.TB
	hub    *stream.Hub
	stream *stream.Stream
	clock  *mediatest.Clock
	reg    *prometheus.Registry
}

func newRig(tb testing.TB, cfg stream.Config, admit func([]media.Track) error) *rig {
	tb.Helper()
	r := &rig{tb: tb, clock: mediatest.NewClock(), reg: prometheus.NewRegistry()}
	hub, err := stream.New(cfg, stream.Deps{
		Logger:     slog.New(slog.DiscardHandler),
		Registerer: r.reg,
		Now:        r.clock.Now,
	})
	if err != nil {
		tb.Fatal(err)
	}
	r.hub = hub
	r.stream = hub.Open("algebra", stream.Position{})
	r.stream.SetTerms(stream.Terms{Admit: admit})
	return r
}

var addresses = map[string]netip.Addr{
	"hall":   netip.MustParseAddr("192.0.2.1"),
	"office": netip.MustParseAddr("192.0.2.2"),
}

func (r *rig) publish(src *mediatest.Source) *stream.Publication {
	r.tb.Helper()
	p, err := r.hub.Publish(stream.PublishRequest{Stream: "algebra", Protocol: "rtmp", Remote: addresses["hall"]})
	if err != nil {
		r.tb.Fatal(err)
	}
	if err := p.SetTracks(src.Tracks()); err != nil {
		r.tb.Fatal(err)
	}
	return p
}

func (r *rig) push(p *stream.Publication, src *mediatest.Source, d time.Duration) {
	r.tb.Helper()
	if err := mediatest.Push(p, src, r.clock, d); err != nil {
		r.tb.Fatal(err)
	}
}

// drain takes all that is queued.
func drain(tb testing.TB, r *stream.Reader) (items []stream.Item, ended bool) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	cancel() // Next returns what is queued, and then at once
	for {
		item, err := r.Next(ctx)
		switch {
		case errors.Is(err, stream.ErrEnded):
			return items, true
		case errors.Is(err, context.Canceled):
			return items, false
		case err != nil:
			tb.Fatal(err)
		}
		items = append(items, item)
	}
}

// counter returns the sum of a metric over the samples with these label values.
func (r *rig) counter(name string, labels ...string) float64 {
	r.tb.Helper()
	families, err := r.reg.Gather()
	if err != nil {
		r.tb.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	next:
		for _, m := range f.GetMetric() {
			for _, want := range labels {
				found := false
				for _, l := range m.GetLabel() {
					found = found || l.GetValue() == want
				}
				if !found {
					continue next
				}
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}
