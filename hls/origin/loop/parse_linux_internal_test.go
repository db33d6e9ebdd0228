package loop

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"bufio"
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
