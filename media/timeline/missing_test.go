package timeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/timeline"
)

// Case 15: video that was announced and never sends a picture once kept the
// sound, and with it the class, from beginning. Now sound begins alone after
// 5 s, and the video joins when it comes.
func TestVideoThatNeverComes(t *testing.T) {
	for _, tc := range []struct {
		name    string
		picture time.Duration // when video begins, 0 for never
		reasons string
		tracks  int // of the last run
	}{
		{"never", 0, "[start]", 1},
		{"after 4.9 s", 4900 * time.Millisecond, "[start]", 2},
		{"after 12 s", 12 * time.Second, "[start tracks]", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, timeline.Position{})
			src := mediatest.New(t, mediatest.Config{Start: time.Hour, GOP: 30})
			r.Begin(src.Tracks())
			for _, s := range src.Take(20 * time.Second) {
				if s.Track == audioID || tc.picture > 0 && s.DTS >= time.Hour+tc.picture {
					r.feed([]media.Sample{s})
				}
			}
			r.End()
			if got := r.sink.reasons(); got != tc.reasons {
				t.Fatalf("discontinuities %s, want %s", got, tc.reasons)
			}
			last := r.sink.breaks[len(r.sink.breaks)-1]
			if len(last.Tracks) != tc.tracks {
				t.Errorf("%d tracks in the last run, want %d", len(last.Tracks), tc.tracks)
			}
			wantPictures := 0
			if tc.picture > 0 {
				wantPictures = int((20*time.Second-tc.picture).Seconds()*30) - 30 // up to a GOP waits for its keyframe
			}
			if n := len(r.sink.of(videoID)); n < wantPictures {
				t.Errorf("%d pictures, want at least %d", n, wantPictures)
			}
			if n := len(r.sink.of(audioID)); n < 14*47 { // all but the first 5 s, of which one is kept
				t.Errorf("%d frames of sound", n)
			}
		})
	}
}

// A jump of the clock, or a lonely wild frame, is no time that was waited, and
// after a jump the sound does not wait again.
func TestVideoThatNeverComesAndAClockThatJumps(t *testing.T) {
	both := mediatest.New(t, mediatest.Config{}).Tracks()
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(fmt.Sprint(jump), func(t *testing.T) {
			r := newRig(t, timeline.Position{})
			src := mediatest.New(t, mediatest.Config{NoVideo: true, Start: 2 * time.Hour})
			r.Begin(both)
			r.feed(src.Take(time.Second))
			src.Jump(jump)
			r.feed(src.Take(2 * time.Second))
			if got := r.sink.reasons(); got != "[]" {
				t.Fatalf("discontinuities %s after 3 s", got)
			}
			r.feed(src.Take(5 * time.Second))
			src.Jump(-jump)
			before := len(r.sink.units)
			r.feed(src.Take(3 * time.Second))
			if got := r.sink.reasons(); got != "[start timestamps]" {
				t.Errorf("discontinuities %s", got)
			}
			if n := len(r.sink.units) - before; n < 100 {
				t.Errorf("%d frames of sound in the 3 s after the jump", n)
			}
			video := mediatest.New(t, mediatest.Config{NoAudio: true, Start: 2*time.Hour + 11*time.Second})
			r.feed(video.Take(time.Second))
			r.End()
			if got := r.sink.reasons(); got != "[start timestamps tracks]" || len(r.sink.of(videoID)) != 30 {
				t.Errorf("discontinuities %s with %d pictures after the video came", got, len(r.sink.of(videoID)))
			}
		})
	}
}
