package hls_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/stream"
)

// ladderSim is a class with encoders: what they make of the publisher's pictures
// comes later, and sometimes not at all.
type ladderSim struct {
	class  *class
	at     time.Duration // class clock at the start of the run
	fps    int
	key    time.Duration // distance of keyframes
	grid   time.Duration // of the Discontinuity; then keyframes stand at its multiples
	source media.Track   // passed through unless grid is set
	audio  media.Track   // passed through
	rungs  []*rung
	sent   map[media.TrackID][]*media.AccessUnit // of encoded tracks, in order
}

// rung is one encoded rendition.
type rung struct {
	track  media.Track
	lag    func(pts time.Duration) time.Duration
	delay  int // pictures by which DTS precedes PTS
	opens  time.Duration
	faults []fault // by time
}

// fault is a time in which a rung's encoder gives nothing.
type fault struct {
	from, until time.Duration // since the start of the run, when media arrive
	shed        bool
}

// simVideo and simAudio are tracks as an encoder describes them.
func simVideo(tb testing.TB, id media.TrackID, name string, height, rate int) media.Track {
	tb.Helper()
	t := mediatest.New(tb, mediatest.Config{NoAudio: true, Large: height >= 720}).Tracks()[0]
	t.ID, t.Rendition, t.Encoded, t.MaxBitRate = id, name, true, rate
	t.Video.Width, t.Video.Height = height*16/9/2*2, height
	return t
}

func simAudio(tb testing.TB, id media.TrackID, name string, rate int) media.Track {
	tb.Helper()
	t := mediatest.New(tb, mediatest.Config{NoVideo: true}).Tracks()[0]
	t.ID, t.Rendition, t.Encoded, t.MaxBitRate = id, name, true, rate
	return t
}

// newLadderSim is the default ladder without faults, all encoders half a second
// late.
func newLadderSim(tb testing.TB, grid time.Duration) *ladderSim {
	tb.Helper()
	late := func(time.Duration) time.Duration { return 500 * time.Millisecond }
	s := &ladderSim{
		class: newClass(), fps: 30, key: 2 * time.Second, grid: grid,
		source: simVideo(tb, 1, "source", 1080, 4500000), audio: simAudio(tb, 2, "audio", 0),
		sent: make(map[media.TrackID][]*media.AccessUnit),
	}
	s.source.Encoded, s.source.MaxBitRate, s.audio.Encoded = false, 0, false
	if grid > 0 {
		t := s.source
		t.ID, t.Encoded, t.MaxBitRate = 16, true, 4500000
		s.rungs = append(s.rungs, &rung{track: t, lag: late, opens: 300 * time.Millisecond})
	}
	for i, t := range []media.Track{
		simVideo(tb, 17, "720p", 720, 2500000), simVideo(tb, 18, "480p", 480, 1000000),
		simVideo(tb, 19, "360p", 360, 600000), simAudio(tb, 20, "audio-only", 64000),
	} {
		delay := 0
		if t.Codec.Kind() == media.KindVideo {
			delay = i % 3
		}
		s.rungs = append(s.rungs, &rung{track: t, lag: late, delay: delay, opens: 300 * time.Millisecond})
	}
	return s
}

func (s *ladderSim) rung(name string) *rung {
	return s.rungs[slices.IndexFunc(s.rungs, func(r *rung) bool { return r.track.Rendition == name })]
}

// keep leaves out all encoded renditions but these.
func (s *ladderSim) keep(names ...string) {
	s.rungs = slices.DeleteFunc(s.rungs, func(r *rung) bool { return !slices.Contains(names, r.track.Rendition) })
}

// timed is an item with the class time at which it comes.
type timed struct {
	at   time.Duration
	item stream.Item
}

// play adds a run of d to the class.
func (s *ladderSim) play(reason media.DiscontinuityReason, d time.Duration) {
	c := s.class
	s.at = c.at
	var tracks []media.Track
	if s.grid == 0 {
		tracks = append(tracks, s.source)
	}
	for _, r := range s.rungs {
		t := r.track
		t.Video.ParameterSets, t.Audio.Config = nil, nil
		tracks = append(tracks, t)
	}
	tracks = append(tracks, s.audio)
	c.items = append(c.items, stream.Item{Discontinuity: &media.Discontinuity{Reason: reason, Tracks: tracks, Grid: s.grid}})

	var out []timed
	if s.grid == 0 {
		for _, u := range s.pictures(s.source, 0, d, 1) {
			out = append(out, timed{s.source.Timescale.Duration(u.DTS), stream.Item{AccessUnit: u}})
		}
	}
	for _, u := range s.sounds(s.audio, d) {
		out = append(out, timed{s.audio.Timescale.Duration(u.DTS), stream.Item{AccessUnit: u}})
	}
	last := s.at + d
	for _, r := range s.rungs {
		made := s.encode(r, d)
		out = append(out, made...)
		if n := len(made); n > 0 {
			last = max(last, made[n-1].at)
		}
	}
	slices.SortStableFunc(out, func(a, b timed) int { return cmp.Compare(a.at, b.at) })
	for _, x := range out {
		c.items = append(c.items, x.item)
	}
	c.at += d + time.Second/time.Duration(s.fps)*3
}

// keyBefore is the latest place of a keyframe up to t.
func (s *ladderSim) keyBefore(t time.Duration) time.Duration {
	if s.grid > 0 {
		return max(t/s.grid*s.grid, s.at)
	}
	return s.at + (t-s.at)/s.key*s.key
}

// pictures are those of a track in d, with IDR pictures where they belong. DTS precedes PTS by delay pictures, as if B pictures were possible.
func (s *ladderSim) pictures(t media.Track, delay int, d time.Duration, mark byte) []*media.AccessUnit {
	frame := time.Second / time.Duration(s.fps)
	at := func(n int) time.Duration {
		pts := (s.at + time.Duration(n)*time.Second/time.Duration(s.fps)).Round(time.Microsecond)
		if near := pts.Round(s.key); s.grid > 0 && (pts-near).Abs() < frame/2 {
			pts = near // the encoder moves it there
		}
		return pts
	}
	var out []*media.AccessUnit
	for n := 0; time.Duration(n)*time.Second < d*time.Duration(s.fps); n++ {
		pts := at(n)
		dts := t.Timescale.Ticks(pts) - int64(delay)*t.Timescale.Ticks(frame)
		out = append(out, &media.AccessUnit{
			Track: t.ID, PTS: t.Timescale.Ticks(pts), DTS: max(dts, int64(n)), // rises, whatever the start
			RandomAccess: n == 0 || s.keyBefore(pts) > at(n-1),
			Payload:      [][]byte{{0x65, mark, byte(n), byte(n >> 8)}},
			CapturedAt:   s.class.wall.Add(pts),
		})
	}
	return out
}

func (s *ladderSim) sounds(t media.Track, d time.Duration) []*media.AccessUnit {
	var out []*media.AccessUnit
	for n := (t.Timescale.Ticks(s.at) + 1023) / 1024; t.Timescale.Duration(n*1024) < s.at+d; n++ {
		pts := t.Timescale.Duration(n * 1024)
		out = append(out, &media.AccessUnit{
			Track: t.ID, PTS: n * 1024, DTS: n * 1024, RandomAccess: true,
			Payload: [][]byte{{byte(n), byte(n >> 8), 7}}, CapturedAt: s.class.wall.Add(pts),
		})
	}
	return out
}

// encode is what a rung's encoder gives, and what the job says of its silences.
func (s *ladderSim) encode(r *rung, d time.Duration) []timed {
	ts := r.track.Timescale
	described := r.track
	out := []timed{{s.at + r.opens, stream.Item{Track: &described}}}
	var units []*media.AccessUnit
	if r.track.Codec.Kind() == media.KindVideo {
		units = s.pictures(r.track, r.delay, d, 2)
	} else {
		units = s.sounds(r.track, d)
	}
	arrival := s.at + r.opens
	add := func(u *media.AccessUnit) {
		arrival = max(arrival, ts.Duration(u.PTS)+r.lag(ts.Duration(u.PTS)-s.at))
		for _, f := range r.faults {
			if arrival >= s.at+f.from && arrival < s.at+f.until {
				return
			}
		}
		out = append(out, timed{arrival, stream.Item{AccessUnit: u}})
		s.sent[r.track.ID] = append(s.sent[r.track.ID], u)
	}
	next := 0
	for _, f := range r.faults {
		for ; next < len(units); next++ {
			if u := ts.Duration(units[next].PTS); u+r.lag(u-s.at) >= s.at+f.until {
				break
			}
			add(units[next])
		}
		// As the job does: at each keyframe of the source it tells of the one before.
		first := s.keyBefore(s.at + f.from)
		if f.shed && f.from < d {
			out = append(out, timed{s.at + f.from, stream.Item{Gap: &media.Gap{Track: r.track.ID, Until: ts.Ticks(first), Shed: true}}})
		}
		for k := first + s.key; k < s.at+min(f.until, d); k += s.key {
			out = append(out, timed{k, stream.Item{Gap: &media.Gap{Track: r.track.ID, Until: ts.Ticks(k - s.key), Shed: f.shed}}})
		}
		// The new encoder begins at the latest keyframe, and repeats what was there.
		restart := s.keyBefore(s.at + f.until)
		next = slices.IndexFunc(units, func(u *media.AccessUnit) bool { return ts.Duration(u.PTS) >= restart-time.Millisecond })
		if next < 0 {
			next = len(units)
		}
		arrival = s.at + f.until
		again := described
		out = append(out, timed{arrival, stream.Item{Track: &again}})
	}
	for ; next < len(units); next++ {
		add(units[next])
	}
	return out
}
