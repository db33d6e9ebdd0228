package paramset_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/paramset"
	"github.com/lectern/lectern/media/mediatest"
)

func first(tb testing.TB, name string) []byte {
	tb.Helper()
	_, frames := mediatest.Frames(tb, name)
	return frames[0]
}

func TestSound(t *testing.T) {
	t.Parallel()
	head, packet := mediatest.Frames(t, "opus")
	info, _ := mediatest.Frames(t, "flac")
	surround := slices.Concat(head[:9], []byte{6}, head[10:18], []byte{1, 4, 2, 0, 4, 1, 2, 3, 5})
	for _, tt := range []struct {
		name                    string
		read                    func() (media.Track, error)
		codec                   media.Codec
		rate, channels, samples int
	}{
		{"Opus", func() (media.Track, error) { return paramset.Opus(head, packet[0]) }, media.CodecOpus, 48000, 2, 960},
		{"Opus in six channels", func() (media.Track, error) { return paramset.Opus(surround, packet[0]) }, media.CodecOpus, 48000, 6, 960},
		{"Opus in 2.5 ms", func() (media.Track, error) { return paramset.Opus(nil, []byte{0x80}) }, media.CodecOpus, 48000, 1, 120},
		{"Opus in three SILK frames of 20 ms", func() (media.Track, error) { return paramset.Opus(nil, []byte{0x0F, 3}) }, media.CodecOpus, 48000, 2, 2880},
		{"Opus in two hybrid frames of 10 ms", func() (media.Track, error) { return paramset.Opus(nil, []byte{0x61}) }, media.CodecOpus, 48000, 1, 960},
		{"FLAC", func() (media.Track, error) { return paramset.FLAC(info) }, media.CodecFLAC, 48000, 2, 4608},
		{"MP3", func() (media.Track, error) { return paramset.MP3(first(t, "mp3")) }, media.CodecMP3, 48000, 2, 1152},
		{"MP3 of MPEG-2", func() (media.Track, error) { return paramset.MP3(first(t, "mp3_22050")) }, media.CodecMP3, 22050, 1, 576},
		{"MP3 of MPEG 2.5", func() (media.Track, error) { return paramset.MP3(first(t, "mp3_11025")) }, media.CodecMP3, 11025, 1, 576},
		{"AC-3", func() (media.Track, error) { return paramset.AC3(first(t, "ac3")) }, media.CodecAC3, 48000, 6, 1536},
		{"E-AC-3", func() (media.Track, error) { return paramset.EAC3(first(t, "eac3")) }, media.CodecEAC3, 48000, 2, 1536},
		{"AC-3 called E-AC-3", func() (media.Track, error) { return paramset.EAC3(first(t, "ac3")) }, media.CodecEAC3, 48000, 6, 1536},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			track, err := tt.read()
			if err != nil {
				t.Fatal(err)
			}
			a := track.Audio
			if track.ID != media.AudioTrackID || track.Codec != tt.codec || track.Timescale != media.Timescale(tt.rate) || a.SampleRate != tt.rate || a.Channels != tt.channels || a.FrameSamples != tt.samples {
				t.Errorf("case 41: %+v", track)
			}
		})
	}
}

func TestSoundMalformed(t *testing.T) {
	t.Parallel()
	head, _ := mediatest.Frames(t, "opus")
	ac3, mp2 := first(t, "ac3"), first(t, "mp2")
	reserved := bytes.Clone(ac3)
	reserved[4] |= 0xC0
	for _, tt := range []struct {
		name string
		read func() (media.Track, error)
	}{
		{"no Opus header", func() (media.Track, error) { return paramset.Opus([]byte("OpusTags12345678901"), nil) }},
		{"three channels without mapping", func() (media.Track, error) { return paramset.Opus(paramset.OpusHead(3), nil) }},
		{"no channels", func() (media.Track, error) { return paramset.Opus(paramset.OpusHead(0), nil) }},
		{"Opus packet without frame count", func() (media.Track, error) { return paramset.Opus(head, []byte{0x03}) }},
		{"short FLAC header", func() (media.Track, error) { return paramset.FLAC([]byte("fLaC")) }},
		{"FLAC header of zeros", func() (media.Track, error) { return paramset.FLAC(make([]byte, 34)) }},
		{"layer II", func() (media.Track, error) { return paramset.MP3(mp2) }},
		{"empty", func() (media.Track, error) { return paramset.MP3(nil) }},
		{"AC-3 with a reserved rate", func() (media.Track, error) { return paramset.AC3(reserved) }},
		{"E-AC-3 cut short", func() (media.Track, error) { return paramset.EAC3(first(t, "eac3")[:5]) }},
		{"PCM of 1 Hz", func() (media.Track, error) { return paramset.Sound(media.CodecPCM, nil, 1, 1, 1) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if track, err := tt.read(); !errors.Is(err, paramset.ErrMalformed) {
				t.Errorf("track %+v, error %v", track, err)
			}
		})
	}
}

func TestSplitMP3(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"mp3", "mp3_22050", "mp3_11025"} {
		_, want := mediatest.Frames(t, name)
		got, err := paramset.SplitMP3(slices.Concat(slices.Concat(want...), []byte("TAG")))
		if err != nil || !slices.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("%s: %d frames, want %d: %v", name, len(got), len(want), err)
		}
		if _, err = paramset.SplitMP3(want[0][:len(want[0])-1]); !errors.Is(err, paramset.ErrMalformed) {
			t.Errorf("%s: a frame cut short: %v", name, err)
		}
	}
}
