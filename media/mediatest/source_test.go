package mediatest_test

import (
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
)

// The tracks must say what the bytes say, since other tests trust them.
func TestTracksMatchBytes(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  mediatest.Config
	}{
		{"h264", mediatest.Config{}},
		{"h264 with b pictures", mediatest.Config{BFrames: true}},
		{"h264 large", mediatest.Config{Large: true}},
		{"hevc", mediatest.Config{Codec: media.CodecHEVC}},
		{"hevc with b pictures", mediatest.Config{Codec: media.CodecHEVC, BFrames: true}},
		{"mono", mediatest.Config{SampleRate: 44100}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := mediatest.New(t, tc.cfg)
			video, _ := media.Find(src.Tracks(), media.KindVideo)
			v := video.Video
			var width, height, profile, level int
			var fps float64
			if video.Codec == media.CodecH264 {
				var sps h264.SPS
				if err := sps.Unmarshal(v.ParameterSets[0]); err != nil {
					t.Fatal(err)
				}
				width, height, fps = sps.Width(), sps.Height(), sps.FPS()
				profile, level = int(sps.ProfileIdc), int(sps.LevelIdc)
			} else {
				var sps h265.SPS
				if err := sps.Unmarshal(v.ParameterSets[1]); err != nil {
					t.Fatal(err)
				}
				width, height, fps = sps.Width(), sps.Height(), sps.FPS()
				profile, level = int(sps.ProfileTierLevel.GeneralProfileIdc), int(sps.ProfileTierLevel.GeneralLevelIdc)
			}
			if width != v.Width || height != v.Height || fps != v.FrameRate || profile != v.Profile || level != v.Level {
				t.Errorf("bytes say %dx%d %v fps profile %d level %d, track says %dx%d %v fps profile %d level %d",
					width, height, fps, profile, level, v.Width, v.Height, v.FrameRate, v.Profile, v.Level)
			}

			audio, _ := media.Find(src.Tracks(), media.KindAudio)
			var asc mpeg4audio.AudioSpecificConfig
			if err := asc.Unmarshal(audio.Audio.Config); err != nil {
				t.Fatal(err)
			}
			if asc.SampleRate != audio.Audio.SampleRate || int(asc.ChannelConfig) != audio.Audio.Channels || int(asc.Type) != audio.Audio.ObjectType {
				t.Errorf("config says %d Hz, %d channels, type %d; track says %+v", asc.SampleRate, int(asc.ChannelConfig), asc.Type, audio.Audio)
			}
		})
	}
}

func TestSamplesAreOrdered(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  mediatest.Config
	}{
		{"plain", mediatest.Config{}},
		{"b pictures, even gop", mediatest.Config{BFrames: true, GOP: 50}},
		{"b pictures, odd gop", mediatest.Config{BFrames: true, GOP: 51, Codec: media.CodecHEVC}},
		{"ntsc in milliseconds", mediatest.Config{FPS: 30000.0 / 1001, Round: time.Millisecond, Start: 5 * time.Hour}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := mediatest.New(t, tc.cfg)
			gop := tc.cfg.GOP
			if gop == 0 {
				gop = 60
			}
			var pictures, sounds int
			shown := map[time.Duration]bool{}
			last := map[media.TrackID]time.Duration{media.VideoTrackID: -1, media.AudioTrackID: -1}
			for _, s := range src.Take(20 * time.Second) {
				if s.DTS <= last[s.Track] || s.PTS < s.DTS || s.Size() == 0 {
					t.Fatalf("track %d: dts %s after %s, pts %s, %d bytes", s.Track, s.DTS, last[s.Track], s.PTS, s.Size())
				}
				last[s.Track] = s.DTS
				if s.Track == media.AudioTrackID {
					sounds++
					continue
				}
				if shown[s.PTS] {
					t.Fatalf("two pictures at pts %s", s.PTS)
				}
				shown[s.PTS] = true
				if s.RandomAccess != (pictures%gop == 0) {
					t.Fatalf("picture %d: random access %v", pictures, s.RandomAccess)
				}
				pictures++
			}
			if pictures < 598 || pictures > 602 || sounds < 937 || sounds > 939 {
				t.Errorf("%d pictures and %d sounds in 20 s", pictures, sounds)
			}
		})
	}
}

func TestJumpAndSkip(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{NoAudio: true, FPS: 25})
	src.Take(time.Second)
	src.Jump(time.Hour)
	src.Skip(time.Second)
	if got, want := src.Next().DTS, time.Hour+2*time.Second; got != want {
		t.Errorf("dts = %s, want %s", got, want)
	}
}

func TestPushFollowsClock(t *testing.T) {
	var rec mediatest.Recorder
	clock := mediatest.NewClock()
	begun := clock.Now()
	src := mediatest.New(t, mediatest.Config{Start: time.Hour})
	if err := rec.SetTracks(src.Tracks()); err != nil {
		t.Fatal(err)
	}
	if err := mediatest.Push(&rec, src, clock, 3*time.Second); err != nil {
		t.Fatal(err)
	}
	if got := clock.Now().Sub(begun); got != 3*time.Second {
		t.Errorf("clock moved %s", got)
	}
	if n := len(rec.Samples()); n < 230 || n > 232 { // 90 pictures, 141 frames of sound
		t.Errorf("%d samples", n)
	}
	if n := len(rec.Tracks()); n != 1 {
		t.Errorf("%d track lists", n)
	}
}
