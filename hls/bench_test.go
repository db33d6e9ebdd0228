package hls_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/storage/segment"
)

// longLog is the log of a class with n finished segments in each rendition, made
// from the first items of it.
func longLog(tb testing.TB, n int, items []stream.Item) *memoryLog {
	tb.Helper()
	l := newMemoryLog()
	run(tb, hls.DefaultConfig(), l, items, false, nil)
	for _, r := range l.renditions {
		last := r.segments[len(r.segments)-1]
		for msn := last.MSN + 1; msn < n; msn++ {
			s := segment.Segment{
				MSN: msn, Duration: 4 * time.Second, InitID: last.InitID, Bytes: 1,
				ProgramDateTime: last.ProgramDateTime.Add(time.Duration(msn) * 4 * time.Second),
				Parts:           last.Parts[:0:0],
			}
			r.segments = append(r.segments, s)
			r.parts[msn] = nil
		}
	}
	return l
}

// BenchmarkClassSecond packages a second of video and audio and publishes about
// five times, with playlists of 15 and of 1,800 segments.
func BenchmarkClassSecond(b *testing.B) {
	for _, n := range []int{15, 1800} {
		b.Run(fmt.Sprintf("%d segments", n), func(b *testing.B) {
			cfg := hls.DefaultConfig()
			cfg.Window = max(time.Minute, time.Duration(n)*4*time.Second)
			first := newClass()
			first.publish(mediatest.New(b, mediatest.Config{}), media.DiscontinuityStart, 5*time.Second)
			l := longLog(b, n, first.items)
			c := newClass()
			c.publish(mediatest.New(b, mediatest.Config{}), media.DiscontinuityReconnect, time.Duration(b.N)*time.Second)
			b.ReportAllocs()
			b.ResetTimer()
			run(b, cfg, l, c.items, false, nil)
		})
	}
}

// BenchmarkLadderSecond is the same with seven renditions, so fourteen
// publications a second.
func BenchmarkLadderSecond(b *testing.B) {
	for _, n := range []int{15, 1800} {
		b.Run(fmt.Sprintf("%d segments", n), func(b *testing.B) {
			cfg := hls.DefaultConfig()
			cfg.Window = max(time.Minute, time.Duration(n)*4*time.Second)
			l := longLog(b, n, ladderItems(b, 6, 5*time.Second))
			items := ladderItems(b, 6, time.Duration(b.N)*time.Second)
			b.ReportAllocs()
			b.ResetTimer()
			run(b, cfg, l, items, false, nil)
		})
	}
}
