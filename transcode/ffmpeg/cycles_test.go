package ffmpeg_test

import (
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/ffmpeg"
)

// cycle opens an encoding, works with it in a way that depends on n, and closes it.
func cycle(tb testing.TB, engine *ffmpeg.Engine, n int) {
	tb.Helper()
	small := mediatest.New(tb, mediatest.Config{GOP: 10, InBand: true})
	large := mediatest.New(tb, mediatest.Config{GOP: 10, InBand: true, Large: true, Start: time.Second / 2})
	spec := transcode.Spec{
		Tracks: small.Tracks(),
		Video:  []transcode.VideoRung{rung(11, "big", 128, 72), rung(12, "small", 32, 18)},
		Audio:  []transcode.AudioRung{{Track: 21, Rendition: "audio-only", Channels: 2, BitRate: 64000}},
		Grid:   time.Duration(n%2) * time.Second, Patient: n%3 == 0,
		Thumbnail: time.Second, ThumbnailWidth: 64, Loudness: true,
	}
	enc, err := engine.Open(spec, newRecorder())
	if err != nil {
		tb.Fatal(err)
	}
	defer enc.Close()
	for _, src := range []*mediatest.Source{small, large} {
		for i, s := range src.Take(time.Second / 2) {
			timescale := media.TimescaleVideo
			if s.Track == media.AudioTrackID {
				timescale = 48000
			}
			if i == n%20 {
				enc.SetEffort(transcode.Effort{Fast: n%4 < 2, Off: []media.TrackID{11}[:n%2]})
			}
			write(tb, enc, unit(s, timescale))
		}
	}
	if n%5 != 0 { // else what is inside is thrown away
		drain(tb, enc)
	}
}

// However often encodings come and go, no C object stays.
func TestOpenWorkClose(t *testing.T) {
	engine := newEngine(t)
	for n := range 30 {
		cycle(t, engine, n)
		if left := engine.Objects(); left != 0 {
			t.Fatalf("%d C objects are left after cycle %d", left, n)
		}
	}
}

// An open that fails half-way leaves nothing behind.
func TestFailedOpenFreesAll(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{})
	tracks := src.Tracks()
	tracks[1].Codec = media.CodecSpeex
	tracks[1].Audio.Channels = 99
	engine := newEngine(t)
	_, err := engine.Open(transcode.Spec{
		Tracks: tracks, Video: []transcode.VideoRung{rung(11, "big", 64, 36)},
		Audio: []transcode.AudioRung{{Track: 21, Channels: 2, BitRate: 64000}},
	}, newRecorder())
	if !errors.Is(err, transcode.ErrSpec) {
		t.Errorf("err = %v, want ErrSpec", err)
	}
	if n := engine.Objects(); n != 0 {
		t.Errorf("%d C objects are left", n)
	}
}

// rss returns the resident memory of the process in bytes.
func rss(tb testing.TB) float64 {
	tb.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		tb.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		tb.Fatal(err)
	}
	return float64(pages * os.Getpagesize())
}

// BenchmarkOpenWorkClose measures what a cycle leaves in memory; run it with
// -benchtime 200x.
func BenchmarkOpenWorkClose(b *testing.B) {
	engine := ffmpeg.New(ffmpeg.DefaultConfig(), ffmpeg.Deps{Logger: slog.New(slog.DiscardHandler)})
	for n := range 20 {
		cycle(b, engine, n)
	}
	before := rss(b)
	n := 0
	for b.Loop() {
		cycle(b, engine, n)
		n++
	}
	b.ReportMetric((rss(b)-before)/float64(n), "B-rss/op")
	b.ReportMetric(float64(engine.Objects()), "objects")
}
