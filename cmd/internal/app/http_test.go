package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/hls/origin/loop"
	"github.com/lectern/lectern/media/mediatest"
)

// What a proxy is told of the order of answers depends on the URL alone.
func TestPlaylistsAreUrgent(t *testing.T) {
	h := prioritised(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }))
	for path, want := range map[string]string{
		"/live/x/index.m3u8":                           "u=1",
		"/live/x/720p/index.m3u8?_HLS_msn=4":           "u=1",
		"/t/v1.k.1.j.x.mac/live/x/720p/iframes.m3u8":   "u=1",
		"/live/x/720p/s1-abcd.m4s":                     "",
		"/live/x/storyboard.vtt?name=playlist.m3u8":    "",
		"/live/x/720p/s1-abcd.m4s?x=/index.m3u8#.m3u8": "",
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		if got := rec.Header().Get("Priority"); got != want {
			t.Errorf("%s: Priority %q, want %q", path, got, want)
		}
	}
}

// runWeb runs s on free ports until the test is over.
func runWeb(t *testing.T, s *webServer) *listeners {
	t.Helper()
	l := &listeners{http: listenLocal(t), admin: listenLocal(t)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l
}

// A request whose body does not come is given up, by whoever sends it and
// whether anybody wanted the body or not.
func TestSlowBodyIsCutOff(t *testing.T) {
	unread := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err == nil {
			t.Error("the body came")
		}
		w.WriteHeader(http.StatusBadRequest)
	})
	s := newWebServer(time.Second, loop.DefaultConfig(), slog.New(slog.DiscardHandler), public{origin: unread, api: read, pages: unread, rooms: unread}, admin{gatherer: prometheus.NewRegistry()})
	if s.readTimeout <= 30*time.Second {
		t.Errorf("a held request would be given up after %s", s.readTimeout)
	}
	s.readTimeout = 100 * time.Millisecond
	l := runWeb(t, s)
	for _, path := range []string{"/live/x/index.m3u8", "/api/v1/classes", "/watch/x"} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.http.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err = io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		if _, err = io.ReadAll(conn); err != nil { // until the server closes
			t.Errorf("%s: %v", path, err)
		}
		_ = conn.Close()
	}
}

// One plain connection gets media and pages alike. The event loops serve it until it
// asks for anything but media.
func TestMediaAndPagesShareConnections(t *testing.T) {
	say := func(what string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, what)
		})
	}
	reg := prometheus.NewRegistry()
	s := newWebServer(time.Second, loop.DefaultConfig(), slog.New(slog.DiscardHandler), public{origin: say("media"), api: say("api"), pages: say("page"), rooms: say("room")}, admin{gatherer: reg})
	l := runWeb(t, s)
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	for i, tc := range []struct{ path, want string }{
		{"/live/x/index.m3u8", "media"},
		{"/t/token/live/x/720p/s1-abcd.m4s", "media"},
		{"/live/x/thumbnail.jpg", "media"}, // which net/http serves, from here on
		{"/live/x/room/index.json", "media"},
		{"/watch/x", "page"},
		{"/api/v1/classes", "api"},
		{"/ws/x", "room"},
		{"/live/x/index.m3u8", "media"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.http.Addr().String()+tc.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil || string(b) != tc.want {
			t.Errorf("%s: %q, %v", tc.path, b, err)
		}
		if got, want := res.Header.Get("Priority"), map[bool]string{true: "u=1"}[strings.HasSuffix(tc.path, ".m3u8")]; got != want {
			t.Errorf("%s: Priority %q", tc.path, got)
		}
		here := 1
		if i >= 2 || runtime.GOOS != "linux" {
			here = 0
		}
		mediatest.Eventually(t, func() string {
			if n := gathered(t, reg, "lectern_loop_connections"); n != here {
				return fmt.Sprintf("after %s %d connections are in the loops, want %d", tc.path, n, here)
			}
			return ""
		})
	}
}

// gathered returns the value of a gauge.
func gathered(t *testing.T, reg *prometheus.Registry, name string) int {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return int(f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}

func listenLocal(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}
