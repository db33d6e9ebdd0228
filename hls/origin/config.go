package origin

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Config is the `origin` section of the configuration file.
type Config struct {
	// MaxWaiters bounds the requests that are held at the same time for a
	// playlist or part that does not exist yet, over all classes. Above it they
	// are answered 503. Each takes about 8 KB of memory with its connection, and 50 KB
	// if that is encrypted. Raise it for many direct viewers; behind a CDN a few
	// hundred suffice. Default 20000, range 1 to 1000000.
	MaxWaiters int `yaml:"max_waiters"`

	// HoldCap is the longest a request is held; three target durations, if that
	// is less, are the limit of RFC 8216bis §6.2.5.2. hls.js gives up after 10s
	// without a byte, and a CDN's timeout to the origin must be longer than this.
	// Lower it for impatient proxies; below the part duration nothing is ever
	// served by waiting. Default 8s, range 1s to 30s.
	HoldCap time.Duration `yaml:"hold_cap"`

	// WriteTimeout is how long a client may take for each 256 KiB that it is
	// sent; answers that are no larger are under the server's own limit of a
	// minute. Raise it for viewers below 200 kbit/s, lower it to be rid of stuck
	// connections sooner. Default 10s, range 1s to 5m.
	WriteTimeout time.Duration `yaml:"write_timeout"`

	// SurrogateKeys says whether answers carry Surrogate-Key and Cache-Tag, with
	// class-<id> and kind-<object>, so that one call removes a class from a CDN.
	// CDNs take them off; turn them off where viewers come directly, to save 100
	// bytes an answer. Default true.
	SurrogateKeys bool `yaml:"surrogate_keys"`

	// ShieldSecrets prove that a request comes from the CDN: when there is one,
	// everything under /live/ and /t/ is answered only if the header
	// Lectern-Shield has it, and 403 otherwise. Such a CDN must check viewer
	// tokens itself, or pass them on. Two are valid at the same time, so that
	// they can be changed one after the other. Each has 16 to 128 printable
	// characters without comma and space. Default none: viewers may come directly.
	ShieldSecrets []Secret `yaml:"shield_secrets"`

	// CDN lists the CDNs in front, best first, each with an id of
	// [A-Za-z0-9._-]{1,32} and a base URL such as https://a.example.net, all of
	// the same scheme. Players start on the first and are given the others to fail
	// over to (HLS content steering). Default none: players stay where the page
	// came from.
	CDN []Pathway `yaml:"cdn"`
}

// Pathway is one CDN, as HLS content steering calls it.
type Pathway struct {
	// ID names it in playlists and in the steering manifest.
	ID string `yaml:"id"`
	// URL is where /live/ and /t/ are found on it: scheme and host alone.
	URL string `yaml:"url"`
}

const (
	maxShieldSecrets = 2
	minShieldSecret  = 16  // bytes
	maxShieldSecret  = 128 // bytes
	maxPathways      = 16
	maxPathwayID     = 32 // bytes
)

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{
		MaxWaiters: 20000, HoldCap: 8 * time.Second, WriteTimeout: 10 * time.Second, SurrogateKeys: true,
		ShieldSecrets: []Secret{}, CDN: []Pathway{},
	}
}

// Validate reports every broken constraint, each under its configuration key. A
// secret is never part of it.
func (c Config) Validate() error {
	var errs []error
	if c.MaxWaiters < 1 || c.MaxWaiters > 1000000 {
		errs = append(errs, fmt.Errorf("origin.max_waiters: %d is outside 1 to 1000000", c.MaxWaiters))
	}
	if c.HoldCap < time.Second || c.HoldCap > 30*time.Second {
		errs = append(errs, fmt.Errorf("origin.hold_cap: %s is outside 1s to 30s", c.HoldCap))
	}
	if c.WriteTimeout < time.Second || c.WriteTimeout > 5*time.Minute {
		errs = append(errs, fmt.Errorf("origin.write_timeout: %s is outside 1s to 5m", c.WriteTimeout))
	}
	return errors.Join(append(errs, c.validateShield(), c.validateCDN())...)
}

func (c Config) validateShield() error {
	var errs []error
	if len(c.ShieldSecrets) > maxShieldSecrets {
		errs = append(errs, fmt.Errorf("origin.shield_secrets: %d secrets, at most %d can be valid", len(c.ShieldSecrets), maxShieldSecrets))
	}
	for i, s := range c.ShieldSecrets {
		switch {
		case len(s) < minShieldSecret || len(s) > maxShieldSecret:
			errs = append(errs, fmt.Errorf("origin.shield_secrets: number %d has not %d to %d characters", i+1, minShieldSecret, maxShieldSecret))
		case strings.ContainsFunc(string(s), func(c rune) bool { return c <= ' ' || c > '~' || c == ',' }):
			errs = append(errs, fmt.Errorf("origin.shield_secrets: number %d has characters that a header cannot carry as they are", i+1))
		case i > 0 && s == c.ShieldSecrets[0]:
			errs = append(errs, errors.New("origin.shield_secrets: both are the same"))
		}
	}
	return errors.Join(errs...)
}

func (c Config) validateCDN() error {
	var errs []error
	if len(c.CDN) > maxPathways {
		errs = append(errs, fmt.Errorf("origin.cdn: %d CDNs are more than %d", len(c.CDN), maxPathways))
	}
	ids, hosts, scheme := make(map[string]bool), make(map[string]bool), ""
	for i, p := range c.CDN {
		at := fmt.Sprintf("origin.cdn[%d]", i)
		switch {
		case !validPathwayID(p.ID):
			errs = append(errs, fmt.Errorf("%s.id: %q is not of the form [A-Za-z0-9._-]{1,%d}", at, p.ID, maxPathwayID))
		case ids[p.ID]:
			errs = append(errs, fmt.Errorf("%s.id: %q is used twice", at, p.ID))
		}
		ids[p.ID] = true
		u, err := url.Parse(p.URL)
		if err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.Scheme+"://"+u.Host != p.URL {
			errs = append(errs, fmt.Errorf("%s.url: %q is not scheme and host alone, such as https://a.example.net", at, p.URL))
			continue
		}
		if hosts[u.Host] {
			errs = append(errs, fmt.Errorf("%s.url: %q is used twice", at, p.URL))
		}
		// Steering replaces the host of a URI, and nothing else.
		if scheme != "" && u.Scheme != scheme {
			errs = append(errs, fmt.Errorf("%s.url: the scheme of %q is not that of the CDNs before", at, p.URL))
		}
		hosts[u.Host], scheme = true, u.Scheme
	}
	return errors.Join(errs...)
}

func validPathwayID(id string) bool {
	return id != "" && len(id) <= maxPathwayID && plain(id)
}

// plain reports whether s has only characters of [A-Za-z0-9._-].
func plain(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}
