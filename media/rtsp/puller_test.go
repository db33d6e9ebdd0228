package rtsp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/auth"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/media/ingest/ingesttest"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtsp/internal/rtptest"
	"github.com/lectern/lectern/media/stream"
)

const (
	cameraUser = "operator"
	cameraPass = "p4ss/w@rd"
)

// fakeCamera is an RTSP server that asks for a password and plays one source to
// each reader.
type fakeCamera struct {
	t       *testing.T
	server  *gortsplib.Server
	stream  *gortsplib.ServerStream
	send    *rtptest.Sender
	src     *mediatest.Source
	addr    string
	methods []auth.VerifyMethod

	mu    sync.Mutex // guards the fields below
	conns []*gortsplib.ServerConn
	seen  []string // Authorization headers
}

func startCamera(t *testing.T, methods ...auth.VerifyMethod) *fakeCamera {
	t.Helper()
	src := mediatest.New(t, mediatest.Config{GOP: 30})
	cam := &fakeCamera{t: t, src: src, send: rtptest.New(t, src.Tracks(), false), methods: methods}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	cam.addr = ln.Addr().String()
	cam.server = &gortsplib.Server{
		Handler: cam, RTSPAddress: cam.addr, AuthMethods: methods, WriteQueueSize: 8192,
		Listen: func(string, string) (net.Listener, error) { return ln, nil },
	}
	must(t, cam.server.Start())
	cam.stream = &gortsplib.ServerStream{Server: cam.server, Desc: cam.send.Desc}
	must(t, cam.stream.Initialize())
	t.Cleanup(func() {
		cam.stream.Close()
		cam.server.Close()
	})
	return cam
}

func (c *fakeCamera) source(user, pass string) string {
	u := base.URL{Scheme: "rtsp", Host: c.addr, Path: "/stream1"}
	if user != "" {
		u.User = url.UserPassword(user, pass)
	}
	return u.String()
}

func (c *fakeCamera) OnConnOpen(ctx *gortsplib.ServerHandlerOnConnOpenCtx) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, ctx.Conn)
}

func (c *fakeCamera) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	c.mu.Lock()
	c.seen = append(c.seen, strings.Join(ctx.Request.Header["Authorization"], ","))
	c.mu.Unlock()
	if !ctx.Conn.VerifyCredentials(ctx.Request, cameraUser, cameraPass) {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	return &base.Response{StatusCode: base.StatusOK}, c.stream, nil
}

func (c *fakeCamera) OnSetup(*gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return &base.Response{StatusCode: base.StatusOK}, c.stream, nil
}

func (c *fakeCamera) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnStreamWriteError keeps the library from printing when a reader was cut off.
func (c *fakeCamera) OnStreamWriteError(*gortsplib.ServerHandlerOnStreamWriteErrorCtx) {}

// play sends the next d of media to the readers.
func (c *fakeCamera) play(d time.Duration) {
	for _, s := range c.src.Take(d) {
		for _, pkt := range c.send.Pack(s) {
			_ = c.stream.WritePacketRTP(c.send.Media(s), pkt) // readers may be gone
		}
	}
}

// drop closes all connections, as a power cut would.
func (c *fakeCamera) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.NetConn().Close()
	}
	c.conns = nil
}

// testPuller is a running Puller.
type testPuller struct {
	hub     *ingesttest.Hub
	metrics *Metrics
	log     *lockedBuffer
	puller  *Puller
	stop    func()
	done    chan struct{}
}

func newTestPuller(t *testing.T, source string) *testPuller {
	t.Helper()
	tp := &testPuller{hub: &ingesttest.Hub{}, metrics: NewMetrics(prometheus.NewRegistry()), log: &lockedBuffer{}, done: make(chan struct{})}
	cfg := DefaultConfig().Pull
	cfg.ReconnectMin = 100 * time.Millisecond
	var err error
	tp.puller, err = NewPuller(cfg, PullerDeps{
		Stream: testStream, Source: source, Hub: tp.hub, Metrics: tp.metrics,
		Logger: slog.New(slog.NewTextHandler(tp.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Jitter: func() float64 { return 0 },
	})
	must(t, err)
	return tp
}

func (tp *testPuller) start(t *testing.T) *testPuller {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() {
		defer close(tp.done)
		if err := tp.puller.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	tp.stop = func() {
		cancel()
		run.Wait()
		text := tp.log.String()
		for _, secret := range []string{cameraUser, cameraPass, "p4ss", "stream1"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q is in the log:\n%s", secret, text)
			}
		}
	}
	t.Cleanup(tp.stop)
	return tp
}

func (tp *testPuller) waitAttempts(t *testing.T, outcome string, n float64) {
	t.Helper()
	mediatest.Eventually(t, func() string {
		if got := testutil.ToFloat64(tp.metrics.pullAttempts.WithLabelValues(outcome)); got < n {
			return fmt.Sprintf("%v attempts ended %s, want %v\n%s", got, outcome, n, tp.log)
		}
		return ""
	})
}

func TestPullerReconnects(t *testing.T) {
	cam := startCamera(t, auth.VerifyMethodDigestMD5)
	tp := newTestPuller(t, cam.source(cameraUser, cameraPass)).start(t)

	for round := 1; round <= 2; round++ {
		tp.waitAttempts(t, outcomeConnected, float64(round))
		pub := tp.hub.Publications()[round-1]
		mediatest.Eventually(t, func() string {
			cam.play(500 * time.Millisecond)
			if n := len(pub.Samples()); n < 50 {
				return fmt.Sprintf("round %d: %d samples", round, n)
			}
			return ""
		})
		cam.drop()
		<-pub.Done()
		if got := pub.Reason(); got != stream.CloseDropped {
			t.Errorf("case 49: round %d closed as %s", round, got)
		}
	}
	tp.waitAttempts(t, outcomeConnected, 3)
	tp.stop()
	if got := tp.hub.Publications()[2].Reason(); got != stream.CloseShutdown {
		t.Errorf("last publication closed as %s", got)
	}
	req := tp.hub.Publications()[0].Request
	if req.Stream != testStream || req.Protocol != "rtsp-pull" || !req.Remote.IsLoopback() {
		t.Errorf("publish request %+v", req)
	}
	cam.mu.Lock()
	defer cam.mu.Unlock()
	if !slices.ContainsFunc(cam.seen, func(h string) bool { return strings.HasPrefix(h, "Digest ") }) {
		t.Errorf("case 48: no Digest login: %q", cam.seen)
	}
}

func TestPullerLogin(t *testing.T) {
	t.Run("case 48: wrong password", func(t *testing.T) {
		cam := startCamera(t, auth.VerifyMethodDigestMD5)
		tp := newTestPuller(t, cam.source(cameraUser, "wrong")).start(t)
		tp.waitAttempts(t, outcomeUnauthorised, 1)
	})
	t.Run("case 48: no password", func(t *testing.T) {
		cam := startCamera(t, auth.VerifyMethodDigestMD5)
		tp := newTestPuller(t, cam.source("", "")).start(t)
		tp.waitAttempts(t, outcomeUnauthorised, 1)
	})
	t.Run("case 48: Basic on a private network", func(t *testing.T) {
		cam := startCamera(t, auth.VerifyMethodBasic)
		tp := newTestPuller(t, cam.source(cameraUser, cameraPass)).start(t)
		tp.waitAttempts(t, outcomeConnected, 1)
	})
	t.Run("case 48: Basic on a public network", func(t *testing.T) {
		p := newTestPuller(t, "rtsp://a:b@203.0.113.9/x").puller
		a := &pull{puller: p, remote: netip.MustParseAddr("203.0.113.9")}
		res := &base.Response{StatusCode: base.StatusUnauthorized, Header: base.Header{
			"WWW-Authenticate": base.HeaderValue{`Basic realm="cam"`},
		}}
		a.onResponse(res)
		err := a.explain(t.Context(), "describe", liberrors.ErrClientAuthSetup{Err: errors.New("no methods")})
		if len(res.Header["WWW-Authenticate"]) != 0 || !errors.Is(err, ErrInsecureAuth) {
			t.Errorf("offers left: %q; err = %v", res.Header["WWW-Authenticate"], err)
		}
		res.Header["WWW-Authenticate"] = base.HeaderValue{`Basic realm="cam"`, `Digest realm="cam", nonce="1"`}
		a.onResponse(res)
		if kept := res.Header["WWW-Authenticate"]; len(kept) != 1 || !strings.HasPrefix(kept[0], "Digest") {
			t.Errorf("offers left: %q", kept)
		}
	})
}

func TestPullerStopsWithStream(t *testing.T) {
	cam := startCamera(t, auth.VerifyMethodDigestMD5)
	t.Run("class ended", func(t *testing.T) {
		tp := newTestPuller(t, cam.source(cameraUser, cameraPass)).start(t)
		tp.waitAttempts(t, outcomeConnected, 1)
		tp.hub.Publications()[0].Close(stream.CloseClassEnded)
		<-tp.done
	})
	t.Run("stream gone", func(t *testing.T) {
		tp := newTestPuller(t, cam.source(cameraUser, cameraPass))
		tp.hub.Refuse(stream.ErrNoStream)
		tp.start(t)
		<-tp.done
	})
	t.Run("taken over: tries again", func(t *testing.T) {
		tp := newTestPuller(t, cam.source(cameraUser, cameraPass)).start(t)
		tp.waitAttempts(t, outcomeConnected, 1)
		tp.hub.Publications()[0].Close(stream.CloseTakenOver)
		tp.waitAttempts(t, outcomeConnected, 2)
	})
}

func TestPullerRefusesMedia(t *testing.T) {
	cam := startCamera(t, auth.VerifyMethodDigestMD5)
	cam.send.SetAudio(g722()) // read anew at each DESCRIBE
	tp := newTestPuller(t, cam.source(cameraUser, cameraPass)).start(t)
	tp.waitAttempts(t, outcomeRefused, 1)
	if n := len(tp.hub.Publications()); n != 0 {
		t.Errorf("%d publications", n)
	}
}

func TestNewPullerRejects(t *testing.T) {
	for _, source := range []string{"", "http://cam/x", "rtsp:///x", "rtsp://user:s3cret@", "rtsp://user:s3cret@host:port:port/%zz", "camera"} {
		_, err := NewPuller(DefaultConfig().Pull, PullerDeps{Source: source, Logger: slog.New(slog.DiscardHandler)})
		if !errors.Is(err, ErrBadSource) {
			t.Errorf("source %q: err = %v", source, err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the password is in the error: %v", err)
		}
	}
}
