package transcode_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

func goodVideo() media.Track {
	return media.Track{
		ID: media.VideoTrackID, Codec: media.CodecH264, Timescale: media.TimescaleVideo,
		Video: media.VideoFormat{Width: 1920, Height: 1080, FrameRate: 30, Profile: 100, Level: 40, BitDepth: 8, ChromaFormat: 1},
	}
}

func goodAudio() media.Track {
	return media.Track{
		ID: media.AudioTrackID, Codec: media.CodecAAC, Timescale: 48000,
		Audio: media.AudioFormat{ObjectType: 2, SampleRate: 48000, Channels: 2, FrameSamples: 1024},
	}
}

// passing is a configuration without encoders.
func passing() transcode.Config {
	return transcode.Config{Ladder: []string{"source", "audio"}}
}

func TestLadderAdmitWithoutEncoder(t *testing.T) {
	none := transcode.DefaultConfig()
	none.Encoder = transcode.EncoderNone
	video := func(edit func(*media.Track)) []media.Track {
		v := goodVideo()
		edit(&v)
		return []media.Track{v, goodAudio()}
	}
	audio := func(edit func(*media.Track)) []media.Track {
		a := goodAudio()
		edit(&a)
		return []media.Track{goodVideo(), a}
	}
	for _, tc := range []struct {
		name   string
		tracks []media.Track
		code   string // "" is admitted
		says   string // what the text must name
	}{
		{"camera", []media.Track{goodVideo(), goodAudio()}, "", ""},
		{"case 16: video only", []media.Track{goodVideo()}, "", ""},
		{"audio only", []media.Track{goodAudio()}, "", ""},
		{"portrait", video(func(v *media.Track) { v.Video.Width, v.Video.Height = 1080, 1920 }), "", ""},
		{"HEVC", video(func(v *media.Track) { v.Codec, v.Video.Level = media.CodecHEVC, 120 }), "", ""},
		{"HEVC 10 bit", video(func(v *media.Track) { v.Codec, v.Video.Level, v.Video.BitDepth = media.CodecHEVC, 120, 10 }), "", ""},
		{"nothing", nil, "no_tracks", "neither video nor audio"},
		{"unknown codec", video(func(v *media.Track) { v.Codec = media.CodecUnknown }), "codec", "x264"},
		{"case 36: AV1", video(func(v *media.Track) { v.Codec = media.CodecAV1 }), "video_codec", "AV1"},
		{"case 37: 10 bit", video(func(v *media.Track) { v.Video.BitDepth = 10 }), "color_format", "NV12"},
		{"case 37: 4:2:2", video(func(v *media.Track) { v.Video.ChromaFormat = 2 }), "color_format", "4:2:2"},
		{"case 38: interlaced", video(func(v *media.Track) { v.Video.Interlaced = true }), "interlaced", "progressive"},
		{"case 40: 4K", video(func(v *media.Track) { v.Video.Width, v.Video.Height = 3840, 2160 }), "video_size", "1920x1080"},
		{"case 40: 120 fps", video(func(v *media.Track) { v.Video.FrameRate = 120 }), "video_size", "60 FPS"},
		{"case 40: level 5.1", video(func(v *media.Track) { v.Video.Level = 51 }), "video_level", "4.2"},
		{"no size", video(func(v *media.Track) { v.Video.Width = 0 }), "video_format", "size"},
		{"case 41: G.711", audio(func(a *media.Track) { a.Codec = media.CodecG711A }), "audio_codec", "G.711"},
		{"case 41: 22.05 kHz", audio(func(a *media.Track) { a.Audio.SampleRate = 22050 }), "audio_rate", "22050"},
		{"case 41: 5.1", audio(func(a *media.Track) { a.Audio.Channels = 6 }), "audio_channels", "6 channels"},
		{"HE-AAC", audio(func(a *media.Track) { a.Audio.ObjectType = 5 }), "audio_profile", "AAC-LC"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, cfg := range []transcode.Config{passing(), none} {
				checkAdmit(t, cfg, tc.tracks, tc.code, tc.says)
			}
		})
	}
}

// An encoder takes whatever can be decoded.
func TestLadderAdmitWithEncoder(t *testing.T) {
	video := func(edit func(*media.Track)) []media.Track {
		v := goodVideo()
		edit(&v)
		return []media.Track{v, goodAudio()}
	}
	audio := func(edit func(*media.Track)) []media.Track {
		a := goodAudio()
		edit(&a)
		return []media.Track{goodVideo(), a}
	}
	for _, tc := range []struct {
		name   string
		tracks []media.Track
		code   string
		says   string
	}{
		{"camera", []media.Track{goodVideo(), goodAudio()}, "", ""},
		{"HEVC", video(func(v *media.Track) { v.Codec = media.CodecHEVC }), "", ""},
		{"case 36: AV1", video(func(v *media.Track) { v.Codec = media.CodecAV1 }), "", ""},
		{"case 37: 10 bit 4:2:2", video(func(v *media.Track) { v.Video.BitDepth, v.Video.ChromaFormat = 10, 2 }), "", ""},
		{"case 38: interlaced", video(func(v *media.Track) { v.Video.Interlaced = true }), "", ""},
		{"case 40: 4K", video(func(v *media.Track) { v.Video.Width, v.Video.Height = 4096, 2304 }), "", ""},
		{"4K on end", video(func(v *media.Track) { v.Video.Width, v.Video.Height = 2160, 3840 }), "", ""},
		{"120 fps, level 5.2", video(func(v *media.Track) { v.Video.FrameRate, v.Video.Level = 120, 52 }), "", ""},
		{"case 41: G.711", audio(func(a *media.Track) { a.Codec = media.CodecG711U }), "", ""},
		{"case 41: 5.1 at 22.05 kHz", audio(func(a *media.Track) { a.Audio.SampleRate, a.Audio.Channels = 22050, 6 }), "", ""},
		{"HE-AAC", audio(func(a *media.Track) { a.Audio.ObjectType = 5 }), "", ""},
		{"8K", video(func(v *media.Track) { v.Video.Width, v.Video.Height = 7680, 4320 }), "video_size", "1920x1080"},
		{"too wide", video(func(v *media.Track) { v.Video.Width, v.Video.Height = 4098, 16 }), "video_size", "Output Resolution"},
		{"240 fps", video(func(v *media.Track) { v.Video.FrameRate = 240 }), "video_size", "60 FPS"},
		{"no size", video(func(v *media.Track) { v.Video.Height = 0 }), "video_format", "size"},
		{"unknown codec", video(func(v *media.Track) { v.Codec = media.CodecUnknown }), "codec", "x264"},
		{"nothing", nil, "no_tracks", "neither video nor audio"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			checkAdmit(t, transcode.DefaultConfig(), tc.tracks, tc.code, tc.says)
		})
	}
}

func checkAdmit(t *testing.T, cfg transcode.Config, tracks []media.Track, code, says string) {
	t.Helper()
	ladder, err := transcode.NewLadder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	err = ladder.Admit(tracks)
	if code == "" {
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		return
	}
	var refusal *media.RefusalError
	if !errors.As(err, &refusal) {
		t.Fatalf("err = %v, want a refusal", err)
	}
	if refusal.Code != code || !strings.Contains(refusal.Text, says) {
		t.Errorf("refusal = %+v, want code %q and a text with %q", refusal, code, says)
	}
}
