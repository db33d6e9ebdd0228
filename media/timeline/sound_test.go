package timeline_test

import (
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/timeline"
)

// Case 41: frames of codecs that may change their length stay where their
// timestamps put them; those of one length are counted.
func TestSoundLengths(t *testing.T) {
	const ms = time.Millisecond
	for _, tc := range []struct {
		name    string
		codec   media.Codec
		samples int
		steps   []time.Duration // between frames, again and again
		exact   bool            // units stay at their timestamps
	}{
		{"Opus in 20 and 60 ms", media.CodecOpus, 960, []time.Duration{20 * ms, 60 * ms}, true},
		{"Opus shorter than the first packet", media.CodecOpus, 2880, []time.Duration{20 * ms}, true},
		{"PCM in ragged packets", media.CodecPCM, 1024, []time.Duration{21 * ms, 7 * ms, 30 * ms}, true},
		{"G.711 in 30 ms packets described as 20", media.CodecG711A, 960, []time.Duration{30 * ms}, true},
		{"MP3 in milliseconds", media.CodecMP3, 1152, []time.Duration{24 * ms}, true},
		{"AC-3 rounded to milliseconds", media.CodecAC3, 1536, []time.Duration{31 * ms, 33 * ms}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, timeline.Position{})
			r.Begin([]media.Track{{ID: audioID, Codec: tc.codec, Timescale: 48000, Audio: media.AudioFormat{SampleRate: 48000, Channels: 1, FrameSamples: tc.samples}}})
			var sent []media.Sample
			at := time.Duration(0)
			for i := range 400 {
				sent = append(sent, media.Sample{Track: audioID, DTS: at, PTS: at, RandomAccess: true, Payload: [][]byte{{1}}})
				at += tc.steps[i%len(tc.steps)]
			}
			r.feed(sent)
			r.End()
			if len(r.sink.units) != len(sent) || r.sink.reasons() != "[start]" {
				t.Fatalf("%d units of %d, discontinuities %s, repairs %v", len(r.sink.units), len(sent), r.sink.reasons(), r.sink.repairs)
			}
			for i, u := range r.sink.units {
				want := media.Timescale(48000).Ticks(sent[i].DTS)
				if !tc.exact {
					want = int64(i * tc.samples)
				}
				if u.DTS != want {
					t.Fatalf("unit %d at %d, want %d", i, u.DTS, want)
				}
			}
			if end := r.Position().Media; end < sent[len(sent)-1].DTS+20*ms || end > sent[len(sent)-1].DTS+121*ms {
				t.Errorf("the run ends at %s, its last frame began at %s", end, sent[len(sent)-1].DTS)
			}
		})
	}
}
