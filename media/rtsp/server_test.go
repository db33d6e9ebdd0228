package rtsp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/ingest/ingesttest"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtsp/internal/rtptest"
	"github.com/lectern/lectern/media/stream"
)

const (
	testKey    = "s3cret-stream-key"
	testStream = "algebra"
)

func TestServerTakesPush(t *testing.T) {
	for _, tc := range []struct {
		name      string
		path      string
		transport gortsplib.Transport
	}{
		{"TCP", "/live/" + testKey, gortsplib.TransportTCP},
		{"case 43: UDP, opted in", "/live/" + testKey, gortsplib.TransportUDP},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ts := startServer(t, nil)
			if tc.transport == gortsplib.TransportUDP {
				ts = startUDPServer(t)
			}
			src := mediatest.New(t, mediatest.Config{GOP: 30})
			send := rtptest.New(t, src.Tracks(), false)
			c, err := ts.record(send, tc.path, tc.transport)
			must(t, err)
			sent := src.Take(2 * time.Second)
			push(t, c, send, sent)
			pub := ts.hub.Publications()[0]
			mediatest.Eventually(t, func() string {
				if n := len(pub.Samples()); n != len(sent) {
					return fmt.Sprintf("%d samples of %d", n, len(sent))
				}
				return ""
			})
			c.Close()
			<-pub.Done()
			if got := pub.Reason(); got != stream.CloseClean {
				t.Errorf("closed as %s, want clean after TEARDOWN", got)
			}
			rtptest.CheckSamples(t, sent, pub.Samples(), media.VideoTrackID)
			rtptest.CheckSamples(t, sent, pub.Samples(), media.AudioTrackID)
			req := pub.Request
			if req.Stream != testStream || req.Protocol != "rtsp" || !req.Remote.IsLoopback() {
				t.Errorf("publish request %+v", req)
			}
		})
	}
}

// startUDPServer starts a server on a free pair of ports.
func startUDPServer(t *testing.T) *testServer {
	t.Helper()
	rtpConn, rtcpConn := portPair(t)
	conns := map[string]net.PacketConn{"rtp": rtpConn, "rtcp": rtcpConn}
	port := rtpConn.LocalAddr().(*net.UDPAddr).Port
	return startServer(t, func(c *Config) { c.UDPPort = port }, func(s *Server) {
		s.listenPacket = func(_, address string) (net.PacketConn, error) {
			if strings.HasSuffix(address, fmt.Sprintf(":%d", port)) {
				return conns["rtp"], nil
			}
			return conns["rtcp"], nil
		}
	})
}

// portPair binds an even UDP port and the next one.
func portPair(t *testing.T) (even, odd net.PacketConn) {
	t.Helper()
	for range 200 {
		a, err := net.ListenPacket("udp4", "127.0.0.1:0")
		must(t, err)
		port := a.LocalAddr().(*net.UDPAddr).Port
		if port%2 == 0 {
			if b, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", port+1)); err == nil {
				return a, b
			}
		}
		must(t, a.Close())
	}
	t.Fatal("no free pair of UDP ports")
	return nil, nil
}

func TestStreamKey(t *testing.T) {
	for _, tc := range []struct {
		path, key string
		ok        bool
	}{
		{"/live/abc", "abc", true},
		{"/live/abc/", "abc", true},
		{"/live/", "", false},
		{"/live//", "", false},
		{"/live/abc/def", "", false},
		{"/abc", "", false},
		{"", "", false},
	} {
		if key, ok := streamKey(tc.path); ok != tc.ok || ok && key != tc.key {
			t.Errorf("streamKey(%q) = %q, %v", tc.path, key, ok)
		}
	}
}

func TestServerRefuses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		path   string
		hub    error
		g722   bool
		status base.StatusCode
		text   string
		reason string
	}{
		{"wrong key", "/live/guess", nil, false, 403, "The stream key is not known.", "key"},
		{"ended class", "/live/ended", nil, false, 403, "This class has ended.", "key"},
		{"no key", "/live/", nil, false, 404, "STREAM-KEY", "path"},
		{"other path", "/stream1", nil, false, 404, "STREAM-KEY", "path"},
		{"authorizer broken", "/live/broken", nil, false, 500, "Try again", "internal"},
		{"codec", "/live/" + testKey, nil, true, 415, "G.722", "media"},
		{"busy", "/live/" + testKey, &stream.TakenError{}, false, 503, "Another encoder", "busy"},
		{"class gone", "/live/" + testKey, stream.ErrNoStream, false, 403, "not open", "ended"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ts := startServer(t, nil)
			ts.hub.Refuse(tc.hub)
			src := mediatest.New(t, mediatest.Config{})
			send := rtptest.New(t, src.Tracks(), false)
			if tc.g722 {
				send.SetAudio(g722())
			}
			c, err := ts.record(send, tc.path, gortsplib.TransportTCP)
			if err == nil {
				c.Close()
				t.Fatal("publishing was accepted")
			}
			var status liberrors.ErrClientBadStatusCode
			if !errors.As(err, &status) {
				t.Fatalf("err = %v", err)
			}
			if status.Code != tc.status || !strings.Contains(status.Message, tc.text) {
				t.Errorf("answer %d %q, want %d with %q", status.Code, status.Message, tc.status, tc.text)
			}
			if n := testutil.ToFloat64(ts.metrics.refusals.WithLabelValues("rtsp", tc.reason)); n != 1 {
				t.Errorf("refusals counted for %s: %v", tc.reason, n)
			}
			if n := len(ts.hub.Publications()); n != 0 {
				t.Errorf("%d publications", n)
			}
		})
	}
}

// countedAuthorizer tells of each call.
type countedAuthorizer struct {
	fakeAuthorizer
	calls chan struct{}
}

func (a countedAuthorizer) Authorize(ctx context.Context, key string, remote netip.Addr) (string, error) {
	a.calls <- struct{}{}
	return a.fakeAuthorizer.Authorize(ctx, key, remote)
}

// Case 48: the third wrong key is held back, until the server stops.
func TestServerHoldsBackRefusals(t *testing.T) {
	keys := countedAuthorizer{calls: make(chan struct{})}
	ts := startServerFor(t, keys, nil)
	var guessing sync.WaitGroup
	for range 3 {
		send := rtptest.New(t, mediatest.New(t, mediatest.Config{}).Tracks(), false)
		guessing.Go(func() {
			if c, err := ts.record(send, "/live/guess", gortsplib.TransportTCP); err == nil {
				c.Close()
				t.Error("a guess was right")
			}
		})
	}
	for range 3 {
		<-keys.calls
	}
	refused := func() float64 { return testutil.ToFloat64(ts.metrics.refusals.WithLabelValues("rtsp", "key")) }
	mediatest.Eventually(t, func() string {
		if refused() < 2 {
			return "the first two are held back too"
		}
		return ""
	})
	if n := refused(); n != 2 {
		t.Errorf("%v keys refused at once, want 2", n)
	}
	ts.stop()
	guessing.Wait()
}

func TestServerPlaysNothing(t *testing.T) {
	ts := startServer(t, nil)
	u, err := base.ParseURL(ts.url("/live/" + testKey))
	must(t, err)
	c := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host}
	must(t, c.Start2())
	defer c.Close()
	_, res, err := c.Describe(u)
	if err == nil || res == nil || res.StatusCode != base.StatusMethodNotAllowed || !strings.Contains(res.StatusMessage, "plays none") {
		t.Errorf("DESCRIBE: %v %v", res, err)
	}
}

// talk sends raw requests and returns the status lines of the answers.
func talk(t *testing.T, addr string, requests ...string) []string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	must(t, err)
	defer c.Close() //nolint:errcheck // a test's own connection
	must(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	r := bufio.NewReader(c)
	var lines []string
	for _, req := range requests {
		_, err := c.Write([]byte(req))
		must(t, err)
		line, err := r.ReadString('\n')
		must(t, err)
		lines = append(lines, strings.TrimSpace(line))
		for {
			h, err := r.ReadString('\n')
			must(t, err)
			if strings.TrimSpace(h) == "" {
				break
			}
		}
	}
	return lines
}

func TestServerRawRequests(t *testing.T) {
	ts := startServer(t, nil)
	for _, tc := range []struct{ name, request, want string }{
		{"SETUP to play", "SETUP rtsp://x/live/k/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n", "RTSP/1.0 405"},
		{"UDP without opt-in", "SETUP rtsp://x/live/k/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP;unicast;client_port=9000-9001\r\n\r\n", "RTSP/1.0 461"},
		{"PAUSE", "PAUSE rtsp://x/live/k RTSP/1.0\r\nCSeq: 1\r\n\r\n", "RTSP/1.0 501"},
		{"RECORD without a session", "RECORD rtsp://x/live/k RTSP/1.0\r\nCSeq: 1\r\n\r\n", "RTSP/1.0 501"},
		{"broken description", "ANNOUNCE rtsp://x/live/k RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: 3\r\n\r\nv=0", "RTSP/1.0 400"},
		{"no media", "ANNOUNCE rtsp://x/live/k RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: 17\r\n\r\nv=0\r\ns=-\r\nt=0 0\r\n", "RTSP/1.0 400"},
		{"options", "OPTIONS rtsp://x/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", "RTSP/1.0 200"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := talk(t, ts.addr, tc.request)[0]; !strings.HasPrefix(got, tc.want) {
				t.Errorf("answer %q, want %q", got, tc.want)
			}
		})
	}
}

func TestServerEndsPublication(t *testing.T) {
	start := func(t *testing.T) (*testServer, *gortsplib.Client, *ingesttest.Publication) {
		t.Helper()
		ts := startServer(t, func(c *Config) { c.MediaTimeout = time.Second })
		src := mediatest.New(t, mediatest.Config{})
		send := rtptest.New(t, src.Tracks(), false)
		c, err := ts.record(send, "/live/"+testKey, gortsplib.TransportTCP)
		must(t, err)
		push(t, c, send, src.Take(200*time.Millisecond))
		return ts, c, ts.hub.Publications()[0]
	}
	t.Run("closed from outside", func(t *testing.T) {
		ts, c, pub := start(t)
		pub.Close(stream.CloseTakenOver)
		if err := c.Wait(); err == nil { // the server closes the connection
			t.Error("the publisher's connection ended without an error")
		}
		mediatest.Eventually(t, func() string {
			if n := testutil.ToFloat64(ts.metrics.publicationsEnded.WithLabelValues("rtsp", "taken_over")); n != 1 {
				return fmt.Sprintf("ended as taken_over: %v", n)
			}
			return ""
		})
	})
	t.Run("case 32: no media", func(t *testing.T) {
		_, c, pub := start(t)
		defer c.Close()
		<-pub.Done()
		if got := pub.Reason(); got != stream.CloseSilent && got != stream.CloseDropped {
			t.Errorf("closed as %s", got)
		}
	})
	t.Run("connection lost", func(t *testing.T) {
		ts, pub := startServer(t, nil), (*ingesttest.Publication)(nil)
		src := mediatest.New(t, mediatest.Config{})
		send := rtptest.New(t, src.Tracks(), false)
		var conn net.Conn
		tcp := gortsplib.TransportTCP
		c := &gortsplib.Client{Transport: &tcp, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			var err error
			conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
			return conn, err
		}}
		must(t, c.StartRecording(ts.url("/live/"+testKey), send.Desc))
		pub = ts.hub.Publications()[0]
		must(t, conn.Close())
		<-pub.Done()
		if got := pub.Reason(); got != stream.CloseDropped {
			t.Errorf("closed as %s", got)
		}
		c.Close()
	})
	t.Run("server stops", func(t *testing.T) {
		ts, c, pub := start(t)
		ts.stop()
		c.Close()
		if got := pub.Reason(); got != stream.CloseShutdown {
			t.Errorf("closed as %s", got)
		}
	})
	t.Run("media refused", func(t *testing.T) {
		ts := startServer(t, nil)
		src := mediatest.New(t, mediatest.Config{})
		send := rtptest.New(t, src.Tracks(), false)
		c, err := ts.record(send, "/live/"+testKey, gortsplib.TransportTCP)
		must(t, err)
		defer c.Close()
		pub := ts.hub.Publications()[0]
		pub.Refuse(nil, &media.RefusalError{Code: "keyframe_interval", Text: "Set the keyframe interval to 2 s."})
		for _, pkt := range send.Pack(src.Next()) { // the server closes at the first
			_ = c.WritePacketRTP(send.Video, pkt)
		}
		<-pub.Done()
		if got := pub.Reason(); got != stream.CloseRefused {
			t.Errorf("closed as %s", got)
		}
	})
}

// g722 is an audio format that cannot be read.
func g722() format.Format { return &format.G722{} }
