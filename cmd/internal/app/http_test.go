package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

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
	s := newWebServer(time.Second, slog.New(slog.DiscardHandler), public{origin: unread, api: read, pages: unread}, admin{gatherer: prometheus.NewRegistry()})
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
