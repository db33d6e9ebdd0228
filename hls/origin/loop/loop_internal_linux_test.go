package loop

import (
	"bufio"
	"bytes"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"github.com/lectern/lectern/hls/origin"
)

// Deadlines pass in time, not before, and once.
func TestWheel(t *testing.T) {
	const conns = 500
	var w wheel
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	due := map[*conn]time.Duration{}
	all := make([]*conn, conns)
	for i := range all {
		all[i] = &conn{}
	}
	passed := 0
	for now := time.Duration(0); now < 20*time.Minute; now += time.Duration(r.Int64N(int64(time.Second))) {
		w.expire(now, func(c *conn) {
			d, ok := due[c]
			if !ok || d > now {
				t.Fatalf("passed at %s, is due at %s, %v", now, d, ok)
			}
			delete(due, c)
			passed++
		})
		for c, d := range due {
			if d+2*tick < now {
				t.Fatalf("at %s one is due since %s; it has %+v", now, d, c.timer)
			}
		}
		for range 5 {
			c := all[r.IntN(conns)]
			if r.IntN(4) == 0 {
				w.remove(c)
				delete(due, c)
				continue
			}
			due[c] = now + time.Duration(r.Int64N(int64(3*time.Minute)))
			w.set(c, due[c])
		}
		if w.count != len(due) {
			t.Fatalf("%d in the wheel, want %d", w.count, len(due))
		}
	}
	if passed == 0 {
		t.Error("nothing passed")
	}
}

// When connections cannot be accepted, it is not tried again before the next tick.
func TestAcceptPauses(t *testing.T) {
	fd, err := unix.Eventfd(1, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK) // it is readable, and nothing to accept from
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd) //nolint:errcheck // a test
	s := newServer(t, http.NotFoundHandler())
	l, err := newLoop(t.Context(), s, fd)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if cerr := l.close(); cerr != nil {
			t.Error(cerr)
		}
	}()
	heard := func() int {
		n, perr := unix.EpollWait(l.epoll, l.events, 0)
		if perr != nil {
			t.Fatal(perr)
		}
		return n
	}
	if heard() != 1 {
		t.Fatal("it does not listen")
	}
	l.accept()
	for range 3 {
		if err = l.retry(); err != nil || heard() != 0 {
			t.Fatalf("it listens again at once; %v", err)
		}
	}
	l.now += tick
	if err = l.retry(); err != nil || heard() != 1 {
		t.Fatalf("it does not listen again; %v", err)
	}
}

func newServer(t *testing.T, h http.Handler) *Server {
	t.Helper()
	s, err := New(DefaultConfig(), &net.TCPAddr{}, Deps{Handler: h, Serves: whatever, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The deadline of an answer moves on with each 256 KiB that the client takes, and not
// with less.
func TestWriteDeadlineMovesOn(t *testing.T) {
	const size = 8 << 20
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.(*answer).WriteShared(make([]byte, size)) }))
	cfg := s.cfg
	l := &loop{server: s, conns: map[int]*conn{}, epoll: -1}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[1]) //nolint:errcheck // a test
	c := &conn{fd: fds[0], exchange: &exchange{request: newRequest(t.Context()), answer: answer{header: http.Header{}}}}
	l.conns[c.fd] = c
	c.exchange.request.http.Method = http.MethodGet
	l.serve(c)
	if c.exchange == nil || c.timer.due != cfg.WriteTimeout {
		t.Fatalf("it is due at %s, %v", c.timer.due, c.exchange)
	}
	taken := 0
	take := func(n int) {
		b := make([]byte, n)
		for n > 0 {
			k, rerr := unix.Read(fds[1], b[:n])
			if rerr != nil {
				t.Fatalf("after %d bytes: %v", taken, rerr)
			}
			n, taken = n-k, taken+k
			l.flush(c)
		}
	}
	l.now = cfg.WriteTimeout / 2
	take(2 * origin.WriteChunk)
	moved := c.timer.due
	if moved != l.now+cfg.WriteTimeout {
		t.Fatalf("after %d bytes it is due at %s", taken, moved)
	}
	l.now += time.Second
	take(origin.WriteChunk / 8)
	if c.timer.due != moved {
		t.Fatalf("after %d bytes it is due at %s", taken, c.timer.due)
	}
	for c.exchange != nil {
		take(64 << 10)
	}
	if c.timer.due != l.now+cfg.IdleTimeout {
		t.Errorf("when it is idle it is due at %s", c.timer.due)
	}
	l.hangUp(c, endClient)
}

func whatever(string) bool { return true }

// A head is understood when its last byte is there, as net/http understands it, and
// nothing of it is refused before that.
func TestParse(t *testing.T) {
	q := newRequest(t.Context())
	for _, head := range []string{
		"GET /live/x HTTP/1.1\r\nHost: x\r\n\r\n",
		"HEAD /live/x/y.m3u8?_HLS_msn=1&_HLS_part=2 HTTP/1.1\r\nHOST: a.b:80\r\naccept-encoding: gzip, deflate\r\nA: 1\r\na: 2\r\nA:\r\nX-Y_z: a:b: c  \r\nConnection: close\r\n\r\n",
		"GET /live/x? HTTP/1.1\r\nHost: x\r\nPragma: no-cache\r\nIf-None-Match: \"a\", W/\"b\"\r\n\r\n",
	} {
		for at := range len(head) {
			if n, why := q.parse([]byte(head[:at]), whatever); n != 0 || why != reasonNone {
				t.Fatalf("%q: %d bytes, %s", head[:at], n, why)
			}
		}
		b := []byte(head + "GET")
		n, why := q.parse(b, whatever)
		if n != len(head) || why != reasonNone {
			t.Fatalf("%q: %d bytes, %s", head, n, why)
		}
		clear(b) // nothing may be left in it
		want, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
		if err != nil {
			t.Fatal(err)
		}
		got := q.http
		if got.Method != want.Method || *got.URL != *want.URL || got.Host != want.Host || got.RequestURI != want.RequestURI || got.Close != want.Close || got.Proto != want.Proto {
			t.Errorf("got %+v, want %+v", got, want)
		}
		want.Header.Del("Connection")
		got.Header.Del("Connection")
		if !reflect.DeepEqual(got.Header, want.Header) {
			t.Errorf("got %q, want %q", got.Header, want.Header)
		}
	}
}

// FuzzParse: what is understood is what net/http would have understood.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"GET /live/x HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD /t/x?a#b HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\nGET", "GET / HTTP/1.1\r\nHost:x\r\nPragma:no-cache\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	q := newRequest(f.Context())
	f.Fuzz(func(t *testing.T, b []byte) {
		n, why := q.parse(b, whatever)
		if n == 0 || why != reasonNone {
			return
		}
		want, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b[:n])))
		if err != nil {
			t.Fatalf("%q: %v", b[:n], err)
		}
		got := q.http
		if got.Method != want.Method || *got.URL != *want.URL || got.Host != want.Host || got.RequestURI != want.RequestURI {
			t.Errorf("got %+v, want %+v", got, want)
		}
		delete(want.Header, "Connection")
		delete(got.Header, "Connection")
		if !reflect.DeepEqual(got.Header, want.Header) {
			t.Errorf("got %q, want %q", got.Header, want.Header)
		}
	})
}
