package flv_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/flv"
)

// result is what a case ended with.
type result struct {
	*sink
	t     *testing.T
	stats flv.Stats
	err   error
}

// wantAnnounced checks the calls of SetTracks.
func (r result) wantAnnounced(want ...string) {
	r.t.Helper()
	if got := r.announcements(); !slices.Equal(got, want) {
		r.t.Errorf("announced %q, want %q", got, want)
	}
}

// wantCounts checks how many samples were written.
func (r result) wantCounts(video, audio int) {
	r.t.Helper()
	if v, a := len(r.samples(media.VideoTrackID)), len(r.samples(media.AudioTrackID)); v != video || a != audio {
		r.t.Errorf("%d video and %d audio samples, want %d and %d", v, a, video, audio)
	}
	if r.stats.VideoSamples != uint64(video) || r.stats.AudioSamples != uint64(audio) {
		r.t.Errorf("counted %d and %d samples, want %d and %d", r.stats.VideoSamples, r.stats.AudioSamples, video, audio)
	}
}

func (r result) wantRefusal(code string) {
	r.t.Helper()
	var refusal *media.RefusalError
	if !errors.As(r.err, &refusal) || refusal.Code != code {
		r.t.Fatalf("error %v, want a refusal with code %q", r.err, code)
	}
}

// testCase is one row: messages in, a check of what came out.
type testCase struct {
	name     string
	messages []message
	fails    bool // an error is expected; check looks at it
	check    func(r result)
}

func runCases(t *testing.T, tests []testCase) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &sink{tb: t}
			stats, err := play(t, s, flv.Config{}, tt.messages)
			if (err != nil) != tt.fails {
				t.Fatalf("error %v, want one: %v", err, tt.fails)
			}
			if err == nil && stats.HeldBytes != 0 {
				t.Errorf("%d bytes held after Flush", stats.HeldBytes)
			}
			tt.check(result{s, t, stats, err})
		})
	}
}

// The counts of the recording h264_aac.flv.
const (
	lessonVideo = 60
	lessonAudio = 189
	lessonH264  = "H.264/320x180"
	lessonAAC   = "AAC/48000/1"
	smallH264   = "H.264/160x90"
	smallAAC    = "AAC/48000/2"
)

func TestDemuxerTimestamps(t *testing.T) {
	t.Parallel()
	lesson := record(t, "h264_aac.flv")
	base := func(ms []message) (s *sink) {
		s = &sink{tb: t}
		if _, err := play(t, s, flv.Config{}, ms); err != nil {
			t.Fatalf("base: %v", err)
		}
		return s
	}
	plain := base(lesson)

	// sameRun checks that r is the plain run moved by a constant.
	sameRun := func(r result, by time.Duration) {
		r.t.Helper()
		for _, id := range []media.TrackID{media.VideoTrackID, media.AudioTrackID} {
			got, want := r.samples(id), plain.samples(id)
			if len(got) != len(want) {
				r.t.Fatalf("track %d: %d samples, want %d", id, len(got), len(want))
			}
			for i := range got {
				if got[i].DTS != want[i].DTS+by || got[i].PTS != want[i].PTS+by {
					r.t.Fatalf("track %d sample %d: DTS %v PTS %v, want %v and %v moved by %v", id, i, got[i].DTS, got[i].PTS, want[i].DTS, want[i].PTS, by)
				}
			}
		}
	}

	headers := only(lesson, message.header)
	idr, sound := only(lesson, func(m message) bool { return keyframe(t, m) })[0].body, only(only(lesson, isAudio), isFrames)[0].body
	steps := []uint32{0, 33, 67, 100, 1100, 1101, 9000, 8600, 100, 133}
	uneven := []message{headers[0]}
	for _, ts := range steps {
		uneven = append(uneven, message{true, ts, idr})
	}
	wild := slices.Clone(lesson)
	wild[40].ts += 5 * 3600 * 1000
	tests := []testCase{
		{"case 01: the 32-bit wrap is no jump", shift(lesson, math.MaxUint32-1500), false, func(r result) {
			sameRun(r, (math.MaxUint32-1500)*time.Millisecond)
			r.wantAnnounced(lessonH264 + " " + lessonAAC)
		}},
		{"case 01: wrap between a video and an older audio message", []message{
			headers[0], headers[1],
			{true, math.MaxUint32 - 10, idr},
			{false, 20, sound},
			{false, math.MaxUint32 - 5, sound},
			{true, 56, idr},
		}, false, func(r result) {
			v, a := r.samples(media.VideoTrackID), r.samples(media.AudioTrackID)
			if len(v) != 2 || len(a) != 2 {
				r.t.Fatalf("%d video and %d audio samples", len(v), len(a))
			}
			for i, want := range []time.Duration{31, -26, 36} {
				got := []time.Duration{a[0].DTS - v[0].DTS, a[1].DTS - a[0].DTS, v[1].DTS - a[0].DTS}[i]
				if got != want*time.Millisecond {
					r.t.Errorf("difference %d = %v, want %v ms", i, got, int(want))
				}
			}
		}},
		{"case 03: a large start is kept for the timeline to rebase", shift(lesson, 3_000_000_000), false, func(r result) {
			sameRun(r, 3_000_000_000*time.Millisecond)
		}},
		{"case 06: one wild timestamp does not move the rest", wild, false, func(r result) {
			last, want := r.samples(media.AudioTrackID), plain.samples(media.AudioTrackID)
			if last[len(last)-1].DTS != want[len(want)-1].DTS {
				r.t.Errorf("last sample at %v, want %v", last[len(last)-1].DTS, want[len(want)-1].DTS)
			}
		}},
		{"case 08: composition times are trusted", lesson, false, func(r result) {
			reordered := 0
			v := r.samples(media.VideoTrackID)
			for i := 1; i < len(v); i++ {
				if v[i].PTS < v[i-1].PTS {
					reordered++
				}
			}
			if reordered == 0 || r.stats.LiftedPictures != 0 {
				r.t.Errorf("%d pictures shown out of decoding order and %d lifted, want some and none", reordered, r.stats.LiftedPictures)
			}
		}},
		{"case 08: negative composition times keep the order of pictures", edit(lesson, true, func(m message) []byte {
			if m.header() {
				return m.body
			}
			b := slices.Clone(m.body)
			cts := int(b[2])<<16 | int(b[3])<<8 | int(b[4])
			cts -= 133 // as encoders do whose first picture is shown when it is decoded
			b[2], b[3], b[4] = byte(cts>>16), byte(cts>>8), byte(cts)
			return b
		}), false, func(r result) {
			got, want := r.samples(media.VideoTrackID), plain.samples(media.VideoTrackID)
			if len(got) != len(want) || r.stats.LiftedPictures == 0 {
				r.t.Fatalf("%d samples, %d lifted", len(got), r.stats.LiftedPictures)
			}
			// Once the largest lift is known the presentation order is the original.
			const settled = 8
			for i := settled; i < len(got)-1; i++ {
				if (got[i].PTS < got[i+1].PTS) != (want[i].PTS < want[i+1].PTS) {
					r.t.Errorf("pictures %d and %d change places: %v, %v", i, i+1, got[i].PTS, got[i+1].PTS)
				}
			}
		}},
		{"case 08: an absurd composition time is not believed", []message{headers[0], headers[1], {true, 0, append([]byte{0x17, 1, 0x7F, 0xFF, 0xFF}, idr[5:]...)}}, false, func(r result) {
			if v := r.samples(media.VideoTrackID); len(v) != 1 || v[0].PTS != v[0].DTS {
				r.t.Errorf("samples %+v", v)
			}
		}},
		{"cases 04, 05, 26, 27: jumps and uneven steps go through as they are", uneven, false, func(r result) {
			for i, s := range r.samples(media.VideoTrackID) {
				if want := time.Duration(steps[i]) * time.Millisecond; s.DTS != want {
					r.t.Errorf("picture %d at %v, want %v", i, s.DTS, want)
				}
			}
			r.wantCounts(len(steps), 0)
		}},
		{"headers stamped 0 in mid-stream do not disturb the clock", slices.Concat(shift(lesson, 90_000_000), headers, shift(only(lesson, isFrames)[:20], 90_004_000)), false, func(r result) {
			v := r.samples(media.VideoTrackID)
			if first, last := v[0].DTS, v[len(v)-1].DTS; last < first || last > first+6*second {
				r.t.Errorf("first picture at %v, last at %v", first, last)
			}
		}},
	}
	runCases(t, tests)

	t.Run("case 01: a clock that runs away ends the publication", func(t *testing.T) {
		t.Parallel()
		ms := slices.Clone(headers)
		for i := range 3000 {
			ms = append(ms, message{true, uint32(i+1) * (1<<31 - 1), idr})
		}
		if _, err := play(t, &sink{tb: t}, flv.Config{}, ms); !errors.Is(err, flv.ErrClock) {
			t.Errorf("error %v, want ErrClock", err)
		}
	})
}

func TestDemuxerPayload(t *testing.T) {
	t.Parallel()
	lesson := record(t, "h264_aac.flv")
	s := &sink{tb: t}
	stats, err := play(t, s, flv.Config{}, lesson)
	if err != nil {
		t.Fatal(err)
	}
	r := result{s, t, stats, err}
	r.wantAnnounced(lessonH264 + " " + lessonAAC)
	r.wantCounts(lessonVideo, lessonAudio)
	video := s.samples(media.VideoTrackID)
	i, keyframes := 0, 0
	for _, m := range lesson {
		if !m.video || m.header() || m.body[1] == 2 {
			continue
		}
		if !slices.EqualFunc(video[i].Payload, unitsOf(t, m), bytes.Equal) {
			t.Fatalf("picture %d was changed", i)
		}
		if video[i].RandomAccess {
			keyframes++
		}
		i++
	}
	if keyframes != 4 {
		t.Errorf("%d keyframes in 4 s, want 4", keyframes)
	}
}

func TestDemuxerAnalysisWindow(t *testing.T) {
	t.Parallel()
	lesson := record(t, "h264_aac.flv")
	video, audio := only(lesson, isVideo), only(lesson, isAudio)
	late := func(ms []message, by uint32) []message { return shift(ms, by) }
	merge := func(a, b []message) []message {
		out := slices.Concat(a, b)
		slices.SortStableFunc(out, func(x, y message) int { return int(x.ts) - int(y.ts) })
		return out
	}
	flood := only(lesson, isAudio)[:1]
	for range 40_000 {
		flood = append(flood, message{false, 0, []byte{0xAF, 1, 0x21}})
	}
	runCases(t, []testCase{
		{"case 15: video within the window makes one announcement", merge(audio, late(video, 1500)), false, func(r result) {
			r.wantAnnounced(lessonH264 + " " + lessonAAC)
			r.wantCounts(lessonVideo, lessonAudio)
		}},
		{"case 15: video after the window makes a second announcement", merge(audio, late(video, 3000)), false, func(r result) {
			r.wantAnnounced(lessonAAC, lessonH264+" "+lessonAAC)
			r.wantCounts(lessonVideo, lessonAudio)
		}},
		{"case 15: sound alone", audio, false, func(r result) {
			r.wantAnnounced(lessonAAC)
			r.wantCounts(0, lessonAudio)
		}},
		{"case 15: sound alone, though video was announced", append([]message{video[0]}, audio...), false, func(r result) {
			r.wantAnnounced(lessonAAC)
			r.wantCounts(0, lessonAudio)
		}},
		{"case 15: sound, and video that stops before its first keyframe", merge(slices.Concat(video[:1], video[2:5]), slices.Concat(audio, shift(audio, 4032), shift(audio, 8064), shift(audio, 12096))), false, func(r result) {
			r.wantAnnounced(lessonAAC)
			r.wantCounts(0, 4*lessonAudio)
		}},
		{"case 24: sound, and video without keyframes: refused before anything begins", merge(slices.Concat(video[:1], video[2:15], shift(video[2:15], 4000), shift(video[2:15], 8000), shift(video[2:15], 12000)), slices.Concat(audio, shift(audio, 4032), shift(audio, 8064), shift(audio, 12096))), true, func(r result) {
			r.wantRefusal("keyframe_missing")
			r.wantAnnounced()
		}},
		{"case 16: video alone", video, false, func(r result) {
			r.wantAnnounced(lessonH264)
			r.wantCounts(lessonVideo, 0)
		}},
		{"case 16: video alone, though sound was announced", append([]message{audio[0]}, video...), false, func(r result) {
			r.wantAnnounced(lessonH264)
			r.wantCounts(lessonVideo, 0)
		}},
		{"case 17: sound announced at once that comes after the window", merge(lesson[:2], merge(video, late(audio, 3000))), false, func(r result) {
			r.wantAnnounced(lessonH264, lessonH264+" "+lessonAAC)
			r.wantCounts(lessonVideo, lessonAudio)
		}},
		{"case 15: late video is announced with its first keyframe", merge(audio, late(slices.Concat(video[:1], video[2:]), 2500)), false, func(r result) {
			r.wantAnnounced(lessonAAC, lessonH264+" "+lessonAAC)
			i := slices.IndexFunc(r.events, func(e event) bool { return len(e.tracks) == 2 })
			if s := r.events[i+1].sample; s == nil || s.Track != media.VideoTrackID {
				r.t.Error("the announcement of the video is not followed by a picture")
			}
		}},
		{"case 17: sound within the window", merge(video, late(audio, 1500)), false, func(r result) {
			r.wantAnnounced(lessonH264 + " " + lessonAAC)
			r.wantCounts(lessonVideo, lessonAudio)
		}},
		{"case 17: sound after the window", merge(video, late(audio, 3000)), false, func(r result) {
			r.wantAnnounced(lessonH264, lessonH264+" "+lessonAAC)
			r.wantCounts(lessonVideo, lessonAudio)
		}},
		{"case 15: a publication shorter than the window is not lost", only(record(t, "h264_aac_small.flv"), isVideo), false, func(r result) {
			r.wantAnnounced(smallH264)
			r.wantCounts(15, 0)
		}},
		{"case 11: a format that changes in the window keeps its samples", slices.Concat(video[:15], shift(only(record(t, "h264_aac_small.flv"), isVideo), 1000)), false, func(r result) {
			r.wantAnnounced(lessonH264, smallH264)
			r.wantCounts(14+15, 0)
		}},
		{"bound: what is held ends the window and is not lost", flood, false, func(r result) {
			r.wantAnnounced(lessonAAC)
			r.wantCounts(0, 40_000)
		}},
	})

	t.Run("bound: held bytes", func(t *testing.T) {
		t.Parallel()
		d := flv.NewDemuxer(&sink{tb: t}, flv.Config{AnalysisBytes: 10_000})
		for _, m := range flood {
			if err := d.Audio(m.ts, m.body); err != nil {
				t.Fatal(err)
			}
			if held := d.Stats().HeldBytes; held > 10_000 {
				t.Fatalf("%d bytes held, want 10000 at most", held)
			}
		}
	})
}

func TestDemuxerSinkErrors(t *testing.T) {
	t.Parallel()
	lesson := record(t, "h264_aac.flv")
	want := errors.New("class ended")
	if _, err := play(t, &sink{tb: t, refuse: want}, flv.Config{}, lesson); !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	// A short recording meets the sink in Flush only.
	if _, err := play(t, &sink{tb: t, refuse: want}, flv.Config{}, only(lesson, isAudio)[:3]); !errors.Is(err, want) {
		t.Errorf("Flush: error %v, want %v", err, want)
	}
}
