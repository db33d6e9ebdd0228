package ffmpeg_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/transcode"
)

// settings returns the words of x264's own message in au, "" if there is none.
func settings(au *media.AccessUnit) string {
	for _, n := range au.Payload {
		if i := bytes.Index(n, []byte("x264 - core")); i >= 0 {
			return string(n[i:])
		}
	}
	return ""
}

// The preset changes at a keyframe, back and forth, and nobody can tell from the
// track.
func TestPresetIsSwapped(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{GOP: 30, BFrames: true, NoAudio: true})
	rec := newRecorder()
	enc := open(t, newEngine(t), transcode.Spec{
		Tracks: src.Tracks(), Patient: true, Video: []transcode.VideoRung{rung(11, "small", 64, 36)},
	}, rec)
	in := units(src, 6*time.Second)
	write(t, enc, in[:45]...)
	enc.SetEffort(transcode.Effort{Fast: true})
	write(t, enc, in[45:120]...)
	enc.SetEffort(transcode.Effort{})
	write(t, enc, in[120:]...)
	drain(t, enc)

	got := rec.of(11)
	if len(got) != len(in) {
		t.Errorf("%d pictures, want %d", len(got), len(in))
	}
	checkTimes(t, got)
	checkDecodes(t, enc.Tracks()[0], got)
	var presets []string
	for _, au := range got {
		if s := settings(au); s != "" {
			if !au.RandomAccess {
				t.Errorf("an encoder begins at %d without a keyframe", au.PTS)
			}
			presets = append(presets, s)
		}
	}
	if len(presets) != 3 || !strings.Contains(presets[0], "subme=2") || !strings.Contains(presets[1], "subme=1") || !strings.Contains(presets[2], "subme=2") {
		t.Errorf("encoders with %q, want veryfast, superfast, veryfast", presets)
	}
	var want []int64
	for _, au := range in {
		if au.RandomAccess {
			want = append(want, au.PTS)
		}
	}
	if keys := rec.keyframes(11); !slices.Equal(keys, want) {
		t.Errorf("keyframes at %v, want %v", keys, want)
	}
}

// A rung that is shed ends at a keyframe and comes back with one; the others do
// not notice.
func TestRungIsShedAndReturns(t *testing.T) {
	for _, tc := range []struct {
		name string
		grid time.Duration
	}{{"passthrough", 0}, {"grid", time.Second}} {
		t.Run(tc.name, func(t *testing.T) {
			src := mediatest.New(t, mediatest.Config{GOP: 30, NoAudio: true})
			rec := newRecorder()
			enc := open(t, newEngine(t), transcode.Spec{
				Tracks: src.Tracks(), Patient: true, Grid: tc.grid,
				Video: []transcode.VideoRung{rung(11, "big", 64, 36), rung(12, "small", 32, 18)},
			}, rec)
			in := units(src, 6*time.Second)
			write(t, enc, in[:45]...)
			enc.SetEffort(transcode.Effort{Off: []media.TrackID{11}})
			write(t, enc, in[45:100]...)
			enc.SetEffort(transcode.Effort{})
			write(t, enc, in[100:]...)
			drain(t, enc)

			const off, on = 2 * 90000, 4 * 90000
			if stops := rec.stopped(11); !slices.Equal(stops, []int64{off}) {
				t.Errorf("stopped at %v, want %d", stops, off)
			}
			want := []int64{0, 90000, on, 5 * 90000}
			if keys := rec.keyframes(11); !slices.Equal(keys, want) {
				t.Errorf("keyframes at %v, want %v", keys, want)
			}
			for _, au := range rec.of(11) {
				if au.PTS >= off && au.PTS < on {
					t.Errorf("a picture at %d of a rung that was off", au.PTS)
				}
			}
			for _, track := range enc.Tracks() {
				checkTimes(t, rec.of(track.ID))
				checkDecodes(t, track, rec.of(track.ID))
			}
			if n := len(rec.of(12)); n != len(in) || len(rec.stopped(12)) != 0 {
				t.Errorf("the other rung has %d pictures of %d, stops %v", n, len(in), rec.stopped(12))
			}
			if n := len(rec.of(11)); n != len(in)-60 {
				t.Errorf("%d pictures, want all but 60 of %d", n, len(in))
			}
		})
	}
}

// With all rungs off nothing but keyframes is decoded, and the rungs come back at
// a keyframe.
func TestAllRungsOff(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{GOP: 30, NoAudio: true})
	rec := newRecorder()
	enc := open(t, newEngine(t), transcode.Spec{
		Tracks: src.Tracks(), Patient: true, Video: []transcode.VideoRung{rung(11, "small", 32, 18)},
	}, rec)
	in := units(src, 8*time.Second)
	enc.SetEffort(transcode.Effort{Off: []media.TrackID{11}})
	write(t, enc, in[:130]...)
	if n := enc.Stats().Decoded; n > 8 {
		t.Errorf("%d pictures decoded for nobody", n)
	}
	enc.SetEffort(transcode.Effort{})
	write(t, enc, in[130:]...)
	drain(t, enc)
	if keys, want := rec.keyframes(11), []int64{450000, 540000, 630000}; !slices.Equal(keys, want) {
		t.Errorf("keyframes at %v, want %v", keys, want)
	}
	if stops := rec.stopped(11); !slices.Equal(stops, []int64{0}) {
		t.Errorf("stopped at %v, want 0", stops)
	}
	got := rec.of(11)
	if len(got) != 90 {
		t.Errorf("%d pictures, want 90", len(got))
	}
	checkTimes(t, got)
	checkDecodes(t, enc.Tracks()[0], got)
}

// Fewer pictures a second: by time, with all keyframes.
func TestThinning(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{FPS: 60, GOP: 90, NoAudio: true})
	tracks := src.Tracks()
	tracks[0].Video.FrameRate = 60
	half := rung(12, "half", 32, 18)
	half.MaxFrameRate = 30
	rec := newRecorder()
	enc := open(t, newEngine(t), transcode.Spec{
		Tracks: tracks, Patient: true, Video: []transcode.VideoRung{rung(11, "full", 64, 36), half},
	}, rec)
	in := units(src, 6*time.Second)
	write(t, enc, in[:200]...) // keyframes 0, 90, 180
	enc.SetEffort(transcode.Effort{MaxFrameRate: 15})
	write(t, enc, in[200:]...) // 270
	drain(t, enc)

	want := []int64{0, 135000, 270000, 405000}
	for _, track := range enc.Tracks() {
		got := rec.of(track.ID)
		if keys := rec.keyframes(track.ID); !slices.Equal(keys, want) {
			t.Errorf("%s: keyframes at %v, want %v", track.Rendition, keys, want)
		}
		checkTimes(t, got)
		checkDecodes(t, track, got)
		var before, after int
		for _, au := range got {
			if au.PTS < 405000 {
				before++
			} else {
				after++
			}
		}
		wantBefore := 270
		if track.ID == 12 {
			wantBefore = 135
		}
		if before < wantBefore || before > wantBefore+2 || after < 23 || after > 24 {
			t.Errorf("%s: %d pictures, then %d; want %d, then 23", track.Rendition, before, after, wantBefore)
		}
	}
	if rate := enc.Tracks()[1].Video.FrameRate; rate != 30 {
		t.Errorf("frame rate %g, want 30", rate)
	}
}

// A rung that is too slow loses pictures, but no keyframe, and no other rung does.
func TestSlowRungLosesItsOwnPictures(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{GOP: 60, NoAudio: true})
	gate := make(chan struct{})
	rec := newRecorder()
	rec.gate = gate
	enc := open(t, newEngine(t), transcode.Spec{
		Tracks: src.Tracks(), Video: []transcode.VideoRung{rung(11, "small", 32, 18)},
	}, rec)
	in := units(src, 5*time.Second)
	for _, au := range in[:130] { // three keyframes, of which two find the queue full
		if err := enc.Write(au, time.Now().Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	mediatest.Eventually(t, func() string {
		if q := enc.Stats().Rungs[0].Queued; q != 4 {
			return "the queue is not full"
		}
		return ""
	})
	if d := enc.Stats().Rungs[0].Dropped; d < 130-13-4-1 {
		t.Errorf("%d pictures dropped by a rung that stands still", d)
	}
	close(gate)
	write(t, enc, in[130:]...)
	drain(t, enc)
	if keys, want := rec.keyframes(11), []int64{0, 180000, 360000}; !slices.Equal(keys, want) {
		t.Errorf("keyframes at %v, want %v", keys, want)
	}
	stats := enc.Stats().Rungs[0]
	if stats.Encoded+stats.Dropped != len(in) || stats.Encoded != len(rec.of(11)) {
		t.Errorf("stats %+v, %d pictures out of %d", stats, len(rec.of(11)), len(in))
	}
	checkTimes(t, rec.of(11))
	checkDecodes(t, enc.Tracks()[0], rec.of(11))
}

// A burst, as it comes after a stall of the publisher's network, is worked off:
// pictures that are not late yet wait for a full queue.
func TestBurstLosesNothing(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{GOP: 60, NoAudio: true})
	rec := newRecorder()
	enc := open(t, newEngine(t), transcode.Spec{
		Tracks: src.Tracks(), Video: []transcode.VideoRung{rung(11, "medium", 320, 180), rung(12, "small", 32, 18)},
	}, rec)
	in := units(src, 3*time.Second)
	for _, au := range in {
		if err := enc.Write(au, time.Now().Add(time.Hour)); err != nil { // never late, however slow this machine is
			t.Fatal(err)
		}
	}
	drain(t, enc)
	for i, s := range enc.Stats().Rungs {
		if s.Dropped != 0 || s.Encoded != len(in) {
			t.Errorf("rung %d: %+v of %d pictures", i, s, len(in))
		}
	}
}
