package hls_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/storage/segment"
)

// packed is a sample read back from a segment.
type packed struct {
	msn              int
	pts, dts, length int64
	sync             bool
	payload          []byte
	first            bool // of its segment
	timescale        media.Timescale
}

// readBack parses the fragments of a rendition with another implementation.
func readBack(tb testing.TB, r *memoryRendition) []packed {
	tb.Helper()
	var out []packed
	for _, s := range r.segments {
		if s.Gap {
			continue
		}
		whole := r.bytes(s.MSN)
		if int64(len(whole)) != s.Bytes {
			tb.Fatalf("segment %d has %d bytes, said to be %d", s.MSN, len(whole), s.Bytes)
		}
		var parts fmp4.Parts
		if err := parts.Unmarshal(whole); err != nil {
			tb.Fatalf("segment %d: %v", s.MSN, err)
		}
		if len(parts) != len(s.Parts) {
			tb.Fatalf("segment %d: %d fragments in %d parts", s.MSN, len(parts), len(s.Parts))
		}
		first := true
		for i, part := range parts {
			if len(part.Tracks) != 1 || i > 0 && part.SequenceNumber <= parts[i-1].SequenceNumber {
				tb.Fatalf("segment %d part %d: %d tracks, sequence %d", s.MSN, i, len(part.Tracks), part.SequenceNumber)
			}
			dts := int64(part.Tracks[0].BaseTime)
			for _, x := range part.Tracks[0].Samples {
				out = append(out, packed{
					msn: s.MSN, pts: dts + int64(x.PTSOffset), dts: dts, length: int64(x.Duration),
					sync: !x.IsNonSyncSample, payload: x.Payload, first: first,
				})
				dts += int64(x.Duration)
				first = false
			}
			if slices.ContainsFunc(part.Tracks[0].Samples, isSync) != s.Parts[i].Independent {
				tb.Fatalf("segment %d part %d: independent %v", s.MSN, i, s.Parts[i].Independent)
			}
		}
	}
	return out
}

func isSync(s *fmp4.Sample) bool { return !s.IsNonSyncSample }

// isQuiet reports whether a sample is silence of the packager's own.
func isQuiet(p packed) bool {
	return bytes.Equal(p.payload, []byte{0x21, 0x10, 4, 0x60, 0x8c, 0x1c}) || bytes.Equal(p.payload, []byte{1, 0x18, 0x20, 7})
}

// avcc is what a video sample holds.
func avcc(units [][]byte) []byte {
	var b []byte
	for _, u := range units {
		b = append(b, byte(len(u)>>24), byte(len(u)>>16), byte(len(u)>>8), byte(len(u)))
		b = append(b, u...)
	}
	return b
}

// faults counts what is allowed in bad input only.
type faults struct {
	holes    int // decode times that do not continue, apart from discontinuities
	unsynced int // video segments that do not start with a random access point
}

// audit compares what is in the log with what went in: each access unit once, in
// order, with its presentation time. Beside them there may be silence, and sound before
// the first picture may be left out.
func audit(tb testing.TB, l *memoryLog, items []stream.Item) faults {
	tb.Helper()
	var f faults
	for name, r := range l.renditions {
		got := readBack(tb, r)
		holes := f.holes
		var want []*media.AccessUnit
		var scales []media.Timescale
		var track media.Track
		waiting := false
		for _, item := range items {
			if d := item.Discontinuity; d != nil {
				i := slices.IndexFunc(d.Tracks, func(t media.Track) bool { return t.Rendition == name })
				waiting = true
				if track.ID = 0; i >= 0 {
					track = d.Tracks[i]
				}
				continue
			}
			au := item.AccessUnit
			if au.Track != track.ID || waiting && !au.RandomAccess {
				continue
			}
			waiting = false
			want, scales = append(want, au), append(scales, track.Timescale)
		}
		n := 0 // of want
		for i, g := range got {
			if n == len(want) && !isQuiet(g) {
				tb.Fatalf("%s: %d samples in, then one more at %d", name, n, g.pts)
			}
			got[i].timescale = scales[min(n, len(want)-1)]
			if g.first && !g.sync {
				f.unsynced++
			}
			restarts := g.first && (segmentOf(tb, r, g.msn).Discontinuity || i > 0 && g.msn > got[i-1].msn+1)
			if i > 0 && g.dts != got[i-1].dts+got[i-1].length && !restarts {
				f.holes++
			}
			if isQuiet(g) && (n == len(want) || g.pts != want[n].PTS) {
				continue // nothing was heard there
			}
			for (i == 0 || restarts) && name == "audio" && n < len(want) && want[n].PTS < g.pts {
				n++ // what was heard before the first picture
			}
			w := want[n]
			n++
			payload := bytes.Join(w.Payload, nil)
			if name != "audio" {
				payload = avcc(w.Payload)
			}
			if g.pts != w.PTS || g.sync != w.RandomAccess || !bytes.Equal(g.payload, payload) {
				tb.Fatalf("%s: sample %d of segment %d: pts %d want %d, sync %v, %d bytes", name, i, g.msn, g.pts, w.PTS, g.sync, len(g.payload))
			}
		}
		if n != len(want) {
			tb.Fatalf("%s: %d samples in, %d out", name, len(want), n)
		}
		if f.holes == holes {
			extinf(tb, name, r, got)
		}
	}
	return f
}

func segmentOf(tb testing.TB, r *memoryRendition, msn int) segment.Segment {
	tb.Helper()
	i := slices.IndexFunc(r.segments, func(s segment.Segment) bool { return s.MSN == msn })
	if i < 0 {
		tb.Fatalf("no segment %d", msn)
	}
	return r.segments[i]
}

// extinf checks that between discontinuities the sum of EXTINF follows the media
// to within one frame (check 56), and the fields of segments.
func extinf(tb testing.TB, name string, r *memoryRendition, got []packed) {
	tb.Helper()
	firsts := make(map[int]packed)
	for _, g := range got {
		if g.first {
			firsts[g.msn] = g
		}
	}
	var sum, origin time.Duration
	counting := false
	for _, s := range r.segments {
		g, ok := firsts[s.MSN]
		if s.Discontinuity || s.Gap || !ok {
			counting = false
		}
		if !ok {
			continue
		}
		ts := g.timescale
		at := ts.Duration(g.pts)
		if at != s.MediaTime {
			tb.Fatalf("%s: segment %d has media time %s, starts at %s", name, s.MSN, s.MediaTime, at)
		}
		if s.MediaEnd <= s.MediaTime-time.Second {
			tb.Fatalf("%s: segment %d ends at %s before it starts at %s", name, s.MSN, s.MediaEnd, at)
		}
		if !counting {
			counting, sum, origin = true, 0, at
		}
		frame := ts.Duration(g.length) + 2*time.Millisecond
		if d := (at - origin - sum).Abs(); d > frame && s.Parts[0].Independent && d > 250*time.Millisecond {
			tb.Fatalf("%s: EXTINFs before segment %d sum to %s, media to %s", name, s.MSN, sum, at-origin)
		}
		sum += s.Duration
	}
}
