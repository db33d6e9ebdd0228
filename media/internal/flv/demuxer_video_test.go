package flv_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/flv"
	"github.com/lectern/lectern/media/internal/paramset"
)

// legacy returns a legacy H.264 message with a NAL unit payload.
func legacy(ts uint32, payload []byte) message {
	return message{true, ts, append([]byte{0x27, 1, 0, 0, 0}, payload...)}
}

func TestDemuxerVideoHeaders(t *testing.T) {
	t.Parallel()
	lesson, small := record(t, "h264_aac.flv"), record(t, "h264_aac_small.flv")
	video := only(lesson, isVideo)
	header := only(video, message.header)[0]
	sets, smallSets := setsOf(t, lesson), setsOf(t, small)
	isKey := func(m message) bool { return keyframe(t, m) }
	smallVideo := shift(only(small, isVideo), 5000)

	// everywhere puts the sequence header before each message.
	var everywhere []message
	for _, m := range lesson {
		everywhere = append(everywhere, message{true, m.ts, header.body}, m)
	}
	// inBand has no sequence header, but SPS and PPS before each keyframe.
	inBand := func(ms []message, sets [][]byte) []message {
		return edit(only(ms, func(m message) bool { return !m.video || isFrames(m) }), true, func(m message) []byte {
			if !isKey(m) {
				return m.body
			}
			return slices.Concat(m.body[:5], lengths(sets...), m.body[5:])
		})
	}
	annexB := func(ms []message) []message {
		return edit(ms, true, func(m message) []byte {
			if m.header() || m.body[1] != 1 {
				return m.body
			}
			return slices.Concat(m.body[:5], startCodes(unitsOf(t, m)...))
		})
	}
	noSets := func(r result) {
		r.t.Helper()
		for _, s := range r.samples(media.VideoTrackID) {
			for _, u := range s.Payload {
				if k := paramset.Classify(media.CodecH264, u); k == paramset.NALSequenceParameterSet || k == paramset.NALPictureParameterSet {
					r.t.Fatalf("a parameter set stayed in band: %x", u)
				}
			}
		}
	}
	changedPPS := slices.Concat(sets[1], []byte{0x80})

	runCases(t, []testCase{
		{"case 10: the same sequence header again and again", everywhere, false, func(r result) {
			r.wantAnnounced(lessonH264 + " " + lessonAAC)
			r.wantCounts(lessonVideo, lessonAudio)
			if r.stats.RepeatedHeaders != uint64(len(lesson)) {
				r.t.Errorf("%d repeated headers, want %d", r.stats.RepeatedHeaders, len(lesson))
			}
		}},
		{"case 10: another header with the same parameter sets", slices.Concat(lesson, []message{{true, 4000, slices.Concat(header.body, []byte{0xFD, 0xF8, 0xF8, 0})}}, shift(only(lesson, isFrames), 4000)), false, func(r result) {
			r.wantAnnounced(lessonH264 + " " + lessonAAC)
			r.wantCounts(2*lessonVideo, 2*lessonAudio)
		}},
		{"case 10: parameter sets in band that were announced are removed", append([]message{header}, inBand(lesson, sets)...), false, func(r result) {
			r.wantAnnounced(lessonH264 + " " + lessonAAC)
			r.wantCounts(lessonVideo, lessonAudio)
			noSets(r)
		}},
		{"case 11: another resolution by sequence header", slices.Concat(lesson, smallVideo), false, func(r result) {
			r.wantAnnounced(lessonH264+" "+lessonAAC, smallH264+" "+lessonAAC)
			r.wantCounts(lessonVideo+15, lessonAudio)
		}},
		{"case 11: another resolution in band", slices.Concat(lesson, inBand(smallVideo, smallSets)), false, func(r result) {
			r.wantAnnounced(lessonH264+" "+lessonAAC, smallH264+" "+lessonAAC)
			r.wantCounts(lessonVideo+15, lessonAudio)
			noSets(r)
		}},
		{"case 11: after a new header pictures wait for a keyframe", slices.Concat(video, smallVideo[:1], smallVideo[2:]), false, func(r result) {
			r.wantAnnounced(lessonH264, smallH264)
			if r.stats.AwaitingKeyframe != 14 {
				r.t.Errorf("%d pictures dropped, want the 14 after the missing keyframe", r.stats.AwaitingKeyframe)
			}
		}},
		{"case 11: a changed PPS in mid-GOP stays in band until the next keyframe", slices.Concat(video, shift(edit(inBand(video[:3], nil), true, func(m message) []byte {
			if isKey(m) {
				return m.body
			}
			return slices.Concat(m.body[:5], lengths(changedPPS), m.body[5:])
		})[1:2], 4000), shift(video[1:2], 5000)), false, func(r result) {
			v := r.samples(media.VideoTrackID)
			if len(v) != lessonVideo+2 || !bytes.Equal(v[lessonVideo].Payload[0], changedPPS) {
				r.t.Errorf("%d samples; the changed PPS is not in front of its picture", len(v))
			}
			r.wantAnnounced(lessonH264, lessonH264)
			if last := r.now[0].Video.ParameterSets; !bytes.Equal(last[1], changedPPS) {
				r.t.Errorf("announced PPS %x, want %x", last[1], changedPPS)
			}
		}},
		{"case 12: another codec", slices.Concat(lesson, shift(hevcRecord(t), 5000)), false, func(r result) {
			r.wantAnnounced(lessonH264+" "+lessonAAC, "HEVC/160x90 "+lessonAAC)
			r.wantCounts(lessonVideo+15, lessonAudio)
		}},
		{"case 13: no sequence header, parameter sets in band", inBand(video, sets), false, func(r result) {
			r.wantAnnounced(lessonH264)
			r.wantCounts(lessonVideo, 0)
			noSets(r)
		}},
		{"case 13: a broken sequence header, parameter sets in band", append([]message{{true, 0, header.body[:20]}}, inBand(video, sets)...), false, func(r result) {
			r.wantCounts(lessonVideo, 0)
			if r.stats.Malformed != 1 {
				r.t.Errorf("%d malformed messages, want 1", r.stats.Malformed)
			}
		}},
		{"case 13: SPS in the header, PPS in band", append([]message{{true, 0, slices.Concat([]byte{0x17, 0, 0, 0, 0}, startCodes(sets[0]))}}, inBand(video, sets[1:])...), false, func(r result) {
			r.wantAnnounced(lessonH264)
			r.wantCounts(lessonVideo, 0)
			noSets(r)
		}},
		{"case 13: parameter sets in a message of their own", slices.Concat([]message{legacy(0, lengths(sets...))}, only(video, isFrames)), false, func(r result) {
			r.wantAnnounced(lessonH264)
			r.wantCounts(lessonVideo, 0)
		}},
		{"case 13: parameter sets at the second keyframe", slices.Concat(only(video, isFrames)[:15], shift(inBand(video, sets), 1000)), false, func(r result) {
			r.wantCounts(lessonVideo, 0)
			if r.stats.AwaitingHeader != 15 {
				r.t.Errorf("%d pictures dropped, want 15", r.stats.AwaitingHeader)
			}
		}},
		{"case 13: no parameter sets for 5 s", slices.Concat(only(lesson, isFrames), shift(only(lesson, isFrames), 4000)), true, func(r result) {
			r.wantRefusal("video_header")
		}},
		{"case 13: no parameter sets for 5 s, sound is fine", slices.Concat(only(lesson, func(m message) bool { return !m.video || isFrames(m) }), shift(only(lesson, isFrames), 4000)), true, func(r result) {
			r.wantRefusal("video_header")
			if len(r.events) != 0 {
				r.t.Error("a class with sound only was started")
			}
		}},
		{"case 14: start codes under a proper header", annexB(lesson), false, func(r result) {
			r.wantAnnounced(lessonH264 + " " + lessonAAC)
			r.wantCounts(lessonVideo, lessonAudio)
			if v := r.samples(media.VideoTrackID)[0].Payload; !slices.EqualFunc(v, unitsOf(r.t, only(video, isFrames)[0]), bytes.Equal) {
				r.t.Error("the first picture was changed")
			}
		}},
		{"case 14: short start codes", edit(annexB(lesson), true, func(m message) []byte {
			return slices.Concat(m.body[:5], bytes.TrimPrefix(m.body[5:], []byte{0}))
		}), false, func(r result) {
			r.wantAnnounced(lessonH264 + " " + lessonAAC)
			r.wantCounts(lessonVideo, lessonAudio)
		}},
		{"case 14: start codes and no header", annexB(inBand(video, sets)), false, func(r result) {
			r.wantAnnounced(lessonH264)
			r.wantCounts(lessonVideo, 0)
		}},
		{"case 14: start codes in the header too", slices.Concat([]message{{true, 0, slices.Concat([]byte{0x17, 0, 0, 0, 0}, startCodes(sets...))}}, annexB(only(video, isFrames))), false, func(r result) {
			r.wantAnnounced(lessonH264)
			r.wantCounts(lessonVideo, 0)
		}},
		{"case 14: a length of 256 to 511 is no start code", []message{header, legacy(0, lengths(append([]byte{0x65}, bytes.Repeat([]byte{7}, 299)...)))}, false, func(r result) {
			if v := r.samples(media.VideoTrackID); len(v) != 1 || len(v[0].Payload[0]) != 300 {
				r.t.Errorf("samples %v", v)
			}
		}},
		{"case 40: too large is refused before anything is announced", []message{{true, 0, slices.Concat([]byte{0x17, 0, 0, 0, 0}, startCodes(
			[]byte("\x67\x42\xc0\x3c\xda\x00\x40\x40\x48\xec\x04\x40\x00\x00\x03\x00\x40\x00\x00\x03\x02\x83\xc2\x01\x0a\x80"), []byte{0x68, 0xce, 0x0f, 0xc8}))}}, true, func(r result) {
			r.wantRefusal("picture_size")
			r.wantAnnounced()
		}},
	})
}

func TestDemuxerVideoPictures(t *testing.T) {
	t.Parallel()
	lesson := record(t, "h264_aac.flv")
	video := only(lesson, isVideo)
	header, pictures := video[0], only(video, func(m message) bool { return isFrames(m) && m.body[1] == 1 })
	truncated := func(m message) message { return message{true, m.ts, m.body[:len(m.body)-1]} }

	var oneTruncated, manyTruncated, sparse []message
	for i, m := range video {
		if i == 5 {
			m = truncated(m)
		}
		oneTruncated = append(oneTruncated, m)
	}
	manyTruncated, sparse = []message{header}, []message{header}
	for i, m := range pictures[:40] {
		manyTruncated = append(manyTruncated, truncated(m))
		m.ts = uint32(i) * 600 // 17 in 10 s
		sparse = append(sparse, truncated(m))
	}
	flipped := edit(video, true, func(m message) []byte {
		b := slices.Clone(m.body)
		b[0] ^= 0x30 // key frame becomes inter frame and the other way round
		return b
	})
	dressed := edit(video, true, func(m message) []byte {
		if m.header() || m.body[1] != 1 {
			return m.body
		}
		return slices.Concat(m.body[:5], lengths([]byte{9, 0xF0}, nil, append([]byte{6, 4}, "GA94captions"...), append([]byte{6}, make([]byte, 70_000)...)), m.body[5:], lengths([]byte{12, 0xFF, 0xFF, 0x80}, []byte{10}))
	})
	noKeyframes := []message{header}
	for range 4 {
		for _, m := range pictures {
			if !keyframe(t, m) {
				noKeyframes = append(noKeyframes, message{true, uint32(len(noKeyframes)) * 66, m.body})
			}
		}
	}

	runCases(t, []testCase{
		{"case 20: empty messages and units", slices.Concat([]message{{true, 0, nil}, {false, 0, nil}, {true, 0, []byte{0x17, 1, 0, 0, 0}}, {false, 0, []byte{0xAF, 1}}, header, legacy(0, lengths(nil, nil))}, shift(pictures, 100)), false, func(r result) {
			r.wantCounts(lessonVideo, 0)
			if r.stats.Empty != 4 || r.stats.Units.Empty != 2 || r.stats.WithoutPicture != 1 {
				r.t.Errorf("counted %+v, want 4 empty messages, 2 empty units and 1 without picture", r.stats)
			}
		}},
		{"case 21: delimiters and filler go, captions stay, large SEI goes", dressed, false, func(r result) {
			r.wantCounts(lessonVideo, 0)
			u := r.stats.Units
			if u.Padding != 3*lessonVideo || u.Empty != lessonVideo || u.SEI != lessonVideo {
				r.t.Errorf("dropped units %+v", u)
			}
			for _, s := range r.samples(media.VideoTrackID) {
				if !bytes.HasSuffix(s.Payload[0], []byte("captions")) {
					r.t.Fatalf("first unit of a picture is %.20x, want the captions", s.Payload[0])
				}
			}
		}},
		{"case 22: a truncated picture costs the pictures up to the next keyframe", oneTruncated, false, func(r result) {
			if r.stats.Damaged != 1 || r.stats.AwaitingKeyframe != 15-5 {
				r.t.Errorf("%d damaged and %d awaiting a keyframe, want 1 and 10", r.stats.Damaged, r.stats.AwaitingKeyframe)
			}
			r.wantCounts(lessonVideo-11, 0)
			if v := r.samples(media.VideoTrackID); !v[4].RandomAccess {
				r.t.Error("the picture after the gap is no keyframe")
			}
		}},
		{"case 22: 20 truncated pictures in 10 s", manyTruncated, true, func(r result) {
			if !errors.Is(r.err, flv.ErrDamaged) || r.stats.Damaged != 20 {
				r.t.Errorf("error %v after %d damaged pictures, want ErrDamaged after 20", r.err, r.stats.Damaged)
			}
		}},
		{"case 22: truncated pictures now and then", sparse, false, func(r result) {
			if r.stats.Damaged != 40 {
				r.t.Errorf("%d damaged, want 40", r.stats.Damaged)
			}
		}},
		{"case 23: the keyframe flag is not believed", flipped, false, func(r result) {
			for i, s := range r.samples(media.VideoTrackID) {
				if s.RandomAccess != keyframe(r.t, pictures[i]) {
					r.t.Fatalf("picture %d: random access %v", i, s.RandomAccess)
				}
			}
			r.wantCounts(lessonVideo, 0)
		}},
		{"case 23: no IDR picture at all", noKeyframes, true, func(r result) {
			r.wantRefusal("keyframe_missing")
		}},
		{"malformed messages are skipped", slices.Concat([]message{{true, 0, []byte{0x17}}, {true, 0, []byte{0x17, 9, 0, 0, 0}}, {true, 0, []byte{0x90}}, {false, 0, []byte{0xAF}}, {true, 0, []byte{0x57, 0}}}, lesson), false, func(r result) {
			r.wantCounts(lessonVideo, lessonAudio)
			if r.stats.Malformed != 4 {
				r.t.Errorf("%d malformed, want 4", r.stats.Malformed)
			}
		}},
	})
}
