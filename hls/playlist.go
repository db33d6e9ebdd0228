package hls

import (
	"time"

	"github.com/lectern/lectern/storage/segment"
)

// leastSegments is how many segments a live playlist keeps at least.
const leastSegments = 6

// openSegment is the segment that is being built.
type openSegment struct {
	msn    int
	fresh  bool // nothing before it is continued
	head   headOf
	mapped bool
	text   []byte // tags that stand before the first part; empty before there is a sample
	parts  []segment.Part
	lines  []byte // EXT-X-PART lines
	bytes  int64
}

// playlist is the content of one rendition's media playlists: of the live list,
// and of the DVR list, which begins earlier and has no parts.
type playlist struct {
	name  string
	epoch string // of what is made now

	// rows are what the longest list has, oldest first. They are only ever added
	// behind and left out in front, so a list that took them once can keep them.
	rows      []row
	total     time.Duration // of rows
	live      int           // index of the live list's first row
	liveTotal time.Duration // of rows[live:]
	liveGaps  int           // among rows[live:]

	parts     [][]byte // EXT-X-PART lines of the last len(parts) rows
	lastParts int      // how many parts the last row has

	open      openSegment
	nextInit  int    // id of the Init that the open segment will need
	nextEpoch string // of that Init
	ended     bool
}

// window returns the rows of the live list.
func (l *playlist) window() []row { return l.rows[l.live:] }

// openHead sets the tags of the open segment.
func (l *playlist) openHead(h headOf) {
	o := &l.open
	n := len(l.rows)
	o.head = h
	o.mapped = n == 0 || h.discontinuity || l.rows[n-1].initID != h.initID
	o.text = appendHead(nil, h, o.mapped)
}

// addPart lists a part of the open segment.
func (o *openSegment) addPart(epoch string, p segment.Part) {
	o.parts = append(o.parts, p)
	o.lines = append(o.lines, "#EXT-X-PART:DURATION="...)
	o.lines = appendSeconds(o.lines, p.Duration)
	o.lines = append(o.lines, `,URI="`...)
	o.lines = append(o.lines, Name{Kind: NamePart, Epoch: epoch, MSN: o.msn, Part: p.Index}.String()...)
	o.lines = append(o.lines, '"')
	if p.Independent {
		o.lines = append(o.lines, ",INDEPENDENT=YES"...)
	}
	o.lines = append(o.lines, '\n')
}

// finishOpen lists s, which is the open segment, and opens the next.
func (l *playlist) finishOpen(s segment.Segment) {
	o := &l.open
	s.Epoch = l.epoch
	l.add(newRow(s, o.text, o.mapped, o.head.mapLine), o.lines, len(o.parts))
	l.open = openSegment{msn: s.MSN + 1}
}

func (l *playlist) add(r row, parts []byte, count int) {
	l.rows = append(l.rows, r)
	l.total += r.duration
	l.liveTotal += r.duration
	if r.gap {
		l.liveGaps++
	}
	l.parts, l.lastParts = append(l.parts, parts), count
}

// whole is how many segments of the live list are not gaps.
func (l *playlist) whole() int { return len(l.rows) - l.live - l.liveGaps }

// replay lists a segment of an earlier run, with its parts if withParts is set.
func (l *playlist) replay(s segment.Segment, mapLine []byte, withParts bool) {
	n := len(l.rows)
	mapped := n == 0 || s.Discontinuity || l.rows[n-1].initID != s.InitID
	again := openSegment{msn: s.MSN}
	if withParts {
		for _, p := range s.Parts {
			again.addPart(s.Epoch, p)
		}
	}
	head := appendHead(nil, headOf{mapLine: mapLine, discontinuity: s.Discontinuity, date: s.ProgramDateTime}, mapped)
	l.add(newRow(s, head, mapped, mapLine), again.lines, len(s.Parts))
}

// slide removes rows from the front that the windows of the live list and of the
// DVR list do not need, and returns how many left the live list.
func (l *playlist) slide(live, dvr time.Duration) int {
	first := l.live
	for len(l.rows)-l.live > leastSegments && l.liveTotal-l.rows[l.live].duration >= live {
		l.liveTotal -= l.rows[l.live].duration
		if l.rows[l.live].gap {
			l.liveGaps--
		}
		l.live++
	}
	gone := l.live - first
	n := 0
	for n < l.live && l.total-l.rows[n].duration >= dvr {
		l.total -= l.rows[n].duration
		n++
	}
	l.rows, l.live = l.rows[n:], l.live-n
	return gone
}

// position returns the MSN and part of the latest media, for
// EXT-X-RENDITION-REPORT; part is -1 when that segment has no parts.
func (l *playlist) position() (msn, part int) {
	if n := len(l.open.parts); n > 0 {
		return l.open.msn, n - 1
	}
	return l.open.msn - 1, l.lastParts - 1
}

// firstMSN is the value of EXT-X-MEDIA-SEQUENCE of the live list.
func (l *playlist) firstMSN() int {
	if live := l.window(); len(live) > 0 {
		return live[0].msn
	}
	return l.open.msn
}
