package timeline_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/timeline"
)

// Case 4: steps forward; case 5: steps back.
func TestClockSteps(t *testing.T) {
	for _, tc := range []struct {
		name    string
		step    time.Duration
		reasons string
		gap     time.Duration // between the two pictures around the step
		repair  timeline.Repair
	}{
		{"gap of 3 s is kept", 3 * time.Second, "[start]", 3 * time.Second, 0},
		{"gap of 4.9 s is kept", 4900 * time.Millisecond, "[start]", 4900 * time.Millisecond, 0},
		{"gap of 6 s is a new timeline", 6 * time.Second, "[start timestamps]", 0, 0},
		{"hours ahead", 100 * time.Hour, "[start timestamps]", 0, 0},
		{"back 300 ms is clamped", -300 * time.Millisecond, "[start]", 0, timeline.RepairClamped},
		{"back 2 s is a new timeline", -2 * time.Second, "[start timestamps]", 0, 0},
		{"back to long ago", -50 * time.Hour, "[start timestamps]", 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, timeline.Position{})
			src := mediatest.New(t, mediatest.Config{GOP: 30, Start: 90 * time.Hour})
			r.Begin(src.Tracks())
			r.feed(src.Take(4 * time.Second))
			src.Jump(tc.step)
			if tc.step > 0 {
				r.clock.Advance(tc.step)
			}
			r.feed(src.Take(4 * time.Second))
			r.End()
			if got := r.sink.reasons(); got != tc.reasons {
				t.Errorf("discontinuities %s, want %s", got, tc.reasons)
			}
			video := r.sink.of(videoID)
			if n := len(video); n != 240 { // the step falls on a keyframe: nothing is lost
				t.Errorf("%d pictures", n)
			}
			var widest time.Duration
			for i := range video[1:] {
				widest = max(widest, media.TimescaleVideo.Duration(video[i+1].DTS-video[i].DTS))
			}
			frame := time.Second / 30
			if widest < tc.gap || widest > tc.gap+frame+30*time.Millisecond {
				t.Errorf("widest step %s, want about %s", widest, tc.gap+frame)
			}
			if tc.repair != 0 && r.sink.repairs[tc.repair] == 0 {
				t.Errorf("no repair %s in %v", tc.repair, r.sink.repairs)
			}
		})
	}
}

// Case 6: one or two wild frames are stamped anew and nothing is lost.
func TestWildFrames(t *testing.T) {
	for _, tc := range []struct {
		name string
		wild []int // indexes of pictures
		off  time.Duration
	}{
		{"one ahead", []int{50}, 7 * time.Hour},
		{"one behind", []int{50}, -time.Minute},
		{"two in a row", []int{50, 51}, time.Hour},
		{"now and then", []int{50, 52, 55, 80}, time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, timeline.Position{})
			src := mediatest.New(t, mediatest.Config{})
			r.Begin(src.Tracks())
			picture := 0
			samples := src.Take(4 * time.Second)
			for i := range samples {
				if samples[i].Track == videoID {
					if slices.Contains(tc.wild, picture) {
						samples[i].DTS += tc.off
						samples[i].PTS += tc.off
					}
					picture++
				}
			}
			r.feed(samples)
			r.End()
			video := r.sink.of(videoID)
			if len(video) != 120 || r.sink.reasons() != "[start]" {
				t.Fatalf("%d pictures, discontinuities %s", len(video), r.sink.reasons())
			}
			for i, au := range video {
				if want := int64(i) * 3000; au.DTS < want-2 || au.DTS > want+2 {
					t.Errorf("picture %d at %d", i, au.DTS)
				}
			}
			if got := r.sink.repairs[timeline.RepairRestamped]; got != len(tc.wild) {
				t.Errorf("%d restamped", got)
			}
		})
	}
}

// Case 4: the clock is shared, and sound may show a jump long before the picture
// does.
func TestOneJumpOneDiscontinuity(t *testing.T) {
	for _, tc := range []struct {
		name         string
		audio, video time.Duration // media time at which the track jumps
	}{
		{"together", 4 * time.Second, 4 * time.Second},
		{"sound first", 4 * time.Second, 4500 * time.Millisecond},
		{"picture first", 4500 * time.Millisecond, 4 * time.Second},
		{"sound by one frame", 4 * time.Second, 4034 * time.Millisecond},
	} {
		for _, jump := range []time.Duration{time.Hour, -time.Hour, 5500 * time.Millisecond} {
			t.Run(fmt.Sprint(tc.name, jump), func(t *testing.T) {
				r := newRig(t, timeline.Position{})
				src := mediatest.New(t, mediatest.Config{GOP: 15, Start: 10 * time.Hour})
				r.Begin(src.Tracks())
				samples := src.Take(10 * time.Second)
				for i := range samples {
					s := &samples[i]
					from := tc.video
					if s.Track == audioID {
						from = tc.audio
					}
					if s.DTS-10*time.Hour >= from {
						s.DTS += jump
						s.PTS += jump
					}
				}
				r.feed(samples)
				r.End()
				if got := r.sink.reasons(); got != "[start timestamps]" {
					t.Errorf("discontinuities %s", got)
				}
				if n := len(r.sink.of(videoID)); n < 270 {
					t.Errorf("%d pictures of 300", n)
				}
				if n := len(r.sink.of(audioID)); n < 400 {
					t.Errorf("%d frames of sound of 469", n)
				}
				if p := r.Position().Media; p < 9*time.Second || p > 10600*time.Millisecond {
					t.Errorf("ends at %s", p)
				}
			})
		}
	}
}

// One track alone leaves the clock, or never was on it: it is shifted, not cut.
func TestLoneJump(t *testing.T) {
	for _, tc := range []struct {
		name string
		from time.Duration
		jump time.Duration
	}{
		{"ahead", 4 * time.Second, time.Hour},
		{"behind", 4 * time.Second, -time.Hour},
		{"another clock from the start, ahead", 0, time.Hour},
		{"another clock from the start, behind", 0, -time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, timeline.Position{})
			src := mediatest.New(t, mediatest.Config{Start: 10 * time.Hour})
			r.Begin(src.Tracks())
			samples := src.Take(10 * time.Second)
			for i := range samples {
				if s := &samples[i]; s.Track == audioID && s.DTS-10*time.Hour >= tc.from {
					s.DTS += tc.jump
					s.PTS += tc.jump
				}
			}
			r.feed(samples)
			r.End()
			if got := r.sink.reasons(); got != "[start]" {
				t.Errorf("discontinuities %s", got)
			}
			audio := r.sink.of(audioID)
			if n := len(audio); n < 415 {
				t.Errorf("%d frames of sound of 469", n)
			}
			if n := len(r.sink.of(videoID)); n != 300 {
				t.Errorf("%d pictures of 300", n)
			}
			end := media.Timescale(48000).Duration(audio[len(audio)-1].DTS)
			if end < 9800*time.Millisecond || end > 10200*time.Millisecond {
				t.Errorf("sound ends at %s", end)
			}
			if r.sink.repairs[timeline.RepairRealigned] == 0 {
				t.Error("not counted as realigned")
			}
		})
	}
}

// Sound on another clock, there before the first keyframe, once made the run
// start over for ever: the keyframe opened it, the sound was taken for a jump, and
// both were judged again from the start, until the stack overflowed.
func TestStraySoundBeforeKeyframe(t *testing.T) {
	for _, off := range []time.Duration{time.Hour, 6 * time.Second, 3 * time.Second, -3 * time.Second, -6 * time.Second, -time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			r := newRig(t, timeline.Position{})
			src := mediatest.New(t, mediatest.Config{Start: 10 * time.Hour})
			r.Begin(src.Tracks())
			var sound, rest []media.Sample
			for _, s := range src.Take(5 * time.Second) {
				if s.Track == audioID {
					s.DTS += off
					s.PTS += off
					if len(sound) < 60 {
						sound = append(sound, s)
						continue
					}
				}
				rest = append(rest, s)
			}
			r.feed(sound)
			r.feed(rest)
			r.End()
			if n := len(r.sink.of(videoID)); n != 150 {
				t.Errorf("%d pictures of 150", n)
			}
			if n := len(r.sink.of(audioID)); n < 100 {
				t.Errorf("%d frames of sound", n)
			}
		})
	}
}
