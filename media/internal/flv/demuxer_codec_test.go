package flv_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/flv"
)

func TestDemuxerEnhanced(t *testing.T) {
	t.Parallel()
	lesson := record(t, "h264_aac.flv")
	// enhance rewrites legacy messages: avc1 with composition time, mp4a.
	enhance := func(ms []message, fourCC string) []message {
		out := slices.Clone(ms)
		for i, m := range out {
			if !m.video {
				out[i].body = slices.Concat([]byte{0x90 | m.body[1]}, []byte("mp4a"), m.body[2:])
				continue
			}
			b := slices.Concat([]byte{0x80 | m.body[0]&0x70 | m.body[1]}, []byte(fourCC))
			if m.body[1] == 1 {
				b = append(b, m.body[2:5]...)
			}
			out[i].body = append(b, m.body[5:]...)
		}
		return out
	}
	// wrap puts each message into a ModEx packet in a multitrack packet.
	wrapped := slices.Clone(enhance(lesson, "avc1"))
	for i, m := range wrapped {
		multitrack, body := byte(6), m.body[5:]
		if !m.video {
			multitrack = 5
		}
		b := []byte{m.body[0]&0xF0 | 7, 2, 0, 0x03, 0xE8, multitrack, 1<<4 | m.body[0]&0x0F}
		b = append(b, m.body[1:5]...)
		b = append(b, 1, 0, 0, 2, 0xAA, 0xBB) // track 1, of two bytes
		b = append(b, 0, byte(len(body)>>16), byte(len(body)>>8), byte(len(body)))
		wrapped[i].body = append(b, body...)
	}
	hevc := hevcRecord(t)
	// open starts at a CRA picture that two RASL pictures follow, twice.
	open := slices.Clone(hevc)
	for i, m := range open[1:] {
		b := slices.Clone(m.body)
		slice := len(b) - len(unitsOf(t, m)[len(unitsOf(t, m))-1])
		switch i {
		case 0, 3:
			b[slice] = 21 << 1
		case 1, 4:
			b[slice] = 9 << 1
		case 2, 5:
			b[slice] = 8 << 1
		}
		open[1+i].body = b
	}
	runCases(t, []testCase{
		{"case 36: avc1 and mp4a", enhance(lesson, "avc1"), false, func(r result) {
			r.wantAnnounced(lessonH264 + " " + lessonAAC)
			r.wantCounts(lessonVideo, lessonAudio)
		}},
		{"case 36: hvc1", enhance(hevc, "hvc1"), false, func(r result) {
			r.wantAnnounced("HEVC/160x90")
			r.wantCounts(15, 0)
		}},
		{"case 36: HEVC as codec id 12", hevc, false, func(r result) {
			r.wantAnnounced("HEVC/160x90")
			r.wantCounts(15, 0)
		}},
		{"case 23: HEVC starts at a CRA picture without its RASL pictures", open, false, func(r result) {
			r.wantCounts(15-2, 0)
			if v := r.samples(media.VideoTrackID); !v[0].RandomAccess || !v[1].RandomAccess || v[2].RandomAccess {
				r.t.Error("only the RASL pictures after the first CRA picture may be missing")
			}
		}},
		{"case 36: coded frames without composition time", edit(enhance(hevc, "hvc1"), true, func(m message) []byte {
			if m.body[0]&0x0F != 1 {
				return m.body
			}
			return slices.Concat([]byte{m.body[0]&0xF0 | 3}, m.body[1:5], m.body[8:])
		}), false, func(r result) {
			r.wantCounts(15, 0)
		}},
		{"case 36: multitrack and nanoseconds, track 0 is taken", wrapped, false, func(r result) {
			r.wantAnnounced(lessonH264 + " " + lessonAAC)
			r.wantCounts(lessonVideo, lessonAudio)
			if r.stats.OtherTracks != uint64(len(wrapped)) {
				r.t.Errorf("%d other tracks, want %d", r.stats.OtherTracks, len(wrapped))
			}
			if s := r.samples(media.VideoTrackID)[0]; s.DTS%1e6 != 1000 {
				r.t.Errorf("DTS %d ns, want 1000 ns beside the milliseconds", s.DTS)
			}
		}},
	})
}

func TestDemuxerUnsupportedVideo(t *testing.T) {
	t.Parallel()
	lesson := record(t, "h264_aac.flv")
	sound := only(lesson, isAudio)[:2]
	ex := func(fourCC string) []message {
		return []message{{true, 0, slices.Concat([]byte{0x90}, []byte(fourCC), []byte{0x81, 0, 0, 0})}}
	}
	tests := []struct {
		name, text string
		messages   []message
	}{
		{"VVC", "VVC", ex("vvc1")},
		{"unknown FourCC", "this video format", ex("\x00\xff<b")},
		{"Sorenson H.263", "Sorenson H.263", record(t, "sorenson.flv")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &sink{tb: t}
			_, err := play(t, s, flv.Config{}, append(slices.Clone(sound), tt.messages...))
			result{s, t, flv.Stats{}, err}.wantRefusal("video_codec")
			want := "This server cannot take " + tt.text + ". In OBS choose Settings > Output > Encoder: x264 (H.264)."
			if refusal := (*media.RefusalError)(nil); !errors.As(err, &refusal) || refusal.Text != want {
				t.Errorf("text %q, want %q", err, want)
			}
			if strings.ContainsAny(err.Error(), "\x00<") {
				t.Error("the text holds bytes of the peer")
			}
		})
	}
}
