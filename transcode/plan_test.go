package transcode_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// ladderOf returns the ladder of these renditions, or the default one.
func ladderOf(tb testing.TB, names ...string) *transcode.Ladder {
	tb.Helper()
	ladder, err := transcode.NewLadder(transcode.DefaultConfig(), names)
	if err != nil {
		tb.Fatal(err)
	}
	return ladder
}

// describe returns the tracks of a plan as one line each.
func describe(tracks []media.Track) string {
	var b strings.Builder
	for _, t := range tracks {
		switch how := map[bool]string{true: "encoded", false: "passed"}[t.Encoded]; t.Codec.Kind() {
		case media.KindVideo:
			fmt.Fprintf(&b, "%d %s %s %dx%d@%g", t.ID, t.Rendition, how, t.Video.Width, t.Video.Height, t.Video.FrameRate)
			if t.Encoded {
				fmt.Fprintf(&b, " L%d %dk", t.Video.Level, t.MaxBitRate/1000)
			}
		default:
			fmt.Fprintf(&b, "%d %s %s %dch", t.ID, t.Rendition, how, t.Audio.Channels)
			if t.Encoded {
				fmt.Fprintf(&b, " %dk", t.MaxBitRate/1000)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestPlan(t *testing.T) {
	video := func(width, height int, edit ...func(*media.Track)) media.Track {
		v := goodVideo()
		v.Video.Width, v.Video.Height = width, height
		for _, e := range edit {
			e(&v)
		}
		return v
	}
	rate := func(fps float64) func(*media.Track) {
		return func(v *media.Track) { v.Video.FrameRate = fps }
	}
	codec := func(c media.Codec) func(*media.Track) {
		return func(v *media.Track) { v.Codec = c }
	}
	sar := func(w, h int) func(*media.Track) {
		return func(v *media.Track) { v.Video.SARWidth, v.Video.SARHeight = w, h }
	}
	audio := func(c media.Codec, hz, channels int) media.Track {
		a := goodAudio()
		a.Codec, a.Audio.SampleRate, a.Audio.Channels, a.Timescale = c, hz, channels, media.Timescale(hz)
		return a
	}
	const rungs = "17 720p encoded 1280x720@30 L31 2500k\n18 480p encoded 854x480@30 L31 1000k\n19 360p encoded 640x360@30 L30 600k\n"
	for _, tc := range []struct {
		name   string
		ladder []string
		in     transcode.PlanInput
		want   string
		grid   time.Duration
	}{
		{
			"1080p camera", nil,
			transcode.PlanInput{Tracks: []media.Track{goodVideo(), goodAudio()}},
			"1 source passed 1920x1080@30\n" + rungs + "2 audio passed 2ch\n21 audio-only encoded 2ch 64k\n", 0,
		},
		{
			"720p", nil,
			transcode.PlanInput{Tracks: []media.Track{video(1280, 720)}},
			"1 source passed 1280x720@30\n18 480p encoded 854x480@30 L31 1000k\n19 360p encoded 640x360@30 L30 600k\n", 0,
		},
		{
			"720p that had a 720p rung", nil,
			transcode.PlanInput{Tracks: []media.Track{video(1280, 720)}, Have: []string{"720p"}},
			"1 source passed 1280x720@30\n" + rungs, 0,
		},
		{
			"case 11: 480p that had a 720p rung", nil,
			transcode.PlanInput{Tracks: []media.Track{video(854, 480)}, Have: []string{"720p", "480p"}},
			"1 source passed 854x480@30\n18 480p encoded 854x480@30 L31 1000k\n19 360p encoded 640x360@30 L30 600k\n", 0,
		},
		{
			"source smaller than all rungs", nil,
			transcode.PlanInput{Tracks: []media.Track{video(320, 180), goodAudio()}},
			"1 source passed 320x180@30\n2 audio passed 2ch\n21 audio-only encoded 2ch 64k\n", 0,
		},
		{
			"case 24: long GOP", nil,
			transcode.PlanInput{Tracks: []media.Track{goodVideo(), goodAudio()}, Encode: true},
			"16 source encoded 1920x1080@30 L40 4500k\n" + rungs + "2 audio passed 2ch\n21 audio-only encoded 2ch 64k\n", 2 * time.Second,
		},
		{
			"case 23: intra refresh", nil,
			transcode.PlanInput{Tracks: []media.Track{video(854, 480, func(t *media.Track) { t.Video.IntraRefresh = true })}},
			"16 source encoded 854x480@30 L31 1000k\n19 360p encoded 640x360@30 L30 600k\n", 2 * time.Second,
		},
		{
			"case 36: HEVC 1080p60", nil,
			transcode.PlanInput{Tracks: []media.Track{video(1920, 1080, codec(media.CodecHEVC), rate(60))}},
			"16 source encoded 1920x1080@60 L42 4500k\n" + rungs, 2 * time.Second,
		},
		{
			"case 36: AV1 720p", nil,
			transcode.PlanInput{Tracks: []media.Track{video(1280, 720, codec(media.CodecAV1))}},
			"16 source encoded 1280x720@30 L31 2500k\n18 480p encoded 854x480@30 L31 1000k\n19 360p encoded 640x360@30 L30 600k\n", 2 * time.Second,
		},
		{
			"case 40: 4K at 120", nil,
			transcode.PlanInput{Tracks: []media.Track{video(3840, 2160, rate(120))}},
			"16 source encoded 1920x1080@60 L42 4500k\n" + rungs, 2 * time.Second,
		},
		{
			"4K beside a 1080p rung of the same size",
			[]string{"source", "1080p", "360p"},
			transcode.PlanInput{Tracks: []media.Track{video(3840, 2160)}},
			"16 source encoded 1920x1080@30 L40 4500k\n18 360p encoded 640x360@30 L30 600k\n", 2 * time.Second,
		},
		{
			"case 39: portrait", nil,
			transcode.PlanInput{Tracks: []media.Track{video(1080, 1920)}},
			"1 source passed 1080x1920@30\n17 720p encoded 720x1280@30 L31 2500k\n18 480p encoded 480x854@30 L31 1000k\n19 360p encoded 360x640@30 L30 600k\n", 0,
		},
		{
			"case 39: odd size", nil,
			transcode.PlanInput{Tracks: []media.Track{video(1281, 721)}, Encode: true},
			"16 source encoded 1280x720@30 L31 2500k\n18 480p encoded 852x480@30 L31 1000k\n19 360p encoded 640x360@30 L30 600k\n", 2 * time.Second,
		},
		{
			"case 39: HDV, 1440x1080 at 4:3", nil,
			transcode.PlanInput{Tracks: []media.Track{video(1440, 1080, sar(4, 3), func(v *media.Track) { v.Video.Interlaced = true }, rate(25))}},
			"16 source encoded 1920x1080@25 L40 4500k\n17 720p encoded 1280x720@25 L31 2500k\n18 480p encoded 854x480@25 L30 1000k\n19 360p encoded 640x360@25 L30 600k\n", 2 * time.Second,
		},
		{
			"case 39: PAL, 720x576 at 16:15", nil,
			transcode.PlanInput{Tracks: []media.Track{video(720, 576, sar(16, 15), rate(25))}},
			"1 source passed 720x576@25\n18 480p encoded 640x480@25 L30 1000k\n19 360p encoded 480x360@25 L21 600k\n", 0,
		},
		{
			"sample aspect that no camera has", nil,
			transcode.PlanInput{Tracks: []media.Track{video(1280, 720, sar(65535, 1))}, Encode: true},
			"16 source encoded 1280x720@30 L31 2500k\n18 480p encoded 854x480@30 L31 1000k\n19 360p encoded 640x360@30 L30 600k\n", 2 * time.Second,
		},
		{
			"4:3", nil,
			transcode.PlanInput{Tracks: []media.Track{video(1024, 768)}},
			"1 source passed 1024x768@30\n17 720p encoded 960x720@30 L31 2500k\n18 480p encoded 640x480@30 L30 1000k\n19 360p encoded 480x360@30 L30 600k\n", 0,
		},
		{
			"ultra-wide", nil,
			transcode.PlanInput{Tracks: []media.Track{video(1920, 800)}},
			"1 source passed 1920x800@30\n17 720p encoded 1280x534@30 L31 2500k\n18 480p encoded 854x356@30 L30 1000k\n19 360p encoded 640x266@30 L30 600k\n", 0,
		},
		{
			"ultra-wide within the 720p box", nil,
			transcode.PlanInput{Tracks: []media.Track{video(1280, 540)}},
			"1 source passed 1280x540@30\n18 480p encoded 854x360@30 L30 1000k\n19 360p encoded 640x270@30 L30 600k\n", 0,
		},
		{
			"1088 lines are no more than 1080",
			[]string{"source", "1080p", "360p"},
			transcode.PlanInput{Tracks: []media.Track{video(1920, 1088)}},
			"1 source passed 1920x1088@30\n18 360p encoded 636x360@30 L30 600k\n", 0,
		},
		{
			"case 27: 50 fps", nil,
			transcode.PlanInput{Tracks: []media.Track{video(1280, 720, rate(50))}},
			"1 source passed 1280x720@50\n18 480p encoded 854x480@25 L30 1000k\n19 360p encoded 640x360@25 L30 600k\n", 0,
		},
		{
			"frame rate not stated", nil,
			transcode.PlanInput{Tracks: []media.Track{video(854, 480, rate(0))}},
			"1 source passed 854x480@0\n19 360p encoded 640x360@30 L30 600k\n", 0,
		},
		{
			"no source in the ladder",
			[]string{"480p", "720p", "audio"},
			transcode.PlanInput{Tracks: []media.Track{video(1280, 720), goodAudio()}},
			"17 720p encoded 1280x720@30 L31 2500k\n16 480p encoded 854x480@30 L31 1000k\n2 audio passed 2ch\n", 2 * time.Second,
		},
		{
			"no source in the ladder, and a small one",
			[]string{"480p", "720p", "audio"},
			transcode.PlanInput{Tracks: []media.Track{video(320, 240), goodAudio()}},
			"16 480p encoded 320x240@30 L13 290k\n2 audio passed 2ch\n", 2 * time.Second,
		},
		{
			"case 41: Opus mono", nil,
			transcode.PlanInput{Tracks: []media.Track{audio(media.CodecOpus, 48000, 1)}},
			"20 audio encoded 1ch 64k\n21 audio-only encoded 1ch 64k\n", 0,
		},
		{
			"case 41: AAC 5.1", nil,
			transcode.PlanInput{Tracks: []media.Track{audio(media.CodecAAC, 48000, 6)}},
			"20 audio encoded 2ch 128k\n21 audio-only encoded 2ch 64k\n", 0,
		},
		{
			"case 41: AAC at 22.05 kHz", nil,
			transcode.PlanInput{Tracks: []media.Track{audio(media.CodecAAC, 22050, 2)}},
			"20 audio encoded 2ch 128k\n21 audio-only encoded 2ch 64k\n", 0,
		},
		{
			"sound at 44.1 kHz", nil,
			transcode.PlanInput{Tracks: []media.Track{audio(media.CodecAAC, 44100, 1)}},
			"2 audio passed 1ch\n21 audio-only encoded 1ch 64k\n", 0,
		},
		{
			"sound alone of a class with pictures",
			[]string{"audio", "audio-only"},
			transcode.PlanInput{Tracks: []media.Track{goodVideo(), goodAudio()}, Encode: true},
			"2 audio passed 2ch\n17 audio-only encoded 2ch 64k\n", 0,
		},
		{
			"without encoder everything passes",
			[]string{"source", "audio"},
			transcode.PlanInput{Tracks: []media.Track{video(1920, 1080, codec(media.CodecHEVC)), goodAudio()}, Encode: true},
			"1 source passed 1920x1080@30\n2 audio passed 2ch\n", 0,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan := ladderOf(t, tc.ladder...).Plan(tc.in)
			if got := describe(plan.Tracks); got != tc.want {
				t.Errorf("tracks:\n%swant:\n%s", got, tc.want)
			}
			if plan.Grid != tc.grid || plan.Spec.Grid != tc.grid {
				t.Errorf("grid = %s, of the spec %s, want %s", plan.Grid, plan.Spec.Grid, tc.grid)
			}
			if want := strings.Contains(tc.want, "encoded"); plan.Encodes() != want {
				t.Errorf("encodes = %v, want %v", plan.Encodes(), want)
			}
		})
	}
}

func TestPlanSpec(t *testing.T) {
	cfg := transcode.DefaultConfig()
	cfg.Rungs = transcode.Rungs{"720p": {CRF: 20, MaxRate: 3_000_000, MaxFrameRate: 60}, "source": {MaxFrameRate: 25}}
	ladder, err := transcode.NewLadder(cfg, []string{"source", "720p", "540p", "240p", "audio", "audio-only"})
	if err != nil {
		t.Fatal(err)
	}
	delete(cfg.Rungs, "720p") // the ladder has its own
	v := goodVideo()
	v.Video.FrameRate = 50
	tracks := []media.Track{v, goodAudio()}
	spec := ladder.Plan(transcode.PlanInput{Tracks: tracks, Encode: true, Start: 7 * time.Second}).Spec
	want := []transcode.VideoRung{
		{Track: 16, Rendition: "source", Width: 1920, Height: 1080, MaxFrameRate: 25, CRF: 21, MaxRate: 4_500_000, Buffer: 6_750_000, Level: 40},
		{Track: 17, Rendition: "720p", Width: 1280, Height: 720, MaxFrameRate: 60, CRF: 20, MaxRate: 3_000_000, Buffer: 4_500_000, Level: 32},
		{Track: 18, Rendition: "540p", Width: 960, Height: 540, MaxFrameRate: 30, CRF: 22.75, MaxRate: 1_300_000, Buffer: 1_950_000, Level: 31},
		{Track: 19, Rendition: "240p", Width: 426, Height: 240, MaxFrameRate: 30, CRF: 24, MaxRate: 290_000, Buffer: 435_000, Level: 21},
	}
	if !slices.Equal(spec.Video, want) {
		t.Errorf("video = %+v\nwant %+v", spec.Video, want)
	}
	wantAudio := []transcode.AudioRung{{Track: 21, Rendition: "audio-only", Channels: 2, BitRate: 64_000}}
	if !slices.Equal(spec.Audio, wantAudio) {
		t.Errorf("audio = %+v, want %+v", spec.Audio, wantAudio)
	}
	if spec.Start != 7*time.Second || spec.Encoder != "h264_nvenc" || spec.Thumbnail != 10*time.Second || spec.ThumbnailWidth != 320 || !spec.Loudness {
		t.Errorf("spec = %+v", spec)
	}
	if len(spec.Tracks) != 2 || spec.Tracks[0].ID != media.VideoTrackID || spec.Tracks[1].ID != media.AudioTrackID {
		t.Errorf("tracks of the spec = %+v, want the publisher's", spec.Tracks)
	}
	if tracks[0].Rendition != "" {
		t.Error("the plan changed the publisher's tracks, which others share")
	}

	cfg.Encoder, cfg.Thumbnails.Interval, cfg.Loudness = transcode.EncoderX264, 0, false
	ladder, err = transcode.NewLadder(cfg, []string{"source", "audio", "audio-only"})
	if err != nil {
		t.Fatal(err)
	}
	spec = ladder.Plan(transcode.PlanInput{Tracks: tracks}).Spec
	if len(spec.Tracks) != 1 || spec.Tracks[0].ID != media.AudioTrackID || spec.Encoder != "libx264" {
		t.Errorf("spec = %+v, want one that decodes sound alone with libx264", spec)
	}
}

func FuzzPlan(f *testing.F) {
	f.Add(uint16(1920), uint16(1080), uint16(1), uint16(1), 30.0, uint8(0), uint8(0), uint16(0), true)
	f.Add(uint16(720), uint16(576), uint16(64), uint16(45), 25.0, uint8(1), uint8(3), uint16(7), false)
	f.Add(uint16(1081), uint16(1919), uint16(0), uint16(5), 59.94, uint8(2), uint8(1), uint16(0x3f), true)
	f.Add(uint16(4096), uint16(2), uint16(1), uint16(4), 0.0, uint8(3), uint8(9), uint16(0x155), false)
	names := strings.Fields("source 1080p 720p 540p 480p 360p 240p 144p audio audio-only")
	f.Fuzz(func(t *testing.T, width, height, sarW, sarH uint16, rate float64, codec, channels uint8, mask uint16, encode bool) {
		var chosen []string
		for i, n := range names {
			if mask&(1<<i) == 0 {
				chosen = append(chosen, n)
			}
		}
		if len(chosen) == 0 {
			return
		}
		ladder := ladderOf(t, chosen...)
		v, a := goodVideo(), goodAudio()
		v.Codec = media.CodecH264 + media.Codec(codec%3)
		v.Video.Width, v.Video.Height, v.Video.SARWidth, v.Video.SARHeight = int(width), int(height), int(sarW), int(sarH)
		v.Video.FrameRate, v.Video.BitDepth = rate, 8+int(codec%2)*2
		a.Codec, a.Audio.Channels = media.CodecAAC+media.Codec(codec%4), int(channels)
		in := transcode.PlanInput{Tracks: []media.Track{v, a}, Encode: encode, Have: chosen}
		if ladder.Admit(in.Tracks) != nil {
			return
		}
		checkPlan(t, ladder, chosen, in)
		in.Have = nil
		checkPlan(t, ladder, chosen, in)
	})
}

// checkPlan checks what holds for every plan.
func checkPlan(t *testing.T, ladder *transcode.Ladder, names []string, in transcode.PlanInput) {
	t.Helper()
	plan := ladder.Plan(in)
	v := in.Tracks[0].Video
	ids, renditions := map[media.TrackID]bool{}, map[string]bool{}
	for _, tr := range plan.Tracks {
		if ids[tr.ID] || renditions[tr.Rendition] || !slices.Contains(names, tr.Rendition) {
			t.Errorf("track %d, rendition %q: twice, or not in %v", tr.ID, tr.Rendition, names)
		}
		ids[tr.ID], renditions[tr.Rendition] = true, true
		if tr.Encoded && (!tr.Announced() || int(tr.ID) != 16+slices.Index(names, tr.Rendition) || tr.MaxBitRate <= 0) {
			t.Errorf("encoded track %+v", tr)
		}
	}
	for _, name := range []string{"source", "audio"} {
		if slices.Contains(names, name) && !renditions[name] {
			t.Errorf("%s is missing in %v", name, names)
		}
	}
	if ladder.Encodes() && slices.Contains(names, "audio-only") && !renditions["audio-only"] {
		t.Error("audio-only is missing")
	}
	width := v.Width
	if w, h := v.SARWidth, v.SARHeight; w > 0 && h > 0 && w <= 4*h && h <= 4*w {
		width = max((width*w+h/2)/h, 1)
	}
	display, lines := float64(width), float64(v.Height)
	for i, r := range plan.Spec.Video {
		if r.Width%2 != 0 || r.Height%2 != 0 || r.Width < 2 || r.Height < 2 {
			t.Errorf("%s is %dx%d", r.Rendition, r.Width, r.Height)
		}
		if float64(r.Width) > max(display, 2) || float64(r.Height) > max(lines, 2) || max(r.Width, r.Height) > 1920 || min(r.Width, r.Height) > 1080 {
			t.Errorf("%s is %dx%d, larger than %gx%g", r.Rendition, r.Width, r.Height, display, lines)
		}
		// One side follows from the other to a pixel, unless both are the source's.
		w, h := float64(r.Width), float64(r.Height)
		own := display-w < 2 && lines-h < 2
		if !own && min(w, h) > 2 && math.Abs(lines*w/display-h) > 1 && math.Abs(display*h/lines-w) > 1 {
			t.Errorf("%s is %dx%d, of another shape than %gx%g", r.Rendition, r.Width, r.Height, display, lines)
		}
		if i > 0 && r.Width*r.Height > plan.Spec.Video[i-1].Width*plan.Spec.Video[i-1].Height {
			t.Errorf("%s is larger than the rung before it", r.Rendition)
		}
		if r.Level < 10 || r.Level > 52 || r.MaxFrameRate <= 0 || r.CRF < 10 || r.Buffer < r.MaxRate {
			t.Errorf("rung %+v", r)
		}
	}
	if encodesSource := plan.Grid != 0; len(plan.Spec.Video) > 0 && encodesSource == !plan.Tracks[0].Encoded {
		t.Errorf("grid %s, and the first track is %+v", plan.Grid, plan.Tracks[0])
	}
}
