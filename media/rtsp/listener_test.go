package rtsp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtsp/internal/rtptest"
)

// closedByServer waits until the other side closes c.
func closedByServer(t *testing.T, c net.Conn) {
	t.Helper()
	must(t, c.SetReadDeadline(time.Now().Add(15*time.Second)))
	_, err := io.Copy(io.Discard, c)
	var netErr net.Error
	if errors.As(err, &netErr) && netErr.Timeout() {
		t.Error("the server kept the connection")
	}
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestIdleConnections(t *testing.T) {
	for _, tc := range []struct {
		name string
		send string
	}{
		{"case 50: silent from the start", ""},
		{"case 50: silent after OPTIONS", "OPTIONS rtsp://x/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"},
		{"case 50: half a request", "ANNOUNCE rtsp://x/live/k RT"},
		{"an HTTP client", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ts := startServer(t, func(c *Config) { c.IdleTimeout = 150 * time.Millisecond })
			c := dial(t, ts.addr)
			_, err := c.Write([]byte(tc.send))
			must(t, err)
			closedByServer(t, c)
			mediatest.Eventually(t, func() string {
				if n := testutil.ToFloat64(ts.metrics.connections); n != 0 {
					return fmt.Sprintf("%v connections", n)
				}
				return ""
			})
		})
	}
	t.Run("case 50: slow requests do not last for ever", func(t *testing.T) {
		ts := startServer(t, func(c *Config) { c.PublishTimeout, c.IdleTimeout = time.Second, 500*time.Millisecond })
		c := dial(t, ts.addr)
		var wg sync.WaitGroup
		stop := make(chan struct{})
		wg.Go(func() {
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					if _, err := c.Write([]byte("O")); err != nil {
						return
					}
				case <-stop:
					return
				}
			}
		})
		closedByServer(t, c)
		close(stop)
		wg.Wait()
	})
	t.Run("case 50: a publisher is not idle", func(t *testing.T) {
		ts := startServer(t, func(c *Config) { c.IdleTimeout = 100 * time.Millisecond })
		src := mediatest.New(t, mediatest.Config{})
		send := rtptest.New(t, src.Tracks(), false)
		c, err := ts.record(send, "/live/"+testKey, gortsplib.TransportTCP)
		must(t, err)
		defer c.Close()
		push(t, c, send, src.Take(100*time.Millisecond))
		pub := ts.hub.Publications()[0]
		pause := time.NewTimer(400 * time.Millisecond) // four idle times
		defer pause.Stop()
		select {
		case <-pub.Done():
			t.Fatalf("closed as %s", pub.Reason())
		case <-pause.C:
		}
		n := len(pub.Samples())
		push(t, c, send, src.Take(100*time.Millisecond))
		mediatest.Eventually(t, func() string {
			if len(pub.Samples()) == n {
				return "nothing more arrives"
			}
			return ""
		})
	})
}

func TestConnectionCaps(t *testing.T) {
	ts := startServer(t, func(c *Config) { c.MaxConnections, c.MaxConnectionsPerIP = 8, 2 })
	for range 2 {
		c := dial(t, ts.addr)
		_, err := c.Write([]byte("OPTIONS rtsp://x/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"))
		must(t, err)
		_, err = c.Read(make([]byte, 1))
		must(t, err) // admitted
	}
	closedByServer(t, dial(t, ts.addr))
	if n := testutil.ToFloat64(ts.metrics.connectionsClosed.WithLabelValues(string(closedFullByIP))); n != 1 {
		t.Errorf("refused by address: %v", n)
	}
}

func TestPhrase(t *testing.T) {
	if got := phrase("a\r\nSession: x µ"); got != "a??Session: x ?" {
		t.Errorf("phrase = %q", got)
	}
	if got := phrase(strings.Repeat("x", 1000)); len(got) != maxPhrase {
		t.Errorf("phrase of %d bytes", len(got))
	}
}

func TestStripSources(t *testing.T) {
	for in, want := range map[string]string{
		"RTP/AVP;unicast;source=evil.example;client_port=1-2": "RTP/AVP;unicast;client_port=1-2",
		"RTP/AVP;source=192.0.2.1;client_port=1-2":            "RTP/AVP;source=192.0.2.1;client_port=1-2",
		"RTP/AVP;source=a, RTP/AVP/TCP; source=b;unicast":     "RTP/AVP, RTP/AVP/TCP;unicast",
	} {
		h := base.Header{"Transport": base.HeaderValue{in}}
		stripSources(h)
		if got := h["Transport"][0]; got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
