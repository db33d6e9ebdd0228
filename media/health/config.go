package health

import (
	"errors"
	"fmt"
	"time"
)

// Config is the `health` section of the configuration file: from where on a
// publisher is told something. No setting changes what viewers get.
type Config struct {
	// KeyframeInterval is how far apart keyframes may be, in media time. Default
	// 4s, range 1s to 30s. Lower it to hear of long intervals earlier; above 4s
	// nobody is told that the source must be encoded for it.
	KeyframeInterval time.Duration `yaml:"keyframe_interval"`

	// MinFrameRate is the rate below which motion is called jerky, in pictures a
	// second. Default 10, range 1 to 30. Raise it where motion matters.
	MinFrameRate float64 `yaml:"min_frame_rate"`

	// MaxBitRate is the rate of sound and picture above which the upload is
	// called too large, in bits a second. Default 10000000, range 500000 to
	// 100000000. Lower it where viewers of the source have slow connections.
	MaxBitRate int64 `yaml:"max_bitrate"`

	// QuietLoudness is the short-term loudness below which sound is called too
	// quiet, in LUFS; -18 is what speech should have (AES TD1008). Default -35,
	// range -50 to -20. Raise it to be stricter.
	QuietLoudness float64 `yaml:"quiet_loudness"`

	// Stall is how long nothing may arrive, in server time. Default 2s, range 1s
	// to 10s. Lower it to hear of a shaky connection earlier, raise it if ingest
	// crosses links that are known to be.
	Stall time.Duration `yaml:"stall"`

	// MaxLag is how much later than at the start of the publication media may
	// arrive. Default 2s, range 500ms to 30s. Raise it for mobile links.
	MaxLag time.Duration `yaml:"max_lag"`

	// MaxDrift is how much the publisher's clock may gain or lose against the
	// server's within a minute. Default 200ms, range 50ms to 5s.
	MaxDrift time.Duration `yaml:"max_drift"`
}

// DefaultConfig returns the configuration in force when nothing is set.
func DefaultConfig() Config {
	return Config{
		KeyframeInterval: 4 * time.Second,
		MinFrameRate:     10,
		MaxBitRate:       10_000_000,
		QuietLoudness:    -35,
		Stall:            2 * time.Second,
		MaxLag:           2 * time.Second,
		MaxDrift:         200 * time.Millisecond,
	}
}

// Validate reports every broken constraint, each under its key.
func (c Config) Validate() error {
	var errs []error
	span := func(key string, d, low, high time.Duration) {
		if d < low || d > high {
			errs = append(errs, fmt.Errorf("health.%s: %s is outside %s to %s", key, d, low, high))
		}
	}
	span("keyframe_interval", c.KeyframeInterval, time.Second, 30*time.Second)
	if !(c.MinFrameRate >= 1 && c.MinFrameRate <= 30) {
		errs = append(errs, fmt.Errorf("health.min_frame_rate: %g is outside 1 to 30", c.MinFrameRate))
	}
	if c.MaxBitRate < 500_000 || c.MaxBitRate > 100_000_000 {
		errs = append(errs, fmt.Errorf("health.max_bitrate: %d is outside 500000 to 100000000", c.MaxBitRate))
	}
	if !(c.QuietLoudness >= -50 && c.QuietLoudness <= -20) {
		errs = append(errs, fmt.Errorf("health.quiet_loudness: %g is outside -50 to -20", c.QuietLoudness))
	}
	span("stall", c.Stall, time.Second, 10*time.Second)
	span("max_lag", c.MaxLag, 500*time.Millisecond, 30*time.Second)
	span("max_drift", c.MaxDrift, 50*time.Millisecond, 5*time.Second)
	return errors.Join(errs...)
}
