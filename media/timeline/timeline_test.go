package timeline_test

import (
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/timeline"
)

// Case 3: any start is rebased to 0; case 8: composition times survive.
func TestRebase(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  mediatest.Config
	}{
		{"from zero", mediatest.Config{}},
		{"from a large timestamp", mediatest.Config{Start: 1193 * time.Hour, BFrames: true}},
		{"from a negative timestamp", mediatest.Config{Start: -time.Hour, FPS: 29.97}},
		{"in milliseconds", mediatest.Config{Start: 5 * time.Hour, Round: time.Millisecond, BFrames: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, timeline.Position{})
			src := mediatest.New(t, tc.cfg)
			r.Begin(src.Tracks())
			r.feed(src.Take(10 * time.Second))
			r.End()
			video, audio := r.sink.of(videoID), r.sink.of(audioID)
			if len(video) < 299 || len(audio) < 468 {
				t.Fatalf("%d pictures and %d frames of sound", len(video), len(audio))
			}
			if video[0].DTS != 0 || audio[0].DTS != 0 {
				t.Errorf("first dts: video %d, audio %d", video[0].DTS, audio[0].DTS)
			}
			want := int64(0)
			if tc.cfg.BFrames {
				want = 3000
			}
			if off := video[0].PTS - video[0].DTS; off < want-90 || off > want+90 {
				t.Errorf("composition offset %d, want %d", off, want)
			}
			for i, au := range audio {
				if au.DTS != int64(i)*1024 || au.PTS != au.DTS {
					t.Fatalf("frame %d of sound at %d", i, au.DTS)
				}
			}
			if got := r.sink.reasons(); got != "[start]" {
				t.Errorf("discontinuities %s", got)
			}
		})
	}
}

// Case 27: pictures keep the time they were given; nothing is counted.
func TestVideoTimestampsAreKept(t *testing.T) {
	r := newRig(t, timeline.Position{})
	src := mediatest.New(t, mediatest.Config{FPS: 30000.0 / 1001, Round: time.Millisecond, NoAudio: true})
	r.Begin(src.Tracks())
	in := src.Take(20 * time.Second)
	r.feed(in)
	for i, au := range r.sink.of(videoID) {
		if want := media.TimescaleVideo.Ticks(in[i].DTS - in[0].DTS); au.DTS != want {
			t.Fatalf("picture %d: dts %d, want %d", i, au.DTS, want)
		}
	}
}

// Case 9: what precedes the first keyframe is cut, sound up to 1 s excepted.
func TestRunOpensAtKeyframe(t *testing.T) {
	r := newRig(t, timeline.Position{})
	src := mediatest.New(t, mediatest.Config{GOP: 60})
	r.Begin(src.Tracks())
	src.Take(300 * time.Millisecond) // joins in the middle of a GOP
	r.feed(src.Take(4 * time.Second))
	r.End()
	video, audio := r.sink.of(videoID), r.sink.of(audioID)
	if !video[0].RandomAccess {
		t.Fatal("no random access point first")
	}
	lead := media.TimescaleVideo.Duration(video[0].DTS)
	if audio[0].DTS != 0 || lead > time.Second || lead < 950*time.Millisecond {
		t.Errorf("sound starts at %d and the picture %s later", audio[0].DTS, lead)
	}
	if r.sink.repairs[timeline.RepairTrimmed] == 0 {
		t.Error("nothing counted as trimmed")
	}
}

// Case 15: a picture, case 17: sound that comes later starts a run at the next
// keyframe.
func TestTracksChange(t *testing.T) {
	both := mediatest.New(t, mediatest.Config{GOP: 30})
	video, _ := media.Find(both.Tracks(), media.KindVideo)
	audio, _ := media.Find(both.Tracks(), media.KindAudio)
	for _, tc := range []struct {
		name          string
		before, after []media.Track
	}{
		{"late sound", []media.Track{video}, []media.Track{video, audio}},
		{"late picture", []media.Track{audio}, []media.Track{video, audio}},
		{"sound leaves", []media.Track{video, audio}, []media.Track{video}},
		{"picture leaves", []media.Track{video, audio}, []media.Track{audio}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, timeline.Position{})
			src := mediatest.New(t, mediatest.Config{GOP: 30, Start: time.Hour})
			write := func(tracks []media.Track, d time.Duration) {
				for _, s := range src.Take(d) {
					if slices.ContainsFunc(tracks, func(tr media.Track) bool { return tr.ID == s.Track }) {
						r.feed([]media.Sample{s})
					}
				}
			}
			r.Begin(tc.before)
			write(tc.before, 2300*time.Millisecond)
			r.SetTracks(tc.after)
			write(tc.after, 4*time.Second)
			r.End()
			if got := r.sink.reasons(); got != "[start tracks]" {
				t.Fatalf("discontinuities %s", got)
			}
			if n := len(r.sink.breaks[1].Tracks); n != len(tc.after) {
				t.Errorf("%d tracks after the change", n)
			}
			if end := r.Position().Media; end < 6*time.Second-50*time.Millisecond || end > 6400*time.Millisecond {
				if tc.name != "picture leaves" && tc.name != "late picture" || end < 5500*time.Millisecond {
					t.Errorf("ends at %s", end)
				}
			}
		})
	}
	t.Run("taken back", func(t *testing.T) {
		r := newRig(t, timeline.Position{})
		src := mediatest.New(t, mediatest.Config{GOP: 60})
		r.Begin(src.Tracks())
		r.feed(src.Take(time.Second))
		r.SetTracks(src.Tracks()[:1])
		r.SetTracks(src.Tracks())
		r.feed(src.Take(5 * time.Second))
		if got := r.sink.reasons(); got != "[start]" {
			t.Errorf("discontinuities %s", got)
		}
	})
}
