package origin_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lectern/lectern/media/mediatest"
)

// The herd: herdSize players wait for the same part and are all released by it.
const herdSize = 2000

// herdWriter is the packager's side of the herd test.
type herdWriter interface {
	http.Handler
	// publish makes part n of the growing segment known.
	publish(n int)
	// frame is what the packager does for an access unit between two parts.
	frame()
	// waiting is how many requests are held.
	waiting() int
}

// tail keeps the last bytes written to it, which is all that the test looks at:
// the harness must not cost more than what it measures.
type tail struct {
	kept [128]byte
	n    int
}

func (t *tail) Write(p []byte) (int, error) {
	if len(p) >= len(t.kept) {
		t.n = copy(t.kept[:], p[len(p)-len(t.kept):])
		return len(p), nil
	}
	if over := t.n + len(p) - len(t.kept); over > 0 {
		copy(t.kept[:], t.kept[over:t.n])
		t.n -= over
	}
	t.n += copy(t.kept[t.n:], p)
	return len(p), nil
}

// sink is a ResponseWriter that keeps what the test looks at.
type sink struct {
	tail
	header http.Header
	code   int
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(c int)   { s.code = c }
func (s *sink) Write(p []byte) (int, error) {
	if s.code == 0 {
		s.code = http.StatusOK
	}
	return s.tail.Write(p)
}

func herdURL(segments, part int) string {
	return fmt.Sprintf("/live/c/source/index.m3u8?_HLS_msn=%d&_HLS_part=%d", segments, part)
}

// checkHerdAnswer returns what is wrong with an answer to a request for part;
// proof is the end of the body, or the ETag.
func checkHerdAnswer(code int, proof []byte, segments, part int) error {
	if want := fmt.Sprintf("p%d.%d-", segments, part+2); code != http.StatusOK || !bytes.Contains(proof, []byte(want)) {
		return fmt.Errorf("answered %d with %q, without %s", code, proof, want)
	}
	return nil
}

// result is one release of the herd.
type result struct {
	last  time.Duration // from before the publish to the end of the last answer
	stall time.Duration // longest that one call of the writer took meanwhile
}

// release lets all of the herd wait for part, publishes it, and measures.
// start begins one request and calls done with its answer.
func release(tb testing.TB, w herdWriter, segments, part int, start func(i, part int, done func(code int, body []byte))) result {
	tb.Helper()
	var answered sync.WaitGroup
	var last atomic.Int64
	var faults atomic.Pointer[error]
	answered.Add(herdSize)
	for i := range herdSize {
		start(i, part, func(code int, body []byte) {
			now := time.Now().UnixNano()
			for old := last.Load(); now > old && !last.CompareAndSwap(old, now); old = last.Load() {
			}
			if err := checkHerdAnswer(code, body, segments, part); err != nil {
				faults.Store(&err)
			}
			answered.Done()
		})
	}
	mediatest.Eventually(tb, func() string {
		if n := w.waiting(); n != herdSize {
			return fmt.Sprintf("%d of %d wait", n, herdSize)
		}
		return ""
	})
	over := make(chan struct{})
	var waiter sync.WaitGroup
	waiter.Go(func() { answered.Wait(); close(over) })
	begin := time.Now()
	w.publish(part + 1)
	stall := time.Since(begin)
	frames := time.NewTicker(2 * time.Millisecond)
	for more := true; more; {
		select {
		case <-frames.C:
			at := time.Now()
			w.frame()
			stall = max(stall, time.Since(at))
		case <-over:
			more = false
		}
	}
	frames.Stop()
	waiter.Wait()
	if err := faults.Load(); err != nil {
		tb.Error(*err)
	}
	return result{last: time.Unix(0, last.Load()).Sub(begin), stall: stall}
}

// inProcess starts requests without a network. All are over when wait returns.
func inProcess(h http.Handler, segments int) (start func(i, part int, done func(int, []byte)), wait func()) {
	var wg sync.WaitGroup
	return func(_, part int, done func(int, []byte)) {
		wg.Go(func() {
			r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, herdURL(segments, part), http.NoBody)
			s := &sink{header: make(http.Header)}
			h.ServeHTTP(s, r)
			done(s.code, s.kept[:s.n])
		})
	}, wg.Wait
}

// loopback starts requests to a real server. As players do, they accept gzip; the naive
// handler has none, since it would have to compress for each request.
func loopback(tb testing.TB, h http.Handler, segments int) (start func(i, part int, done func(int, []byte)), stop func()) {
	tb.Helper()
	server := httptest.NewServer(h)
	start, wait := kept(tb, server.Listener.Addr().String(), segments)
	return start, func() {
		wait()
		server.Close()
	}
}

// kept starts requests on herdSize connections to addr that it keeps until stop.
func kept(tb testing.TB, addr string, segments int) (start func(i, part int, done func(int, []byte)), stop func()) {
	tb.Helper()
	var wg sync.WaitGroup
	conns := make([]net.Conn, herdSize)
	readers := make([]*bufio.Reader, herdSize)
	buffers := make([][]byte, herdSize)
	for i := range conns {
		var d net.Dialer
		c, err := d.DialContext(context.Background(), "tcp", addr)
		if err != nil {
			tb.Fatal(err)
		}
		conns[i], readers[i], buffers[i] = c, bufio.NewReaderSize(c, 4096), make([]byte, 4096)
	}
	start = func(i, part int, done func(int, []byte)) {
		wg.Go(func() {
			if _, err := fmt.Fprintf(conns[i], "GET %s HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n", herdURL(segments, part)); err != nil {
				done(0, nil)
				return
			}
			res, err := http.ReadResponse(readers[i], nil)
			if err != nil {
				done(0, nil)
				return
			}
			var end tail
			if _, err = io.CopyBuffer(&end, res.Body, buffers[i]); err != nil {
				done(0, nil)
				return
			}
			proof := end.kept[:end.n]
			if res.Header.Get("Content-Encoding") == "gzip" {
				proof = []byte(res.Header.Get("ETag")) // names the part as well
			}
			done(res.StatusCode, proof)
		})
	}
	return start, func() {
		wg.Wait()
		for _, c := range conns {
			_ = c.Close()
		}
	}
}

// All of the herd get the new part; how fast is for the benchmark to say.
func TestHerd(t *testing.T) {
	const segments = 900
	w := newOurs(t, segments)
	start, wait := inProcess(w, segments)
	for part := range 2 {
		release(t, w, segments, part, start)
	}
	wait()
	if n := w.waiting(); n != 0 {
		t.Errorf("%d still wait", n)
	}
}

// BenchmarkHerd releases 2,000 blocked playlist requests by one part, ours and
// the naive way in turns, and reports for each the median time to the last
// answer and how long the writer was stalled at worst, and the ratios.
func BenchmarkHerd(b *testing.B) {
	for _, segments := range []int{7, 900, 1800} {
		for _, network := range []bool{false, true} {
			name := fmt.Sprintf("segments=%d/in_process", segments)
			if network {
				name = fmt.Sprintf("segments=%d/loopback", segments)
			}
			b.Run(name, func(b *testing.B) { benchmarkHerd(b, segments, network) })
		}
	}
}

func benchmarkHerd(b *testing.B, segments int, network bool) {
	b.Helper()
	type side struct {
		name    string
		w       herdWriter
		start   func(i, part int, done func(int, []byte))
		results []result
	}
	sides := []*side{{name: "ours", w: newOurs(b, segments)}, {name: "naive", w: newNaive(segments)}}
	for _, s := range sides {
		var stop func()
		if network {
			s.start, stop = loopback(b, s.w, segments)
		} else {
			s.start, stop = inProcess(s.w, segments)
		}
		defer stop()
		release(b, s.w, segments, 0, s.start) // warm up
	}
	part := 0
	for b.Loop() {
		part++
		for _, s := range sides {
			s.results = append(s.results, release(b, s.w, segments, part, s.start))
		}
	}
	last := func(r result) time.Duration { return r.last }
	stall := func(r result) time.Duration { return r.stall }
	for _, s := range sides {
		b.ReportMetric(ms(median(s.results, last)), s.name+"-last-ms")
		b.ReportMetric(ms(worst(s.results, last)), s.name+"-worst-last-ms")
		b.ReportMetric(ms(median(s.results, stall)), s.name+"-stall-ms")
		b.ReportMetric(ms(worst(s.results, stall)), s.name+"-worst-stall-ms")
	}
	b.ReportMetric(float64(median(sides[1].results, last))/float64(median(sides[0].results, last)), "naive/ours-last")
	b.ReportMetric(float64(median(sides[1].results, stall))/float64(median(sides[0].results, stall)), "naive/ours-stall")
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(rs []result, of func(result) time.Duration) time.Duration {
	ds := make([]time.Duration, len(rs))
	for i, r := range rs {
		ds[i] = of(r)
	}
	slices.Sort(ds)
	return ds[len(ds)/2]
}

func worst(rs []result, of func(result) time.Duration) time.Duration {
	var w time.Duration
	for _, r := range rs {
		w = max(w, of(r))
	}
	return w
}
