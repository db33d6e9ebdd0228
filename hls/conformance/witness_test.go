package conformance_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gohlslib/v2"
	"github.com/bluenviron/gohlslib/v2/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/lectern/lectern/hls/conformance"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
)

// gohlslib's Muxer (v2.4.2) is a low-latency server that is used everywhere and keeps
// many rules, but not these. The checker has to see each of them from outside.
func TestKnownBadServer(t *testing.T) {
	found := map[int]conformance.Finding{}
	synctest.Test(t, func(t *testing.T) {
		source := mediatest.New(t, mediatest.Config{InBand: true})
		tracks := source.Tracks()
		video := &gohlslib.Track{Codec: &codecs.H264{SPS: tracks[0].Video.ParameterSets[0], PPS: tracks[0].Video.ParameterSets[1]}, ClockRate: 90000}
		audio := &gohlslib.Track{Codec: &codecs.MPEG4Audio{Config: mpeg4audio.AudioSpecificConfig{Type: 2, SampleRate: 48000, ChannelCount: 2}}, ClockRate: 48000}
		m := &gohlslib.Muxer{Variant: gohlslib.MuxerVariantLowLatency, Tracks: []*gohlslib.Track{video, audio}, SegmentCount: 20, SegmentMinDuration: 2 * time.Second}
		if err := m.Start(); err != nil {
			t.Fatal(err)
		}
		began := time.Now().Add(-25 * time.Second)
		write := func(s media.Sample) error {
			if s.Track == media.AudioTrackID {
				return m.WriteMPEG4Audio(audio, began.Add(s.PTS), int64(s.PTS)*48000/int64(time.Second), s.Payload)
			}
			return m.WriteH264(video, began.Add(s.PTS), int64(s.PTS)*90000/int64(time.Second), s.Payload)
		}
		for _, s := range source.Take(25 * time.Second) {
			if err := write(s); err != nil {
				t.Fatal(err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { // the publisher, in real time
			for ctx.Err() == nil {
				s := source.Next()
				// After a while it loses pictures, then some more, then it hangs.
				at := s.DTS - 45*time.Second
				switch {
				case s.Track == media.VideoTrackID && at > 0 && at < 500*time.Millisecond && !s.RandomAccess,
					s.Track == media.VideoTrackID && at > 2900*time.Millisecond && at < 5*time.Second:
					continue
				case at > 10*time.Second:
					<-ctx.Done()
					continue
				}
				select {
				case <-time.After(time.Until(began.Add(s.DTS))):
				case <-ctx.Done():
				}
				if err := write(s); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		sum, err := conformance.Check(ctx, conformance.Config{
			URL: siteURL + "/index.m3u8", Duration: 70 * time.Second, Client: inProcess{handlerOf(m), true}.client(),
		})
		stop()
		if err != nil {
			t.Errorf("check: %v", err)
		}
		if err = <-done; err != nil {
			t.Errorf("publish: %v", err)
		}
		m.Close()
		for _, f := range sum.Findings {
			t.Logf("%s", f)
			if _, has := found[f.Number]; !has {
				found[f.Number] = f
			}
		}
	})
	for _, n := range []int{10, 34, 52, 61, 63, 72, 74, 75, 77, 78, 80, 83, 85, 86, 88} {
		if _, ok := found[n]; !ok {
			t.Errorf("rule %d was not seen broken", n)
		}
	}
}
