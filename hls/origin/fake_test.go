package origin_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/hls/origin"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/storage/segment"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	class     = "algebra-1"
	rendition = "source"
	partSize  = 1000
)

// fakeClass stands for a packager: it writes parts into a real segment log and
// publishes snapshots with marker texts instead of playlists.
type fakeClass struct {
	dir string
	log *segment.Log

	target, parts time.Duration
	protected     bool

	mu           sync.Mutex   // guards the fields below
	zip          *gzip.Writer // costly to make
	multivariant *hls.Document
	dvr          *hls.Document
	snapshots    map[string]*hls.Snapshot
	changed      map[string]chan struct{}
}

func newFakeClass(tb testing.TB) *fakeClass {
	tb.Helper()
	dir := tb.TempDir()
	log, err := segment.Open(dir, segment.DefaultConfig(), segment.Deps{
		Logger: slog.New(slog.DiscardHandler), Metrics: segment.NewMetrics(prometheus.NewRegistry()),
	})
	if err != nil {
		tb.Fatal(err)
	}
	f := &fakeClass{
		dir: dir, log: log, target: 4 * time.Second, parts: 500 * time.Millisecond,
		zip:       gzip.NewWriter(io.Discard),
		snapshots: make(map[string]*hls.Snapshot), changed: make(map[string]chan struct{}),
	}
	for _, name := range []string{rendition, "audio"} {
		if err := log.PutInit(name, segment.Init{Data: []byte("init of " + name)}); err != nil {
			tb.Fatal(err)
		}
	}
	return f
}

func (f *fakeClass) Presentation(name string) (origin.Presentation, bool) {
	return origin.Presentation{Playlists: f, Media: f.log, Protected: f.protected}, name == class
}

func (f *fakeClass) DVRMultivariant() *hls.Document {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dvr
}

func (f *fakeClass) Multivariant() *hls.Document {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.multivariant
}

func (f *fakeClass) Snapshot(name string) *hls.Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.snapshots[name]
}

func (f *fakeClass) Epoch() string                 { return f.log.Epoch() }
func (f *fakeClass) TargetDuration() time.Duration { return f.target }
func (f *fakeClass) PartTarget() time.Duration     { return f.parts }

func (f *fakeClass) document(text string) hls.Document {
	var z bytes.Buffer
	f.zip.Reset(&z)
	_, _ = f.zip.Write([]byte(text))
	_ = f.zip.Close()
	return hls.Document{Body: []byte(text), Gzip: z.Bytes(), ETag: fmt.Sprintf("%q", text[:4]+text[len(text)-8:]), GzipETag: fmt.Sprintf("%q", text[:4]+text[len(text)-8:]+"-gz")}
}

// text is the fake playlist; kind is "full" or "part" of it (a delta).
func text(kind string, nextMSN, nextPart int) string {
	return kind + strings.Repeat("\n#EXTM3U", 50) + fmt.Sprintf("\nnext %04d.%03d", nextMSN, nextPart)
}

// publish makes s the current snapshot of a rendition and wakes who waits.
func (f *fakeClass) publish(name string, s hls.Snapshot) {
	f.mu.Lock()
	s.Full = f.document(text("full", s.NextMSN, s.NextPart))
	s.Delta = f.document(text("skip", s.NextMSN, s.NextPart))
	if name == rendition {
		d := f.document(text("ifrm", s.NextMSN, 0))
		s.IFrames = &d
	}
	now := make(chan struct{})
	s.Changed = now
	before := f.changed[name]
	f.snapshots[name], f.changed[name] = &s, now
	if s.NextMSN > 0 && f.multivariant == nil {
		d := f.document(text("multi", 0, 0))
		f.multivariant = &d
	}
	f.mu.Unlock()
	if before != nil {
		close(before)
	}
}

func partData(msn, part int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%05d.%03d ", msn, part), partSize/10)
}

func segmentData(msn, parts int) []byte {
	var b []byte
	for i := range parts {
		b = append(b, partData(msn, i)...)
	}
	return b
}

// addPart appends the next part of a rendition.
func (f *fakeClass) addPart(tb testing.TB, name string) {
	tb.Helper()
	s := f.current(name)
	p := segment.Part{Index: s.NextPart, Duration: f.parts, Data: partData(s.NextMSN, s.NextPart)}
	if err := f.log.AppendPart(name, s.NextMSN, p); err != nil {
		tb.Fatal(err)
	}
	s.NextPart++
	f.publish(name, s)
}

// finish closes the growing segment of a rendition.
func (f *fakeClass) finish(tb testing.TB, name string) {
	tb.Helper()
	s := f.current(name)
	if err := f.log.FinishSegment(name, segment.Segment{MSN: s.NextMSN, Duration: f.target}); err != nil {
		tb.Fatal(err)
	}
	s.NextMSN, s.NextPart, s.LastParts = s.NextMSN+1, 0, s.NextPart
	s.FirstMSN = max(0, s.NextMSN-6)
	f.publish(name, s)
}

func (f *fakeClass) current(name string) hls.Snapshot {
	if s := f.Snapshot(name); s != nil {
		return *s
	}
	return hls.Snapshot{}
}

// add appends n whole segments of two parts.
func (f *fakeClass) add(tb testing.TB, name string, n int) {
	tb.Helper()
	for range n {
		f.addPart(tb, name)
		f.addPart(tb, name)
		f.finish(tb, name)
	}
}

// gate knows some tokens for the class "algebra-1" by heart.
type gate struct{}

const (
	goodToken    = "v1.k1.4102444800.abcdefgh.algebra-1.c2lnbmF0dXJl"
	expiredToken = "v1.k1.1.abcdefgh.algebra-1.c2lnbmF0dXJl"
	revokedToken = "v1.k1.4102444800.revokedd.algebra-1.c2lnbmF0dXJl"
)

func (gate) Check(token, name string, now time.Time) error {
	switch {
	case name != class || now.IsZero():
		return errors.New("for another class")
	case token == goodToken:
		return nil
	case token == expiredToken:
		return fmt.Errorf("check: %w", origin.ErrTokenExpired)
	case token == revokedToken:
		return fmt.Errorf("check: %w", origin.ErrTokenRevoked)
	default:
		return errors.New("forged")
	}
}

// toDisk writes everything and releases the memory.
func (f *fakeClass) toDisk(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := f.log.Run(ctx); err != nil {
		tb.Fatal(err)
	}
}

func (f *fakeClass) end(name string) {
	s := f.current(name)
	s.Ended = true
	f.publish(name, s)
}

// fixture is a class behind an origin.
type fixture struct {
	*fakeClass
	origin *origin.Origin
	reg    *prometheus.Registry
	logged *bytes.Buffer // everything the origin logs; read it when nothing is under way
}

func newFixture(tb testing.TB, change ...func(*origin.Config)) *fixture {
	tb.Helper()
	cfg := origin.DefaultConfig()
	for _, c := range change {
		c(&cfg)
	}
	f := &fixture{fakeClass: newFakeClass(tb), reg: prometheus.NewRegistry(), logged: new(bytes.Buffer)}
	o, err := origin.New(cfg, f, slog.New(slog.NewTextHandler(f.logged, nil)), f.reg, origin.WithGate(gate{}))
	if err != nil {
		tb.Fatal(err)
	}
	f.origin = o
	return f
}

// started is a fixture with segments 0 to 9 and part 10.0 of "source", and the
// same of "audio".
func started(tb testing.TB, change ...func(*origin.Config)) *fixture {
	tb.Helper()
	f := newFixture(tb, change...)
	for _, name := range []string{rendition, "audio"} {
		f.add(tb, name, 10)
		f.addPart(tb, name)
	}
	return f
}

// path is the URL path of a file of "source"; name has %s for the epoch.
func (f *fixture) path(name string) string {
	return "/live/" + class + "/" + rendition + "/" + strings.ReplaceAll(name, "%s", f.Epoch())
}

const playlistPath = "/live/" + class + "/" + rendition + "/index.m3u8"

// do sends one request in process. headers are name, value, name, value.
func (f *fixture) do(method, url string, headers ...string) *httptest.ResponseRecorder {
	return f.doContext(context.Background(), method, url, headers...)
}

func (f *fixture) doContext(ctx context.Context, method, url string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, method, url, http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return f.serve(r)
}

// serve sends a request that may have been tampered with.
func (f *fixture) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.origin.ServeHTTP(w, r)
	return w
}

// held is a request under way.
type held struct {
	done chan struct{}
	w    *httptest.ResponseRecorder
}

// hold starts a GET and returns once it waits.
func (f *fixture) hold(ctx context.Context, t *testing.T, url string) *held {
	t.Helper()
	before := f.waiters(t)
	h := &held{done: make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(h.done)
		h.w = f.doContext(ctx, http.MethodGet, url)
	})
	t.Cleanup(wg.Wait)
	mediatest.Eventually(t, func() string {
		select {
		case <-h.done:
			t.Fatalf("GET %s did not wait: %d %s", url, h.w.Code, h.w.Body)
		default:
		}
		if n := f.waiters(t); n != before+1 {
			return fmt.Sprintf("%v requests wait, want %v", n, before+1)
		}
		return ""
	})
	return h
}

func (h *held) wait(t *testing.T) *httptest.ResponseRecorder {
	t.Helper()
	select {
	case <-h.done:
		return h.w
	case <-time.After(20 * time.Second):
		t.Fatal("the request is still held")
		return nil
	}
}

func (h *held) stillHeld() bool {
	select {
	case <-h.done:
		return false
	default:
		return true
	}
}

func (f *fixture) waiters(tb testing.TB) float64 {
	tb.Helper()
	return f.value(tb, "lectern_origin_waiters")
}

// value sums those series of a metric that have all these label values.
func (f *fixture) value(tb testing.TB, name string, labels ...string) float64 {
	tb.Helper()
	families, err := f.reg.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	var sum float64
	for _, mf := range families {
		if mf.GetName() != name {
			continue
		}
	series:
		for _, m := range mf.GetMetric() {
			for _, want := range labels {
				found := false
				for _, l := range m.GetLabel() {
					found = found || l.GetValue() == want
				}
				if !found {
					continue series
				}
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}
