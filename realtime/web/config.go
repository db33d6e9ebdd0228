package web

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Config is the configuration of the pages.
type Config struct {
	// FrameAncestors lists who may show the pages inside a frame, as sources of
	// the CSP directive frame-ancestors (CSP Level 3 §6.4.2): 'self', 'none', or
	// an origin such as https://moodle.example.edu, which may begin with a
	// wildcard label (https://*.example.edu). Default 'self'. Each entry lets
	// one more site embed the lesson, and trick its visitors into clicking in it.
	FrameAncestors []string `yaml:"frame_ancestors"`

	// MediaOrigins lists the other origins that playlists and segments may come
	// from, such as https://cdn.example.net. Default none: media come from the
	// host of the page. A CDN in front of media only must be listed here, or the
	// browser refuses its answers.
	MediaOrigins []string `yaml:"media_origins"`
}

// DefaultConfig returns the configuration of a server that nobody embeds and
// that serves its own media.
func DefaultConfig() Config {
	return Config{FrameAncestors: []string{"'self'"}, MediaOrigins: []string{}}
}

// Validate reports all problems of c at once.
func (c Config) Validate() error {
	var errs []error
	for i, s := range c.FrameAncestors {
		switch {
		case s == "'none'" && len(c.FrameAncestors) > 1:
			errs = append(errs, fmt.Errorf("web.frame_ancestors[%d]: 'none' must stand alone", i))
		case s == "'self'" || s == "'none'":
		default:
			if err := checkOrigin(s); err != nil {
				errs = append(errs, fmt.Errorf("web.frame_ancestors[%d]: %w", i, err))
			}
		}
	}
	for i, s := range c.MediaOrigins {
		if err := checkOrigin(s); err != nil {
			errs = append(errs, fmt.Errorf("web.media_origins[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// checkOrigin accepts scheme://host[:port]. It is strict because the text goes
// into a response header, where a space or semicolon would begin another rule.
func checkOrigin(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return fmt.Errorf("%q is not an origin", s)
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%q does not begin with https:// or http://", s)
	}
	if u.Host == "" || u.Scheme+"://"+u.Host != s || strings.ContainsFunc(u.Host, notInHost) {
		return fmt.Errorf("%q is not an origin such as https://example.edu", s)
	}
	return nil
}

func notInHost(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._:[]*", r)
}
