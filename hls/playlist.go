package hls

import (
	"strconv"
	"time"

	"github.com/lectern/lectern/storage/segment"
)

// leastSegments is how many segments a live playlist keeps at least.
const leastSegments = 6

// dateLayout is the format of EXT-X-PROGRAM-DATE-TIME.
const dateLayout = "2006-01-02T15:04:05.000Z"

// headOf is what the tags before a segment's first part say.
type headOf struct {
	initID        int
	discontinuity bool
	sequence      int
	date          time.Time
}

// listed is a finished segment in a playlist. Its texts never change.
type listed struct {
	segment.Segment
	mapped bool   // head has EXT-X-MAP
	head   []byte // tags that stand before the first part
	parts  []byte // EXT-X-PART lines
	tail   []byte // EXT-X-GAP, EXTINF, URI
}

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

// playlist is the content of one rendition's media playlist.
type playlist struct {
	name     string
	segments []listed
	total    time.Duration // of segments
	gaps     int           // among segments
	open     openSegment
	nextInit int // id of the Init that the open segment will need
	ended    bool
}

// openHead sets the tags of the open segment.
func (l *playlist) openHead(epoch string, h headOf) {
	o := &l.open
	n := len(l.segments)
	o.head = h
	o.mapped = n == 0 || h.discontinuity || l.segments[n-1].InitID != h.initID
	o.text = appendHead(nil, epoch, h, o.mapped)
}

func appendHead(b []byte, epoch string, h headOf, mapped bool) []byte {
	if h.discontinuity {
		b = append(b, "#EXT-X-DISCONTINUITY\n"...)
	}
	if mapped {
		b = appendMap(b, epoch, h.initID)
	}
	b = append(b, "#EXT-X-PROGRAM-DATE-TIME:"...)
	b = h.date.UTC().Round(time.Millisecond).AppendFormat(b, dateLayout)
	return append(b, '\n')
}

func appendMap(b []byte, epoch string, id int) []byte {
	b = append(b, `#EXT-X-MAP:URI="`...)
	b = append(b, Name{Kind: NameInit, Epoch: epoch, Init: id}.String()...)
	return append(b, "\"\n"...)
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
func (l *playlist) finishOpen(epoch string, s segment.Segment) {
	o := &l.open
	l.add(listed{Segment: s, mapped: o.mapped, head: o.text, parts: o.lines, tail: appendTail(nil, epoch, s)})
	l.open = openSegment{msn: s.MSN + 1}
}

func (l *playlist) add(s listed) {
	l.segments = append(l.segments, s)
	l.total += s.Duration
	if s.Gap {
		l.gaps++
	}
}

// whole is how many of the segments are not gaps.
func (l *playlist) whole() int { return len(l.segments) - l.gaps }

// replay lists a segment of an earlier run, with its parts if withParts is set.
func (l *playlist) replay(epoch string, s segment.Segment, withParts bool) {
	n := len(l.segments)
	mapped := n == 0 || s.Discontinuity || l.segments[n-1].InitID != s.InitID
	again := openSegment{msn: s.MSN}
	if withParts {
		for _, p := range s.Parts {
			again.addPart(epoch, p)
		}
	}
	l.add(listed{
		Segment: s, mapped: mapped, parts: again.lines,
		head: appendHead(nil, epoch, headOf{
			initID: s.InitID, discontinuity: s.Discontinuity, date: s.ProgramDateTime,
		}, mapped),
		tail: appendTail(nil, epoch, s),
	})
}

func appendTail(b []byte, epoch string, s segment.Segment) []byte {
	if s.Gap {
		b = append(b, "#EXT-X-GAP\n"...)
	}
	b = append(b, "#EXTINF:"...)
	b = appendSeconds(b, s.Duration)
	b = append(b, ",\n"...)
	b = append(b, Name{Kind: NameSegment, Epoch: epoch, MSN: s.MSN}.String()...)
	return append(b, '\n')
}

// slide removes segments from the front that the window does not need, and
// returns how many.
func (l *playlist) slide(window time.Duration) int {
	n := 0
	for len(l.segments)-n > leastSegments && l.total-l.segments[n].Duration >= window {
		l.total -= l.segments[n].Duration
		if l.segments[n].Gap {
			l.gaps--
		}
		n++
	}
	if n > 0 {
		kept := copy(l.segments, l.segments[n:])
		clear(l.segments[kept:])
		l.segments = l.segments[:kept]
	}
	return n
}

// before returns how many segments at the front end at least d before the end of
// the last finished segment.
func (l *playlist) before(d time.Duration) int {
	var after time.Duration
	for i := len(l.segments) - 1; i >= 0; i-- {
		if after >= d {
			return i + 1
		}
		after += l.segments[i].Duration
	}
	return 0
}

// position returns the MSN and part of the latest media, for
// EXT-X-RENDITION-REPORT; part is -1 when that segment has no parts.
func (l *playlist) position() (msn, part int) {
	if n := len(l.open.parts); n > 0 {
		return l.open.msn, n - 1
	}
	return l.open.msn - 1, l.lastParts() - 1
}

// lastParts is how many parts the latest finished segment has.
func (l *playlist) lastParts() int {
	if n := len(l.segments); n > 0 {
		return len(l.segments[n-1].Parts)
	}
	return 0
}

// firstMSN is the value of EXT-X-MEDIA-SEQUENCE.
func (l *playlist) firstMSN() int {
	if len(l.segments) > 0 {
		return l.segments[0].MSN
	}
	return l.open.msn
}

// firstSequence is the value of EXT-X-DISCONTINUITY-SEQUENCE: the number of the
// first segment without its own tag, as the tag still stands in the playlist
// (RFC 8216bis §4.4.3.3).
func (l *playlist) firstSequence() int {
	sequence, tagged := l.open.head.sequence, l.open.head.discontinuity
	if len(l.segments) > 0 {
		sequence, tagged = l.segments[0].DiscontinuitySequence, l.segments[0].Discontinuity
	}
	if tagged {
		return sequence - 1
	}
	return sequence
}

// appendSeconds writes d in seconds: to the millisecond if that is exact, else
// to the microsecond, so that sums over a long playlist do not drift.
func appendSeconds(b []byte, d time.Duration) []byte {
	us := int64(stated(d) / time.Microsecond)
	b = strconv.AppendInt(b, us/1e6, 10)
	b = append(b, '.')
	fraction, digits := us%1e6, 6
	if fraction%1000 == 0 {
		fraction, digits = fraction/1000, 3
	}
	at := len(b)
	for range digits {
		b = append(b, '0')
	}
	for i := at + digits - 1; i >= at; i-- {
		b[i] += byte(fraction % 10)
		fraction /= 10
	}
	return b
}
