package origin_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/lectern/lectern/storage/segment"
)

// served is a ResponseWriter that costs what net/http's costs for headers, and
// nothing for bodies.
type served struct {
	header http.Header
	code   int
	bytes  int64
}

func (s *served) Header() http.Header                { return s.header }
func (s *served) WriteHeader(code int)               { s.code = code }
func (s *served) Write(p []byte) (int, error)        { s.bytes += int64(len(p)); return len(p), nil }
func (s *served) Flush()                             {}
func (s *served) SetWriteDeadline(_ time.Time) error { return nil }

// ReadFrom takes a file as the kernel would: without reading it.
func (s *served) ReadFrom(r io.Reader) (int64, error) {
	l, ok := r.(*io.LimitedReader)
	if !ok {
		return io.Copy(io.Discard, r)
	}
	n := l.N
	l.N = 0
	s.bytes += n
	return n, nil
}

// benched is a class with large media, whose segment 0 is on disk, and whose
// segment 1 and part 2.0 are in memory.
func benched(tb testing.TB) *fixture {
	tb.Helper()
	f := newFixture(tb)
	grow := func(msn int, size int) {
		if err := f.log.AppendPart(rendition, msn, segment.Part{Data: make([]byte, size)}); err != nil {
			tb.Fatal(err)
		}
	}
	grow(0, 1250<<10)
	if err := f.log.FinishSegment(rendition, segment.Segment{Duration: f.target}); err != nil {
		tb.Fatal(err)
	}
	f.toDisk(tb)
	grow(1, 156<<10)
	s := f.current(rendition)
	s.NextMSN, s.NextPart, s.LastParts = 1, 1, 1
	f.publish(rendition, s)
	return f
}

func benchRequests(f *fixture) []struct{ name, path, encoding string } {
	return []struct{ name, path, encoding string }{
		{"playlist", playlistPath + "?_HLS_msn=1&_HLS_part=0", "gzip, deflate, br"},
		{"part_memory", f.path("p1.0-%s.m4s"), ""},
		{"segment_disk", f.path("s0-%s.m4s"), ""},
	}
}

// BenchmarkServeHTTP is the origin alone, without net/http.
func BenchmarkServeHTTP(b *testing.B) {
	f := benched(b)
	for _, q := range benchRequests(f) {
		b.Run(q.name, func(b *testing.B) {
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, q.path, http.NoBody)
			if q.encoding != "" {
				r.Header.Set("Accept-Encoding", q.encoding)
			}
			w := &served{header: make(http.Header)}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				w.code, w.bytes = 0, 0
				f.origin.ServeHTTP(w, r)
			}
			if w.code != http.StatusOK || w.bytes == 0 {
				b.Fatalf("code %d, %d bytes", w.code, w.bytes)
			}
		})
	}
}

// BenchmarkLoopback is the origin behind net/http and a kept connection. It
// reports the CPU time of the process, with what the client takes of it: that
// reads with the kernel's help only.
func BenchmarkLoopback(b *testing.B) {
	f := benched(b)
	for _, q := range benchRequests(f) {
		b.Run(q.name, func(b *testing.B) {
			server := httptest.NewUnstartedServer(f.origin)
			server.Config.WriteTimeout = time.Minute // as the program's server has
			server.Start()
			defer server.Close()
			var d net.Dialer
			c, err := d.DialContext(b.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: x\r\nAccept-Encoding: %s\r\n\r\n", q.path, q.encoding)
			size := answerSize(b, c, request)
			b.ReportAllocs()
			b.SetBytes(size)
			sink := make([]byte, 1<<20) // never touched: MSG_TRUNC wants the length alone
			before := cpuTime(b)
			for b.Loop() {
				if _, err = c.Write(request); err != nil {
					b.Fatal(err)
				}
				drain(b, c, sink, size)
			}
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N)/1e3, "cpu-µs/op")
		})
	}
}

// answerSize returns how many bytes the answer to request takes on the wire.
func answerSize(b *testing.B, c net.Conn, request []byte) int64 {
	b.Helper()
	if _, err := c.Write(request); err != nil {
		b.Fatal(err)
	}
	var size int64
	buf := make([]byte, 64<<10)
	if err := c.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		b.Fatal(err)
	}
	for {
		n, err := c.Read(buf)
		size += int64(n)
		if err != nil {
			break
		}
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		b.Fatal(err)
	}
	return size
}

// drain drops n bytes in the kernel (tcp(7), MSG_TRUNC).
func drain(b *testing.B, c net.Conn, sink []byte, n int64) {
	b.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		b.Fatal(err)
	}
	for n > 0 {
		var got int
		rerr := raw.Read(func(fd uintptr) bool {
			got, _, err = syscall.Recvfrom(int(fd), sink[:min(n, int64(len(sink)))], syscall.MSG_TRUNC)
			return !errors.Is(err, syscall.EAGAIN)
		})
		if rerr != nil || err != nil || got == 0 {
			b.Fatalf("%d bytes are missing: %v %v", n, rerr, err)
		}
		n -= int64(got)
	}
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
