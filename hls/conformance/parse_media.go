package conformance

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// media is what a media playlist says.
type media struct {
	version        int
	targetDuration int // -1 if absent
	targets        int // EXT-X-TARGETDURATION tags
	msn            int
	dsn            int
	hasDSN         bool
	independent    bool
	kind           string        // EXT-X-PLAYLIST-TYPE
	partTarget     time.Duration // 0 if absent
	control        attributes    // of EXT-X-SERVER-CONTROL, nil if absent
	skipped        int
	skips          int          // EXT-X-SKIP tags
	skip           attributes   // of the last
	ranges         []attributes // of EXT-X-DATERANGE
	badRanges      []string     // that cannot be read
	segments       []segment
	open           segment // the segment that is being built: its tags and parts
	hints          []attributes
	reports        []attributes
	ended          bool
	iFramesOnly    bool
	torn           string   // what an unfinished copy lacks
	late           []string // tags that came after the first part of their segment
	misuses        []misuse
	need           needed
}

// byteRange is a part of a file; length is 0 for all of it.
type byteRange struct{ length, offset int64 }

// initFile names a Media Initialization Section.
type initFile struct {
	uri string // empty for none
	byteRange
}

// segment is one Media Segment with its tags.
type segment struct {
	msn           int
	uri           string
	duration      time.Duration
	init          initFile
	pdt           time.Time
	discontinuity bool
	gap           bool
	encrypted     bool
	parts         []part
	byteRange

	// Set for the reader.
	sizeOnly bool
	target   int
}

// part is one Partial Segment.
type part struct {
	uri         string
	duration    time.Duration
	independent bool
	gap         bool
	byteRange
}

// playlistParser is what must be remembered from one line to the next.
type playlistParser struct {
	*media
	next      segment
	hasInf    bool
	init      initFile
	encrypted bool
	ends      map[string]int64 // where the last byte range of a file ended
}

func parseMedia(body string) (*media, error) {
	ls, err := lines(body)
	if err != nil {
		return nil, err
	}
	p := &playlistParser{media: &media{targetDuration: -1, version: 1}, ends: map[string]int64{}}
	for _, l := range ls {
		switch {
		case l == "":
		case !strings.HasPrefix(l, "#"):
			p.uri(l)
		default:
			name, value, _ := strings.Cut(l, ":")
			if err := p.tag(name, value); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	for i := range p.segments { // its tags may stand anywhere
		p.segments[i].msn = p.msn + p.skipped + i
	}
	switch {
	case p.hasInf:
		p.torn = "an EXTINF without a URI at the end"
	case !strings.HasSuffix(body, "\n"):
		p.torn = "a last line that does not end"
	}
	p.open = p.next
	p.open.msn, p.open.init = p.msn+p.skipped+len(p.segments), p.init
	return p.media, nil
}

func (p *playlistParser) uri(l string) {
	s := p.next
	s.uri, s.init, s.encrypted = l, p.init, p.encrypted
	s.byteRange = p.place(s.byteRange, l)
	if !p.hasInf {
		p.misuses = append(p.misuses, misuse{"a URI line without EXTINF"})
	}
	p.segments = append(p.segments, s)
	p.next, p.hasInf = segment{}, false
}

// place gives a byte range without an offset the one that follows the last.
func (p *playlistParser) place(r byteRange, uri string) byteRange {
	if r.length == 0 {
		return r
	}
	if r.offset < 0 {
		r.offset = p.ends[uri]
	}
	p.ends[uri] = r.offset + r.length
	return r
}

func parseRange(s string) (byteRange, error) {
	n, o, has := strings.Cut(s, "@")
	r := byteRange{offset: -1}
	var err error
	if r.length, err = strconv.ParseInt(n, 10, 64); err == nil && has {
		r.offset, err = strconv.ParseInt(o, 10, 64)
	}
	if err != nil || r.length < 0 || r.length > 1<<40 || r.offset > 1<<50 {
		return byteRange{}, fmt.Errorf("%q is no byte range", clip(s))
	}
	return r, nil
}

// number parses a decimal-integer that fits our arithmetic.
func number(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < -1<<40 || n > 1<<40 {
		return 0, fmt.Errorf("%q is no number", clip(s))
	}
	return n, nil
}

// tag takes one tag line.
func (p *playlistParser) tag(name, value string) (err error) {
	if onlyMultivariant(name) {
		p.misuses = append(p.misuses, misuse{name})
		return nil
	}
	p.need.tag(name, value)
	switch name {
	case "#EXT-X-MAP", "#EXT-X-SERVER-CONTROL", "#EXT-X-PART-INF", "#EXT-X-PART", "#EXT-X-SKIP", "#EXT-X-PRELOAD-HINT", "#EXT-X-RENDITION-REPORT", "#EXT-X-KEY":
		a, aerr := parseAttributes(value)
		if errors.Is(aerr, errRepeated) {
			p.misuses = append(p.misuses, misuse{name + ": " + aerr.Error()})
		} else if aerr != nil {
			return aerr
		}
		p.need.attributes(name, a)
		return p.list(name, a)
	case "#EXT-X-DATERANGE": // players are to pass over what they cannot read
		if a, aerr := parseAttributes(value); aerr != nil {
			p.badRanges = append(p.badRanges, aerr.Error())
		} else {
			p.need.attributes(name, a)
			p.ranges = append(p.ranges, a)
		}
	case "#EXT-X-VERSION":
		p.version, err = number(value)
	case "#EXT-X-TARGETDURATION":
		p.targets++
		if p.targetDuration, err = number(value); err != nil {
			p.targetDuration, err = 0, nil // rule 22
		}
	case "#EXT-X-MEDIA-SEQUENCE":
		p.msn, err = number(value)
	case "#EXT-X-DISCONTINUITY-SEQUENCE":
		p.hasDSN = true
		p.dsn, err = number(value)
	case "#EXT-X-INDEPENDENT-SEGMENTS":
		p.independent = true
	case "#EXT-X-PLAYLIST-TYPE":
		p.kind = value
	case "#EXT-X-ENDLIST":
		p.ended = true
	case "#EXT-X-I-FRAMES-ONLY":
		p.iFramesOnly = true
	case "#EXT-X-DISCONTINUITY":
		p.before(name)
		p.next.discontinuity = true
	case "#EXT-X-BYTERANGE":
		p.next.byteRange, err = parseRange(value)
	case "#EXT-X-GAP":
		p.next.gap = true
	case "#EXT-X-PROGRAM-DATE-TIME":
		p.before(name)
		p.next.pdt, err = parseDate(value)
	case "#EXTINF":
		p.hasInf = true
		d, _, _ := strings.Cut(value, ",")
		p.next.duration, err = seconds(d)
	}
	return err
}

// parseDate accepts the forms of ISO 8601 that are seen in playlists.
func parseDate(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no date", clip(s))
}

// before notes a tag that had to stand before the first part (RFC 8216bis §4.4.4.9).
func (p *playlistParser) before(tag string) {
	if len(p.next.parts) > 0 {
		p.late = append(p.late, fmt.Sprintf("%s after %d parts", tag, len(p.next.parts)))
	}
}

// list takes a tag that has an attribute list.
func (p *playlistParser) list(name string, a attributes) (err error) {
	switch name {
	case "#EXT-X-MAP":
		p.before(name)
		p.init = initFile{uri: a["URI"]}
		if r := a["BYTERANGE"]; r != "" {
			if p.init.byteRange, err = parseRange(r); err == nil {
				p.init.byteRange = p.place(p.init.byteRange, a["URI"])
			}
		}
		if !p.iFramesOnly {
			p.need.atLeast(6, "EXT-X-MAP")
		} else {
			p.need.atLeast(5, "EXT-X-MAP")
		}
	case "#EXT-X-KEY":
		p.before(name)
		p.encrypted = a["METHOD"] != "NONE"
	case "#EXT-X-SERVER-CONTROL":
		p.control = a
	case "#EXT-X-PART-INF":
		p.partTarget, err = seconds(a["PART-TARGET"])
	case "#EXT-X-SKIP":
		p.skips++
		p.skip = a
		if p.skipped, err = number(a["SKIPPED-SEGMENTS"]); p.skipped < 0 {
			return fmt.Errorf("%d segments", p.skipped)
		}
	case "#EXT-X-PRELOAD-HINT":
		p.hints = append(p.hints, a)
	case "#EXT-X-RENDITION-REPORT":
		p.reports = append(p.reports, a)
	case "#EXT-X-PART":
		q := part{uri: a["URI"], independent: a["INDEPENDENT"] == "YES", gap: a["GAP"] == "YES"}
		if r := a["BYTERANGE"]; r != "" {
			if q.byteRange, err = parseRange(r); err != nil {
				return err
			}
			q.byteRange = p.place(q.byteRange, q.uri)
		}
		q.duration, err = seconds(a["DURATION"])
		p.next.parts = append(p.next.parts, q)
	}
	return err
}

// end is the MSN after the last whole segment.
func (m *media) end() int { return m.msn + m.skipped + len(m.segments) }

// nextPart returns the part that does not exist yet, as a blocking request names it.
func (m *media) nextPart() (msn, index int) { return m.end(), len(m.open.parts) }

// beyond reports whether m has media that other does not have.
func (m *media) beyond(other *media) bool {
	msn, index := m.nextPart()
	was, had := other.nextPart()
	return msn > was || msn == was && index > had
}

// at returns the segment with the given MSN, if it is listed.
func (m *media) at(msn int) (segment, bool) {
	i := msn - m.msn - m.skipped
	if i < 0 || i >= len(m.segments) {
		return segment{}, false
	}
	return m.segments[i], true
}

// length is the duration of the whole segments that are listed.
func (m *media) length() (d time.Duration) {
	for i := range m.segments {
		d += m.segments[i].duration
	}
	return d
}

func (m *media) target() time.Duration { return time.Duration(m.targetDuration) * time.Second }

func (m *media) blocks() bool { return m.control["CAN-BLOCK-RELOAD"] == "YES" }
