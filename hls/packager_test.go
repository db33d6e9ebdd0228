package hls_test

import (
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
)

func TestPlaylistsOverTime(t *testing.T) {
	for _, tc := range []struct {
		name  string
		build func(*testing.T, *class)
		// wrongHints is how often a hinted part does not come, since the
		// publisher went away or the track is silent.
		wrongHints int
	}{
		{"two second GOP", func(t *testing.T, c *class) {
			t.Helper()
			c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 80*time.Second)
		}, 0},
		{"B pictures and reconnects", func(t *testing.T, c *class) {
			t.Helper()
			c.publish(mediatest.New(t, mediatest.Config{BFrames: true}), media.DiscontinuityStart, 31*time.Second)
			c.away(20 * time.Second)
			c.publish(mediatest.New(t, mediatest.Config{BFrames: true}), media.DiscontinuityReconnect, 17*time.Second)
			c.publish(mediatest.New(t, mediatest.Config{Large: true}), media.DiscontinuityTracks, 35*time.Second)
		}, 0},
		{"audio only", func(t *testing.T, c *class) {
			t.Helper()
			c.publish(mediatest.New(t, mediatest.Config{NoVideo: true, SampleRate: 44100}), media.DiscontinuityStart, 75*time.Second)
		}, 0},
		{"video only", func(t *testing.T, c *class) {
			t.Helper()
			c.publish(mediatest.New(t, mediatest.Config{NoAudio: true, GOP: 30}), media.DiscontinuityStart, 40*time.Second)
		}, 0},
		{"sound goes and comes", func(t *testing.T, c *class) {
			t.Helper()
			c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 11*time.Second)
			c.publish(mediatest.New(t, mediatest.Config{NoAudio: true}), media.DiscontinuityReconnect, 11*time.Second)
			c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityReconnect, 45*time.Second)
		}, 4},
		{"sound comes late", func(t *testing.T, c *class) {
			t.Helper()
			c.publish(mediatest.New(t, mediatest.Config{NoAudio: true}), media.DiscontinuityStart, 11*time.Second)
			c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityReconnect, 45*time.Second)
		}, 0},
		{"NTSC with RTMP timestamps", func(t *testing.T, c *class) {
			t.Helper()
			c.publish(mediatest.New(t, mediatest.Config{FPS: 30000.0 / 1001, Round: time.Millisecond}), media.DiscontinuityStart, 40*time.Second)
		}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClass()
			tc.build(t, c)
			w := newWatcher(t, hls.DefaultConfig())
			w.everyDelta = strings.HasPrefix(tc.name, "B pictures") // slow
			l := newMemoryLog()
			run(t, hls.DefaultConfig(), l, c.items, true, w.observe)
			if w.longParts+w.shortParts > 0 || w.wrongHints > tc.wrongHints {
				t.Errorf("%d long and %d short parts, %d wrong hints", w.longParts, w.shortParts, w.wrongHints)
			}
			if f := audit(t, l, c.items); f != (faults{}) {
				t.Errorf("faults: %+v", f)
			}
		})
	}
}
