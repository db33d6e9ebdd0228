package rtsp

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/ingest"
	"github.com/lectern/lectern/media/ingest/ingesttest"
	"github.com/lectern/lectern/media/rtsp/internal/rtptest"
)

// fakeAuthorizer knows one key.
type fakeAuthorizer struct{}

func (fakeAuthorizer) Authorize(_ context.Context, key string, _ netip.Addr) (string, error) {
	switch key {
	case testKey:
		return testStream, nil
	case "ended":
		return "", &media.RefusalError{Code: "class_ended", Text: "This class has ended."}
	case "broken":
		return "", errors.New("database is gone")
	default:
		return "", &media.RefusalError{Code: "stream_key", Text: "The stream key is not known."}
	}
}

// lockedBuffer is a log that can be read while it is written.
type lockedBuffer struct {
	mu  sync.Mutex // guards the field below
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// testServer is a running Server.
type testServer struct {
	t       *testing.T
	addr    string
	hub     *ingesttest.Hub
	metrics *Metrics
	log     *lockedBuffer
	stop    func()
}

func startServer(t *testing.T, edit func(*Config), hooks ...func(*Server)) *testServer {
	t.Helper()
	return startServerFor(t, fakeAuthorizer{}, edit, hooks...)
}

func startServerFor(t *testing.T, keys ingest.Authorizer, edit func(*Config), hooks ...func(*Server)) *testServer {
	t.Helper()
	cfg := DefaultConfig()
	if edit != nil {
		edit(&cfg)
	}
	ts := &testServer{t: t, hub: &ingesttest.Hub{}, metrics: NewMetrics(prometheus.NewRegistry()), log: &lockedBuffer{}}
	s, err := NewServer(cfg, Deps{
		Authorizer: keys, Hub: ts.hub, Metrics: ts.metrics,
		Logger: slog.New(slog.NewTextHandler(ts.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	must(t, err)
	for _, hook := range hooks {
		hook(s)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ts.addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	var run sync.WaitGroup
	run.Go(func() { done <- s.Run(ctx, ln) })
	ts.stop = sync.OnceFunc(func() {
		cancel()
		run.Wait()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if text := ts.log.String(); strings.Contains(text, testKey) {
			t.Errorf("the stream key is in the log:\n%s", text)
		}
	})
	t.Cleanup(ts.stop)
	return ts
}

func (ts *testServer) url(path string) string { return "rtsp://" + ts.addr + path }

// record connects a publisher.
func (ts *testServer) record(send *rtptest.Sender, path string, transport gortsplib.Transport) (*gortsplib.Client, error) {
	c := &gortsplib.Client{Transport: &transport, WriteQueueSize: 8192}
	err := c.StartRecording(ts.url(path), send.Desc)
	return c, err
}

// push writes samples as fast as the connection takes them.
func push(t *testing.T, c *gortsplib.Client, send *rtptest.Sender, samples []media.Sample) {
	t.Helper()
	for _, s := range samples {
		for _, pkt := range send.Pack(s) {
			must(t, c.WritePacketRTP(send.Media(s), pkt))
		}
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
