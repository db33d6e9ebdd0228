package hls_test

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/hls"
)

// mediaPlaylist is what a test reads of a media playlist. The parser is strict:
// an unknown tag or one in a wrong place is an error.
type mediaPlaylist struct {
	version, target, msn, dsn int
	constants                 string // lines that may never change
	partTarget                time.Duration
	skipUntil                 time.Duration
	skip                      int
	segments                  []mediaSegment
	open                      mediaSegment // parts at the end; uri is empty
	hintPart, hintMap         string
	reports                   map[string][2]int // name -> LAST-MSN, LAST-PART (-1 for none)
	ended                     bool
	cues                      []string // EXT-X-DATERANGE
}

type mediaSegment struct {
	msn, dsn      int
	uri, initURI  string
	extinf        time.Duration
	date          time.Time
	discontinuity bool
	gap           bool
	parts         []mediaPart
}

type mediaPart struct {
	uri         string
	duration    time.Duration
	independent bool
}

func seconds(s string) (time.Duration, error) {
	whole, fraction, ok := strings.Cut(s, ".")
	if !ok || len(fraction) != 3 && len(fraction) != 6 {
		return 0, fmt.Errorf("bad seconds %q", s)
	}
	n, err := strconv.ParseInt(whole+(fraction + "000")[:6], 10, 64)
	return time.Duration(n) * time.Microsecond, err
}

func attributes(s string) (map[string]string, error) {
	out := make(map[string]string)
	for s != "" {
		name, rest, ok := strings.Cut(s, "=")
		if !ok {
			return nil, fmt.Errorf("no value in %q", s)
		}
		var value string
		if quoted, is := strings.CutPrefix(rest, `"`); is {
			value, rest, ok = strings.Cut(quoted, `"`)
			if !ok {
				return nil, fmt.Errorf("open quote in %q", s)
			}
			rest = strings.TrimPrefix(rest, ",")
		} else {
			value, rest, _ = strings.Cut(rest, ",")
		}
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("attribute %s twice", name)
		}
		out[name], s = value, rest
	}
	return out, nil
}

func parsePlaylist(tb testing.TB, text []byte) *mediaPlaylist {
	tb.Helper()
	l, err := parse(string(text))
	if err != nil {
		tb.Fatalf("%v in\n%s", err, text)
	}
	return l
}

func parse(text string) (*mediaPlaylist, error) {
	l := &mediaPlaylist{reports: make(map[string][2]int)}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[0] != "#EXTM3U" {
		return nil, fmt.Errorf("first line %q", lines[0])
	}
	var s mediaSegment
	var initURI string
	var err error
	tags := 0
	number := func(v string) int {
		n, e := strconv.Atoi(v)
		if e != nil {
			err = e
		}
		return n
	}
	for _, line := range lines[1:] {
		tag, value, _ := strings.Cut(line, ":")
		if !strings.HasPrefix(line, "#") {
			if s.extinf == 0 || s.date.IsZero() {
				return nil, fmt.Errorf("segment %s without EXTINF or date", line)
			}
			s.uri, s.initURI, s.dsn = line, initURI, l.dsn+tags
			s.msn = l.msn + l.skip + len(l.segments)
			l.segments = append(l.segments, s)
			s = mediaSegment{}
			continue
		}
		if l.hintPart != "" && tag != "#EXT-X-RENDITION-REPORT" || l.ended {
			return nil, fmt.Errorf("%s after the end", line)
		}
		var a map[string]string
		switch tag {
		case "#EXT-X-VERSION":
			l.version = number(value)
		case "#EXT-X-TARGETDURATION":
			l.target = number(value)
			l.constants += line + "\n"
		case "#EXT-X-PLAYLIST-TYPE":
			if value != "VOD" {
				err = fmt.Errorf("%s", line)
			}
		case "#EXT-X-INDEPENDENT-SEGMENTS":
			l.constants += line + "\n"
		case "#EXT-X-SERVER-CONTROL":
			l.constants += line + "\n"
			if a, err = attributes(value); err == nil {
				l.skipUntil, err = seconds(a["CAN-SKIP-UNTIL"])
			}
		case "#EXT-X-PART-INF":
			l.constants += line + "\n"
			if a, err = attributes(value); err == nil {
				l.partTarget, err = seconds(a["PART-TARGET"])
			}
		case "#EXT-X-MEDIA-SEQUENCE":
			l.msn = number(value)
		case "#EXT-X-DISCONTINUITY-SEQUENCE":
			l.dsn = number(value)
			l.constants += tag + "\n"
		case "#EXT-X-DATERANGE":
			if len(l.segments) > 0 || l.skip > 0 || !reflect.DeepEqual(s, mediaSegment{}) || initURI != "" {
				return nil, fmt.Errorf("%s in a wrong place", line)
			}
			l.cues = append(l.cues, value)
		case "#EXT-X-SKIP":
			if l.skip > 0 || len(l.segments) > 0 {
				return nil, fmt.Errorf("%s in a wrong place", line)
			}
			l.skip = number(strings.TrimPrefix(value, "SKIPPED-SEGMENTS="))
		case "#EXT-X-DISCONTINUITY", "#EXT-X-MAP", "#EXT-X-PROGRAM-DATE-TIME":
			if len(s.parts) > 0 || s.extinf != 0 {
				return nil, fmt.Errorf("%s behind its segment's first part", line)
			}
			switch tag {
			case "#EXT-X-DISCONTINUITY":
				s.discontinuity = true
				tags++
			case "#EXT-X-MAP":
				if a, err = attributes(value); err == nil {
					initURI = a["URI"]
				}
			default:
				s.date, err = time.Parse("2006-01-02T15:04:05.000Z", value)
			}
		case "#EXT-X-GAP":
			s.gap = true
		case "#EXT-X-PART":
			var p mediaPart
			if a, err = attributes(value); err == nil {
				p.uri, p.independent = a["URI"], a["INDEPENDENT"] == "YES"
				p.duration, err = seconds(a["DURATION"])
			}
			s.parts = append(s.parts, p)
		case "#EXTINF":
			s.extinf, err = seconds(strings.TrimSuffix(value, ","))
		case "#EXT-X-PRELOAD-HINT":
			a, err = attributes(value)
			if a["TYPE"] == "MAP" {
				l.hintMap = a["URI"]
			} else {
				l.hintPart = a["URI"]
			}
		case "#EXT-X-RENDITION-REPORT":
			if a, err = attributes(value); err == nil {
				name := strings.TrimSuffix(strings.TrimPrefix(a["URI"], "../"), "/index.m3u8")
				at := [2]int{number(a["LAST-MSN"]), -1}
				if part, ok := a["LAST-PART"]; ok {
					at[1] = number(part)
				}
				l.reports[name] = at
			}
		case "#EXT-X-ENDLIST":
			l.ended = true
		default:
			return nil, fmt.Errorf("unexpected %s", line)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
	}
	l.open = s
	l.open.msn, l.open.initURI, l.open.dsn = l.msn+l.skip+len(l.segments), initURI, l.dsn+tags
	return l, nil
}

// merge returns what a player has that applies the delta update d to full.
func merge(full, d *mediaPlaylist) (*mediaPlaylist, error) {
	out := *d
	out.skip, out.segments = 0, nil
	for msn := d.msn; msn < d.msn+d.skip; msn++ {
		i := slices.IndexFunc(full.segments, func(s mediaSegment) bool { return s.msn == msn })
		if i < 0 {
			return nil, fmt.Errorf("segment %d is skipped but was not in the last playlist", msn)
		}
		out.segments = append(out.segments, full.segments[i])
	}
	initURI, dsn := "", d.dsn
	for _, s := range out.segments {
		initURI = s.initURI
		if s.discontinuity {
			dsn++
		}
	}
	for _, s := range append(slices.Clone(d.segments), d.open) {
		if s.initURI == "" {
			s.initURI = initURI // EXT-X-MAP holds on
		}
		initURI = s.initURI
		if s.discontinuity {
			dsn++
		}
		s.dsn = dsn
		if s.uri == "" {
			out.open = s
		} else {
			out.segments = append(out.segments, s)
		}
	}
	return &out, nil
}

func mustName(tb testing.TB, s string) hls.Name {
	tb.Helper()
	n, ok := hls.ParseName(s)
	if !ok {
		tb.Fatalf("file name %q", s)
	}
	return n
}
