package origin_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/hls/origin/loop"
)

// serveLoop serves h by event loops, and what they hand over by net/http.
func serveLoop(tb testing.TB, h http.Handler) (addr string, stop func()) {
	tb.Helper()
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s, err := loop.New(loop.DefaultConfig(), ln.Addr(), loop.Deps{
		Handler: h, Serves: func(path string) bool { return !strings.HasSuffix(path, ".jpg") },
		Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	slow := &http.Server{Handler: h} //nolint:gosec // a test
	var wg sync.WaitGroup
	wg.Go(func() {
		if rerr := s.Run(ctx, ln); rerr != nil {
			tb.Error(rerr)
		}
	})
	wg.Go(func() { _ = slow.Serve(s.Listener()) })
	return ln.Addr().String(), func() {
		cancel()
		_ = slow.Close()
		wg.Wait()
	}
}

// tell sends one request and returns all that comes back, without the date.
func tell(tb testing.TB, addr, head string) string {
	tb.Helper()
	c, err := new(net.Dialer).DialContext(context.Background(), "tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // a test
	if _, err = io.WriteString(c, head+"Host: x\r\nConnection: close\r\n\r\n"); err != nil {
		tb.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil {
		tb.Fatal(err)
	}
	return regexp.MustCompile(`Date: [^\r]*`).ReplaceAllString(string(b), "Date: now")
}

// An event loop gives the origin's answers to the byte, be the media in memory or on
// disk.
func TestAnswersOverTheLoop(t *testing.T) {
	f := started(t)
	plain := httptest.NewServer(f.origin)
	defer plain.Close()
	addr, stop := serveLoop(t, f.origin)
	defer stop()
	for _, where := range []string{"memory", "disk"} {
		if where == "disk" {
			f.toDisk(t)
		}
		for _, path := range []string{
			"/live/algebra-1/index.m3u8", playlistPath, playlistPath + "?_HLS_skip=YES", playlistPath + "?_HLS_msn=9", playlistPath + "?_HLS_msn=99",
			f.path("init-0-%s.mp4"), f.path("s9-%s.m4s"), f.path("p10.0-%s.m4s"), f.path("p9.1-%s.m4s"), f.path("s99-%s.m4s"),
			"/t/" + goodToken + playlistPath, "/t/" + goodToken + "/live/algebra-1/check", "/t/" + expiredToken + playlistPath, "/t/x",
			"/live/algebra-1/steering.json", "/live/algebra-1/x.jpg", "/live/", "/live/%61lgebra-1/index.m3u8",
		} {
			for _, header := range []string{
				"", "Accept-Encoding: gzip\r\n", "Range: bytes=100-199\r\n", "Range: bytes=-5\r\n", "Range: bytes=99999-\r\n", "If-None-Match: *\r\n",
				"If-Match: \"x\"\r\n", "Origin: https://a.example\r\n",
			} {
				for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST"} {
					if header != "" && method != "GET" {
						continue
					}
					t.Run(fmt.Sprintf("%s %s %s %s", where, method, path, strings.TrimSpace(header)), func(t *testing.T) {
						head := method + " " + path + " HTTP/1.1\r\n" + header
						want := tell(t, plain.Listener.Addr().String(), head)
						if got := tell(t, addr, head); got != want {
							t.Errorf("got %.1000q,\nwant %.1000q", got, want)
						}
					})
				}
			}
		}
	}
}

// The herd is held and released by event loops as well.
func TestHerdOverTheLoop(t *testing.T) {
	const segments = 900
	w := newOurs(t, segments)
	addr, stop := serveLoop(t, w)
	defer stop()
	start, wait := kept(t, addr, segments)
	for part := range 2 {
		release(t, w, segments, part, start)
	}
	wait()
	if n := w.waiting(); n != 0 {
		t.Errorf("%d still wait", n)
	}
}
