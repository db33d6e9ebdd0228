package hls

import (
	"time"

	"github.com/lectern/lectern/hls/playlist"
	"github.com/lectern/lectern/storage/segment"
)

// leastSegments is how many segments a live playlist keeps at least.
const leastSegments = 6

// openSegment is the segment that is being built.
type openSegment struct {
	msn    int
	fresh  bool // nothing before it is continued
	head   playlist.Head
	mapped bool
	text   []byte // tags that stand before the first part; empty before there is a sample
	parts  []segment.Part
	lines  []byte // EXT-X-PART lines
	bytes  int64
}

// list is the content of one rendition's media playlists: of the live list,
// and of the DVR list, which begins earlier and has no parts.
type list struct {
	epoch string // of what is made now

	// rows are what the longest list has, oldest first. They are only ever added
	// behind and left out in front, so a list that took them once can keep them.
	rows      []playlist.Row
	total     time.Duration // of rows
	live      int           // index of the live list's first row
	liveTotal time.Duration // of rows[live:]
	liveGaps  int           // among rows[live:]

	parts     [][]byte  // EXT-X-PART lines of the last len(parts) rows
	lastParts int       // how many parts the last row has
	rowsEnd   time.Time // wall clock at the end of the last row

	open      openSegment
	nextInit  int    // id of the Init that the open segment will need
	nextEpoch string // of that Init
	ended     bool
}

// window returns the rows of the live list.
func (l *list) window() []playlist.Row { return l.rows[l.live:] }

// openHead sets the tags of the open segment.
func (l *list) openHead(h playlist.Head) {
	o := &l.open
	o.head = h
	o.mapped = h.Discontinuity || l.changes(h.InitID)
	o.text = h.Append(nil, o.mapped)
}

// changes reports whether the Init is another than that of the last row, or the first.
func (l *list) changes(initID int) bool {
	n := len(l.rows)
	return n == 0 || l.rows[n-1].InitID != initID
}

// addPart lists a part of the open segment.
func (o *openSegment) addPart(epoch string, p segment.Part) {
	o.parts = append(o.parts, p)
	o.lines = playlist.AppendPart(o.lines, epoch, o.msn, p)
}

// finishOpen lists s, which is the open segment, and opens the next.
func (l *list) finishOpen(s segment.Segment) {
	o := &l.open
	s.Epoch = l.epoch
	l.rowsEnd = s.ProgramDateTime.Add(s.Duration)
	l.add(playlist.NewRow(s, o.text, o.mapped, o.head.MapLine), o.lines, len(o.parts))
	l.open = openSegment{msn: s.MSN + 1}
}

func (l *list) add(r playlist.Row, parts []byte, count int) {
	l.rows = append(l.rows, r)
	l.total += r.Duration
	l.liveTotal += r.Duration
	if r.Gap {
		l.liveGaps++
	}
	l.parts, l.lastParts = append(l.parts, parts), count
}

// whole is how many segments of the live list are not gaps.
func (l *list) whole() int { return len(l.rows) - l.live - l.liveGaps }

// replay lists a segment of an earlier run, with its parts if withParts is set.
func (l *list) replay(s segment.Segment, mapLine []byte, withParts bool) {
	mapped := s.Discontinuity || l.changes(s.InitID)
	again := openSegment{msn: s.MSN}
	if withParts {
		for _, p := range s.Parts {
			again.addPart(s.Epoch, p)
		}
	}
	l.rowsEnd = s.ProgramDateTime.Add(s.Duration)
	head := playlist.Head{MapLine: mapLine, Discontinuity: s.Discontinuity, Date: s.ProgramDateTime}.Append(nil, mapped)
	l.add(playlist.NewRow(s, head, mapped, mapLine), again.lines, len(s.Parts))
}

// slide removes rows from the front that the windows of the live list and of the
// DVR list do not need, and returns how many left the live list.
func (l *list) slide(live, dvr time.Duration) int {
	first := l.live
	for len(l.rows)-l.live > leastSegments && l.liveTotal-l.rows[l.live].Duration >= live {
		l.liveTotal -= l.rows[l.live].Duration
		if l.rows[l.live].Gap {
			l.liveGaps--
		}
		l.live++
	}
	gone := l.live - first
	n := 0
	for n < l.live && l.total-l.rows[n].Duration >= dvr {
		l.total -= l.rows[n].Duration
		n++
	}
	l.rows, l.live = l.rows[n:], l.live-n
	return gone
}

// position returns the MSN and part of the latest media, for
// EXT-X-RENDITION-REPORT; part is -1 when that segment has no parts.
func (l *list) position() (msn, part int) {
	if n := len(l.open.parts); n > 0 {
		return l.open.msn, n - 1
	}
	return l.open.msn - 1, l.lastParts - 1
}

// edge is the wall clock at the end of the latest media.
func (l *list) edge() time.Time {
	if len(l.open.parts) == 0 {
		return l.rowsEnd
	}
	end := l.open.head.Date
	for _, p := range l.open.parts {
		end = end.Add(p.Duration)
	}
	return end
}

// firstMSN is the value of EXT-X-MEDIA-SEQUENCE of the live list.
func (l *list) firstMSN() int {
	if live := l.window(); len(live) > 0 {
		return live[0].MSN
	}
	return l.open.msn
}

// now is the live list as it is to be written, with the cues of the class.
func (l *list) now(cues playlist.Cues) *playlist.Live {
	live := &playlist.Live{
		Rows: l.window(), Parts: l.parts, Cues: cues, Ended: l.ended, Epoch: l.epoch, MSN: l.open.msn,
		Head: l.open.head, Text: l.open.text, Lines: l.open.lines, Count: len(l.open.parts),
	}
	if live.Count == 0 && l.changes(l.nextInit) {
		live.Map = Name{Kind: NameInit, Epoch: l.nextEpoch, Init: l.nextInit}.String()
	}
	return live
}
