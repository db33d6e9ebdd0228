package conformance

import (
	"errors"
	"fmt"
	"strings"
)

// maxRenditions bounds how many playlists of each kind are followed.
const maxRenditions = 64

// multivariant is what a multivariant playlist says.
type multivariant struct {
	version     int
	variants    []attributes // of EXT-X-STREAM-INF, with the URI line under "uri"
	renditions  []attributes // of EXT-X-MEDIA
	iFrames     []attributes // of EXT-X-I-FRAME-STREAM-INF
	independent bool
	quotedNone  bool // CLOSED-CAPTIONS="NONE": a group of that name, not the word
	misuses     []misuse
	orphans     int // EXT-X-STREAM-INF without a URI line, or one without the tag
	need        needed
	left        int // what was over maxRenditions
}

// isMultivariant reports whether a playlist is one, rather than a media playlist.
func isMultivariant(body string) bool {
	return strings.Contains(body, "\n#EXT-X-STREAM-INF") || !strings.Contains(body, "\n#EXT-X-TARGETDURATION") && !strings.Contains(body, "\n#EXTINF")
}

func parseMultivariant(body string) (*multivariant, error) {
	ls, err := lines(body)
	if err != nil {
		return nil, err
	}
	m := &multivariant{version: 1}
	var pending attributes
	for _, l := range ls {
		name, value, _ := strings.Cut(l, ":")
		switch {
		case l == "":
		case onlyMultivariant(name):
			a, err := parseAttributes(value)
			switch {
			case errors.Is(err, errRepeated):
				m.misuses = append(m.misuses, misuse{name + ": " + err.Error()})
			case err != nil:
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			m.need.attributes(name, a)
			if name == "#EXT-X-STREAM-INF" {
				if pending != nil {
					m.orphans++
				}
				pending = a
				m.quotedNone = m.quotedNone || strings.Contains(value, `CLOSED-CAPTIONS="NONE"`)
				continue
			}
			m.take(name, a)
		case name == "#EXT-X-VERSION":
			if _, err := fmt.Sscanf(value, "%d", &m.version); err != nil {
				return nil, fmt.Errorf("%s: %q", name, clip(value))
			}
		case name == "#EXT-X-INDEPENDENT-SEGMENTS":
			m.independent = true
		case onlyMedia(name):
			m.misuses = append(m.misuses, misuse{name})
		case !strings.HasPrefix(l, "#"):
			if pending == nil {
				m.orphans++
				continue
			}
			pending["uri"] = l
			if len(m.variants) < maxRenditions {
				m.variants = append(m.variants, pending)
			} else {
				m.left++
			}
			pending = nil
		default:
			m.need.tag(name, value)
		}
	}
	if pending != nil {
		m.orphans++
	}
	return m, nil
}

func (m *multivariant) take(name string, a attributes) {
	switch name {
	case "#EXT-X-I-FRAME-STREAM-INF":
		if len(m.iFrames) < maxRenditions {
			m.iFrames = append(m.iFrames, a)
		}
	case "#EXT-X-MEDIA":
		if len(m.renditions) < maxRenditions {
			m.renditions = append(m.renditions, a)
		}
	}
}

// needed is the protocol version that a playlist's tags need (RFC 8216bis §8).
type needed struct {
	version int
	why     string
	allowed int // the highest that anything in it was introduced with
}

func (n *needed) atLeast(v int, why string) {
	if v > n.version {
		n.version, n.why = v, why
	}
}

func (n *needed) attributes(tag string, a attributes) {
	for name, value := range a {
		if strings.HasPrefix(name, "REQ-") {
			n.atLeast(12, name)
		}
		if name == "INSTREAM-ID" && strings.HasPrefix(value, "SERVICE") {
			n.atLeast(7, "INSTREAM-ID=SERVICE")
		}
		if name == "INSTREAM-ID" && a["TYPE"] != "CLOSED-CAPTIONS" {
			n.atLeast(13, "INSTREAM-ID of "+a["TYPE"])
		}
	}
	switch tag {
	case "#EXT-X-SKIP":
		n.atLeast(9, tag)
		if a["RECENTLY-REMOVED-DATERANGES"] != "" {
			n.atLeast(10, tag+" with date ranges")
		}
	case "#EXT-X-KEY":
		if a["IV"] != "" {
			n.atLeast(2, tag+" with IV")
		}
		if a["KEYFORMAT"] != "" || a["KEYFORMATVERSIONS"] != "" {
			n.atLeast(5, tag+" with KEYFORMAT")
		}
	case "#EXT-X-SERVER-CONTROL":
		// Delta updates of this playlist need 9, and "DATERANGES" 10.
		if a["CAN-SKIP-UNTIL"] != "" {
			n.allowed = max(n.allowed, 9)
		}
		if a["CAN-SKIP-DATERANGES"] != "" {
			n.allowed = max(n.allowed, 10)
		}
	}
}

func (n *needed) tag(name, value string) {
	switch name {
	case "#EXT-X-BYTERANGE", "#EXT-X-I-FRAMES-ONLY":
		n.atLeast(4, name)
	case "#EXTINF":
		if d, _, _ := strings.Cut(value, ","); strings.Contains(d, ".") {
			n.atLeast(3, "a decimal EXTINF")
		}
	case "#EXT-X-DEFINE":
		n.atLeast(8, name)
		if strings.Contains(value, "QUERYPARAM=") {
			n.atLeast(11, name+" with QUERYPARAM")
		}
	case "#EXT-X-GAP":
		n.allowed = max(n.allowed, 8) // came with 8, though §8 does not list it
	}
}
