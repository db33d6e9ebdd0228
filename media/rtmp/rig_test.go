package rtmp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/ingest/ingesttest"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtmp"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
	"github.com/lectern/lectern/media/stream"
)

const goodKey = "k-3f9a7c5e"

// tracksOf returns the tracks last announced to p.
func tracksOf(p *ingesttest.Publication) []media.Track {
	lists := p.Tracks()
	if len(lists) == 0 {
		return nil
	}
	return lists[len(lists)-1]
}

// keys is an Authorizer that knows goodKey, and keys that begin with "class-".
type keys struct{}

var errWrongKey = &media.RefusalError{Code: "wrong_key", Text: "This stream key is not known. Copy it again from the class page."}

func (keys) Authorize(_ context.Context, key string, _ netip.Addr) (string, error) {
	switch {
	case key == goodKey:
		return "algebra", nil
	case strings.HasPrefix(key, "class-"):
		return key, nil
	case key == "broken":
		return "", errors.New("database is gone")
	default:
		return "", errWrongKey
	}
}

// rig is a running server.
type rig struct {
	tb   testing.TB
	hub  *ingesttest.Hub
	reg  *prometheus.Registry
	addr string
	stop func() // stops the server and waits for it
}

type rigOption func(*rtmp.Config, *rtmp.Deps)

func logTo(w io.Writer) rigOption {
	return func(_ *rtmp.Config, d *rtmp.Deps) {
		d.Logger = slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
}

func start(tb testing.TB, opts ...rigOption) *rig {
	tb.Helper()
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return startOn(tb, []rtmp.Listener{{Listener: l, Protocol: "rtmp"}}, opts...)
}

func startOn(tb testing.TB, listeners []rtmp.Listener, opts ...rigOption) *rig {
	tb.Helper()
	r := &rig{tb: tb, hub: &ingesttest.Hub{}, reg: prometheus.NewRegistry(), addr: listeners[0].Addr().String()}
	cfg := rtmp.DefaultConfig()
	deps := rtmp.Deps{Authorizer: keys{}, Hub: r.hub, Logger: slog.New(slog.DiscardHandler), Registerer: r.reg}
	for _, o := range opts {
		o(&cfg, &deps)
	}
	s, err := rtmp.New(cfg, deps)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() {
		if err := s.Run(ctx, listeners); err != nil {
			tb.Errorf("Run: %v", err)
		}
	})
	r.stop = func() { cancel(); run.Wait() }
	tb.Cleanup(r.stop)
	return r
}

// push publishes with key, which must succeed.
func (r *rig) push(key string) *rtmptest.Client {
	r.tb.Helper()
	c, err := rtmptest.Push(r.tb.Context(), r.addr, key)
	if err != nil {
		r.tb.Fatal(err)
	}
	r.tb.Cleanup(c.Drop)
	return c
}

// dial shakes hands only.
func (r *rig) dial() *rtmptest.Client {
	r.tb.Helper()
	c, err := rtmptest.Dial(r.tb.Context(), r.addr)
	if err != nil {
		r.tb.Fatal(err)
	}
	r.tb.Cleanup(c.Drop)
	if err := c.Handshake(r.tb.Context()); err != nil {
		r.tb.Fatal(err)
	}
	return c
}

// publication returns the only publication once there is one.
func (r *rig) publication() *ingesttest.Publication {
	r.tb.Helper()
	r.eventually("a publication", func() bool { return len(r.hub.Publications()) > 0 })
	return r.hub.Publications()[0]
}

func (r *rig) eventually(what string, ok func() bool) {
	r.tb.Helper()
	mediatest.Eventually(r.tb, func() string {
		if ok() {
			return ""
		}
		return "not yet " + what
	})
}

// ended waits until the publication was closed for want.
func (r *rig) ended(p *ingesttest.Publication, want stream.CloseReason) {
	r.tb.Helper()
	mediatest.Eventually(r.tb, func() string {
		if got := p.Reason(); got != want {
			return fmt.Sprintf("publication closed for %v, want %v", got, want)
		}
		return ""
	})
}

// metric waits until a series has a value, given as name{label="value",…}.
func (r *rig) metric(series string, want float64) {
	r.tb.Helper()
	mediatest.Eventually(r.tb, func() string {
		if got := r.value(series); got != want {
			return fmt.Sprintf("%s = %v, want %v", series, got, want)
		}
		return ""
	})
}

func (r *rig) value(series string) float64 {
	families, err := r.reg.Gather()
	if err != nil {
		r.tb.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			name := f.GetName()
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			if name == series {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

// closed waits until n connections were closed for reason.
func (r *rig) closed(reason string, n float64) {
	r.tb.Helper()
	r.metric(fmt.Sprintf("lectern_rtmp_connections_closed_total{protocol=%q,reason=%q}", "rtmp", reason), n)
}

// wantStatus fails unless err is a status of level error with this code and text.
func wantStatus(t *testing.T, err error, code, text string) {
	t.Helper()
	var s *rtmptest.StatusError
	if !errors.As(err, &s) {
		t.Fatalf("err = %v, want a status", err)
	}
	if s.Status.Level != "error" || s.Status.Code != code || !strings.Contains(s.Status.Description, text) {
		t.Errorf("status = %+v, want error %s %q", s.Status, code, text)
	}
}
