package timeline_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/timeline"
)

// sink records, and checks every promise of the package as it goes.

type sink struct {
	tb       testing.TB
	clock    *mediatest.Clock
	breaks   []media.Discontinuity
	units    []media.AccessUnit
	runs     []int // index of the first unit of each run
	repairs  map[timeline.Repair]int
	lastDTS  map[media.TrackID]time.Duration
	lastAny  time.Duration
	wallEnd  time.Time
	wallSeen time.Time
	opening  bool
}

func newSink(tb testing.TB, clock *mediatest.Clock) *sink {
	tb.Helper()
	return &sink{tb: tb, clock: clock, repairs: map[timeline.Repair]int{}, lastDTS: map[media.TrackID]time.Duration{}}
}

func (s *sink) Discontinuity(d *media.Discontinuity) {
	s.breaks = append(s.breaks, *d)
	s.runs = append(s.runs, len(s.units))
	s.opening = true
	s.wallEnd = s.wallSeen
}

func (s *sink) Repaired(r timeline.Repair) { s.repairs[r]++ }

func (s *sink) AccessUnit(au *media.AccessUnit) {
	if len(s.breaks) == 0 {
		s.tb.Fatal("access unit before any discontinuity")
	}
	tracks := s.breaks[len(s.breaks)-1].Tracks
	i := slices.IndexFunc(tracks, func(tr media.Track) bool { return tr.ID == au.Track })
	if i < 0 {
		s.tb.Fatalf("access unit of track %d, which the discontinuity does not name", au.Track)
	}
	at := tracks[i].Timescale.Duration(au.DTS)
	if last, ok := s.lastDTS[au.Track]; ok && at <= last {
		s.tb.Fatalf("unit %d, track %d: dts %s after %s", len(s.units), au.Track, at, last)
	}
	s.lastDTS[au.Track] = at
	if au.PTS < au.DTS {
		s.tb.Fatalf("track %d: pts %d below dts %d", au.Track, au.PTS, au.DTS)
	}
	if at < s.lastAny {
		s.tb.Fatalf("unit %d, track %d at %s comes after %s", len(s.units), au.Track, at, s.lastAny)
	}
	s.lastAny = at
	_, hasVideo := media.Find(tracks, media.KindVideo)
	if s.opening && (tracks[i].Codec.Kind() == media.KindVideo || !hasVideo) {
		if !au.RandomAccess {
			s.tb.Fatal("run opens without a random access point")
		}
		s.opening = false
	}
	if au.CapturedAt.Before(s.wallEnd) {
		s.tb.Fatalf("captured at %s, the run before ended at %s", au.CapturedAt, s.wallEnd)
	}
	if au.CapturedAt.After(s.wallSeen) {
		s.wallSeen = au.CapturedAt
	}
	s.units = append(s.units, *au)
}

// of returns the units of one track.

func (s *sink) of(id media.TrackID) []media.AccessUnit {
	var out []media.AccessUnit
	for _, au := range s.units {
		if au.Track == id {
			out = append(out, au)
		}
	}
	return out
}

func (s *sink) reasons() string {
	var out []string
	for _, d := range s.breaks {
		out = append(out, d.Reason.String())
	}
	return "[" + strings.Join(out, " ") + "]"
}

// rig is a timeline with a clock and a sink.
type rig struct {
	*timeline.Timeline
	sink  *sink
	clock *mediatest.Clock
}

func newRig(tb testing.TB, pos timeline.Position) *rig {
	tb.Helper()
	clock := mediatest.NewClock()
	s := newSink(tb, clock)
	return &rig{Timeline: timeline.New(s, clock.Now, pos), sink: s, clock: clock}
}

// feed writes samples at the pace of their DTS.
func (r *rig) feed(samples []media.Sample) {
	var last time.Duration
	for i, s := range samples {
		if d := s.DTS - last; i > 0 && d > 0 && d < time.Second {
			r.clock.Advance(d)
		}
		last = s.DTS
		r.Write(s)
	}
}

const (
	videoID = media.VideoTrackID
	audioID = media.AudioTrackID
)
