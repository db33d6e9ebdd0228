package rtptest

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
)

// CheckSamples compares what was sent with what was written, for one track: all
// payloads, the PTS relative to the first one, DTS rising.
func CheckSamples(tb testing.TB, sent, got []media.Sample, id media.TrackID) {
	tb.Helper()
	other := func(s media.Sample) bool { return s.Track != id }
	sent, got = slices.DeleteFunc(slices.Clone(sent), other), slices.DeleteFunc(slices.Clone(got), other)
	if len(got) == 0 && len(sent) == 0 {
		return
	}
	// Audio before the first keyframe is left out when the tracks are unknown.
	sent = sent[len(sent)-len(got):]
	if len(got) < len(sent)-1 || len(got) == 0 {
		tb.Fatalf("track %d: %d samples of %d", id, len(got), len(sent))
	}
	grain := 2 * time.Second / 44100 // one tick, rounded twice
	for i, g := range got {
		w := sent[i]
		if g.RandomAccess != w.RandomAccess {
			tb.Fatalf("track %d sample %d: random access = %v", id, i, g.RandomAccess)
		}
		wanted := withoutParameterSets(w)
		if !slices.EqualFunc(g.Payload, wanted, bytes.Equal) {
			tb.Fatalf("track %d sample %d: payload differs", id, i)
		}
		if off := (g.PTS - got[0].PTS) - (w.PTS - sent[0].PTS); off.Abs() > grain {
			tb.Fatalf("track %d sample %d: PTS off by %s", id, i, off)
		}
		if g.DTS > g.PTS {
			tb.Fatalf("track %d sample %d: DTS %s after PTS %s", id, i, g.DTS, g.PTS)
		}
		if i > 0 && g.DTS <= got[i-1].DTS {
			tb.Fatalf("track %d sample %d: DTS %s after %s", id, i, g.DTS, got[i-1].DTS)
		}
	}
}

func withoutParameterSets(s media.Sample) [][]byte {
	if s.Track != media.VideoTrackID || !s.RandomAccess {
		return s.Payload
	}
	return s.Payload[len(s.Payload)-1:] // the clips have one slice a picture
}
