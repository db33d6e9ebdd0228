package origin

import (
	"errors"
	"fmt"
	"time"
)

// Config is the `origin` section of the configuration file.
type Config struct {
	// MaxWaiters bounds the requests that are held at the same time for a
	// playlist or part that does not exist yet, over all classes. Above it they
	// are answered 503. Each takes about 20 KiB of memory with its connection.
	// Raise it for many direct viewers; behind a CDN a few hundred suffice.
	// Default 20000, range 1 to 1000000.
	MaxWaiters int `yaml:"max_waiters"`

	// HoldCap is the longest a request is held; three target durations, if that
	// is less, are the limit of RFC 8216bis §6.2.5.2. hls.js gives up after 10s
	// without a byte, and a CDN's timeout to the origin must be longer than this.
	// Lower it for impatient proxies; below the part duration nothing is ever
	// served by waiting. Default 8s, range 1s to 30s.
	HoldCap time.Duration `yaml:"hold_cap"`

	// WriteTimeout is how long a client may take for each 256 KiB that it is
	// sent. Raise it for viewers below 200 kbit/s, lower it to be rid of stuck
	// connections sooner. Default 10s, range 1s to 5m.
	WriteTimeout time.Duration `yaml:"write_timeout"`
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{MaxWaiters: 20000, HoldCap: 8 * time.Second, WriteTimeout: 10 * time.Second}
}

// Validate reports every broken constraint, each under its configuration key.
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
	return errors.Join(errs...)
}
