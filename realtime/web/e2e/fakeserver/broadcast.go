package main

import (
	"time"

	"github.com/lectern/lectern/realtime/room"
)

// headStart is how much of the lecture is there when a broadcast begins.
const headStart = 6 * time.Second

// partLength is how long the parts of a low-latency broadcast are.
const partLength = 500 * time.Millisecond

// broadcast publishes a lecture in real time, in runs with interruptions between
// them. As in Lectern, media time goes on where it stopped and only the
// PROGRAM-DATE-TIME jumps.
type broadcast struct {
	talk  *lecture
	runs  []run
	ended bool

	// low publishes parts, and segments of 2 s in place of 1 s.
	low bool
	// past is how much was broadcast before the beginning, more than headStart.
	past time.Duration
	// dvr is how much the DVR lists list, 0 is everything.
	dvr time.Duration

	// ladder offers the smaller renditions too, but for those that are withdrawn.
	// A steep one is said to be far larger than it is, like a real one; a heavy one
	// is as large as a real one.
	ladder    bool
	steep     bool
	heavy     bool
	withdrawn string
	gaps      []gap

	// stuck is a track that nothing is added to, and since when.
	stuck      string
	stuckSince time.Time

	// cues are what happened in the room.
	cues []room.Cue
}

// gap is a time in which nothing of a track is made. It is zero until it ends.
type gap struct {
	track       string
	from, until time.Time
}

// breakTrack begins a gap of track and ends all others.
func (b *broadcast) breakTrack(track string, now time.Time) {
	for i := range b.gaps {
		if b.gaps[i].until.IsZero() {
			b.gaps[i].until = now
		}
	}
	if track != "" {
		b.gaps = append(b.gaps, gap{track: track, from: now})
	}
}

// missing reports whether a track has nothing of the segment.
func (b *broadcast) missing(track string, s segment) bool {
	end := s.date.Add(b.unit())
	for _, g := range b.gaps {
		if g.track == track && end.After(g.from) && (g.until.IsZero() || s.date.Before(g.until)) {
			return true
		}
	}
	return false
}

// run is one uninterrupted stretch. It has published before it began, then one
// segment after another, until it was stopped.
type run struct {
	first int // segment number
	begun time.Time
	ended time.Time // zero while it goes on
}

// segment is one published segment, or the one that is being made.
type segment struct {
	number int
	date   time.Time
	breaks bool
	// parts is how many there are; an open segment has not all.
	parts int
	open  bool
}

// unit is the length of a segment.
func (b *broadcast) unit() time.Duration {
	if b.low {
		return 2 * time.Second
	}
	return time.Second
}

func (b *broadcast) onAir() bool {
	return len(b.runs) > 0 && b.runs[len(b.runs)-1].ended.IsZero()
}

func (b *broadcast) start(now time.Time) {
	if b.onAir() {
		return
	}
	r := run{begun: now}
	if len(b.runs) == 0 {
		r.begun = now.Add(-max(headStart, b.past))
	} else {
		all := b.segments(now)
		r.first = all[len(all)-1].number + 1
	}
	b.runs = append(b.runs, r)
}

// stop ends the run. Nothing that was published is taken back: a segment that was
// begun is finished at once.
func (b *broadcast) stop(now time.Time) {
	if !b.onAir() {
		return
	}
	r := &b.runs[len(b.runs)-1]
	r.ended = now
	if rest := now.Sub(r.begun) % b.unit(); b.low && rest > 0 {
		r.ended = now.Add(b.unit() - rest)
	}
}

// segments returns all segments published until now. In a low-latency broadcast
// the last one may be open.
func (b *broadcast) segments(now time.Time) []segment {
	var all []segment
	unit := b.unit()
	for i, r := range b.runs {
		end := now
		if !r.ended.IsZero() {
			end = r.ended
		}
		whole := int(end.Sub(r.begun) / unit)
		for k := range whole {
			all = append(all, segment{
				number: r.first + k, date: r.begun.Add(time.Duration(k) * unit),
				breaks: k == 0 && i > 0, parts: int(unit / partLength),
			})
		}
		if rest := end.Sub(r.begun) % unit; b.low && r.ended.IsZero() && rest >= partLength {
			all = append(all, segment{
				number: r.first + whole, date: r.begun.Add(time.Duration(whole) * unit),
				breaks: whole == 0 && i > 0, parts: int(rest / partLength), open: true,
			})
		}
	}
	return all
}

// reached reports whether part n of segment msn is published; n is -1 for the
// whole segment.
func (b *broadcast) reached(now time.Time, msn, n int) bool {
	all := b.segments(now)
	if b.ended || len(all) == 0 {
		return b.ended
	}
	last := all[len(all)-1]
	switch {
	case last.number != msn:
		return last.number > msn
	case n < 0:
		return !last.open
	default:
		return !last.open || last.parts > n
	}
}

// whole returns the published segments without the open one.
func whole(all []segment) []segment {
	if n := len(all); n > 0 && all[n-1].open {
		return all[:n-1]
	}
	return all
}

// frames returns which frames of a track are in part n of a segment, or in the
// whole segment if n is -1.
func (b *broadcast) frames(t *track, number, n int) (from, to int) {
	at, length := time.Duration(number)*b.unit(), b.unit()
	if n >= 0 {
		at, length = at+time.Duration(n)*partLength, partLength
	}
	return t.frame(at), t.frame(at + length)
}

// media returns part n of a segment, or the whole segment if n is -1.
func (b *broadcast) media(track string, number, n int) []byte {
	t := b.talk.tracks[track]
	if n < 0 && b.low {
		var out []byte
		for k := range int(b.unit() / partLength) {
			out = append(out, b.media(track, number, k)...)
		}
		return out
	}
	from, to := b.frames(t, number, n)
	return b.pad(track, t.media(from, to), t.length(from, to))
}

// pad makes the media of a heavy broadcast as large as those of a camera, by a box
// that players skip.
func (b *broadcast) pad(track string, media []byte, length time.Duration) []byte {
	if !b.heavy {
		return media
	}
	want := int(length.Seconds() * heavyRate(track) / 8)
	if missing := want - len(media); missing >= 8 {
		box := make([]byte, missing)
		box[0], box[1], box[2], box[3] = byte(missing>>24), byte(missing>>16), byte(missing>>8), byte(missing)
		copy(box[4:], "free")
		media = append(media, box...)
	}
	return media
}

// heavyRate is the rate of a track in a heavy broadcast, in bits a second.
func heavyRate(track string) float64 {
	switch track {
	case "v":
		return 1100e3
	case "m":
		return 650e3
	case "l":
		return 230e3
	case "a":
		return 100e3
	default:
		return 60e3
	}
}
