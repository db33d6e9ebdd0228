package stream

import (
	"errors"
	"fmt"
	"time"
)

// Config is the `stream` section of the configuration file.
type Config struct {
	// TakeoverAfter is how long a publisher must have been silent before a
	// second one with the same key may replace it. From the same address a new
	// one replaces the old at once. Default 2s, range 0s to 1m. Lower it for
	// encoders that come back fast from another address; raise it so that a
	// stall does not let a second encoder in.
	TakeoverAfter time.Duration `yaml:"takeover_after"`

	// MaxKeyframeInterval is how far apart keyframes may be, in media time, for the
	// pictures to be passed through; half a second more is tolerated. Beyond it
	// they are encoded anew, or, where a class's ladder has no encoder, the publisher
	// is refused and told what to set. Default 4s, range 1s to 1m, 0s for no limit.
	// More than the segment duration has no effect, since segments start at keyframes.
	MaxKeyframeInterval time.Duration `yaml:"max_keyframe_interval"`

	// MaxBitrate is the ceiling of a publisher's sound and picture together, in
	// bits per second. Twice as much for 5 s is warned of, three times as much
	// for 30 s ends the publication. Default 50000000, at least 100000, 0 for no
	// limit. Memory and the viewers' bandwidth grow with it.
	MaxBitrate int64 `yaml:"max_bitrate"`

	// MaxAhead is how far a publisher's clock may run ahead of the server's: one
	// that sends a file as fast as it can is refused and told so. Bursts after a
	// stall only catch up and are not concerned. Default 1m, range 10s to 1h, 0s
	// for no limit.
	MaxAhead time.Duration `yaml:"max_ahead"`
}

// DefaultConfig returns the configuration in force when nothing is set.
func DefaultConfig() Config {
	return Config{
		TakeoverAfter:       2 * time.Second,
		MaxKeyframeInterval: 4 * time.Second,
		MaxBitrate:          50_000_000,
		MaxAhead:            time.Minute,
	}
}

// Validate reports every broken constraint, each under its key.
func (c Config) Validate() error {
	var errs []error
	if c.TakeoverAfter < 0 || c.TakeoverAfter > time.Minute {
		errs = append(errs, fmt.Errorf("stream.takeover_after: %s is outside 0s to 1m", c.TakeoverAfter))
	}
	if d := c.MaxKeyframeInterval; d != 0 && (d < time.Second || d > time.Minute) {
		errs = append(errs, fmt.Errorf("stream.max_keyframe_interval: %s is outside 1s to 1m, and not 0s", d))
	}
	if c.MaxBitrate != 0 && c.MaxBitrate < 100_000 {
		errs = append(errs, fmt.Errorf("stream.max_bitrate: %d is below 100000, and not 0", c.MaxBitrate))
	}
	if d := c.MaxAhead; d != 0 && (d < 10*time.Second || d > time.Hour) {
		errs = append(errs, fmt.Errorf("stream.max_ahead: %s is outside 10s to 1h, and not 0s", d))
	}
	return errors.Join(errs...)
}
