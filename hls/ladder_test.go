package hls_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/stream"
)

// aligned checks that all renditions have the same segments: numbers, dates,
// durations, discontinuities.
func aligned(t *testing.T, l *memoryLog) {
	t.Helper()
	type facts struct {
		date          time.Time
		duration      time.Duration
		discontinuity bool
		sequence      int
	}
	known := make(map[int]facts)
	for _, name := range l.names {
		for _, s := range l.renditions[name].segments {
			f := facts{s.ProgramDateTime, s.Duration, s.Discontinuity, s.DiscontinuitySequence}
			if k, ok := known[s.MSN]; ok && k != f {
				t.Fatalf("%s: segment %d is %+v, elsewhere %+v", name, s.MSN, f, k)
			}
			known[s.MSN] = f
		}
	}
}

// fit checks what an encoded rendition's segments hold: media that was sent, in
// order and once, and only whole segments that are not gaps.
func fit(t *testing.T, s *ladderSim, l *memoryLog, starts map[int]time.Duration) (gaps int) {
	t.Helper()
	for _, r := range s.rungs {
		name, ts := r.track.Rendition, r.track.Timescale
		sent := make(map[int64]*media.AccessUnit)
		for _, au := range s.sent[r.track.ID] {
			sent[au.PTS] = au
		}
		last := make(map[int]packed)
		dts := int64(-1)
		for _, x := range readBack(t, l.renditions[name]) {
			au, ok := sent[x.pts]
			if sound := r.track.Codec.Kind() == media.KindAudio; sound {
				before, more := last[x.msn]
				if more && x.dts != before.dts+before.length || !more && (ts.Duration(x.pts)-starts[x.msn]).Abs() > 50*time.Millisecond {
					t.Fatalf("%s: segment %d begins at %v and has %d after %+v", name, x.msn, starts[x.msn], x.dts, before)
				}
				ok = ok || isQuiet(x)
			}
			if !ok || au != nil && au.RandomAccess != x.sync {
				t.Fatalf("%s: segment %d has a sample at %d that was not sent", name, x.msn, x.pts)
			}
			if x.dts <= dts {
				t.Fatalf("%s: segment %d: decode time %d after %d", name, x.msn, x.dts, dts)
			}
			dts = x.dts
			if before, ok := last[x.msn]; r.track.Codec.Kind() == media.KindVideo {
				at := ts.Duration(x.pts)
				if !ok && (!x.sync || (at-starts[x.msn]).Abs() > 200*time.Millisecond) {
					t.Fatalf("%s: segment %d starts at %s with sync %v, want %s", name, x.msn, at, x.sync, starts[x.msn])
				}
				if ok && at-ts.Duration(before.pts) > 1100*time.Millisecond {
					t.Fatalf("%s: segment %d has a hole from %d to %d", name, x.msn, before.pts, x.pts)
				}
			}
			last[x.msn] = x
		}
		for _, seg := range l.renditions[name].segments {
			if seg.Gap {
				gaps++
				continue
			}
			end := starts[seg.MSN] + seg.Duration
			if x := last[seg.MSN]; r.track.Codec.Kind() != media.KindVideo {
				if d := ts.Duration(x.pts+x.length) - end; d.Abs() > 50*time.Millisecond {
					t.Fatalf("%s: the sound of segment %d ends %v behind it", name, seg.MSN, d)
				}
				continue
			}
			if ts.Duration(last[seg.MSN].pts) < end-1100*time.Millisecond {
				t.Fatalf("%s: segment %d ends at %s, want %s", name, seg.MSN, ts.Duration(last[seg.MSN].pts), end)
			}
		}
	}
	return gaps
}

// starts are where segments begin on the class's clock.
func starts(l *memoryLog, c *class) map[int]time.Duration {
	out := make(map[int]time.Duration)
	for _, r := range l.renditions {
		for _, s := range r.segments {
			out[s.MSN] = s.ProgramDateTime.Sub(c.wall)
		}
	}
	return out
}

func gapsOf(l *memoryLog, name string) string {
	var b strings.Builder
	for _, s := range l.renditions[name].segments {
		switch {
		case s.Gap && len(s.Parts) > 0:
			b.WriteByte('p')
		case s.Gap:
			b.WriteByte('G')
		default:
			b.WriteByte('s')
		}
	}
	return b.String()
}

// Whatever the encoders do, the renditions stay aligned, what is listed stays as it
// was, and what is not a gap is whole.
func TestRandomLadders(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 11))
			s := newLadderSim(t, []time.Duration{0, 2 * time.Second}[seed%2])
			if rnd.IntN(2) == 0 {
				s.class.at = time.Duration(rnd.IntN(10000)) * time.Millisecond
			}
			if s.grid == 0 {
				s.key = []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}[rnd.IntN(3)]
			}
			s.fps = []int{10, 25, 30}[rnd.IntN(3)]
			for i := range 1 + rnd.IntN(2) {
				for _, r := range s.rungs {
					base, swing := time.Duration(rnd.IntN(1500)), time.Duration(1+rnd.IntN(1500))
					r.lag = func(pts time.Duration) time.Duration {
						return (base + pts/time.Millisecond*7919%swing) * time.Millisecond
					}
					r.opens = time.Duration(rnd.IntN(1500)) * time.Millisecond
					r.faults = nil
					for at := time.Duration(1+rnd.IntN(15)) * time.Second; at < 40*time.Second; {
						f := fault{from: at + time.Duration(rnd.IntN(1000))*time.Millisecond, shed: rnd.IntN(3) == 0}
						f.until = f.from + time.Duration(200+rnd.IntN(9000))*time.Millisecond
						r.faults = append(r.faults, f)
						at = f.until + time.Duration(rnd.IntN(15))*time.Second
					}
				}
				s.play(media.DiscontinuityReason(1+i), time.Duration(10+rnd.IntN(22))*time.Second)
			}
			w := newWatcher(t, hls.DefaultConfig())
			w.wild, w.every = true, 9
			l := newMemoryLog()
			run(t, hls.DefaultConfig(), l, s.class.items, true, w.observe)
			aligned(t, l)
			fit(t, s, l, starts(l, s.class))
			for _, g := range []string{"source", "audio"} {
				if s.grid == 0 && strings.ContainsAny(gapsOf(l, g), "Gp") {
					t.Errorf("%s: %s", g, gapsOf(l, g))
				}
			}
			if len(l.names) != len(s.rungs)+2-min(1, int(s.grid)) {
				t.Errorf("renditions %v", l.names)
			}
		})
	}
}

// Encoders fail one by one; the segments that are listed are whole.
func TestLadderFaults(t *testing.T) {
	sec := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	for _, tc := range []struct {
		name   string
		grid   time.Duration
		faults []fault
		want   string // of 720p: s whole, p gap with parts, G gap without
	}{
		{"no fault", 0, nil, "sssssssss"},
		{"no fault, absolute", 2 * time.Second, nil, "ssssssss"},
		{"crash within a segment, back at once", 0, []fault{{from: sec(8.5), until: sec(8.9)}}, "sssssssss"},
		{"crash within a segment, back too late", 0, []fault{{from: sec(9.5), until: sec(14)}}, "ssspGssss"},
		{"crash, absolute", 2 * time.Second, []fault{{from: sec(9.5), until: sec(14)}}, "sspGssss"},
		{"long crash", 0, []fault{{from: sec(9.5), until: sec(23)}}, "ssspGGGss"},
		{"shed and back", 0, []fault{{from: sec(9.5), until: sec(20.5), shed: true}}, "ssspGGsss"},
		{"never comes", 0, []fault{{from: 0, until: sec(99)}}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newLadderSim(t, tc.grid)
			s.keep("source", "720p", "audio-only")
			s.rung("720p").faults = tc.faults
			s.play(media.DiscontinuityStart, 32*time.Second)
			w := newWatcher(t, hls.DefaultConfig())
			w.wild, w.every = true, 9
			l := newMemoryLog()
			p := run(t, hls.DefaultConfig(), l, s.class.items, true, w.observe)
			aligned(t, l)
			if l.renditions["720p"] != nil {
				fit(t, s, l, starts(l, s.class))
				if got := gapsOf(l, "720p"); got != tc.want {
					t.Errorf("720p is %s, want %s", got, tc.want)
				}
			}
			for _, name := range p.Renditions() {
				if name != "720p" && strings.ContainsAny(gapsOf(l, name), "Gp") {
					t.Errorf("%s is %s", name, gapsOf(l, name))
				}
			}
			if got := strings.Contains(string(p.Multivariant().Body), "\n720p/recording"); got != (tc.want != "") {
				t.Errorf("720p offered: %v", got)
			}
			if n := len(l.renditions["audio-only"].inits); n != 1 {
				t.Errorf("%d initialization sections of one format", n)
			}
		})
	}
}

// A rung that was shed is not offered to players that start now, until it has a
// whole segment again.
func TestShedRungIsWithdrawn(t *testing.T) {
	s := newLadderSim(t, 0)
	s.rung("480p").faults = []fault{{from: 10 * time.Second, until: 21 * time.Second, shed: true}}
	s.play(media.DiscontinuityStart, 40*time.Second)
	var states []string
	l := newMemoryLog()
	run(t, hls.DefaultConfig(), l, s.class.items, true, func(p *hls.Packager) {
		d := p.Multivariant()
		if d == nil || p.Snapshot("source").Ended {
			return
		}
		if strings.Contains(string(d.Body), "\n480p/index.m3u8\n") != strings.Contains(string(d.Body), `"480p/iframes.m3u8"`) {
			t.Fatalf("offered by half:\n%s", d.Body)
		}
		state := fmt.Sprintf("%v", strings.Contains(string(d.Body), "\n480p/index.m3u8\n"))
		if len(states) == 0 || states[len(states)-1] != state {
			states = append(states, state)
			if whole := strings.TrimRight(gapsOf(l, "480p"), "Gp"); len(states) == 3 && gapsOf(l, "480p") != whole {
				t.Errorf("offered again while it is %s", gapsOf(l, "480p"))
			}
		}
	})
	if !slices.Equal(states, []string{"true", "false", "true"}) {
		t.Errorf("offered: %v", states)
	}
}

// An encoded rendition that only lags is given up segment by segment.
func TestLaggardIsBounded(t *testing.T) {
	s := newLadderSim(t, 0)
	s.rung("360p").lag = func(pts time.Duration) time.Duration { return 500*time.Millisecond + 2*max(0, pts-10*time.Second) }
	s.play(media.DiscontinuityStart, 70*time.Second)
	furthest := 0
	l := newMemoryLog()
	run(t, hls.DefaultConfig(), l, s.class.items, false, func(p *hls.Packager) {
		if a, b := p.Snapshot("source"), p.Snapshot("360p"); b != nil {
			furthest = max(furthest, a.NextMSN-b.NextMSN)
		}
	})
	aligned(t, l)
	if furthest != 6 {
		t.Errorf("up to %d segments behind, want 6", furthest)
	}
	fit(t, s, l, starts(l, s.class))
	if got := gapsOf(l, "360p"); !strings.Contains(got, "G") {
		t.Errorf("360p is %s", got)
	}
}

// Another format of the encoder is another EXT-X-MAP, at the start of a segment
// and without a discontinuity; the same format again is none.
func TestEncodedFormatChanges(t *testing.T) {
	s := newLadderSim(t, 0)
	s.play(media.DiscontinuityStart, 30*time.Second)
	other := simVideo(t, 18, "480p", 720, 1000000) // other parameter sets
	n := 0
	for i, item := range s.class.items {
		if item.AccessUnit != nil && item.AccessUnit.Track == 18 && item.AccessUnit.RandomAccess {
			if n++; n == 4 { // in the middle of a segment
				item.Track, item.AccessUnit = &other, nil
				s.class.items[i] = item
			}
		}
	}
	w := newWatcher(t, hls.DefaultConfig())
	w.wild, w.every = true, 9
	l := newMemoryLog()
	run(t, hls.DefaultConfig(), l, s.class.items, true, w.observe)
	aligned(t, l)
	r := l.renditions["480p"]
	inits := ""
	for _, x := range r.segments {
		inits += fmt.Sprint(x.InitID)
		if x.Discontinuity {
			t.Errorf("segment %d: discontinuity", x.MSN)
		}
	}
	if len(r.inits) != 2 || inits != "000111111" || strings.Count(gapsOf(l, "480p"), "p") != 1 {
		t.Errorf("%d initialization sections, used by segments %s; %s", len(r.inits), inits, gapsOf(l, "480p"))
	}
}

// Boundaries stand at absolute multiples, wherever the class's clock is.
func TestAbsoluteBoundaries(t *testing.T) {
	for _, tc := range []struct {
		name    string
		at      time.Duration
		segment time.Duration
		want    []time.Duration // starts, less the class clock's
	}{
		{"at a boundary", 8 * time.Second, 4 * time.Second, []time.Duration{8, 12, 16, 20}},
		{"short first segment", 9500 * time.Millisecond, 4 * time.Second, []time.Duration{9500 * time.Millisecond, 12, 16, 20}},
		{"too short, so longer", 11600 * time.Millisecond, 4 * time.Second, []time.Duration{11600 * time.Millisecond, 16, 20, 24}},
		{"too short, and limited", 11200 * time.Millisecond, 4 * time.Second, []time.Duration{11200 * time.Millisecond, 14, 16, 20}},
		{"six seconds", 0, 6 * time.Second, []time.Duration{0, 6, 12, 18}},
		{"five seconds take two", 0, 5 * time.Second, []time.Duration{0, 4, 8, 12}},
		{"three seconds take one", 0, 3 * time.Second, []time.Duration{0, 2, 4, 6}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newLadderSim(t, 2*time.Second)
			s.keep("source", "720p")
			s.class.at = tc.at
			s.play(media.DiscontinuityStart, 14*time.Second+tc.segment)
			cfg := hls.DefaultConfig()
			cfg.SegmentDuration = tc.segment
			l := newMemoryLog()
			run(t, cfg, l, s.class.items, true, nil)
			aligned(t, l)
			fit(t, s, l, starts(l, s.class))
			at := starts(l, s.class)
			for i, want := range tc.want {
				if want < time.Hour/time.Second {
					want *= time.Second
				}
				if (at[i]-want).Abs() > 22*time.Millisecond || i > 0 && at[i] != want {
					t.Errorf("segment %d starts at %s, want %s", i, at[i], want)
				}
			}
		})
	}
}

// With absolute boundaries and no sound, gaps alone move the class on.
func TestGapsCloseSegments(t *testing.T) {
	s := newLadderSim(t, 2*time.Second)
	s.rungs = s.rungs[:2]
	for _, r := range s.rungs {
		r.faults = []fault{{from: 9 * time.Second, until: 25 * time.Second}}
	}
	s.play(media.DiscontinuityStart, 34*time.Second)
	items := s.class.items[:0:0]
	for _, item := range s.class.items {
		if item.AccessUnit == nil || item.AccessUnit.Track != s.audio.ID {
			items = append(items, item)
		}
	}
	items[0].Discontinuity.Tracks = items[0].Discontinuity.Tracks[:2]
	l := newMemoryLog()
	run(t, hls.DefaultConfig(), l, items, true, newWatcher(t, hls.DefaultConfig()).observe)
	aligned(t, l)
	for _, name := range []string{"source", "720p"} {
		if got := gapsOf(l, name); got != "sspGGGsss" {
			t.Errorf("%s is %s", name, got)
		}
	}
}

// What an encoder says after the publisher has gone is too late.
func TestLateAfterInterruption(t *testing.T) {
	s := newLadderSim(t, 0)
	s.play(media.DiscontinuityStart, 10*time.Second)
	items := slices.Clone(s.class.items)
	last := slices.IndexFunc(items, func(i stream.Item) bool {
		return i.AccessUnit != nil && i.AccessUnit.PTS >= 9*90000 && i.AccessUnit.Track == 1
	})
	items = slices.Insert(items, last, stream.Item{Interrupted: true})
	l := newMemoryLog()
	w := newWatcher(t, hls.DefaultConfig())
	w.holes = true
	p := run(t, hls.DefaultConfig(), l, items, false, w.observe)
	aligned(t, l)
	for _, name := range p.Renditions() {
		if n := p.Snapshot(name).NextMSN; n != p.Snapshot("source").NextMSN {
			t.Errorf("%s is at %d", name, n)
		}
	}
}
