package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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
	s := newWebServer(time.Second, time.Second, slog.New(slog.DiscardHandler), public{origin: unread, api: read, pages: unread}, admin{gatherer: prometheus.NewRegistry()})
	if s.readTimeout <= 30*time.Second {
		t.Errorf("a held request would be given up after %s", s.readTimeout)
	}
	s.readTimeout = 100 * time.Millisecond
	l := &listeners{http: listenLocal(t), admin: listenLocal(t)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
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

func listenLocal(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}
