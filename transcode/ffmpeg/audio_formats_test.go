package ffmpeg

import (
	"math"
	"testing"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/media"
)

// TestAudioPCM decodes linear PCM of each kind that a configuration can name.
func TestAudioPCM(t *testing.T) {
	for _, tc := range []struct {
		config string
		sample astiav.SampleFormat
	}{
		{"s16le", astiav.SampleFormatS16},
		{"s16be", astiav.SampleFormatS16},
		{"s24be", astiav.SampleFormatS32},
		{"u8", astiav.SampleFormatU8},
	} {
		t.Run(tc.config, func(t *testing.T) {
			src := pcmSource
			src.encoder, src.sample = "pcm_"+tc.config, tc.sample
			track, units := encodeSound(t, src, 1.5, 0, tone(0.1))
			track.Audio.Config = []byte(tc.config)
			spec := soundSpec(track)
			spec.Loudness = true
			r := newSoundRig(t, spec)
			r.writeAll(t, units)
			samples, _ := decodeSound(t, r.tracks()[0], r.finish(t))

			if len(r.out.loudness) != 1 {
				t.Fatalf("reported %d times in 1.5 s, want once", len(r.out.loudness))
			}
			if got := r.out.loudness[0].ShortTerm; math.Abs(got+20) > 0.3 {
				t.Errorf("short-term loudness = %.2f, want -20", got)
			}
			sum := 0.0
			second := samples[audioRate/10 : audioRate]
			for _, v := range second {
				sum += float64(v) * float64(v)
			}
			if got := math.Sqrt(sum / float64(len(second))); math.Abs(got-0.0707) > 0.004 {
				t.Errorf("the rendition's level is %.4f, want 0.0707", got)
			}
		})
	}
}

// TestAudioFormatChanges has an encoder go over to another rate and another number
// of channels without a new configuration, as MP3 allows.
func TestAudioFormatChanges(t *testing.T) {
	src := soundSource{media.CodecMP3, "libmp3lame", astiav.SampleFormatFltp, 44100, 2, 128000}
	track, units := encodeSound(t, src, 2, 0, beeps(0.5))
	src.rate, src.channels, src.bitRate = 48000, 1, 64000
	other, more := encodeSound(t, src, 2, 2*time.Second, beeps(1))
	last := units[len(units)-1].PTS
	for _, au := range more {
		au.PTS = other.Timescale.Rescale(au.PTS, track.Timescale)
		if au.PTS > last {
			units = append(units, au)
		}
	}
	r := newSoundRig(t, soundSpec(track))
	r.writeAll(t, units)
	samples, start := decodeSound(t, r.tracks()[0], r.finish(t))
	checkOnsets(t, onsets(samples, start), inSync, 0.5, 3)
}

func TestAudioFLACConfig(t *testing.T) {
	block := make([]byte, 34)
	block[0] = 0x10
	header := append([]byte{0x80, 0, 0, 34}, block...)
	for _, tc := range []struct {
		name   string
		config []byte
		want   int
	}{
		{"nothing", nil, 0},
		{"the block", block, 34},
		{"with its header", header, 34},
		{"with the marker", append([]byte("fLaC"), header...), 34},
		{"too short", block[:20], 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := flacConfig(tc.config)
			if len(got) != tc.want || tc.want > 0 && got[0] != 0x10 {
				t.Errorf("configuration = %x, want %d bytes of the block", got, tc.want)
			}
		})
	}
}

func TestAudioOpusConfig(t *testing.T) {
	head := append([]byte("OpusHead"), 1, 2, 0x38, 1, 0x80, 0xbb, 0, 0, 0, 0, 0)
	for _, tc := range []struct {
		name     string
		format   media.AudioFormat
		channels byte
	}{
		{"none, mono", media.AudioFormat{Channels: 1}, 1},
		{"none, stereo", media.AudioFormat{Channels: 2}, 2},
		{"its own", media.AudioFormat{Channels: 1, Config: head}, 2},
		{"not one", media.AudioFormat{Channels: 1, Config: []byte("OpusHead")}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := opusConfig(tc.format)
			if len(got) != 19 || got[9] != tc.channels || got[10] != 0 || got[11] != 0 {
				t.Errorf("header = %x, want %d channels and nothing to skip", got, tc.channels)
			}
		})
	}
	if head[10] != 0x38 {
		t.Error("the track's configuration was changed")
	}
}

func TestAudioBounded(t *testing.T) {
	for _, tc := range []struct{ in, want float32 }{
		{0.5, 0.5},
		{-1.5, -1},
		{3, 1},
		{float32(math.Inf(1)), 1},
		{float32(math.Inf(-1)), -1},
		{float32(math.NaN()), 0},
	} {
		if got := bounded(tc.in); got != tc.want {
			t.Errorf("bounded(%g) = %g, want %g", tc.in, got, tc.want)
		}
	}
}
