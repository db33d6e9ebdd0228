package flv_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/flv"
	"github.com/lectern/lectern/media/internal/paramset"
	"github.com/lectern/lectern/media/mediatest"
)

// enhancedVideo makes Enhanced RTMP messages of a clip, 100 ms apart, after a
// sequence header unless that is nil.
func enhancedVideo(fourCC string, header []byte, frames [][]byte) []message {
	var out []message
	add := func(packet byte, body []byte) {
		out = append(out, message{true, uint32(max(len(out)-1, 0) * 100), slices.Concat([]byte{0x90 | packet}, []byte(fourCC), body)})
	}
	if header != nil {
		add(0, header)
	}
	for _, f := range frames {
		add(1, f)
	}
	return out
}

// vpc is a VPCodecConfigurationRecord with its version and flags.
func vpc() []byte { return []byte{1, 0, 0, 0, 0, 10, 0x82, 2, 2, 2, 0, 0} }

func TestDemuxerFrames(t *testing.T) {
	t.Parallel()
	clip := func(name string) (header []byte, frames [][]byte) { return mediatest.Frames(t, name) }
	av1C, av1 := clip("av1")
	deepC, deep := clip("av1_10bit")
	svtC, svt := clip("av1_svt")
	_, vp8 := clip("vp8")
	_, vp9 := clip("vp9")
	_, vp9Deep := clip("vp9_422_10bit")
	legacy := []message{{true, 0, slices.Concat([]byte{0x1D, 0, 0, 0, 0}, av1C)}}
	for i, f := range av1 {
		legacy = append(legacy, message{true, uint32(i * 100), slices.Concat([]byte{0x2D, 1, 0, 0, 0}, f)})
	}
	// everySixth checks where decoding may start.
	everySixth := func(r result) {
		r.t.Helper()
		for i, s := range r.samples(media.VideoTrackID) {
			if s.RandomAccess != (i%6 == 0) {
				r.t.Errorf("sample %d: random access is %v", i, s.RandomAccess)
			}
			if s.DTS != time.Duration(i)*100*time.Millisecond || s.PTS != s.DTS {
				r.t.Errorf("sample %d: DTS %v, PTS %v", i, s.DTS, s.PTS)
			}
		}
	}
	format := func(r result, depth, chroma, profile int) {
		r.t.Helper()
		if v := r.now[0].Video; v.BitDepth != depth || v.ChromaFormat != chroma || v.Profile != profile || len(v.ParameterSets) != 1 {
			r.t.Errorf("format %+v, want %d bits, chroma %d, profile %d", v, depth, chroma, profile)
		}
	}
	cut := slices.Clone(av1)
	cut[3] = cut[3][:len(cut[3])-20]
	runCases(t, []testCase{
		{"case 36: AV1", enhancedVideo("av01", av1C, av1), false, func(r result) {
			r.wantAnnounced("AV1/128x72")
			r.wantCounts(12, 0)
			everySixth(r)
			format(r, 8, 1, 0)
			s := r.samples(media.VideoTrackID)[0]
			if sequence := r.now[0].Video.ParameterSets[0]; sequence[0] != 0x08 || bytes.Contains(s.Payload[0], sequence[1:]) {
				r.t.Errorf("parameter sets %x, payload starts with %x", sequence, s.Payload[0][:16])
			}
		}},
		{"case 36: AV1 as codec id 13", legacy, false, func(r result) {
			r.wantAnnounced("AV1/128x72")
			r.wantCounts(12, 0)
			everySixth(r)
		}},
		{"case 13: AV1 without sequence header", enhancedVideo("av01", nil, av1), false, func(r result) {
			r.wantAnnounced("AV1/128x72")
			r.wantCounts(12, 0)
		}},
		{"case 36: AV1 of SVT with hidden pictures", enhancedVideo("av01", svtC, svt), false, func(r result) {
			r.wantAnnounced("AV1/128x72")
			r.wantCounts(len(svt), 0)
		}},
		{"case 37: AV1 with 10 bits", enhancedVideo("av01", deepC, deep), false, func(r result) {
			r.wantAnnounced("AV1/128x72")
			format(r, 10, 1, 0)
		}},
		{"case 22: AV1 cut short", enhancedVideo("av01", av1C, cut), false, func(r result) {
			r.wantCounts(3+6, 0)
			if r.stats.Damaged != 1 {
				r.t.Errorf("%d damaged", r.stats.Damaged)
			}
		}},
		{"case 10: the same AV1 header again", append(enhancedVideo("av01", av1C, av1), enhancedVideo("av01", av1C, nil)...), false, func(r result) {
			r.wantAnnounced("AV1/128x72")
			if r.stats.RepeatedHeaders != 1 {
				r.t.Errorf("%d repeated headers", r.stats.RepeatedHeaders)
			}
		}},
		{"case 23: AV1 between keyframes", enhancedVideo("av01", av1C, av1[3:]), false, func(r result) {
			r.wantCounts(6, 0)
		}},
		{"case 24: AV1 without keyframe", slices.Concat(enhancedVideo("av01", av1C, av1[3:6]), shift(enhancedVideo("av01", av1C, av1[3:6]), 11_000)), true, func(r result) {
			r.wantRefusal("keyframe_missing")
		}},
		{"case 36: VP8", enhancedVideo("vp08", vpc(), vp8), false, func(r result) {
			r.wantAnnounced("VP8/128x72")
			r.wantCounts(12, 0)
			everySixth(r)
			format(r, 8, 1, 0)
		}},
		{"case 36: VP9", enhancedVideo("vp09", vpc(), vp9), false, func(r result) {
			r.wantAnnounced("VP9/128x72")
			r.wantCounts(12, 0)
			everySixth(r)
			format(r, 8, 1, 0)
		}},
		{"case 37: VP9 in 4:2:2 with 10 bits", enhancedVideo("vp09", nil, vp9Deep), false, func(r result) {
			r.wantAnnounced("VP9/128x72")
			format(r, 10, 2, 3)
		}},
		{"case 11: VP8 in another size", append(enhancedVideo("vp08", vpc(), vp8), shift(enhancedVideo("vp08", vpc(), [][]byte{resized(vp8[0])}), 1300)...), false, func(r result) {
			r.wantAnnounced("VP8/128x72", "VP8/64x36")
			r.wantCounts(13, 0)
		}},
		{"case 40: VP8 in a size beyond decoding", enhancedVideo("vp08", vpc(), [][]byte{hugeVP8(vp8[0])}), true, func(r result) {
			r.wantRefusal("picture_size")
		}},
		{"case 12: from VP8 to AV1", append(enhancedVideo("vp08", vpc(), vp8), shift(enhancedVideo("av01", av1C, av1), 1200)...), false, func(r result) {
			r.wantAnnounced("VP8/128x72", "AV1/128x72")
			r.wantCounts(24, 0)
		}},
	})
}

// resized is a VP8 keyframe that claims to be 64x36.
func resized(frame []byte) []byte {
	b := slices.Clone(frame)
	b[6], b[7], b[8], b[9] = 64, 0, 36, 0
	return b
}

// hugeVP8 is a VP8 keyframe that claims to be 16383x16383.
func hugeVP8(frame []byte) []byte {
	b := slices.Clone(frame)
	b[6], b[7], b[8], b[9] = 0xFF, 0x3F, 0xFF, 0x3F
	return b
}

// annexBRecord makes legacy H.264 messages of a clip with start codes, with the
// given milliseconds between the pictures.
func annexBRecord(tb testing.TB, name string, step int) []message {
	tb.Helper()
	_, frames := mediatest.Frames(tb, name)
	var out []message
	for i, f := range frames {
		units, err := paramset.SplitAnnexB(nil, f)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, message{true, uint32(i * step), slices.Concat([]byte{0x27, 1, 0, 0, 0}, lengths(units...))})
	}
	return out
}

func TestDemuxerIntraRefresh(t *testing.T) {
	t.Parallel()
	refresh := annexBRecord(t, "h264_refresh", 100) // an IDR picture, recovery points every second
	sets := setsIn(t, refresh[0])
	joined := append([]message{{true, 0, slices.Concat([]byte{0x27, 1, 0, 0, 0}, lengths(append(sets, unitsOf(t, refresh[1])...)...))}}, refresh[2:]...)
	starts := func(r result) []int {
		var at []int
		for i, s := range r.samples(media.VideoTrackID) {
			if s.RandomAccess {
				at = append(at, i)
			}
		}
		return at
	}
	runCases(t, []testCase{
		{"case 23: an IDR picture, then recovery points only", refresh, false, func(r result) {
			r.wantAnnounced("H.264/64x48", "H.264/64x48")
			r.wantCounts(80, 0)
			if at := starts(r); len(at) < 4 || at[0] != 0 || at[1] < 30 {
				r.t.Errorf("random access at %v, want the first picture and recovery points from 3 s on", at)
			}
			if !r.now[0].Video.IntraRefresh {
				r.t.Error("the track does not say that it has no IDR pictures")
			}
		}},
		{"case 23: recovery points only", joined, false, func(r result) {
			r.wantAnnounced("H.264/64x48")
			if at := starts(r); len(at) < 4 || at[0] != 0 {
				r.t.Errorf("random access at %v, want a start at a recovery point", at)
			}
			if s := r.samples(media.VideoTrackID)[0]; s.DTS < 2*time.Second || s.DTS > 4*time.Second {
				r.t.Errorf("the first picture is of %v, want the first recovery point after 2 s", s.DTS)
			}
			if !r.now[0].Video.IntraRefresh {
				r.t.Error("the track does not say that it has no IDR pictures")
			}
		}},
		{"case 38: fields", annexBRecord(t, "h264_interlaced", 40), false, func(r result) {
			r.wantCounts(25, 0)
			if !r.now[0].Video.Interlaced {
				r.t.Error("the track is not interlaced")
			}
		}},
	})
}

// setsIn returns the parameter sets in a legacy video message.
func setsIn(tb testing.TB, m message) [][]byte {
	tb.Helper()
	var p paramset.Picture
	p.Sift(media.CodecH264, unitsOf(tb, m))
	if len(p.Sets) < 2 {
		tb.Fatal("message without parameter sets")
	}
	return p.Sets
}

// PAFF: two fields of a frame in one message are one access unit.
func TestDemuxerFieldPairs(t *testing.T) {
	t.Parallel()
	ms := annexBRecord(t, "h264_interlaced", 40)
	var pairs []message
	for i := 0; i+1 < len(ms); i += 2 {
		pairs = append(pairs, message{true, ms[i].ts, append(slices.Clone(ms[i].body), ms[i+1].body[5:]...)})
	}
	s := &sink{tb: t}
	stats, err := play(t, s, flv.Config{}, pairs)
	if err != nil {
		t.Fatal(err)
	}
	got := s.samples(media.VideoTrackID)
	if len(got) != len(pairs) || stats.Damaged != 0 {
		t.Fatalf("case 38: %d samples of %d messages, %d damaged", len(got), len(pairs), stats.Damaged)
	}
	slicesIn := 0
	for _, u := range got[1].Payload {
		if paramset.Classify(media.CodecH264, u) == paramset.NALSlice {
			slicesIn++
		}
	}
	if slicesIn < 2 {
		t.Errorf("case 38: %d slices in the access unit, want those of both fields", slicesIn)
	}
}
