package conformance

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

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
		return 0, fmt.Errorf("%q is not a number of seconds", clip(s))
	}
	return time.Duration(math.Round(f * float64(time.Second))), nil
}

// errRepeated is returned for an attribute list that has a name twice, with all the
// attributes.
var errRepeated = errors.New("an attribute is repeated")

// parseAttributes splits an attribute list.
func parseAttributes(s string) (attributes, error) {
	a := attributes{}
	var repeated error
	for s != "" {
		name, rest, ok := strings.Cut(s, "=")
		if !ok {
			return a, fmt.Errorf("attribute list ends in %q", clip(s))
		}
		if name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			return a, fmt.Errorf("%q is no attribute name", clip(name))
		}
		var value string
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			value, rest, ok = strings.Cut(quoted, `"`)
			if !ok {
				return a, fmt.Errorf("attribute %s has no closing quote", name)
			}
			if rest != "" && rest[0] != ',' {
				return a, fmt.Errorf("attribute %s is followed by %q", name, clip(rest))
			}
			rest = strings.TrimPrefix(rest, ",")
		} else {
			value, rest, _ = strings.Cut(rest, ",")
		}
		if _, twice := a[name]; twice {
			repeated = fmt.Errorf("%w: %s", errRepeated, name)
		}
		a[name] = value
		s = rest
	}
	return a, repeated
}

// lines returns the lines of a playlist without the first, which must be #EXTM3U,
// once its bytes are what RFC 8216bis §4.1 wants.
func lines(body string) ([]string, error) {
	switch {
	case strings.HasPrefix(body, "\ufeff"):
		return nil, errors.New("a byte order mark")
	case !utf8.ValidString(body):
		return nil, errors.New("bytes that are not UTF-8")
	}
	for i, r := range body {
		if r == '\t' && strings.HasPrefix(body[strings.LastIndexByte(body[:i], '\n')+1:], "#EXT-X-SKIP:") {
			continue // between the IDs of Date Ranges (RFC 8216bis §4.4.5.2)
		}
		if r < ' ' && r != '\r' && r != '\n' || r >= 0x7f && r <= 0x9f {
			return nil, fmt.Errorf("the control character U+%04X at byte %d", r, i)
		}
	}
	all := strings.Split(strings.ReplaceAll(body, "\r\n", "\n"), "\n")
	if all[0] != "#EXTM3U" {
		return nil, fmt.Errorf("%q as the first line, not #EXTM3U", clip(all[0]))
	}
	return all[1:], nil
}

// misuse is a tag that stands where it must not, or an attribute that is repeated.
type misuse struct{ what string }

// onlyMultivariant and onlyMedia tell the tags that belong in one kind of playlist
// (RFC 8216bis §4.4).
func onlyMultivariant(tag string) bool {
	switch tag {
	case "#EXT-X-MEDIA", "#EXT-X-STREAM-INF", "#EXT-X-I-FRAME-STREAM-INF", "#EXT-X-SESSION-DATA", "#EXT-X-SESSION-KEY", "#EXT-X-CONTENT-STEERING":
		return true
	}
	return false
}

func onlyMedia(tag string) bool {
	switch tag {
	case "#EXT-X-TARGETDURATION", "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-DISCONTINUITY-SEQUENCE", "#EXT-X-ENDLIST",
		"#EXT-X-PLAYLIST-TYPE", "#EXT-X-I-FRAMES-ONLY", "#EXT-X-PART-INF", "#EXT-X-SERVER-CONTROL",
		"#EXTINF", "#EXT-X-BYTERANGE", "#EXT-X-DISCONTINUITY", "#EXT-X-KEY", "#EXT-X-MAP", "#EXT-X-PROGRAM-DATE-TIME",
		"#EXT-X-GAP", "#EXT-X-BITRATE", "#EXT-X-PART", "#EXT-X-DATERANGE", "#EXT-X-SKIP", "#EXT-X-PRELOAD-HINT", "#EXT-X-RENDITION-REPORT":
		return true
	}
	return false
}
