package access

import (
	"errors"
	"fmt"
	"time"
)

const (
	// MaxGrantLifetime is the longest life of a grant.
	MaxGrantLifetime = 2 * time.Minute

	maxPassLifetime = 7 * 24 * time.Hour

	// grantSlack is how far the system's clock may be set back without refusing
	// what was signed just before.
	grantSlack = time.Minute
)

// GrantConfig is the `grants` section of the configuration file.
type GrantConfig struct {
	// GrantLifetime is how long a grant can be used to open a connection to a room,
	// or to extend one. Raise it for clients that are slow to connect; lower it to
	// have a grant that leaked go stale sooner. Default 2m, range 10s to 2m.
	GrantLifetime time.Duration `yaml:"grant_lifetime"`

	// SessionLifetime is how long a connection to a room lives before the client
	// must have shown a new grant. Raise it for fewer renewals; lower it to have
	// changed roles and permissions come into force sooner. Default 15m, range 1m
	// to 24h.
	SessionLifetime time.Duration `yaml:"session_lifetime"`

	// PassLifetime is how long a page can fetch new grants as the same person.
	// Raise it for events of several days; lower it where computers are shared.
	// Default 24h, range 10m to 168h.
	PassLifetime time.Duration `yaml:"pass_lifetime"`
}

// DefaultGrantConfig returns the configuration in force when nothing is set.
func DefaultGrantConfig() GrantConfig {
	return GrantConfig{GrantLifetime: MaxGrantLifetime, SessionLifetime: 15 * time.Minute, PassLifetime: 24 * time.Hour}
}

// Validate reports every broken constraint, each under its configuration key.
func (c GrantConfig) Validate() error {
	var errs []error
	check := func(key string, v, low, high time.Duration) {
		if v < low || v > high {
			errs = append(errs, fmt.Errorf("grants.%s: %s is outside %s to %s", key, v, low, high))
		}
	}
	check("grant_lifetime", c.GrantLifetime, 10*time.Second, MaxGrantLifetime)
	check("session_lifetime", c.SessionLifetime, time.Minute, 24*time.Hour)
	check("pass_lifetime", c.PassLifetime, 10*time.Minute, maxPassLifetime)
	return errors.Join(errs...)
}
