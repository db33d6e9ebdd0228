package space

import (
	"errors"
	"fmt"
)

// minQuota is the least quota that is not a slip of the pen.
const minQuota = 1 << 20

// Config is the `space` section of the configuration file.
type Config struct {
	// TotalBytes is how much the recordings of all classes may take together, in
	// bytes; 0 is no limit but the file system. When it is reached classes go on
	// live and their recordings get gaps, until the use is down to low_water
	// percent of it. Default 0, else at least 1048576 (1 MiB). Raise it to keep
	// more, lower it to leave more to others.
	TotalBytes int64 `yaml:"total_bytes"`

	// ClassBytes is how much the recording of one class may take, in bytes; 0 is
	// no limit of its own. Two hours of a ladder of 6 Mbit/s are about
	// 5400000000. When it is reached that class goes on live and its recording
	// gets gaps. Default 0, else at least 1048576 (1 MiB), at most
	// total_bytes when that is set.
	ClassBytes int64 `yaml:"class_bytes"`

	// HighWater is the share of the file system, in percent, at which nothing
	// more is recorded, whatever fills it. What is left is for the database, the
	// log and what other programs need; above it recordings could end in the
	// middle of a file. Default 95, range 2 to 99.
	HighWater int `yaml:"high_water"`

	// LowWater is the share of the file system, in percent, down to which it
	// must get before recordings go on; for a quota that was reached it is the
	// share of the quota. Raise it to go on sooner, lower it for fewer stops and
	// starts. Default 90, at least 1, below
	// high_water.
	LowWater int `yaml:"low_water"`

	// Alarm is the share, in percent, of the file system or of a quota above
	// which the log and the metrics warn. Lower it to have more time to act.
	// Default 80, range 1 up to high_water.
	Alarm int `yaml:"alarm"`
}

// DefaultConfig returns the configuration in force when nothing is set.
func DefaultConfig() Config { return Config{HighWater: 95, LowWater: 90, Alarm: 80} }

// Validate reports every broken constraint, each under its configuration key.
func (c Config) Validate() error {
	var errs []error
	for _, q := range []struct {
		key   string
		bytes int64
	}{{keyTotal, c.TotalBytes}, {keyClass, c.ClassBytes}} {
		if q.bytes != 0 && q.bytes < minQuota {
			errs = append(errs, fmt.Errorf("%s: %d is neither 0 nor at least %d", q.key, q.bytes, minQuota))
		}
	}
	if c.TotalBytes > 0 && c.ClassBytes > c.TotalBytes {
		errs = append(errs, fmt.Errorf("%s: %d exceeds space.total_bytes %d", keyClass, c.ClassBytes, c.TotalBytes))
	}
	if c.HighWater < 2 || c.HighWater > 99 {
		errs = append(errs, fmt.Errorf("%s: %d is outside 2 to 99 percent", keyDisk, c.HighWater))
	}
	if c.LowWater < 1 || c.LowWater >= c.HighWater {
		errs = append(errs, fmt.Errorf("space.low_water: %d is not between 1 and space.high_water %d percent", c.LowWater, c.HighWater))
	}
	if c.Alarm < 1 || c.Alarm > c.HighWater {
		errs = append(errs, fmt.Errorf("space.alarm: %d is outside 1 to space.high_water %d percent", c.Alarm, c.HighWater))
	}
	return errors.Join(errs...)
}
