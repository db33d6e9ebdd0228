package rtmp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtmp"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
	"github.com/lectern/lectern/media/stream"
)

// The faults of the library against the whole server. What the sanitizer alone
// cures has its table in internal/chunk.

// survives fails unless another publisher can still be admitted.
func (r *rig) survives(key string) {
	r.tb.Helper()
	c, err := rtmptest.Push(r.tb.Context(), r.addr, key)
	if err != nil {
		r.tb.Fatalf("server is gone: %v", err)
	}
	if err := c.Close(r.tb.Context()); err != nil {
		r.tb.Error(err)
	}
}

// F1, F2, F4: the inputs that kill a process with the library alone, from many
// connections at a time, cost next to no memory.
func TestF1F2F4MemoryUnderAttack(t *testing.T) {
	bomb := append(rtmptest.Encode("connect", 1), 3, 0, 1, 'x', 0x0a, 0x7f, 0xff, 0xff, 0xff)
	nested := append(rtmptest.Encode("connect", 1), bytes.Repeat([]byte{3, 0, 1, 'a'}, 4<<20)...)[:1<<24-1]
	attacks := map[string][]byte{
		"array bomb": rtmptest.AppendMessage(nil, rtmptest.Message{Type: 20, Body: bomb}, rtmptest.Format{CSID: 3, Size: 128}),
		"nested":     rtmptest.AppendMessage(nil, rtmptest.Message{Type: 20, Body: nested}, rtmptest.Format{CSID: 3, Size: 128}),
	}
	var partial []byte // 32 messages of 16 MiB, each a byte short
	partial = rtmptest.AppendMessage(partial, rtmptest.Message{Type: 1, Body: []byte{0, 0xff, 0xff, 0xfe}}, rtmptest.Format{CSID: 2})
	head := rtmptest.AppendMessage(nil, rtmptest.Message{Type: 9, Stream: 1, Body: make([]byte, 1<<24-1)}, rtmptest.Format{CSID: 10})
	partial = append(partial, head[:len(head)-1]...)
	attacks["partial messages"] = partial

	r := start(t)
	r.survives(goodKey)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	peak := before.HeapInuse
	for name, b := range attacks {
		for range 20 {
			c, err := rtmptest.Dial(t.Context(), r.addr)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Handshake(t.Context()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			_, _ = c.Conn().Write(b) // fails when the server hangs up
			if err := c.Closed(t.Context()); err == nil {
				t.Errorf("%s: connection survives", name)
			}
			c.Drop()
			runtime.ReadMemStats(&after)
			peak = max(peak, after.HeapInuse)
		}
	}
	r.closed("protocol", 60)
	if grown := int64(peak) - int64(before.HeapInuse); grown > 64<<20 {
		t.Errorf("heap grew by %d MiB", grown>>20)
	}
	r.survives("class-after")
}

// F4: a publisher is believed more, but not without end.
func TestF4OversizeFrameOfPublisher(t *testing.T) {
	r := start(t)
	c := r.push(goodKey)
	p := r.publication()
	_ = c.WriteVideo(0, make([]byte, 1<<24-1))
	r.ended(p, stream.CloseDropped)
	r.closed("protocol", 1)
	r.survives("class-after")
}

// F7 and F20: the server announces 64 KiB chunks before anything else, and does
// not acknowledge every chunk for a window of 0.
func TestF20ChunkSizeIsAnnouncedFirst(t *testing.T) {
	r := start(t)
	c := r.dial()
	m, err := c.NextMessage(t.Context())
	if err != nil || m.Type != 1 || binary.BigEndian.Uint32(m.Body) != 64<<10 {
		t.Fatalf("first message = %+v, %v", m, err)
	}
}

func TestF7WindowOfZero(t *testing.T) {
	r := start(t)
	c := r.push(goodKey)
	if err := c.Write(rtmptest.Message{Type: 5, Body: make([]byte, 4)}, rtmptest.Format{CSID: 2}); err != nil {
		t.Fatal(err)
	}
	for range 400 { // 4 MB
		// Data that nobody reads counts all the same.
		if err := c.WriteMetadata(rtmptest.Object{"x": strings.Repeat("x", 10_000)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Goodbye(); err != nil {
		t.Fatal(err)
	}
	acks := 0
	for {
		m, err := c.NextMessage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.Type == 3 {
			acks++
		}
		if bytes.Contains(m.Body, []byte("Unpublish.Success")) && m.Stream != 0 {
			break
		}
	}
	if acks < 2 || acks > 4 {
		t.Errorf("%d acknowledgements of 4 MB, want one each 1.25 MB", acks)
	}
}

// F8, F9, F10, F11, F12, F14, F15 in one session that must live on.
func TestOddButHarmlessSession(t *testing.T) {
	r := start(t)
	c, err := rtmptest.Dial(t.Context(), r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Drop()
	c.Fields = rtmptest.Object{"pageUrl": rtmptest.Undefined{}, "fpad": 1, "swfUrl": strings.Repeat("x", 70_000)[:10_000]}
	if err := c.Start(t.Context(), "live", goodKey); err != nil {
		t.Fatal(err)
	}
	src := mediatest.New(t, mediatest.Config{Round: time.Millisecond})
	samples := src.Take(3 * time.Second)
	if err := c.WriteHeaders(0, src.Tracks()); err != nil {
		t.Fatal(err)
	}
	odd := []rtmptest.Message{
		{Type: 9, Stream: 1},
		{Type: 8, Stream: 1}, // F8
		{Type: 15, Stream: 1, Body: append([]byte{0}, rtmptest.Encode("@setDataFrame", "onMetaData", rtmptest.Object{"w": 1})...)}, // F9
		{Type: 17, Body: append([]byte{0}, rtmptest.Encode("FCPublish", 8, nil, "x")...)},
		{Type: 22, Stream: 1, Body: []byte{9, 9, 9}},
		{Type: 16, Body: []byte{1}},
		{Type: 200, Body: []byte{1}},                 // F10
		{Type: 4, Body: []byte{0, 31, 0, 0, 0, 1}},   // F11
		{Type: 2, Body: []byte{0, 0, 0, 6}},          // F14
		{Type: 9, Stream: 3, Body: []byte{0x17, 1}},  // F15
		{Type: 20, Body: []byte{0xff}},               // no AMF at all
		{Type: 20, Body: rtmptest.Encode("nobody")},  // unknown command
		{Type: 18, Stream: 1, Body: []byte{3, 0, 0}}, // torn data
		{Type: 20, Stream: 0, Body: rtmptest.Encode("_result", 1, nil)},
	}
	for i, s := range samples {
		if err := c.Write(odd[i%len(odd)], rtmptest.Format{CSID: 9, Size: 65536}); err != nil {
			t.Fatal(err)
		}
		if err := c.WriteSamples(src.Tracks(), s); err != nil {
			t.Fatal(err)
		}
	}
	p := r.publication()
	r.eventually("all samples", func() bool { return len(p.Samples()) == len(samples) })
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// F13: fields of the wrong type do not cost the connection.
func TestF13ConnectFields(t *testing.T) {
	r := start(t)
	c, err := rtmptest.Dial(t.Context(), r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Drop()
	c.Fields = rtmptest.Object{
		"fpad": "no", "capabilities": "15", "audioCodecs": rtmptest.Object{}, "videoCodecs": math.NaN(),
		"videoFunction": true, "objectEncoding": 3, "type": 1, "flashVer": nil, "tcUrl": 0,
	}
	if err := c.Start(t.Context(), "live", goodKey); err != nil {
		t.Fatal(err)
	}
}

// F19: a bug behind a callback ends one connection.
func TestF19PanicsAreContained(t *testing.T) {
	t.Run("in the publication", func(t *testing.T) {
		r := start(t)
		c := r.push(goodKey)
		p := r.publication()
		p.OnWrite(func() { panic("a bug in the hub") })
		src := mediatest.New(t, mediatest.Config{Round: time.Millisecond})
		_ = errors.Join(c.WriteHeaders(0, src.Tracks()), c.WriteSamples(src.Tracks(), src.Take(3*time.Second)...))
		r.ended(p, stream.CloseDropped) // also from OnClose, where Flush panics again
		r.closed("panic", 1)
		r.survives("class-after")
	})
	t.Run("in the hub", func(t *testing.T) {
		r := start(t)
		r.hub.Admit(func(stream.PublishRequest) error { panic("a bug") })
		if _, err := rtmptest.Push(t.Context(), r.addr, goodKey); err == nil {
			t.Error("published")
		}
		r.closed("panic", 1)
		r.metric("lectern_rtmp_panics_total", 1)
	})
}

// Junk at any point of the handshake and of the chunk stream leaves the server
// alive, and every such connection ends.
func TestJunk(t *testing.T) {
	r := start(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	junk := make([]byte, 300_000)
	for i := range junk {
		junk[i] = byte(rnd.Uint32())
	}
	good := append(rtmptest.AppendMessage(nil, rtmptest.Message{Type: 20, Body: rtmptest.Encode("connect", 1, rtmptest.Object{"app": "live"})},
		rtmptest.Format{CSID: 3, Size: 128}),
		rtmptest.AppendMessage(nil, rtmptest.Message{Type: 20, Body: rtmptest.Encode("createStream", 2, nil)}, rtmptest.Format{CSID: 3, Size: 128})...)
	hello := append([]byte{3}, make([]byte, 3072)...)
	session := append(bytes.Clone(hello), good...)
	n := 0
	for at := 0; at <= len(session); at += 1 + rnd.IntN(120) {
		var d net.Dialer
		c, err := d.DialContext(t.Context(), "tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		var reading sync.WaitGroup
		reading.Go(func() { _, _ = io.Copy(io.Discard, c) })
		from := rnd.IntN(1000)
		_, _ = c.Write(append(bytes.Clone(session[:at]), junk[from:]...))
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.CloseWrite()
		}
		reading.Wait() // the server has hung up
		_ = c.Close()
		n++
	}
	if n < 40 {
		t.Fatalf("only %d cuts", n)
	}
	r.metric(`lectern_rtmp_connections{protocol="rtmp"}`, 0)
	r.metric("lectern_rtmp_panics_total", 0)
	r.survives(goodKey)
}

func TestForeignProtocols(t *testing.T) {
	r := start(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + r.addr + "/watch/x")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "RTMP port") {
		t.Errorf("HTTP gets %s %q", resp.Status, body)
	}
	r.closed("http", 1)

	for reason, first := range map[string]string{"tls": "\x16\x03\x01\x02\x00", "not_rtmp": "SSH-2.0-x\r\n"} {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(first)); err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(c); len(b) != 0 {
			t.Errorf("%s gets % x", reason, b)
		}
		_ = c.Close()
		r.closed(reason, 1)
	}
}

func TestConnectionCaps(t *testing.T) {
	r := start(t, func(c *rtmp.Config, _ *rtmp.Deps) { c.MaxConnectionsPerIP = 3 })
	var open []*rtmptest.Client
	for range 3 {
		open = append(open, r.dial())
	}
	c, err := rtmptest.Dial(t.Context(), r.addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Handshake(t.Context()); err == nil {
		t.Error("a fourth connection is served")
	}
	c.Drop()
	r.metric(`lectern_rtmp_connections_rejected_total{protocol="rtmp",reason="max_connections_per_ip"}`, 1)
	open[0].Drop()
	r.metric(`lectern_rtmp_connections{protocol="rtmp"}`, 2)
	r.survives(goodKey)
}

func TestThousandConnections(t *testing.T) {
	r := start(t)
	for i := range 1000 {
		c, err := rtmptest.Dial(t.Context(), r.addr)
		if err != nil {
			t.Fatal(err)
		}
		switch i % 4 {
		case 0: // nothing at all
		case 1:
			err = c.Handshake(t.Context())
		case 2:
			_, err = c.Conn().Write(append([]byte{3}, make([]byte, i)...))
		default:
			err = c.Start(t.Context(), "live", fmt.Sprint("class-", i))
		}
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			c.Abort()
		} else {
			c.Drop()
		}
		if i%50 == 0 { // stay below the caps
			r.metric(`lectern_rtmp_connections{protocol="rtmp"}`, 0)
		}
	}
	r.metric(`lectern_rtmp_connections{protocol="rtmp"}`, 0)
	r.metric(`lectern_rtmp_connections_total{protocol="rtmp"}`, 1000)
	for _, p := range r.hub.Publications() {
		r.ended(p, stream.CloseDropped)
	}
}
