package timeline_test

import (
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/timeline"
)

// Case 30: a publisher that reconnects goes on where media time stopped.
func TestReconnect(t *testing.T) {
	r := newRig(t, timeline.Position{})
	first := mediatest.New(t, mediatest.Config{Start: time.Hour})
	r.Begin(first.Tracks())
	r.feed(first.Take(6 * time.Second))
	r.End()
	end := r.Position()
	wallBefore := r.sink.wallSeen

	r.clock.Advance(20 * time.Second)
	second := mediatest.New(t, mediatest.Config{Large: true})
	r.Begin(second.Tracks())
	r.feed(second.Take(6 * time.Second))
	r.End()

	if got := r.sink.reasons(); got != "[start reconnect]" {
		t.Fatalf("discontinuities %s", got)
	}
	if got := r.sink.breaks[1].Tracks[0].Video.Width; got != 128 {
		t.Errorf("width after reconnect %d", got)
	}
	au := r.sink.units[r.sink.runs[1]]
	if got := media.TimescaleVideo.Duration(au.DTS) - end.Media; got < -time.Millisecond || got > time.Millisecond {
		t.Errorf("media time steps by %s", got)
	}
	if got := au.CapturedAt.Sub(wallBefore); got < 19*time.Second || got > 21*time.Second {
		t.Errorf("wall clock steps by %s", got)
	}
}

// After a restart of the server the class's clock goes on, and CapturedAt does
// not go back even if the system clock did.
func TestContinuesAtPosition(t *testing.T) {
	pos := timeline.Position{Media: 90 * time.Minute, Wall: mediatest.NewClock().Now().Add(10 * time.Second), Continues: true}
	r := newRig(t, pos)
	if got := r.Position(); got != pos {
		t.Errorf("position %v, want %v", got, pos)
	}
	src := mediatest.New(t, mediatest.Config{NoVideo: true})
	r.Begin(src.Tracks())
	r.feed(src.Take(3 * time.Second))
	au := r.sink.units[0]
	if au.DTS != 90*60*48000 || !au.CapturedAt.Equal(pos.Wall) {
		t.Errorf("starts at %d, %s", au.DTS, au.CapturedAt)
	}
	if got := r.sink.reasons(); got != "[reconnect]" {
		t.Errorf("discontinuities %s", got)
	}
}

// Case 47: the wall clock follows the server's, slowly, and only forward in runs.
// Case 34: a burst after a stall catches up in the same run.
func TestWallClockFollowsServer(t *testing.T) {
	for _, tc := range []struct {
		name  string
		speed float64 // server time for each second of media
		off   time.Duration
		runs  string
	}{
		{"exact", 1, 5 * time.Millisecond, "[start]"},
		{"publisher 0.05 % slow", 1.0005, 40 * time.Millisecond, "[start]"},
		{"publisher 0.05 % fast", 0.9995, 40 * time.Millisecond, "[start]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, timeline.Position{})
			src := mediatest.New(t, mediatest.Config{NoAudio: true})
			r.Begin(src.Tracks())
			begun := r.clock.Now()
			jitter := []time.Duration{0, 30, 80, 5, 200, 10}
			var media0 time.Duration
			for i, s := range src.Take(10 * time.Minute) {
				media0 = s.DTS
				r.clock.Set(begun.Add(time.Duration(float64(s.DTS)*tc.speed) + jitter[i%len(jitter)]*time.Millisecond))
				r.Write(s)
			}
			last := r.sink.units[len(r.sink.units)-1]
			if off := last.CapturedAt.Sub(begun) - time.Duration(float64(media0)*tc.speed); off > tc.off || off < -tc.off {
				t.Errorf("wall clock off by %s", off)
			}
			var worst time.Duration
			for i := range r.sink.units[1:] {
				a, b := r.sink.units[i], r.sink.units[i+1]
				worst = max(worst, (b.CapturedAt.Sub(a.CapturedAt) - media.TimescaleVideo.Duration(b.PTS-a.PTS)).Abs())
			}
			if worst > 40*time.Microsecond {
				t.Errorf("wall clock slews by %s in a picture", worst)
			}
			if got := r.sink.reasons(); got != tc.runs {
				t.Errorf("discontinuities %s", got)
			}
		})
	}
	t.Run("camera stamps 25 fps and sends 21", func(t *testing.T) {
		r := newRig(t, timeline.Position{})
		src := mediatest.New(t, mediatest.Config{NoAudio: true, GOP: 50, FPS: 25})
		r.Begin(src.Tracks())
		samples := src.Take(3 * time.Minute)
		for _, s := range samples {
			r.clock.Advance(time.Second / 21)
			r.Write(s)
		}
		last := r.sink.units[len(r.sink.units)-1]
		if off := r.clock.Now().Sub(last.CapturedAt); off < 0 || off > 13*time.Second {
			t.Errorf("wall clock off by %s", off)
		}
		if len(r.sink.units) != len(samples) {
			t.Errorf("%d of %d pictures", len(r.sink.units), len(samples))
		}
	})
	t.Run("stall and burst", func(t *testing.T) {
		r := newRig(t, timeline.Position{})
		src := mediatest.New(t, mediatest.Config{})
		r.Begin(src.Tracks())
		r.feed(src.Take(20 * time.Second))
		r.clock.Advance(10 * time.Second)
		for _, s := range src.Take(10 * time.Second) {
			r.Write(s)
		}
		r.feed(src.Take(20 * time.Second))
		if got := r.sink.reasons(); got != "[start]" {
			t.Errorf("discontinuities %s", got)
		}
		last := r.sink.units[len(r.sink.units)-1]
		if off := r.clock.Now().Sub(last.CapturedAt); off < -100*time.Millisecond || off > 100*time.Millisecond {
			t.Errorf("wall clock off by %s", off)
		}
	})
}
