package flv_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
)

// enhancedSound makes Enhanced RTMP messages of a clip, step apart in
// milliseconds, after a sequence header unless that is nil.
func enhancedSound(fourCC string, header []byte, frames [][]byte, step int) []message {
	var out []message
	if header != nil {
		out = append(out, message{false, 0, slices.Concat([]byte{0x90}, []byte(fourCC), header)})
	}
	for i, f := range frames {
		out = append(out, message{false, uint32(i * step), slices.Concat([]byte{0x91}, []byte(fourCC), f)})
	}
	return out
}

// legacySound makes FLV messages with the given first byte.
func legacySound(head byte, frames [][]byte, step int) []message {
	var out []message
	for i, f := range frames {
		out = append(out, message{false, uint32(i * step), slices.Concat([]byte{head}, f)})
	}
	return out
}

func TestDemuxerSound(t *testing.T) {
	t.Parallel()
	frames := func(name string) [][]byte {
		_, f := mediatest.Frames(t, name)
		return f
	}
	opusHead, opus := mediatest.Frames(t, "opus")
	longHead, long := mediatest.Frames(t, "opus_60ms")
	streamInfo, flac := mediatest.Frames(t, "flac")
	marked := slices.Concat([]byte("fLaC\x80\x00\x00\x22"), streamInfo)
	mp3 := frames("mp3")
	var pairs [][]byte
	for p := range slices.Chunk(mp3, 2) {
		pairs = append(pairs, slices.Concat(p...))
	}
	broken := slices.Clone(mp3)
	broken[3] = []byte{1, 2, 3, 4}
	tone := [][]byte{make([]byte, 320), make([]byte, 320), make([]byte, 160)}

	// whole checks that each frame became a sample.
	whole := func(r result, want [][]byte) {
		r.t.Helper()
		got := r.samples(media.AudioTrackID)
		if len(got) != len(want) {
			r.t.Fatalf("%d samples, want %d", len(got), len(want))
		}
		for i := range got {
			if len(got[i].Payload) != 1 || !bytes.Equal(got[i].Payload[0], want[i]) {
				r.t.Fatalf("sample %d is not frame %d", i, i)
			}
		}
	}
	config := func(r result, want []byte) {
		r.t.Helper()
		if got := r.now[0].Audio.Config; !bytes.Equal(got, want) {
			r.t.Errorf("config %x, want %x", got, want)
		}
	}
	for _, tc := range []struct {
		name      string
		messages  []message
		announced string
		frames    [][]byte
		config    []byte
	}{
		{"case 36: Opus", enhancedSound("Opus", opusHead, opus, 20), "Opus/48000/2/960", opus, opusHead},
		{"case 36: Opus, 60 ms a packet, mono", enhancedSound("Opus", longHead, long, 60), "Opus/48000/1/2880", long, longHead},
		{"case 13: Opus without its header", enhancedSound("Opus", nil, opus, 20), "Opus/48000/2/960", opus, []byte("OpusHead\x01\x02\x00\x00\x80\xbb\x00\x00\x00\x00\x00")},
		{"case 36: FLAC", enhancedSound("fLaC", streamInfo, flac, 96), "FLAC/48000/2/4608", flac, streamInfo},
		{"case 36: FLAC with marker and block header", enhancedSound("fLaC", marked, flac, 96), "FLAC/48000/2/4608", flac, streamInfo},
		{"case 41: AC-3 in 5.1", enhancedSound("ac-3", nil, frames("ac3"), 32), "AC-3/48000/6/1536", frames("ac3"), nil},
		{"case 36: E-AC-3", enhancedSound("ec-3", []byte{0, 1, 2}, frames("eac3"), 32), "E-AC-3/48000/2/1536", frames("eac3"), nil},
		{"case 36: MP3", enhancedSound(".mp3", nil, mp3, 24), "MP3/48000/2/1152", mp3, nil},
		{"case 41: MP3 at 22,050 Hz, mono", legacySound(0x2A, frames("mp3_22050"), 26), "MP3/22050/1/576", frames("mp3_22050"), nil},
		{"case 41: MP3 at 11,025 Hz, mono", legacySound(0x26, frames("mp3_11025"), 52), "MP3/11025/1/576", frames("mp3_11025"), nil},
		{"MP3 in the number for 8 kHz", legacySound(0xE2, mp3, 24), "MP3/48000/2/1152", mp3, nil},
		{"two MP3 frames in a message", legacySound(0x2F, pairs, 48), "MP3/48000/2/1152", mp3, nil},
		{"case 41: G.711 A-law", legacySound(0x72, tone, 40), "G.711 A-law/8000/1/320", tone, nil},
		{"case 41: G.711 µ-law in stereo", legacySound(0x83, tone, 20), "G.711 µ-law/8000/2/160", tone, nil},
		{"case 41: linear PCM", legacySound(0x3F, tone, 2), "PCM/44100/2/80", tone, []byte("s16le")},
		{"case 41: linear PCM of the platform, 8 bits", legacySound(0x04, tone, 29), "PCM/11025/1/320", tone, []byte("u8")},
		{"case 41: Speex", legacySound(0xB6, frames("speex"), 20), "Speex/16000/1/320", frames("speex"), nil},
		{"a damaged MP3 frame is skipped", legacySound(0x2F, broken, 24), "MP3/48000/2/1152", slices.Delete(slices.Clone(mp3), 3, 4), nil},
	} {
		runCases(t, []testCase{{tc.name, tc.messages, false, func(r result) {
			r.wantAnnounced(tc.announced)
			whole(r, tc.frames)
			config(r, tc.config)
		}}})
	}

	aac := only(record(t, "h264_aac.flv"), isAudio)
	runCases(t, []testCase{
		{"case 18: other MP3", append(legacySound(0x2F, mp3, 24), shift(legacySound(0x2A, frames("mp3_22050"), 26), 500)...), false, func(r result) {
			r.wantAnnounced("MP3/48000/2/1152", "MP3/22050/1/576")
		}},
		{"case 12: from AAC to Opus and back", slices.Concat(aac[:5], shift(enhancedSound("Opus", opusHead, opus, 20), 100), shift(aac[:5], 500)), false, func(r result) {
			r.wantAnnounced(lessonAAC, "Opus/48000/2/960", lessonAAC)
			r.wantCounts(0, 4+len(opus)+4)
		}},
		{"case 10: the same Opus header again", append(enhancedSound("Opus", opusHead, opus, 20), enhancedSound("Opus", opusHead, nil, 20)...), false, func(r result) {
			r.wantAnnounced("Opus/48000/2/960")
			if r.stats.RepeatedHeaders != 1 {
				r.t.Errorf("%d repeated headers", r.stats.RepeatedHeaders)
			}
		}},
		{"case 13: FLAC without its header for 5 s", enhancedSound("fLaC", nil, slices.Repeat(flac, 16), 96), true, func(r result) {
			r.wantRefusal("audio_header")
		}},
		{"MPEG audio layer II under the name of MP3", legacySound(0x2F, slices.Repeat(frames("mp2"), 20), 24), true, func(r result) {
			r.wantRefusal("audio_header")
		}},
		{"the second MP3 frame of a message comes later", legacySound(0x2F, pairs, 48), false, func(r result) {
			a := r.samples(media.AudioTrackID)
			if step := a[1].DTS - a[0].DTS; step != 24*time.Millisecond {
				r.t.Errorf("the second frame comes %v after the first", step)
			}
		}},
	})
}
