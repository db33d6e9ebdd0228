package access

import (
	"errors"
	"fmt"
	"time"
)

// The shortest and the longest life of one token. That there is a longest is
// what bounds how long a retired key and a revocation are kept.
const (
	MinLifetime = time.Minute
	MaxLifetime = 7 * 24 * time.Hour
)

// Config is the `access` section of the configuration file.
type Config struct {
	// TokenLifetime is how long a viewer token is good unless its maker says
	// otherwise, and how far a renewal extends it. A player that was open before
	// it runs out renews in time; a link that was not must be made anew. Raise it
	// for links that are handed out long before the lesson; lower it to have
	// links that were passed on go stale sooner, and edges, which know no
	// revocation, catch up sooner. Default 6h, range 1m to 168h.
	TokenLifetime time.Duration `yaml:"token_lifetime"`

	// MaxAge is how long after a viewer was admitted their token can still be
	// extended by renewal. A token that was made for longer stays good for as long
	// as it was made. Raise it for events of several days; lower it to send
	// viewers back to the page that admits them. Default 24h, range 1m to 720h.
	MaxAge time.Duration `yaml:"max_age"`

	// RenewBefore is how long before its expiry a player is told to renew a token,
	// at most half of the token's life. Raise it to survive longer outages of this
	// server while a cache goes on serving; lower it for fewer renewals. Default
	// 30m, range 10s to 24h.
	RenewBefore time.Duration `yaml:"renew_before"`
}

// DefaultConfig returns the configuration in force when nothing is set.
func DefaultConfig() Config {
	return Config{TokenLifetime: 6 * time.Hour, MaxAge: 24 * time.Hour, RenewBefore: 30 * time.Minute}
}

// Validate reports every broken constraint, each under its configuration key.
func (c Config) Validate() error {
	var errs []error
	check := func(key string, v, low, high time.Duration) {
		if v < low || v > high {
			errs = append(errs, fmt.Errorf("access.%s: %s is outside %s to %s", key, v, low, high))
		}
	}
	check("token_lifetime", c.TokenLifetime, MinLifetime, MaxLifetime)
	check("max_age", c.MaxAge, time.Minute, 30*24*time.Hour)
	check("renew_before", c.RenewBefore, 10*time.Second, 24*time.Hour)
	return errors.Join(errs...)
}
