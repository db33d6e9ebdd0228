package transcode_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// camera is a 30 fps source of this size without sound.
func camera(width, height int) []media.Track {
	v := goodVideo()
	v.Video.Width, v.Video.Height = width, height
	return []media.Track{v}
}

// The measured cores that the model stands on, each the middle of what was seen.
func TestCostAgainstMeasurements(t *testing.T) {
	const tolerance = 0.25
	cal := transcode.DefaultCalibration()
	for _, tc := range []struct {
		name   string
		tracks []media.Track
		ladder []string
		level  transcode.Level
		want   float64
	}{
		{"1080p to 720/480/360", camera(1920, 1080), nil, transcode.LevelFull, 1.30},
		{"1080p to 720/480/360 superfast", camera(1920, 1080), nil, transcode.LevelFast, 0.805},
		{"1080p to 720/480/360 superfast at 15 fps", camera(1920, 1080), nil, transcode.LevelSlow, 0.67},
		{"1080p to 480/360", camera(1920, 1080), []string{"source", "480p", "360p"}, transcode.LevelFull, 0.78},
		{"1080p to 360", camera(1920, 1080), []string{"source", "360p"}, transcode.LevelFull, 0.43},
		{"720p to 480/360", camera(1280, 720), nil, transcode.LevelFull, 0.55},
		{"720p to 480/360 superfast", camera(1280, 720), nil, transcode.LevelFast, 0.32},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan := ladderOf(t, tc.ladder...).Plan(transcode.PlanInput{Tracks: tc.tracks})
			got := transcode.Cost(plan, tc.level, cal)
			t.Logf("%.2f cores, measured %.2f", got, tc.want)
			if math.Abs(got-tc.want) > tolerance*tc.want {
				t.Errorf("cost = %.2f cores, measured %.2f", got, tc.want)
			}
		})
	}
	// Thinned to 15 fps at full quality, which is no level, by a rung's override.
	cfg := transcode.DefaultConfig()
	half := transcode.RungConfig{MaxFrameRate: 15}
	cfg.Rungs = transcode.Rungs{"720p": half, "480p": half, "360p": half}
	ladder, err := transcode.NewLadder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := transcode.Cost(ladder.Plan(transcode.PlanInput{Tracks: camera(1920, 1080)}), transcode.LevelFull, cal); math.Abs(got-0.98) > tolerance*0.98 {
		t.Errorf("cost at 15 fps = %.2f cores, measured 0.98", got)
	}
}

func TestCostFallsWithEveryLevel(t *testing.T) {
	cal := transcode.DefaultCalibration()
	for _, encode := range []bool{false, true} {
		plan := ladderOf(t).Plan(transcode.PlanInput{Tracks: []media.Track{goodVideo(), goodAudio()}, Encode: encode})
		last := math.Inf(1)
		for l := transcode.LevelFull; l <= transcode.LevelNoVideo; l++ {
			got := transcode.Cost(plan, l, cal)
			if encode && l == transcode.LevelNoVideo {
				if got != last {
					t.Errorf("re-encoded at %s: %.3f cores, want %.3f as before", l, got, last)
				}
				continue
			}
			if got >= last || got <= 0 {
				t.Errorf("encode %v at %s: %.3f cores, %.3f before", encode, l, got, last)
			}
			last = got
		}
	}
	if got := transcode.Cost(transcode.Plan{}, transcode.LevelFull, cal); got != 0 {
		t.Errorf("no plan costs %v cores", got)
	}
	hevc := goodVideo()
	hevc.Codec = media.CodecHEVC
	h264 := transcode.Cost(ladderOf(t).Plan(transcode.PlanInput{Tracks: []media.Track{goodVideo()}, Encode: true}), transcode.LevelFull, cal)
	if got := transcode.Cost(ladderOf(t).Plan(transcode.PlanInput{Tracks: []media.Track{hevc}}), transcode.LevelFull, cal); got <= h264 {
		t.Errorf("HEVC costs %.2f cores, H.264 %.2f", got, h264)
	}
}

func TestCalibration(t *testing.T) {
	cal := transcode.DefaultCalibration()
	if err := cal.Validate(); err != nil {
		t.Fatal(err)
	}
	plan := ladderOf(t).Plan(transcode.PlanInput{Tracks: []media.Track{goodVideo(), goodAudio()}})
	for l := transcode.LevelFull; l <= transcode.LevelNoVideo; l++ {
		once, twice := transcode.Cost(plan, l, cal), transcode.Cost(plan, l, cal.Scaled(2))
		if math.Abs(twice-2*once) > 1e-9 {
			t.Errorf("%s: a machine half as fast needs %.3f cores, want twice %.3f", l, twice, once)
		}
	}
	b, err := json.Marshal(cal)
	if err != nil {
		t.Fatal(err)
	}
	var back transcode.Calibration
	if err = json.Unmarshal(b, &back); err != nil || back != cal {
		t.Errorf("from %s: %+v, %v", b, back, err)
	}
	err = transcode.Calibration{Decode: 1, Scale: 1, Picture: math.NaN(), Encode: -1, Fast: 1, Audio: math.Inf(1)}.Validate()
	for _, want := range []string{"picture", "encode", "audio"} {
		if err == nil || !strings.Contains(err.Error(), "calibration: "+want) {
			t.Errorf("err = %v, want %s in it", err, want)
		}
	}
}

func TestCapacity(t *testing.T) {
	rows, err := transcode.Capacity(transcode.DefaultConfig(), transcode.DefaultCalibration(), 2)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"1080p30 camera": 1, "1080p30 slides": 2, "720p30 camera": 2, "720p30 slides": 5, "1080p30 re-encoded camera": 0, "1080p30 re-encoded slides": 1}
	measured := map[string]float64{"1080p30 camera": 1.30, "1080p30 slides": 0.58, "720p30 camera": 0.55, "720p30 slides": 0.33}
	for _, r := range rows {
		if m, ok := measured[r.Source+" "+r.Content]; ok && math.Abs(r.Cores-m) > 0.25*m {
			t.Errorf("%s %s: %.2f cores, measured %.2f", r.Source, r.Content, r.Cores, m)
		}
		t.Logf("%-20s %-7s %.2f cores, %d classes", r.Source, r.Content, r.Cores, r.Classes)
		name := r.Source + " " + r.Content
		if n, ok := want[name]; !ok || n != r.Classes || r.Cores <= 0 {
			t.Errorf("%s: %d classes of %.2f cores, want %d", name, r.Classes, r.Cores, n)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	none := transcode.DefaultConfig()
	none.Encoder = transcode.EncoderNone
	rows, err = transcode.Capacity(none, transcode.DefaultCalibration(), 2)
	if err != nil || len(rows) == 0 || rows[0].Classes != -1 {
		t.Errorf("without encoder: %+v, %v, want no limit", rows, err)
	}
	if _, err = transcode.Capacity(transcode.Config{}, transcode.DefaultCalibration(), 2); err == nil {
		t.Error("an empty ladder was accepted")
	}
}
