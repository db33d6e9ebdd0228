package origin_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/hls/origin"
)

// herdPlaylist renders a Low-Latency playlist of so many segments, as large as
// a real one: parts of the last three segments, a date a segment.
func herdPlaylist(b *bytes.Buffer, segments, part int) {
	const parts = "#EXT-X-PART:DURATION=0.50000,INDEPENDENT=YES,URI=\"p%d.%d-abcdefgh.m4s\"\n"
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=0.5\n" +
		"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5,CAN-SKIP-UNTIL=24.0\n" +
		"#EXT-X-MAP:URI=\"init-0-abcdefgh.mp4\"\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n")
	date := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	for i := range segments {
		if i >= segments-3 {
			for k := range 8 {
				fmt.Fprintf(b, parts, i, k)
			}
		}
		fmt.Fprintf(b, "#EXT-X-PROGRAM-DATE-TIME:%s\n#EXTINF:4.00000,\ns%d-abcdefgh.m4s\n",
			date.Add(time.Duration(i)*4*time.Second).Format("2006-01-02T15:04:05.000Z07:00"), i)
	}
	for k := max(0, part-7); k <= part; k++ {
		fmt.Fprintf(b, parts, segments, k)
	}
	fmt.Fprintf(b, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p%d.%d-abcdefgh.m4s\"\n", segments, part+1)
}

// ours is the origin with a snapshot packager.
type ours struct {
	*origin.Origin
	segments int
	snapshot atomic.Pointer[hls.Snapshot]
	changed  chan struct{} // of snapshot
	reg      *prometheus.Registry
	frames   atomic.Int64
}

func newOurs(tb testing.TB, segments int) *ours {
	tb.Helper()
	o := &ours{segments: segments, reg: prometheus.NewRegistry()}
	h, err := origin.New(origin.DefaultConfig(), o, slog.New(slog.DiscardHandler), o.reg)
	if err != nil {
		tb.Fatal(err)
	}
	o.Origin = h
	o.publish(0)
	return o
}

func (o *ours) Presentation(string) (origin.Presentation, bool) {
	return origin.Presentation{Playlists: o}, true
}
func (o *ours) Multivariant() *hls.Document      { return nil }
func (o *ours) DVRMultivariant() *hls.Document   { return nil }
func (o *ours) Snapshot(string) *hls.Snapshot    { return o.snapshot.Load() }
func (o *ours) Epoch() string                    { return "abcdefgh" }
func (o *ours) TargetDuration() time.Duration    { return 4 * time.Second }
func (o *ours) PartTarget() time.Duration        { return 500 * time.Millisecond }
func (o *ours) frame()                           { o.frames.Add(1) }
func (o *ours) render(b *bytes.Buffer, part int) { herdPlaylist(b, o.segments, part) }
func (o *ours) etag(part int, kind string) string {
	return fmt.Sprintf("\"p%d.%d-%s\"", o.segments, part+1, kind)
}

// publish pays for everything that the real packager does a publish: full and
// delta, plain and compressed.
func (o *ours) publish(n int) {
	var full, zipped bytes.Buffer
	o.render(&full, n)
	z, _ := gzip.NewWriterLevel(&zipped, gzip.BestSpeed)
	_, _ = z.Write(full.Bytes())
	_ = z.Close()
	doc := hls.Document{Body: full.Bytes(), Gzip: zipped.Bytes(), ETag: o.etag(n, ""), GzipETag: o.etag(n, "gz")}
	next := make(chan struct{})
	o.snapshot.Store(&hls.Snapshot{
		Full: doc, Delta: doc, NextMSN: o.segments, NextPart: n, LastParts: 8, Changed: next,
	})
	if o.changed != nil {
		close(o.changed)
	}
	o.changed = next
}

func (o *ours) waiting() int {
	families, err := o.reg.Gather()
	if err != nil {
		return -1
	}
	for _, mf := range families {
		if mf.GetName() == "lectern_origin_waiters" {
			return int(mf.GetMetric()[0].GetGauge().GetValue())
		}
	}
	return 0
}

// naive is how it is usually done: one mutex, a condition variable, and each
// request renders its playlist under the mutex that the writer needs.
type naive struct {
	segments int

	mu    sync.Mutex
	cond  *sync.Cond
	part  int
	held  int
	count int
}

func newNaive(segments int) *naive {
	n := &naive{segments: segments}
	n.cond = sync.NewCond(&n.mu)
	return n
}

func (n *naive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	want := 0
	if _, err := fmt.Sscanf(r.URL.Query().Get("_HLS_part"), "%d", &want); err != nil {
		http.Error(w, "bad part", http.StatusBadRequest)
		return
	}
	n.mu.Lock()
	n.held++
	for n.part <= want {
		n.cond.Wait()
	}
	n.held--
	var b bytes.Buffer
	herdPlaylist(&b, n.segments, n.part)
	n.mu.Unlock()
	w.Header().Set("Content-Length", fmt.Sprint(b.Len()))
	_, _ = w.Write(b.Bytes())
}

func (n *naive) publish(part int) {
	n.mu.Lock()
	n.part = part
	n.mu.Unlock()
	n.cond.Broadcast()
}

func (n *naive) frame() {
	n.mu.Lock()
	n.count++
	n.mu.Unlock()
}

func (n *naive) waiting() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.held
}
