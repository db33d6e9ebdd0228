package origin_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/hls/origin"
	"github.com/lectern/lectern/storage/segment"
)

func newOrigin(t *testing.T, lib origin.Library, log io.Writer) *origin.Origin {
	t.Helper()
	o, err := origin.New(origin.DefaultConfig(), lib, slog.New(slog.NewTextHandler(log, nil)), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// advance moves the fake clock: call it in synctest bubbles only.
func advance(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // returns at once in a bubble
}

// serve runs an http.Server on pipes in a bubble until the test ends. timeout is
// its WriteTimeout.
func serve(t *testing.T, h http.Handler, timeout time.Duration) (l *pipeListener, stop func()) {
	t.Helper()
	l = newPipeListener()
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Hour, WriteTimeout: timeout}
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(l) })
	return l, func() { _ = server.Close(); wg.Wait() }
}

// big is a class with one large segment.
func big(t *testing.T, size int) *fixture {
	t.Helper()
	f := newFixture(t)
	for i := range 2 {
		p := segment.Part{Index: i, Data: bytes.Repeat([]byte{byte('a' + i)}, size/2)}
		if err := f.log.AppendPart(rendition, 0, p); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.log.FinishSegment(rendition, segment.Segment{Duration: f.target}); err != nil {
		t.Fatal(err)
	}
	f.publish(rendition, hls.Snapshot{NextMSN: 1, LastParts: 2})
	return f
}

func request(t *testing.T, c net.Conn, path string) {
	t.Helper()
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
}

// A client that stops reading is cut off after the write timeout; where the
// server has one of its own, and the answer is small, after that.
func TestStuckReader(t *testing.T) {
	f := big(t, 4<<20)
	for _, tc := range []struct {
		name, path string
		server     time.Duration // its WriteTimeout
		want       time.Duration
	}{
		{"segment", f.path("s0-%s.m4s"), 0, 10 * time.Second},
		{"playlist", playlistPath, 0, 10 * time.Second},
		{"segment, server with a limit", f.path("s0-%s.m4s"), time.Minute, 10 * time.Second},
		{"playlist, server with a limit", playlistPath, time.Minute, time.Minute},
		{"playlist, server with a limit that is too short", playlistPath, 17 * time.Second, 10 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, stop := serve(t, f.origin, tc.server)
				defer stop()
				c := l.dial()
				begin := time.Now()
				request(t, c, tc.path)
				n, err := io.CopyN(io.Discard, c, 100)
				if err != nil {
					t.Fatalf("read %d bytes: %v", n, err)
				}
				advance(tc.want - time.Second)
				if _, err = io.CopyN(io.Discard, c, 1); err != nil {
					t.Fatalf("cut off before %s: %v", time.Since(begin), err)
				}
				advance(2 * time.Second)
				rest, _ := io.Copy(io.Discard, c) // what a pipe hands over is up to the pipe; it must end
				if rest > 1<<20 {
					t.Errorf("the stuck client got %d bytes more", rest)
				}
				if got := time.Since(begin); got > tc.want+2*time.Second {
					t.Errorf("cut off after %s", got)
				}
			})
		})
	}
}

// A slow client that reads all the time gets everything, however long it
// takes, and the deadline does not outlive the request.
func TestSteadyReader(t *testing.T) {
	f := big(t, 2<<20)
	path := f.path("s0-%s.m4s")
	for _, tc := range []struct {
		name          string
		server, pause time.Duration // WriteTimeout, and what another handler takes
	}{
		{"server without a limit", 0, time.Minute},
		{"server with a limit", 30 * time.Second, 20 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mux := http.NewServeMux()
				mux.Handle("/live/", f.origin)
				mux.HandleFunc("/other", func(w http.ResponseWriter, _ *http.Request) {
					advance(tc.pause)
					_, _ = io.WriteString(w, "fine")
				})
				l, stop := serve(t, mux, tc.server)
				defer stop()
				c := l.dial()
				defer func() { _ = c.Close() }()
				begin := time.Now()
				request(t, c, path)
				in := bufio.NewReader(c)
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				total := int64(0)
				for total < 2<<20 {
					n, cerr := io.CopyN(io.Discard, res.Body, 64<<10)
					total += n
					if cerr != nil {
						t.Fatalf("after %d bytes and %s: %v", total, time.Since(begin), cerr)
					}
					advance(2 * time.Second)
				}
				request(t, c, "/other")
				res, err = http.ReadResponse(in, nil)
				if err != nil {
					t.Fatalf("next request on the connection: %v", err)
				}
				if b, err := io.ReadAll(res.Body); err != nil || string(b) != "fine" {
					t.Errorf("next request on the connection: %q, %v", b, err)
				}
			})
		})
	}
}
