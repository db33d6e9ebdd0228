package class

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxIDLen     = 63
	maxTitleLen  = 200 // characters
	maxSourceLen = 2048

	// Of a ladder: far more than any machine encodes, and any rendition is called.
	maxRenditions   = 16
	maxRenditionLen = 32

	// The least and the most that viewers can seek back.
	minDVRWindow = time.Minute
	maxDVRWindow = 24 * time.Hour
)

// New is what Create needs to know. Only Title is required.
type New struct {
	ID       string // generated if empty
	Title    string
	StartsAt time.Time
	Source   Secret
	Ladder   []string // nil: the server's
	Access   Access   // empty: the server's

	DVRWindow time.Duration // 0: the server's
}

// Update names what to change; nil leaves a field as it is. A zero time or
// duration, an empty secret or a nil ladder removes the value, and an empty
// access is the server's.
type Update struct {
	Title     *string
	StartsAt  *time.Time
	Source    *Secret
	Ladder    *[]string
	Access    *Access
	DVRWindow *time.Duration
}

// ValidID reports whether id could be the ID of a class: [a-z0-9][a-z0-9-]{0,62}.
func ValidID(id string) bool {
	if id == "" || len(id) > maxIDLen || id[0] == '-' {
		return false
	}
	for _, b := range []byte(id) {
		if (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '-' {
			return false
		}
	}
	return true
}

// settings returns what can be set again later, but for the title.
func (n New) settings() Update {
	return Update{StartsAt: &n.StartsAt, Source: &n.Source, Ladder: &n.Ladder, Access: &n.Access, DVRWindow: &n.DVRWindow}
}

func (n New) validate() error {
	if n.ID != "" && !ValidID(n.ID) {
		return &InvalidError{Field: "id", Problem: "must be 1 to 63 of a-z, 0-9 and -, and not start with -"}
	}
	u := n.settings()
	u.Title = &n.Title
	return u.validate()
}

func (u Update) validate() error {
	if u.Title != nil {
		if err := validateTitle(*u.Title); err != nil {
			return err
		}
	}
	if u.StartsAt != nil && !u.StartsAt.IsZero() {
		if y := u.StartsAt.UTC().Year(); y < 2000 || y > 2199 {
			return &InvalidError{Field: "starts_at", Problem: "must be between the years 2000 and 2199"}
		}
	}
	if u.Source != nil && !u.Source.IsZero() {
		if err := validateSource(u.Source.Reveal()); err != nil {
			return err
		}
	}
	if u.Ladder != nil {
		if err := validateLadder(*u.Ladder); err != nil {
			return err
		}
	}
	if u.Access != nil && *u.Access != "" && !u.Access.valid() {
		return &InvalidError{Field: "access", Problem: "must be public or token"}
	}
	if w := u.DVRWindow; w != nil && *w != 0 && (*w < minDVRWindow || *w > maxDVRWindow) {
		return &InvalidError{Field: "dvr_window", Problem: "must be 60 to 86400 seconds; null is the server's own choice"}
	}
	return nil
}

// validateLadder bounds what is stored. Which renditions there are is for the
// server's configuration to say.
func validateLadder(names []string) error {
	if names == nil {
		return nil
	}
	if len(names) == 0 || len(names) > maxRenditions {
		return &InvalidError{Field: "ladder", Problem: "must name 1 to 16 renditions; null is the server's own choice"}
	}
	for i, name := range names {
		if len(name) > maxRenditionLen || !ValidID(name) {
			return &InvalidError{Field: "ladder", Problem: "must be names such as source, 720p and audio"}
		}
		if slices.Contains(names[:i], name) {
			return &InvalidError{Field: "ladder", Problem: "must not name a rendition twice"}
		}
	}
	return nil
}

func validateTitle(s string) error {
	n := utf8.RuneCountInString(s)
	switch {
	case n > maxTitleLen || strings.TrimSpace(s) == "":
		return &InvalidError{Field: "title", Problem: "must be 1 to 200 characters"}
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unprintable):
		return &InvalidError{Field: "title", Problem: "must not hold control characters or line breaks"}
	}
	return nil
}

// unprintable reports control characters, line and paragraph separators, and
// the bidirectional overrides that make a title read as another.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' ||
		(r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069') || r == utf8.RuneError
}

func validateSource(s string) error {
	invalid := &InvalidError{Field: "source", Problem: "must be a URL such as rtsp://camera.example.edu:554/stream, of at most 2048 characters"}
	if len(s) > maxSourceLen || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return invalid
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "rtsp" && u.Scheme != "rtsps") || u.Hostname() == "" || u.Fragment != "" || u.Opaque != "" {
		return invalid
	}
	return nil
}

// RedactSource returns the URL in source without what may be a credential: user
// and password, the query, and a path that holds an assignment, as in
// "/user=admin&password=x". It is stable, so that a client that sends back what
// it was shown can be recognised.
func RedactSource(source Secret) string {
	if source.IsZero() {
		return ""
	}
	u, err := url.Parse(source.Reveal())
	if err != nil {
		return redacted
	}
	const hidden = "redacted"
	out := u.Scheme + "://"
	if u.User != nil {
		out += hidden + "@"
	}
	out += u.Host
	if path := u.EscapedPath(); strings.Contains(u.Path, "=") {
		out += "/" + hidden
	} else {
		out += path
	}
	if u.RawQuery != "" {
		out += "?" + hidden
	}
	return out
}
