package ffmpeg_test

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/ffmpeg"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// In passthrough mode each rung has its keyframes exactly where the publisher
// has, and each picture comes out.
func TestKeyframesOfTheSource(t *testing.T) {
	for _, tc := range []struct {
		name string
		src  mediatest.Config
	}{
		{"H.264", mediatest.Config{GOP: 50}},
		{"B pictures", mediatest.Config{GOP: 37, BFrames: true}},
		{"parameter sets in band", mediatest.Config{GOP: 30, InBand: true}},
		{"HEVC", mediatest.Config{Codec: media.CodecHEVC, GOP: 45, BFrames: true}},
		{"29.97, milliseconds", mediatest.Config{FPS: 30000.0 / 1001, Round: time.Millisecond, GOP: 60}},
		{"late in the class", mediatest.Config{Start: 3 * time.Hour, GOP: 60}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.src.NoAudio = true
			src := mediatest.New(t, tc.src)
			spec := transcode.Spec{
				Tracks: src.Tracks(), Start: tc.src.Start, Patient: true,
				Video: []transcode.VideoRung{rung(11, "big", 64, 36), rung(12, "small", 32, 18)},
			}
			rec := newRecorder()
			enc := open(t, newEngine(t), spec, rec)
			in := units(src, 6*time.Second)
			write(t, enc, in...)
			drain(t, enc)

			var want []int64
			for _, au := range in {
				if au.RandomAccess {
					want = append(want, au.PTS)
				}
			}
			for _, track := range enc.Tracks() {
				got := rec.of(track.ID)
				if keys := rec.keyframes(track.ID); !slices.Equal(keys, want) {
					t.Errorf("%s: keyframes at %v, want %v", track.Rendition, keys, want)
				}
				if len(got) != len(in) {
					t.Errorf("%s: %d pictures, want %d", track.Rendition, len(got), len(in))
				}
				checkTimes(t, got)
				checkDecodes(t, track, got)
			}
			stats := enc.Stats()
			if stats.Decoded != len(in) || stats.DecodeErrors != 0 {
				t.Errorf("decoded %d, errors %d, want %d, 0", stats.Decoded, stats.DecodeErrors, len(in))
			}
			for _, r := range stats.Rungs {
				if r.Encoded != len(in) || r.Dropped != 0 || r.KeyframeError != 0 || r.Lag <= 0 || r.Busy <= 0 {
					t.Errorf("stats of track %d: %+v", r.Track, r)
				}
			}
		})
	}
}

// In grid mode each rung has a keyframe at exactly each multiple of the grid,
// whatever the publisher's keyframes and rate.
func TestKeyframesOnTheGrid(t *testing.T) {
	const grid = 2 * time.Second
	for _, tc := range []struct {
		name string
		src  mediatest.Config
	}{
		{"case 24: long GOP", mediatest.Config{GOP: 300}},
		{"HEVC, 25 a second", mediatest.Config{Codec: media.CodecHEVC, GOP: 50, BFrames: true, FPS: 25}},
		{"case 25: 250 frames of 29.97, in milliseconds", mediatest.Config{FPS: 30000.0 / 1001, Round: time.Millisecond, GOP: 250}},
		{"case 26: 3 a second", mediatest.Config{FPS: 3, GOP: 10}},
		{"not from a multiple on", mediatest.Config{GOP: 250, Start: 4700 * time.Millisecond}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.src.NoAudio = true
			src := mediatest.New(t, tc.src)
			spec := transcode.Spec{
				Tracks: src.Tracks(), Start: tc.src.Start, Grid: grid, Patient: true,
				Video: []transcode.VideoRung{rung(10, "source", 64, 36), rung(12, "small", 32, 18)},
			}
			rec := newRecorder()
			enc := open(t, newEngine(t), spec, rec)
			in := units(src, 7*time.Second)
			write(t, enc, in...)
			drain(t, enc)

			first, last := in[0].PTS, int64(0)
			for _, au := range in {
				last = max(last, au.PTS)
			}
			ticks := media.TimescaleVideo.Ticks(grid)
			want := []int64{}
			if first%ticks > media.TimescaleVideo.Ticks(20*time.Millisecond) {
				want = append(want, first)
			}
			for k := (first + ticks/2) / ticks * ticks; k <= last; k += ticks {
				if k >= first-1500 {
					want = append(want, k)
				}
			}
			for _, track := range enc.Tracks() {
				got := rec.of(track.ID)
				if keys := rec.keyframes(track.ID); !slices.Equal(keys, want) {
					t.Errorf("%s: keyframes at %v, want %v", track.Rendition, keys, want)
				}
				least, most := len(in), len(in)+len(want)
				if tc.src.FPS == 3 {
					least, most = 3*len(in), 4*len(in) // each is repeated at 10 a second
				}
				if len(got) < least || len(got) > most {
					t.Errorf("%s: %d pictures of %d", track.Rendition, len(got), len(in))
				}
				checkTimes(t, got)
				checkDecodes(t, track, got)
			}
		})
	}
}

// What is shown before Start is decoded only.
func TestStart(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{GOP: 60, NoAudio: true})
	start := 700 * time.Millisecond
	rec := newRecorder()
	enc := open(t, newEngine(t), transcode.Spec{
		Tracks: src.Tracks(), Start: start, Patient: true,
		Video: []transcode.VideoRung{rung(11, "small", 32, 18)},
	}, rec)
	write(t, enc, units(src, 4*time.Second)...)
	drain(t, enc)
	want := []int64{63000, 180000}
	if keys := rec.keyframes(11); !slices.Equal(keys, want) {
		t.Errorf("keyframes at %v, want %v", keys, want)
	}
	got := rec.of(11)
	if len(got) != 120-21 {
		t.Errorf("%d pictures, want those from 0.7 s to 4 s", len(got))
	}
	checkTimes(t, got)
	checkDecodes(t, enc.Tracks()[0], got)
}

// A worker that is started anew must need no new initialization segment.
func TestParameterSetsAreTheSameEachTime(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{NoAudio: true})
	spec := transcode.Spec{
		Tracks: src.Tracks(),
		Video:  []transcode.VideoRung{rung(11, "720p", 1280, 720), rung(12, "360p", 640, 360)},
	}
	engine := newEngine(t)
	var first []media.Track
	for i := range 5 {
		spec.Start = time.Duration(i) * time.Second
		tracks := open(t, engine, spec, newRecorder()).Tracks()
		if i == 0 {
			first = tracks
		}
		for j, track := range tracks {
			if !track.SameFormat(first[j]) {
				t.Errorf("open %d: the parameter sets of %s differ", i, track.Rendition)
			}
		}
	}
	track := first[0]
	v := track.Video
	if !track.Encoded || track.Announced() || track.ID != 11 || track.Rendition != "720p" || track.MaxBitRate != 300_000 ||
		v.Width != 1280 || v.Height != 720 || v.Profile != 100 || v.Level != 30 || v.FrameRate != 30 || v.BitDepth != 8 || v.ChromaFormat != 1 {
		t.Errorf("track is described as %+v", track)
	}
}

// The publisher's colours are named on the rungs.
func TestColour(t *testing.T) {
	for _, tc := range []struct {
		name          string
		width, height int
		want          string
	}{
		{"small", 640, 360, "tv,smpte170m,smpte170m,smpte170m\n"},
		{"large", 1280, 720, "tv,bt709,bt709,bt709\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := mediatest.New(t, mediatest.Config{NoAudio: true})
			tracks := src.Tracks()
			tracks[0].Video.Width, tracks[0].Video.Height = tc.width, tc.height
			rec := newRecorder()
			enc := open(t, newEngine(t), transcode.Spec{
				Tracks: tracks, Patient: true, Video: []transcode.VideoRung{rung(11, "small", 32, 18)},
			}, rec)
			write(t, enc, units(src, time.Second/10)...)
			drain(t, enc)
			got, _ := probe(t, byteStream(enc.Tracks()[0], rec.of(11)), "-select_streams", "v",
				"-show_entries", "stream=color_range,color_space,color_transfer,color_primaries", "-of", "csv=p=0")
			if got != tc.want {
				t.Errorf("ffprobe says %q, want %q", got, tc.want)
			}
		})
	}
}

// Drain gives what is inside; nothing can be written afterwards.
func TestDrainEnds(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{NoAudio: true})
	rec := newRecorder()
	enc := open(t, newEngine(t), transcode.Spec{
		Tracks: src.Tracks(), Video: []transcode.VideoRung{rung(11, "small", 32, 18)},
	}, rec)
	in := units(src, 2*time.Second/30)
	write(t, enc, in...)
	drain(t, enc)
	if n := len(rec.of(11)); n != 2 {
		t.Errorf("%d pictures, want 2", n)
	}
	if err := enc.Drain(); !errors.Is(err, ffmpeg.ErrDrained) {
		t.Errorf("second drain: %v", err)
	}
	if err := enc.Write(in[0], time.Now()); !errors.Is(err, ffmpeg.ErrDrained) {
		t.Errorf("write after drain: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{NoAudio: true})
	good := transcode.Spec{Tracks: src.Tracks(), Video: []transcode.VideoRung{rung(11, "small", 32, 18)}}
	for _, tc := range []struct {
		name string
		edit func(*transcode.Spec)
		says string
	}{
		{"odd size", func(s *transcode.Spec) { s.Video[0].Width = 33 }, "size 33x18"},
		{"huge rung", func(s *transcode.Spec) { s.Video[0].Width = 8192 }, "size 8192x18"},
		{"huge source", func(s *transcode.Spec) { s.Tracks[0].Video.Width, s.Tracks[0].Video.Height = 7680, 4320 }, "7680x4320"},
		{"no decoder", func(s *transcode.Spec) { s.Tracks[0].Codec = media.CodecUnknown }, "without a video track"},
		{"no cap", func(s *transcode.Spec) { s.Video[0].MaxRate = 0 }, "max rate 0"},
		{"bad level", func(s *transcode.Spec) { s.Video[0].Level = 3 }, "level 3"},
		{"unknown encoder", func(s *transcode.Spec) { s.Encoder = "h264_magic" }, "h264_magic"},
		{"negative grid", func(s *transcode.Spec) { s.Grid = -1 }, "negative"},
		{"audio rung without sound", func(s *transcode.Spec) { s.Audio = []transcode.AudioRung{{Track: 20, Channels: 2, BitRate: 64000}} }, "without an audio track"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec := good
			spec.Tracks, spec.Video = slices.Clone(good.Tracks), slices.Clone(good.Video)
			tc.edit(&spec)
			_, err := newEngine(t).Open(spec, newRecorder())
			if !errors.Is(err, transcode.ErrSpec) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("err = %v, want ErrSpec with %q", err, tc.says)
			}
		})
	}
}

// An encoder that is not there is replaced, and the log says so.
func TestFallBackToLibx264(t *testing.T) {
	var log bytes.Buffer
	engine := ffmpeg.New(ffmpeg.DefaultConfig(), ffmpeg.Deps{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	src := mediatest.New(t, mediatest.Config{NoAudio: true})
	rec := newRecorder()
	enc := open(t, engine, transcode.Spec{
		Tracks: src.Tracks(), Encoder: "h264_nvenc", Patient: true,
		Video: []transcode.VideoRung{rung(11, "big", 256, 144), rung(12, "small", 160, 90)},
	}, rec)
	in := units(src, time.Second/2)
	write(t, enc, in...)
	drain(t, enc)
	if n := len(rec.of(11)); n != len(in) || len(rec.of(12)) != n {
		t.Errorf("%d pictures, want %d", n, len(in))
	}
	here := engine.Encoders()
	if len(here) == 0 || here[0] != "libx264" {
		t.Fatalf("encoders %v, want libx264 first", here)
	}
	said := strings.Contains(log.String(), "encoder not available")
	if fell := !slices.Contains(here, "h264_nvenc"); fell != said {
		t.Errorf("fell back: %t, log:\n%s", fell, log.String())
	}
}
