package rtmp_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
	"github.com/lectern/lectern/media/stream"
)

func TestPublish(t *testing.T) {
	r := start(t)
	c := r.push(goodKey)
	src := mediatest.New(t, mediatest.Config{Round: time.Millisecond, BFrames: true})
	if err := c.WriteHeaders(0, src.Tracks()); err != nil {
		t.Fatal(err)
	}
	samples := src.Take(3 * time.Second)
	if err := c.WriteSamples(src.Tracks(), samples...); err != nil {
		t.Fatal(err)
	}
	p := r.publication()
	r.eventually("all samples", func() bool { return len(p.Samples()) == len(samples) })
	if p.Request.Stream != "algebra" || p.Request.Protocol != "rtmp" || p.Request.Remote.String() != "127.0.0.1" {
		t.Errorf("publish request = %+v", p.Request)
	}
	if len(tracksOf(p)) != 2 || tracksOf(p)[0].Codec != media.CodecH264 || tracksOf(p)[1].Codec != media.CodecAAC {
		t.Errorf("tracks = %+v", tracksOf(p))
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.ended(p, stream.CloseClean)
	r.closed("clean", 1)
	r.metric(`lectern_rtmp_connections{protocol="rtmp"}`, 0)
}

// Case 2: timestamps cross 24 bits, case 1: they wrap at 32, case 3: they start
// large, and all arrive whole.
func TestLargeTimestamps(t *testing.T) {
	for name, at := range map[string]time.Duration{"24 bits": 0xffffff - 500, "32 bits": 1<<32 - 500} {
		t.Run(name, func(t *testing.T) {
			r := start(t)
			c := r.push(goodKey)
			if err := c.SetChunkSize(128); err != nil { // many chunks a message
				t.Fatal(err)
			}
			src := mediatest.New(t, mediatest.Config{Round: time.Millisecond, Start: at * time.Millisecond})
			samples := src.Take(2 * time.Second)
			err := errors.Join(c.WriteHeaders(0, src.Tracks()), c.WriteSamples(src.Tracks(), samples...))
			if err != nil {
				t.Fatal(err)
			}
			p := r.publication()
			r.eventually("all samples", func() bool { return len(p.Samples()) == len(samples) })
			got := p.Samples()
			if got, want := got[len(got)-1].DTS, samples[len(samples)-1].DTS; got != want {
				t.Errorf("last DTS = %s, want %s", got, want)
			}
			c.Drop()
		})
	}
}

// Case 29: goodbyes are clean ends, everything else is a lost connection.
func TestEndings(t *testing.T) {
	for _, tc := range []struct {
		name   string
		end    func(c *rtmptest.Client) error
		reason stream.CloseReason
		label  string
	}{
		{"FCUnpublish", func(c *rtmptest.Client) error { return c.Command(0, "FCUnpublish", 6, nil, goodKey) }, stream.CloseClean, "clean"},
		{"deleteStream", func(c *rtmptest.Client) error { return c.Command(0, "deleteStream", 7, nil, int(c.Stream())) }, stream.CloseClean, "clean"},
		{"closeStream", func(c *rtmptest.Client) error { return c.Command(c.Stream(), "closeStream", 0, nil) }, stream.CloseClean, "clean"},
		{"closed socket", func(c *rtmptest.Client) error { c.Drop(); return nil }, stream.CloseDropped, "dropped"},
		{"reset", func(c *rtmptest.Client) error { c.Abort(); return nil }, stream.CloseDropped, "dropped"},
		{"junk", func(c *rtmptest.Client) error {
			_, err := c.Conn().Write(bytes.Repeat([]byte{0xff}, 70_000))
			return err
		}, stream.CloseDropped, "protocol"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := start(t)
			c := r.push(goodKey)
			p := r.publication()
			if err := tc.end(c); err != nil {
				t.Fatal(err)
			}
			r.ended(p, tc.reason)
			c.Drop()
			r.closed(tc.label, 1)
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name, app, key string
		code, text     string
	}{
		{"wrong key", "live", "guess", "NetStream.Publish.Denied", "stream key is not known"},
		{"no key", "live", "", "NetStream.Publish.Denied", "missing or malformed"},
		{"query only", "live", "?a=b", "NetStream.Publish.Denied", "missing or malformed"},
		{"endless key", "live", strings.Repeat("k", 257), "NetStream.Publish.Denied", "missing or malformed"},
		{"control bytes", "live", "a\x00b", "NetStream.Publish.Denied", "missing or malformed"},
		{"two keys", "live/" + goodKey, goodKey, "NetStream.Publish.Denied", "missing or malformed"},
		{"authorizer out of order", "live", "broken", "NetStream.Publish.Denied", "could not be checked"},
		{"wrong app", "stream", goodKey, "NetConnection.Connect.Rejected", "must end in /live"},
		{"no app", "", goodKey, "NetConnection.Connect.Rejected", "must end in /live"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var log bytes.Buffer
			r := start(t, logTo(&log))
			c, err := rtmptest.Dial(t.Context(), r.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Drop()
			wantStatus(t, c.Start(t.Context(), tc.app, tc.key), tc.code, tc.text)
			if err := c.Closed(t.Context()); !errors.Is(err, io.EOF) {
				t.Errorf("connection ended with %v, want a plain end", err)
			}
			c.Drop()
			r.closed("refused", 1)
			if len(r.hub.Publications()) != 0 {
				t.Error("the hub was asked")
			}
			r.stop()
			if tc.key != "" && len(tc.key) > 4 && strings.Contains(log.String(), tc.key) {
				t.Errorf("log holds the key: %s", log.String())
			}
		})
	}
}

func TestAddressForms(t *testing.T) {
	for _, tc := range []struct{ name, app, key string }{
		{"slash", "live/", goodKey},
		{"slashes", "/live//", goodKey},
		{"query on the app", "live?x=1", goodKey},
		{"query on the key", "live", goodKey + "?token=abc"},
		{"slash before the key", "live", "/" + goodKey},
		{"space after the key", "live", goodKey + " "},
		{"all in one address", "live/" + goodKey, ""},
		{"all in one address with query", "live/" + goodKey + "?x=1", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := start(t)
			c, err := rtmptest.Dial(t.Context(), r.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Drop()
			if err := c.Start(t.Context(), tc.app, tc.key); err != nil {
				t.Fatal(err)
			}
			if p := r.publication(); p.Request.Stream != "algebra" {
				t.Errorf("stream = %q", p.Request.Stream)
			}
		})
	}
}

// Case 31: the hub's answer reaches the second encoder, the first goes on. Case
// 30: after a drop the key is free at once.
func TestF17BusyKeyIsBadName(t *testing.T) {
	r := start(t)
	first := r.push(goodKey)
	_, err := rtmptest.Push(t.Context(), r.addr, goodKey)
	wantStatus(t, err, "NetStream.Publish.BadName", "Another encoder is publishing")
	src := mediatest.New(t, mediatest.Config{Round: time.Millisecond})
	if err := errors.Join(first.WriteHeaders(0, src.Tracks()), first.WriteSamples(src.Tracks(), src.Take(3*time.Second)...)); err != nil {
		t.Fatal(err)
	}
	p := r.publication()
	r.eventually("samples of the first", func() bool { return len(p.Samples()) > 0 })

	first.Abort()
	r.ended(p, stream.CloseDropped)
	r.push(goodKey)
}

func TestHubErrors(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		text string
	}{
		{"no class", stream.ErrNoStream, "not open for publishing"},
		{"ended", stream.ErrEnded, "has ended"},
		{"own words", &media.RefusalError{Code: "x", Text: "Come back at nine."}, "Come back at nine."},
		{"other", errors.New("disk full"), "could not start"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := start(t)
			r.hub.Refuse(tc.err)
			_, err := rtmptest.Push(t.Context(), r.addr, goodKey)
			wantStatus(t, err, "NetStream.Publish.Denied", tc.text)
		})
	}
}

// What closes a publication from outside is told to the encoder, promptly.
func TestClosedFromOutside(t *testing.T) {
	for _, tc := range []struct {
		reason stream.CloseReason
		code   string
		text   string
	}{
		{stream.CloseTakenOver, "NetStream.Publish.BadName", "taken over"},
		{stream.CloseClassEnded, "NetStream.Publish.Denied", "has ended"},
		{stream.CloseKeyChanged, "NetStream.Publish.Denied", "key was changed"},
		{stream.CloseSilent, "NetStream.Publish.Rejected", "Nothing arrived"},
		{stream.CloseOverrun, "NetStream.Publish.Rejected", "keep up"},
		{stream.CloseShutdown, "NetStream.Publish.Rejected", "restarting"},
	} {
		t.Run(tc.reason.String(), func(t *testing.T) {
			r := start(t)
			c := r.push(goodKey)
			p := r.publication()
			p.Close(tc.reason)
			s, err := c.NextStatus(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			wantStatus(t, &rtmptest.StatusError{Status: s}, tc.code, tc.text)
			if err := c.Closed(t.Context()); !errors.Is(err, io.EOF) {
				t.Errorf("connection ended with %v", err)
			}
			c.Drop()
			r.closed("ended", 1)
			r.ended(p, tc.reason) // and not overwritten
		})
	}
}

func TestRefusedMedia(t *testing.T) {
	r := start(t)
	c := r.push(goodKey)
	p := r.publication()
	p.Refuse(nil, &media.RefusalError{Code: "keyframe_interval", Text: "Set the keyframe interval to 2 s."})
	src := mediatest.New(t, mediatest.Config{Round: time.Millisecond})
	if err := errors.Join(c.WriteHeaders(0, src.Tracks()), c.WriteSamples(src.Tracks(), src.Next(), src.Next())); err != nil {
		t.Fatal(err)
	}
	s, err := c.NextStatus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, &rtmptest.StatusError{Status: s}, "NetStream.Publish.Rejected", "Set the keyframe interval to 2 s.")
	r.ended(p, stream.CloseRefused)
	if told := p.Refusal(); told == nil || told.Code != "keyframe_interval" {
		t.Errorf("the hub is told %v", told)
	}
	r.metric(`lectern_rtmp_refusals_total{reason="keyframe_interval"}`, 1)
}

func TestPlayIsRefused(t *testing.T) {
	r := start(t)
	c := r.dial()
	if err := c.Connect(t.Context(), "live"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Command(0, "createStream", 2, nil), c.Command(1, "play", 3, nil, goodKey, -2000)); err != nil {
		t.Fatal(err)
	}
	s, err := c.NextStatus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, &rtmptest.StatusError{Status: s}, "NetStream.Play.Failed", "watch page")
}

func TestSecondPublishOnOneConnection(t *testing.T) {
	r := start(t)
	c := r.push(goodKey)
	if err := c.Command(c.Stream(), "publish", 9, nil, "class-2", "live"); err != nil {
		t.Fatal(err)
	}
	s, err := c.NextStatus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, &rtmptest.StatusError{Status: s}, "NetStream.Publish.BadName", "has published already")
	if n := len(r.hub.Publications()); n != 1 || r.publication().Reason() != 0 {
		t.Errorf("%d publications, the first closed for %v", n, r.publication().Reason())
	}
}

func TestShutdownTellsPublishers(t *testing.T) {
	r := start(t)
	c, err := rtmptest.Dial(t.Context(), r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Drop()
	c.Fields = rtmptest.Object{"capsEx": 1}
	if err = c.Start(t.Context(), "live", goodKey); err != nil {
		t.Fatal(err)
	}
	idle := r.dial() // connected, not publishing
	p := r.publication()
	r.stop()
	s, err := c.NextStatus(t.Context())
	if err != nil || s.Code != "NetConnection.Connect.ReconnectRequest" {
		t.Errorf("status = %+v, %v, want a reconnect request", s, err)
	}
	s, err = c.NextStatus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, &rtmptest.StatusError{Status: s}, "NetStream.Publish.Rejected", "restarting")
	r.ended(p, stream.CloseShutdown)
	if err := idle.Closed(t.Context()); err == nil {
		t.Error("idle connection survives")
	}
}
