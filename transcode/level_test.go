package transcode_test

import (
	"slices"
	"testing"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

func TestLevelEffort(t *testing.T) {
	passed := ladderOf(t).Plan(transcode.PlanInput{Tracks: []media.Track{goodVideo(), goodAudio()}}).Spec
	grid := ladderOf(t).Plan(transcode.PlanInput{Tracks: []media.Track{goodVideo(), goodAudio()}, Encode: true}).Spec
	one := ladderOf(t, "source", "360p").Plan(transcode.PlanInput{Tracks: []media.Track{goodVideo()}}).Spec
	none := ladderOf(t).Plan(transcode.PlanInput{Tracks: []media.Track{goodAudio()}}).Spec
	for _, tc := range []struct {
		name  string
		spec  transcode.Spec
		level transcode.Level
		fast  bool
		rate  float64
		off   []media.TrackID
	}{
		{"all", passed, transcode.LevelFull, false, 0, nil},
		{"fast", passed, transcode.LevelFast, true, 0, nil},
		{"slow", passed, transcode.LevelSlow, true, 15, nil},
		{"no top", passed, transcode.LevelNoTop, true, 15, []media.TrackID{17}},
		{"lowest", passed, transcode.LevelLowest, true, 15, []media.TrackID{17, 18}},
		{"no video", passed, transcode.LevelNoVideo, true, 15, []media.TrackID{17, 18, 19}},
		{"encoded source is the top", grid, transcode.LevelNoTop, true, 15, []media.TrackID{16}},
		{"encoded source: lowest", grid, transcode.LevelLowest, true, 15, []media.TrackID{16, 17, 18}},
		{"encoded source: one rung always stays", grid, transcode.LevelNoVideo, true, 15, []media.TrackID{16, 17, 18}},
		{"one rung stays at no top", one, transcode.LevelNoTop, true, 15, nil},
		{"one rung stays at lowest", one, transcode.LevelLowest, true, 15, nil},
		{"one rung goes with the video", one, transcode.LevelNoVideo, true, 15, []media.TrackID{17}},
		{"sound alone", none, transcode.LevelNoVideo, true, 15, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := tc.level.Effort(tc.spec)
			if got.Fast != tc.fast || got.MaxFrameRate != tc.rate || !slices.Equal(got.Off, tc.off) {
				t.Errorf("effort = %+v, want fast %v, rate %v, off %v", got, tc.fast, tc.rate, tc.off)
			}
		})
	}
}

func TestLevelString(t *testing.T) {
	seen := map[string]bool{}
	for l := transcode.LevelFull; l <= transcode.LevelNoVideo; l++ {
		if s := l.String(); s == "unknown" || seen[s] {
			t.Errorf("level %d is %q", l, s)
		}
		seen[l.String()] = true
	}
	if got := transcode.Level(6).String(); got != "unknown" {
		t.Errorf("level 6 is %q", got)
	}
}
