package loop_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/hls/origin/loop"
)

// answer reads the next answer on a connection.
func answer(tb testing.TB, r *bufio.Reader) (code int, body string) {
	tb.Helper()
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// ended reads until the server has closed, and returns what came.
func ended(tb testing.TB, c net.Conn) string {
	tb.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		tb.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // as it comes
		tb.Fatal("the connection is still open")
	}
	return string(b)
}

func parked(tb testing.TB, s *server) func() int {
	tb.Helper()
	return func() int { return s.metric(tb, "lectern_loop_parked_connections") }
}

// One change answers all that wait for it, and a false alarm none.
func TestManyParkedAreWokenByOneChange(t *testing.T) {
	const viewers = 1000
	h := newStub(t)
	s := start(t, h, func(c *loop.Config) { c.Loops = 2 })
	conns := make([]*net.TCPConn, viewers)
	for i := range conns {
		conns[i] = dial(t, s.addr)
		send(t, conns[i], "GET /live/held"+ask)
	}
	eventually(t, "parked", viewers, parked(t, s))
	h.change(false)
	eventually(t, "parked", viewers, parked(t, s))
	h.change(true)
	for _, c := range conns {
		r := bufio.NewReader(c)
		if code, body := answer(t, r); code != http.StatusOK || body != "served" {
			t.Fatalf("%d %q", code, body)
		}
		send(t, c, "GET /live/shared"+ask) // it goes on as before
		if code, _ := answer(t, r); code != http.StatusOK {
			t.Fatalf("then %d", code)
		}
	}
	if n := h.ends("served"); n != viewers || parked(t, s)() != 0 {
		t.Errorf("%d were served, and %d wait", n, parked(t, s)())
	}
}

// Who leaves while a request is held is noticed at once, by whatever way it leaves.
func TestParkedClientLeaves(t *testing.T) {
	h := newStub(t)
	s := start(t, h)
	for i, tc := range []struct {
		name  string
		leave func(c *net.TCPConn) error
	}{
		{"closes", (*net.TCPConn).Close},
		{"resets", func(c *net.TCPConn) error { _ = c.SetLinger(0); return c.Close() }},
		{"shuts down", (*net.TCPConn).CloseWrite},
		{"asks more, and closes", func(c *net.TCPConn) error { _, _ = io.WriteString(c, "GET /live/shared"+ask); return c.Close() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dial(t, s.addr)
			send(t, c, "GET /live/held"+ask)
			eventually(t, "parked", 1, parked(t, s))
			if err := tc.leave(c); err != nil {
				t.Fatal(err)
			}
			eventually(t, "requests of clients that left", i+1, func() int { return h.ends("gone") })
			eventually(t, "parked", 0, parked(t, s))
			eventually(t, "connections", 0, func() int { return s.metric(t, "lectern_loop_connections") })
		})
	}
	// As behind net/http, somebody who only listens is told.
	if got := talk(t, s.addr, "GET /live/held"+ask); !strings.HasSuffix(got, "\r\n\r\ngone") || !strings.HasPrefix(got, "HTTP/1.1 503 ") {
		t.Errorf("got %q", got)
	}
}

// A request is held for as long as the handler wants, and not longer; requests behind
// it wait their turn.
func TestParkedTimesOut(t *testing.T) {
	h := newStub(t)
	s := start(t, h)
	c := dial(t, s.addr)
	begin := time.Now()
	send(t, c, "GET /live/held?for=300ms"+ask+"GET /live/shared"+ask)
	r := bufio.NewReader(c)
	if code, body := answer(t, r); code != http.StatusServiceUnavailable || body != "timeout" {
		t.Fatalf("%d %q", code, body)
	}
	if d := time.Since(begin); d < 300*time.Millisecond {
		t.Errorf("after %s", d)
	}
	if code, body := answer(t, r); code != http.StatusOK || body != "onetwothree" {
		t.Fatalf("then %d %q", code, body)
	}
}

// Clients that take too long are closed, each for its own reason.
func TestSlowClients(t *testing.T) {
	h := newStub(t)
	for _, tc := range []struct {
		name, say string
		cfg       func(*loop.Config)
		why       string
	}{
		{"says nothing", "", func(c *loop.Config) { c.HeadTimeout = time.Second }, "head_timeout"},
		{"begins only", "GET /live/sh", func(c *loop.Config) { c.HeadTimeout = time.Second }, "head_timeout"},
		{"begins its second request only", "GET /live/shared" + ask + "GET", func(c *loop.Config) { c.HeadTimeout = 2 * time.Second }, "head_timeout"},
		{"asks no more", "GET /live/shared" + ask, func(c *loop.Config) { c.IdleTimeout = time.Second }, "idle_timeout"},
		{"takes nothing", strings.Repeat("GET /live/file"+ask, 8), func(c *loop.Config) { c.WriteTimeout = time.Second }, "write_timeout"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, h, func(c *loop.Config) { c.HeadTimeout, c.IdleTimeout = time.Minute, time.Minute }, tc.cfg)
			begin := time.Now()
			c := dial(t, s.addr)
			send(t, c, tc.say)
			eventually(t, tc.why, 1, func() int { return s.closed(t, tc.why) })
			if d := time.Since(begin); d < time.Second {
				t.Errorf("closed after %s", d)
			}
		})
	}
}

// Bytes now and then do not help.
func TestSlowWriter(t *testing.T) {
	s := start(t, newStub(t), func(c *loop.Config) { c.HeadTimeout = time.Second })
	c := dial(t, s.addr)
	for i := 0; ; i++ {
		if _, err := fmt.Fprintf(c, "%s", ("GET /live/x HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 1000))[i%1000:i%1000+1]); err != nil {
			break
		}
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err != nil && !os.IsTimeout(err) {
			break
		}
	}
	eventually(t, "closed for their heads", 1, func() int { return s.closed(t, "head_timeout") })
}

// Answers of memory and files that do not fit into a socket arrive as they are.
func TestLargeAnswers(t *testing.T) {
	s := start(t, newStub(t), func(c *loop.Config) { c.WriteTimeout = time.Minute })
	c := dial(t, s.addr)
	_ = c.SetReadBuffer(64 << 10)
	const answers = 4
	send(t, c, strings.Repeat("GET /live/mixed"+ask, answers))
	r := bufio.NewReaderSize(c, 16<<10)
	for range answers {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		sameBytes(t, b, append(append([]byte("abc"), contents(fileSize)...), "def"...))
	}
}

// A file that becomes shorter while it is sent ends the connection, nothing else.
func TestFileIsCutWhileItIsSent(t *testing.T) {
	h := newStub(t)
	const size = 64 << 20
	big := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/live/big" {
			h.ServeHTTP(w, r)
			return
		}
		w.Header()["Content-Length"] = []string{strconv.Itoa(size)}
		h.sendFile(w, "big", 0, size)
	})
	if err := os.WriteFile(filepath.Join(h.folder, "big"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(h.folder, "big"), size); err != nil {
		t.Fatal(err)
	}
	s := start(t, big)
	c := dial(t, s.addr)
	send(t, c, "GET /live/big"+ask)
	if _, err := io.CopyN(io.Discard, c, 1000); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(h.folder, "big"), 2000); err != nil {
		t.Fatal(err)
	}
	if n := len(ended(t, c)); n >= size-1000 {
		t.Errorf("%d bytes came", n)
	}
	eventually(t, "faults", 1, func() int { return s.closed(t, "fault") })
	if got := talk(t, s.addr, "GET /live/shared"+ask); !strings.HasSuffix(got, "onetwothree") {
		t.Errorf("then %q", got)
	}
}

// A file that was removed is sent to its end.
func TestFileIsRemovedWhileItIsSent(t *testing.T) {
	h := newStub(t)
	s := start(t, h)
	c := dial(t, s.addr)
	send(t, c, "GET /live/file"+ask)
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err = os.Remove(filepath.Join(h.folder, "s1")); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, b, contents(fileSize))
}

// There are no more connections than are allowed, and no file stays open.
func TestConnectionsAreBounded(t *testing.T) {
	s := start(t, newStub(t), func(c *loop.Config) { c.MaxConnections = 2 })
	for range 3 { // they can be used again
		a, b := dial(t, s.addr), dial(t, s.addr)
		eventually(t, "connections", 2, func() int { return s.metric(t, "lectern_loop_connections") })
		before := s.closed(t, "overload")
		if got := ended(t, dial(t, s.addr)); got != "" {
			t.Errorf("the third got %q", got)
		}
		eventually(t, "overload", before+1, func() int { return s.closed(t, "overload") })
		_, _ = a.Close(), b.Close()
		eventually(t, "connections", 0, func() int { return s.metric(t, "lectern_loop_connections") })
	}
}

// Readers that leave in the middle of files cost no descriptors.
func TestDescriptorsAreClosed(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	s := start(t, newStub(t))
	if got := talk(t, s.addr, "GET /live/file"+ask); len(got) < fileSize {
		t.Fatal("no file")
	}
	eventually(t, "connections", 0, func() int { return s.metric(t, "lectern_loop_connections") })
	before := count()
	for range 100 {
		c := dial(t, s.addr)
		send(t, c, strings.Repeat("GET /live/mixed"+ask, 4))
		if _, err := io.CopyN(io.Discard, c, 1000); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
	eventually(t, "connections", 0, func() int { return s.metric(t, "lectern_loop_connections") })
	if n := count(); n > before+10 {
		t.Errorf("%d descriptors, before %d", n, before)
	}
}

// When the server stops, held requests are answered, idle connections closed, and
// answers under way finished.
func TestStop(t *testing.T) {
	h := newStub(t)
	s := start(t, h, func(c *loop.Config) { c.DrainTimeout = time.Minute })
	idle, held, busy := dial(t, s.addr), dial(t, s.addr), dial(t, s.addr)
	send(t, idle, "GET /live/shared"+ask)
	idleReader := bufio.NewReader(idle)
	answer(t, idleReader)
	send(t, held, "GET /live/held"+ask)
	eventually(t, "parked", 1, parked(t, s))
	const answers = 4 // more than sockets hold
	send(t, busy, strings.Repeat("GET /live/file"+ask, answers))
	in := bufio.NewReader(busy)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() { s.stop(); close(stopped) }()
	if got := ended(t, held); !strings.Contains(got, "503 ") || !strings.Contains(got, "\r\nConnection: close\r\n") || !strings.HasSuffix(got, "gone") {
		t.Errorf("the held one got %q", got)
	}
	if n, rerr := idleReader.Read(make([]byte, 1)); n != 0 || rerr == nil {
		t.Errorf("the idle one reads %d, %v", n, rerr)
	}
	if c, derr := net.Dial("tcp", s.addr); derr == nil { //nolint:noctx // it must fail
		_ = c.Close()
		t.Error("one could still connect")
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, b, contents(fileSize))
	<-stopped
	if n := s.metric(t, "lectern_loop_connections"); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// It does not wait for ever for those who take nothing.
func TestStopDoesNotWaitForStuckReaders(t *testing.T) {
	s := start(t, newStub(t), func(c *loop.Config) { c.DrainTimeout = 0 })
	c := dial(t, s.addr)
	send(t, c, strings.Repeat("GET /live/file"+ask, 8))
	if _, err := io.CopyN(io.Discard, c, 1000); err != nil {
		t.Fatal(err)
	}
	s.stop()
	if n := s.closed(t, "shutdown"); n != 1 {
		t.Errorf("%d were closed for it", n)
	}
}
