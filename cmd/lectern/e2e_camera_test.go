//go:build e2e

package main_test

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"

	"github.com/lectern/lectern/hls/conformance"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

// camera is an RTSP server that plays what ffmpeg records into it.
type camera struct {
	t      *testing.T
	server *gortsplib.Server
	push   *pushing

	mu     sync.Mutex // guards the field below
	stream *gortsplib.ServerStream
}

// startCamera listens on addr and plays s.
func startCamera(t *testing.T, addr string, s source) *camera {
	t.Helper()
	c := &camera{t: t}
	c.server = &gortsplib.Server{Handler: c, RTSPAddress: addr}
	until(t, func() string { // the port of a camera that died may be in use for a moment
		if err := c.server.Start(); err != nil {
			return err.Error()
		}
		return ""
	})
	c.push = start(t, s.push(s.record(t, "hall.mp4", 60), "rtsp://"+addr+"/hall3"))
	until(t, func() string {
		if c.playing() == nil {
			return "the camera sees nothing"
		}
		return ""
	})
	return c
}

// die is the power cut.
func (c *camera) die() {
	c.server.Close()
	c.push.kill()
}

func (c *camera) playing() *gortsplib.ServerStream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stream
}

func (c *camera) OnAnnounce(ctx *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	stream := &gortsplib.ServerStream{Server: c.server, Desc: ctx.Description}
	if err := stream.Initialize(); err != nil {
		return &base.Response{StatusCode: base.StatusInternalServerError}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stream = stream
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (c *camera) OnRecord(ctx *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	stream := c.playing()
	ctx.Session.OnPacketRTPAny(func(m *description.Media, _ format.Format, pkt *rtp.Packet) {
		_ = stream.WritePacketRTP(m, pkt) // readers may be gone
	})
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (c *camera) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if stream := c.playing(); stream != nil {
		return &base.Response{StatusCode: base.StatusOK}, stream, nil
	}
	return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
}

func (c *camera) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if ctx.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return &base.Response{StatusCode: base.StatusOK}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, c.playing(), nil
}

func (c *camera) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnStreamWriteError keeps the library from printing when a reader was cut off.
func (c *camera) OnStreamWriteError(*gortsplib.ServerHandlerOnStreamWriteErrorCtx) {}

// freeAddr is an address that a camera can come back to.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// A lecture-hall camera is pulled; it dies and returns.
func TestCamera(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	addr := freeAddr(t)
	s := source{video: picture + "25", audio: tone, by: "rtsp", codec: []string{"-g", "50"}, frame: frame25}.withDefaults()
	c, err := srv.api.Create(t.Context(), api.CreateClass{ID: "hall3", Title: "Hall 3", Source: "rtsp://" + addr + "/hall3"})
	if err != nil {
		t.Fatal(err)
	}
	cam := startCamera(t, addr, s)
	playlist := strings.Replace(c.Playback.HLS, "index.m3u8", "source/index.m3u8", 1)
	lists := func(segments, discontinuities int) {
		t.Helper()
		until(t, func() string {
			code, body := get(t, playlist)
			if code != http.StatusOK || strings.Count(body, "#EXTINF") < segments || strings.Count(body, "#EXT-X-DISCONTINUITY\n") != discontinuities {
				return body
			}
			return ""
		})
	}
	lists(2, 0)
	type result struct {
		sum conformance.Summary
		err error
	}
	checked := make(chan result, 1)
	go func() {
		sum, err := conformance.Check(t.Context(), conformance.Config{URL: c.Playback.HLS, Duration: patience})
		checked <- result{sum, err}
	}()
	cam.die()
	until(t, func() string { return wantState(t, srv, c.ID, class.Interrupted) })
	cam = startCamera(t, addr, s)
	until(t, func() string { return wantState(t, srv, c.ID, class.Live) })
	lists(5, 1)
	if _, err := srv.api.End(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	r := <-checked
	if r.err != nil || !r.sum.Ended {
		t.Errorf("%v, ended: %t", r.err, r.sum.Ended)
	}
	judge(t, r.sum.Findings)
	cam.die()
	examine(t, s, c.Playback.HLS)
}
