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

// Case 7: tracks come out by DTS; one that comes up to 1 s late is waited for.
func TestInterleave(t *testing.T) {
	for _, tc := range []struct {
		name string
		late time.Duration
		lost int
	}{
		{"10 ms", 10 * time.Millisecond, 0},
		{"900 ms", 900 * time.Millisecond, 0},
		{"1.5 s: shifted after a second", 1500 * time.Millisecond, 60},
	} {
		for _, id := range []media.TrackID{videoID, audioID} {
			t.Run(fmt.Sprint(tc.name, id), func(t *testing.T) {
				r := newRig(t, timeline.Position{})
				src := mediatest.New(t, mediatest.Config{})
				r.Begin(src.Tracks())
				samples := src.Take(12 * time.Second)
				slices.SortStableFunc(samples, func(a, b media.Sample) int {
					at, bt := a.DTS, b.DTS
					if a.Track == id {
						at += tc.late
					}
					if b.Track == id {
						bt += tc.late
					}
					return int(at - bt)
				})
				r.feed(samples)
				r.End()
				if n := len(r.sink.units); n < len(samples)-tc.lost-47 || tc.lost == 0 && n != len(samples) {
					t.Errorf("%d units of %d samples: %v", n, len(samples), r.sink.repairs)
				}
				if got := r.sink.reasons(); got != "[start]" {
					t.Errorf("discontinuities %s", got)
				}
			})
		}
	}
}

// Case 16: a track that was announced and never comes, or stops, delays the other
// once.
func TestSilentTrack(t *testing.T) {
	r := newRig(t, timeline.Position{})
	both := mediatest.New(t, mediatest.Config{})
	src := mediatest.New(t, mediatest.Config{NoAudio: true})
	r.Begin(both.Tracks())
	r.feed(src.Take(5 * time.Second))
	if n := len(r.sink.of(videoID)); n != 150 {
		t.Errorf("%d pictures without sound, want all 150", n)
	}

	r = newRig(t, timeline.Position{})
	r.Begin(both.Tracks())
	r.feed(both.Take(5 * time.Second))
	for range 150 {
		if s := both.Next(); s.Track == videoID {
			r.Write(s)
		}
	}
	for range 250 {
		if s := both.Next(); s.Track == videoID {
			r.Write(s)
		}
	}
	before := len(r.sink.of(videoID))
	s := both.Next()
	for s.Track != videoID {
		s = both.Next()
	}
	r.Write(s)
	if n := len(r.sink.of(videoID)); n != before+1 {
		t.Errorf("%d pictures, %d before: still waiting for sound", n, before)
	}
}

// Case 42: sound advances by whole frames, whatever the rounding of RTMP.
func TestSoundSmoothing(t *testing.T) {
	run := func(t *testing.T, stamp func(i int, s *media.Sample)) *rig {
		t.Helper()
		r := newRig(t, timeline.Position{})
		src := mediatest.New(t, mediatest.Config{NoVideo: true, SampleRate: 44100, Round: time.Millisecond})
		r.Begin(src.Tracks())
		samples := src.Take(30 * time.Second)
		for i := range samples {
			stamp(i, &samples[i])
			samples[i].PTS = samples[i].DTS
		}
		r.feed(samples)
		r.End()
		return r
	}
	steps := func(r *rig) (n int) {
		for i := range r.sink.units[1:] {
			if r.sink.units[i+1].DTS-r.sink.units[i].DTS != 1024 {
				n++
			}
		}
		return n
	}
	t.Run("jitter of 20 ms", func(t *testing.T) {
		r := run(t, func(i int, s *media.Sample) { s.DTS += time.Duration(i%3) * 10 * time.Millisecond })
		if n := steps(r); n != 0 {
			t.Errorf("%d steps", n)
		}
	})
	t.Run("one frame 300 ms off", func(t *testing.T) {
		r := run(t, func(i int, s *media.Sample) {
			if i == 500 {
				s.DTS += 300 * time.Millisecond
			}
		})
		if n := steps(r); n != 0 {
			t.Errorf("%d steps", n)
		}
	})
	t.Run("200 ms lost", func(t *testing.T) {
		r := run(t, func(i int, s *media.Sample) {
			if i >= 500 {
				s.DTS += 200 * time.Millisecond
			}
		})
		if n := steps(r); n != 1 {
			t.Errorf("%d steps", n)
		}
		want := media.Timescale(44100).Duration(int64(len(r.sink.units))*1024) + 200*time.Millisecond
		if got := r.Position().Media; got < want-2*time.Millisecond || got > want+2*time.Millisecond {
			t.Errorf("ends at %s, want %s", got, want)
		}
	})
	t.Run("200 ms back", func(t *testing.T) {
		r := run(t, func(i int, s *media.Sample) {
			if i >= 500 {
				s.DTS -= 200 * time.Millisecond
			}
		})
		if n := r.sink.repairs[timeline.RepairSound]; n < 6 || n > 10 {
			t.Errorf("%d frames dropped", n)
		}
	})
	t.Run("clock 0.2 % fast", func(t *testing.T) {
		r := run(t, func(_ int, s *media.Sample) { s.DTS += s.DTS / 500 })
		if n := steps(r); n != 1 { // 60 ms in 30 s
			t.Errorf("%d steps", n)
		}
	})
}

// Hostile publishers: what is held stays bounded, and nothing is emitted twice.
func TestBounds(t *testing.T) {
	big := make([]byte, 1<<20)
	t.Run("time stands still", func(t *testing.T) {
		r := newRig(t, timeline.Position{})
		r.Begin(mediatest.New(t, mediatest.Config{}).Tracks())
		for i := range 100 {
			r.Write(media.Sample{Track: videoID, RandomAccess: i == 0, Payload: [][]byte{big}})
		}
		if n := len(r.sink.units); n < 100-17 {
			t.Errorf("%d units out of 100 MiB", n)
		}
	})
	t.Run("no keyframe ever", func(t *testing.T) {
		r := newRig(t, timeline.Position{})
		r.Begin(mediatest.New(t, mediatest.Config{}).Tracks())
		for range 100 {
			r.Write(media.Sample{Track: audioID, RandomAccess: true, Payload: [][]byte{big}})
		}
		if n := r.sink.repairs[timeline.RepairTrimmed]; n < 100-17 {
			t.Errorf("%d trimmed out of 100", n)
		}
	})
	t.Run("one track wild for ever", func(t *testing.T) {
		r := newRig(t, timeline.Position{})
		src := mediatest.New(t, mediatest.Config{})
		r.Begin(src.Tracks())
		r.feed(src.Take(2 * time.Second))
		for i := range 100 {
			at := time.Hour + time.Duration(i)*21333*time.Microsecond
			r.Write(media.Sample{Track: audioID, DTS: at, PTS: at, RandomAccess: true, Payload: [][]byte{big}})
		}
		r.End()
		if n := len(r.sink.of(audioID)); n < 94+80 {
			t.Errorf("%d frames of sound", n)
		}
	})
	t.Run("nonsense", func(t *testing.T) {
		r := newRig(t, timeline.Position{})
		r.Begin(mediatest.New(t, mediatest.Config{}).Tracks())
		r.Write(media.Sample{Track: 9, Payload: [][]byte{{1}}})
		r.Write(media.Sample{Track: videoID})
		r.Write(media.Sample{Track: videoID, DTS: 1 << 62, Payload: [][]byte{{1}}})
		r.End()
		r.Write(media.Sample{Track: videoID, RandomAccess: true, Payload: [][]byte{{1}}})
		if n := r.sink.repairs[timeline.RepairInvalid]; n != 4 || len(r.sink.units) != 0 {
			t.Errorf("%d invalid, %d units", n, len(r.sink.units))
		}
	})
}
