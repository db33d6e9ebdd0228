package loop_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/hls/origin/loop"
	"github.com/lectern/lectern/media/mediatest"
)

// server is a Server and the http.Server behind it.
type server struct {
	addr string
	reg  *prometheus.Registry
	stop func() // waits; may be called again
}

func start(tb testing.TB, h http.Handler, change ...func(*loop.Config)) *server {
	tb.Helper()
	cfg := loop.DefaultConfig()
	for _, c := range change {
		c(&cfg)
	}
	ln := listen(tb)
	s := &server{addr: ln.Addr().String(), reg: prometheus.NewRegistry()}
	l, err := loop.New(cfg, ln.Addr(), loop.Deps{Handler: h, Serves: isMedia, Logger: slog.New(slog.DiscardHandler), Registerer: s.reg})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	slow := newHTTP(h, ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		if rerr := l.Run(ctx, ln); rerr != nil {
			tb.Error(rerr)
		}
	})
	wg.Go(func() { _ = slow.Serve(l.Listener()) })
	s.stop = func() {
		cancel()
		_ = slow.Close()
		wg.Wait()
	}
	tb.Cleanup(s.stop)
	return s
}

// startPlain serves h with net/http alone.
func startPlain(tb testing.TB, h http.Handler) (addr string) {
	tb.Helper()
	ln := listen(tb)
	ctx, cancel := context.WithCancel(context.Background())
	srv := newHTTP(h, ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(ln) })
	tb.Cleanup(func() { cancel(); _ = srv.Close(); wg.Wait() })
	return ln.Addr().String()
}

func newHTTP(h http.Handler, ctx context.Context) *http.Server { //nolint:revive // the rest of the test reads better so
	return &http.Server{
		Handler: h, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
}

func listen(tb testing.TB) net.Listener {
	tb.Helper()
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return ln
}

func dial(tb testing.TB, addr string) *net.TCPConn {
	tb.Helper()
	c, err := new(net.Dialer).DialContext(context.Background(), "tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn) //nolint:forcetypeassert // it is one
}

func send(tb testing.TB, c net.Conn, s string) {
	tb.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		tb.Fatal(err)
	}
}

var dates = regexp.MustCompile(`Date: [A-Z][^\r]*GMT`) //nolint:gochecknoglobals // a constant

// talk sends the chunks, then no more, and returns all that comes back, without dates.
func talk(tb testing.TB, addr string, chunks ...string) string {
	tb.Helper()
	c := dial(tb, addr)
	defer c.Close() //nolint:errcheck // a test
	for _, s := range chunks {
		if _, err := io.WriteString(c, s); err != nil {
			break // it has been refused already
		}
	}
	_ = c.CloseWrite()
	b, _ := io.ReadAll(c) // a reset ends it, too
	return string(dates.ReplaceAll(b, []byte("Date: now")))
}

// metric sums those series that have the label value.
func (s *server) metric(tb testing.TB, name string, label ...string) int {
	tb.Helper()
	families, err := s.reg.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if len(label) == 0 || m.GetLabel()[0].GetValue() == label[0] {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return int(sum)
}

func (s *server) closed(tb testing.TB, why string) int {
	tb.Helper()
	return s.metric(tb, "lectern_loop_closed_connections_total", why)
}

func (s *server) handed(tb testing.TB, why ...string) int {
	tb.Helper()
	return s.metric(tb, "lectern_loop_handed_over_connections_total", why...)
}

// eventually waits until the value is what is wanted.
func eventually(tb testing.TB, what string, want int, value func() int) {
	tb.Helper()
	mediatest.Eventually(tb, func() string {
		if n := value(); n != want {
			return fmt.Sprintf("%s: %d, want %d", what, n, want)
		}
		return ""
	})
}

func contents(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>12 ^ i)
	}
	return b
}

func sameBytes(tb testing.TB, got, want []byte) {
	tb.Helper()
	if !bytes.Equal(got, want) {
		tb.Fatalf("got %d bytes, want %d; or others", len(got), len(want))
	}
}
