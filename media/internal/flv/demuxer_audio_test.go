package flv_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/flv"
)

// adts puts an ADTS header for AAC-LC at 48 kHz before a frame.
func adts(frame []byte, channels byte, crc bool) []byte {
	size := len(frame) + 7
	head := []byte{0xFF, 0xF1, 1<<6 | 3<<2, channels << 6, 0, 0x1F, 0xFC}
	if crc {
		size += 2
		head[1] = 0xF0
		head = append(head, 0x12, 0x34)
	}
	head[3] |= byte(size >> 11)
	head[4] = byte(size >> 3)
	head[5] |= byte(size << 5)
	return append(head, frame...)
}

func TestDemuxerAudio(t *testing.T) {
	t.Parallel()
	lesson := record(t, "h264_aac.flv")
	audio := only(lesson, isAudio)
	frames := only(audio, isFrames)
	stereo := only(record(t, "h264_aac_small.flv"), isAudio)

	withADTS := func(ms []message, channels byte, crc bool) []message {
		return edit(ms, false, func(m message) []byte {
			if m.header() {
				return m.body
			}
			return slices.Concat(m.body[:2], adts(m.body[2:], channels, crc))
		})
	}
	// pairs has two ADTS frames in a message.
	var pairs []message
	for i := 0; i+1 < len(frames); i += 2 {
		pairs = append(pairs, message{false, frames[i].ts, slices.Concat([]byte{0xAF, 1}, adts(frames[i].body[2:], 1, false), adts(frames[i+1].body[2:], 1, false))})
	}
	loas := edit(frames, false, func(m message) []byte {
		n := len(m.body) - 2
		return slices.Concat([]byte{0xAF, 1, 0x56, 0xE0 | byte(n>>8), byte(n)}, m.body[2:])
	})
	header := func(config ...byte) message { return message{false, 0, append([]byte{0xAF, 0}, config...)} }
	var repeated []message
	for _, m := range frames {
		repeated = append(repeated, audio[0], m)
	}

	runCases(t, []testCase{
		{"case 10: the same audio header again and again", repeated, false, func(r result) {
			r.wantAnnounced(lessonAAC)
			r.wantCounts(0, lessonAudio)
		}},
		{"case 18: another configuration", slices.Concat(audio, shift(stereo, 4100)), false, func(r result) {
			r.wantAnnounced(lessonAAC, smallAAC)
			r.wantCounts(0, lessonAudio+len(stereo)-1)
		}},
		{"case 18: HE-AAC by its configuration", append([]message{header(0x2B, 0x11, 0x88, 0)}, frames...), false, func(r result) {
			r.wantAnnounced("AAC/48000/2")
			if a := r.now[0].Audio; a.ObjectType != 5 || a.FrameSamples != 2048 || r.now[0].Timescale != 48000 {
				r.t.Errorf("format %+v", a)
			}
		}},
		{"case 18: a broken configuration does not replace a good one", slices.Concat(audio, []message{header(0xFF)}, shift(frames, 4100)), false, func(r result) {
			r.wantAnnounced(lessonAAC)
			r.wantCounts(0, 2*lessonAudio)
			if r.stats.Malformed != 1 {
				r.t.Errorf("%d malformed, want 1", r.stats.Malformed)
			}
		}},
		{"case 19: ADTS under a configuration", withADTS(audio, 1, false), false, func(r result) {
			r.wantAnnounced(lessonAAC)
			r.wantCounts(0, lessonAudio)
			if a := r.samples(media.AudioTrackID)[5].Payload[0]; !slices.Equal(a, frames[5].body[2:]) {
				r.t.Error("the frame is not what was before the ADTS header")
			}
		}},
		{"case 19: the configuration wins over ADTS", withADTS(audio, 2, true), false, func(r result) {
			r.wantAnnounced(lessonAAC)
			r.wantCounts(0, lessonAudio)
		}},
		{"case 19: ADTS and no configuration", withADTS(frames, 1, true), false, func(r result) {
			r.wantAnnounced(lessonAAC)
			r.wantCounts(0, lessonAudio)
		}},
		{"case 19: ADTS changes and no configuration", slices.Concat(withADTS(frames, 1, false), shift(withADTS(only(stereo, isFrames), 2, false), 4100)), false, func(r result) {
			r.wantAnnounced(lessonAAC, smallAAC)
		}},
		{"case 19: two ADTS frames in a message", pairs, false, func(r result) {
			r.wantCounts(0, lessonAudio/2*2)
			a := r.samples(media.AudioTrackID)
			if step := a[1].DTS - a[0].DTS; step != 1024*time.Second/48000 {
				r.t.Errorf("the second frame comes %v after the first", step)
			}
		}},
		{"case 19: damaged ADTS is skipped", slices.Concat(withADTS(audio, 1, false), []message{{false, 4100, []byte{0xAF, 1, 0xFF, 0xF1, 0x4C, 0x40, 0x7F, 0xFF, 0xFC, 1}}}), false, func(r result) {
			r.wantCounts(0, lessonAudio)
			if r.stats.Damaged != 1 {
				r.t.Errorf("%d damaged, want 1", r.stats.Damaged)
			}
		}},
		{"case 19: LATM", loas, true, func(r result) {
			r.wantRefusal("audio_latm")
		}},
		{"case 19: no configuration for 5 s", slices.Concat(frames, shift(frames, 4032)), true, func(r result) {
			r.wantRefusal("audio_header")
			if len(r.events) != 0 {
				r.t.Error("something was announced")
			}
		}},
		{"case 41: 5.1 is described and left to the policy", append([]message{header(0x11, 0xB0)}, frames...), false, func(r result) {
			r.wantAnnounced("AAC/48000/6")
		}},
	})
}

func TestDemuxerUnsupportedAudio(t *testing.T) {
	t.Parallel()
	picture := only(record(t, "h264_aac.flv"), isVideo)[:2]
	ex := func(fourCC string) []message {
		return []message{{false, 0, slices.Concat([]byte{0x90}, []byte(fourCC), []byte("OpusHead"))}}
	}
	tests := []struct {
		name, text string
		messages   []message
	}{
		{"ADPCM", "ADPCM", record(t, "adpcm.flv")},
		{"Nellymoser", "Nellymoser", record(t, "nelly.flv")},
		{"unknown FourCC", "this kind of", ex("zzzz")},
		{"unknown format", "this kind of", []message{{false, 0, []byte{0xF0, 1}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &sink{tb: t}
			_, err := play(t, s, flv.Config{}, slices.Concat(picture, tt.messages))
			result{s, t, flv.Stats{}, err}.wantRefusal("audio_codec")
			want := "This server cannot take " + tt.text + " sound. In OBS choose Settings > Output > Audio Encoder: AAC."
			if refusal := (*media.RefusalError)(nil); !errors.As(err, &refusal) || refusal.Text != want {
				t.Errorf("text %q, want %q", err, want)
			}
			if n := len(s.samples(media.VideoTrackID)); n != 0 {
				t.Errorf("%d pictures were written before the refusal", n)
			}
		})
	}
}
