package conformance

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// multivariant is what a multivariant playlist says.
type multivariant struct {
	variants    []attributes // of EXT-X-STREAM-INF, with the URI line under "uri"
	renditions  []attributes // of EXT-X-MEDIA
	iFrames     []attributes // of EXT-X-I-FRAME-STREAM-INF
	independent bool
	quotedNone  bool // CLOSED-CAPTIONS="NONE": a group of that name, not the word
}

// media is what a media playlist says.
type media struct {
	version        int
	targetDuration int // -1 if absent
	msn            int
	dsn            int
	hasDSN         bool
	independent    bool
	partTarget     time.Duration // 0 if absent
	control        attributes    // of EXT-X-SERVER-CONTROL, nil if absent
	skipped        int
	skips          int // EXT-X-SKIP tags
	segments       []segment
	trailing       []part // parts of the segment that is being built
	hints          []attributes
	reports        []attributes
	ended          bool
	iFramesOnly    bool
}

// segment is one Media Segment with its tags.
type segment struct {
	msn           int
	uri           string
	duration      time.Duration
	mapURI        string
	pdt           time.Time
	discontinuity bool
	gap           bool
	parts         []part
	length        int64 // of EXT-X-BYTERANGE, 0 if absent
	offset        int64
}

// part is one Partial Segment.
type part struct {
	uri         string
	duration    time.Duration
	independent bool
	gap         bool
}

// attributes is an attribute list (RFC 8216bis §4.2), quotes removed.
type attributes map[string]string

func (a attributes) seconds(name string) (time.Duration, bool) {
	s, ok := a[name]
	if !ok {
		return 0, false
	}
	d, err := seconds(s)
	return d, err == nil
}

// seconds parses a decimal-floating-point number of seconds.
func seconds(s string) (time.Duration, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 0 || f > 1e6 || math.IsNaN(f) {
		return 0, fmt.Errorf("%q is not a number of seconds", s)
	}
	return time.Duration(math.Round(f * float64(time.Second))), nil
}

// parseAttributes splits an attribute list. A repeated name is an error.
func parseAttributes(s string) (attributes, error) {
	a := attributes{}
	for s != "" {
		name, rest, ok := strings.Cut(s, "=")
		if !ok {
			return nil, fmt.Errorf("attribute list ends in %q", s)
		}
		var value string
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			value, rest, ok = strings.Cut(quoted, `"`)
			if !ok {
				return nil, fmt.Errorf("attribute %s has no closing quote", name)
			}
			rest = strings.TrimPrefix(rest, ",")
		} else {
			value, rest, _ = strings.Cut(rest, ",")
		}
		name = strings.TrimSpace(name)
		if _, twice := a[name]; twice {
			return nil, fmt.Errorf("attribute %s is repeated", name)
		}
		a[name] = value
		s = rest
	}
	return a, nil
}

// lines returns the lines of a playlist without the first, which must be #EXTM3U.
func lines(body string) ([]string, error) {
	if strings.HasPrefix(body, "\ufeff") {
		return nil, fmt.Errorf("begins with a byte order mark")
	}
	all := strings.Split(strings.ReplaceAll(body, "\r\n", "\n"), "\n")
	if all[0] != "#EXTM3U" {
		return nil, fmt.Errorf("the first line is not #EXTM3U")
	}
	return all[1:], nil
}

func parseMultivariant(body string) (*multivariant, error) {
	ls, err := lines(body)
	if err != nil {
		return nil, err
	}
	m := &multivariant{}
	var pending attributes
	for _, l := range ls {
		name, value, _ := strings.Cut(l, ":")
		switch {
		case l == "":
		case name == "#EXT-X-STREAM-INF":
			if pending, err = parseAttributes(value); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			m.quotedNone = m.quotedNone || strings.Contains(value, `CLOSED-CAPTIONS="NONE"`)
		case name == "#EXT-X-I-FRAME-STREAM-INF":
			a, err := parseAttributes(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			m.iFrames = append(m.iFrames, a)
		case name == "#EXT-X-MEDIA":
			a, err := parseAttributes(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			m.renditions = append(m.renditions, a)
		case name == "#EXT-X-INDEPENDENT-SEGMENTS":
			m.independent = true
		case name == "#EXTINF" || name == "#EXT-X-TARGETDURATION" || name == "#EXT-X-MEDIA-SEQUENCE":
			return nil, fmt.Errorf("holds %s, which belongs in a media playlist", name)
		case !strings.HasPrefix(l, "#"):
			if pending == nil {
				return nil, fmt.Errorf("URI line %q follows no EXT-X-STREAM-INF", l)
			}
			pending["uri"] = l
			m.variants, pending = append(m.variants, pending), nil
		}
	}
	if pending != nil {
		return nil, fmt.Errorf("the last EXT-X-STREAM-INF has no URI line")
	}
	return m, nil
}

func parseMedia(body string) (*media, error) {
	ls, err := lines(body)
	if err != nil {
		return nil, err
	}
	m := &media{targetDuration: -1, version: 1}
	var (
		next   segment
		mapURI string
	)
	for _, l := range ls {
		if l == "" {
			continue
		}
		if !strings.HasPrefix(l, "#") {
			next.uri, next.msn, next.mapURI = l, m.msn+m.skipped+len(m.segments), mapURI
			m.segments = append(m.segments, next)
			next = segment{}
			continue
		}
		name, value, _ := strings.Cut(l, ":")
		if err := m.tag(name, value, &next, &mapURI); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	m.trailing = next.parts
	return m, nil
}

// tag takes one tag line; next is the segment whose URI has not come yet.
func (m *media) tag(name, value string, next *segment, mapURI *string) (err error) {
	var a attributes
	switch name {
	case "#EXT-X-MAP", "#EXT-X-SERVER-CONTROL", "#EXT-X-PART-INF", "#EXT-X-PART", "#EXT-X-SKIP", "#EXT-X-PRELOAD-HINT", "#EXT-X-RENDITION-REPORT":
		if a, err = parseAttributes(value); err != nil {
			return err
		}
	}
	switch name {
	case "#EXT-X-VERSION":
		m.version, err = strconv.Atoi(value)
	case "#EXT-X-TARGETDURATION":
		if m.targetDuration >= 0 {
			return fmt.Errorf("appears twice")
		}
		m.targetDuration, err = strconv.Atoi(value)
	case "#EXT-X-MEDIA-SEQUENCE":
		m.msn, err = strconv.Atoi(value)
	case "#EXT-X-DISCONTINUITY-SEQUENCE":
		m.hasDSN = true
		m.dsn, err = strconv.Atoi(value)
	case "#EXT-X-INDEPENDENT-SEGMENTS":
		m.independent = true
	case "#EXT-X-ENDLIST":
		m.ended = true
	case "#EXT-X-DISCONTINUITY":
		next.discontinuity = true
	case "#EXT-X-I-FRAMES-ONLY":
		m.iFramesOnly = true
	case "#EXT-X-BYTERANGE":
		n, o, _ := strings.Cut(value, "@")
		if next.length, err = strconv.ParseInt(n, 10, 64); err == nil && o != "" {
			next.offset, err = strconv.ParseInt(o, 10, 64)
		}
	case "#EXT-X-GAP":
		next.gap = true
	case "#EXT-X-PROGRAM-DATE-TIME":
		next.pdt, err = time.Parse(time.RFC3339Nano, value)
	case "#EXTINF":
		d, _, _ := strings.Cut(value, ",")
		next.duration, err = seconds(d)
	case "#EXT-X-MAP":
		*mapURI = a["URI"]
	case "#EXT-X-SERVER-CONTROL":
		m.control = a
	case "#EXT-X-PART-INF":
		m.partTarget, err = seconds(a["PART-TARGET"])
	case "#EXT-X-SKIP":
		m.skips++
		m.skipped, err = strconv.Atoi(a["SKIPPED-SEGMENTS"])
	case "#EXT-X-PRELOAD-HINT":
		m.hints = append(m.hints, a)
	case "#EXT-X-RENDITION-REPORT":
		m.reports = append(m.reports, a)
	case "#EXT-X-PART":
		p := part{uri: a["URI"], independent: a["INDEPENDENT"] == "YES", gap: a["GAP"] == "YES"}
		p.duration, err = seconds(a["DURATION"])
		next.parts = append(next.parts, p)
	}
	return err
}

// nextPart returns the part that does not exist yet, as a blocking request names it.
func (m *media) nextPart() (msn, index int) {
	return m.msn + m.skipped + len(m.segments), len(m.trailing)
}
