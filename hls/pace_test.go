package hls_test

import (
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/stream"
)

// Publishers off the pace, through the hub and the packager. Nothing is invented
// for what did not come, nothing is lost of what came late, and the date of the
// live edge stays near the server's clock.
func TestPace(t *testing.T) {
	for _, tc := range []struct {
		name            string
		play            func(write func(d time.Duration, pace float64), clock *mediatest.Clock)
		media           time.Duration
		discontinuities int
		behind          time.Duration // at most, of the live edge's date
	}{
		{"case 33: half of real time", func(write func(time.Duration, float64), _ *mediatest.Clock) {
			write(40*time.Second, 0.5)
		}, 40 * time.Second, 1, 17 * time.Second}, // noticed after 15 s of media, then a new run
		{"case 33: a stall of 8 s, and on in real time", func(write func(time.Duration, float64), clock *mediatest.Clock) {
			write(20*time.Second, 1)
			clock.Advance(8 * time.Second)
			write(35*time.Second, 1)
		}, 55 * time.Second, 1, time.Second},
		{"case 34: a stall of 20 s, and three times real time until it is made up for", func(write func(time.Duration, float64), clock *mediatest.Clock) {
			write(20*time.Second, 1)
			clock.Advance(20 * time.Second)
			write(30*time.Second, 3)
			write(5*time.Second, 1)
		}, 55 * time.Second, 0, time.Second},
		{"case 34: a stall of 20 s, and all of it at once", func(write func(time.Duration, float64), clock *mediatest.Clock) {
			write(20*time.Second, 1)
			clock.Advance(20 * time.Second)
			write(20*time.Second, 1e6)
			write(15*time.Second, 1)
		}, 55 * time.Second, 0, time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			quiet, clock := slog.New(slog.DiscardHandler), mediatest.NewClock()
			hub, err := stream.New(stream.DefaultConfig(), stream.Deps{Logger: quiet, Registerer: prometheus.NewRegistry(), Now: clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			s := hub.Open("algebra", stream.Position{})
			reader := s.AddReader("hls", 64<<20)
			defer s.RemoveReader(reader)
			p, err := hls.New(hls.DefaultConfig(), hls.Deps{
				Reader: reader, Log: newMemoryLog(), Logger: quiet, Metrics: hls.NewMetrics(prometheus.NewRegistry()), Now: clock.Now,
			})
			if err != nil {
				t.Fatal(err)
			}
			var packaging sync.WaitGroup
			packaging.Go(func() {
				if runErr := p.Run(t.Context()); runErr != nil {
					t.Errorf("packager: %v", runErr)
				}
			})
			src := mediatest.New(t, mediatest.Config{Round: time.Millisecond})
			pub, err := hub.Publish(stream.PublishRequest{Stream: "algebra", Protocol: "rtmp"})
			if err != nil {
				t.Fatal(err)
			}
			if err = pub.SetTracks(src.Tracks()); err != nil {
				t.Fatal(err)
			}
			tc.play(func(d time.Duration, pace float64) {
				begun, first := clock.Now(), time.Duration(-1)
				for _, sample := range src.Take(d) {
					if first < 0 {
						first = sample.DTS
					}
					clock.Set(begun.Add(time.Duration(float64(sample.DTS-first) / pace)))
					if writeErr := pub.Write(sample); writeErr != nil {
						t.Fatal(writeErr)
					}
				}
			}, clock)
			pub.Close(stream.CloseDropped)
			s.End(stream.CloseClassEnded)
			packaging.Wait()

			for _, name := range []string{"source", "audio"} {
				got := parsePlaylistOf(t, p, name)
				var sum time.Duration
				tags, last := 0, time.Time{}
				for _, x := range got.segments {
					if x.discontinuity {
						tags++
					}
					if x.gap {
						t.Errorf("%s: segment %d is a gap", name, x.msn)
					}
					if x.date.Before(last) {
						t.Errorf("%s: segment %d begins at %s, before the end of the one before, %s", name, x.msn, x.date, last)
					}
					sum += x.extinf
					last = x.date.Add(x.extinf - 10*time.Millisecond)
				}
				if tags != tc.discontinuities || (sum-tc.media).Abs() > 100*time.Millisecond {
					t.Errorf("%s: %s of media with %d discontinuities, want %s with %d", name, sum, tags, tc.media, tc.discontinuities)
				}
				if behind := clock.Now().Sub(last); behind < -100*time.Millisecond || behind > tc.behind {
					t.Errorf("%s: the live edge is dated %s behind the clock, want %s at most", name, behind, tc.behind)
				}
			}
		})
	}
}
