package broker

import (
	"errors"
	"fmt"
	"time"
)

// Config is the `room.log` section of the configuration file.
type Config struct {
	// Linger is how long events of all rooms are gathered before they are written
	// to the disk together, while there are many of them; a lone event on a fast
	// disk does not wait. Raise it for fewer writes on a slow disk; lower it to
	// have messages confirmed sooner. Default 10ms, range 0s to 100ms.
	Linger time.Duration `yaml:"linger"`

	// ResumeEvents is how many events of each room are kept in memory, so that
	// those who come back after a lost connection need no read from the disk.
	// Raise it for busy classes on poor networks; lower it to save memory, of which
	// an event takes about 600 bytes. Default 2000, range 100 to 100000.
	ResumeEvents int `yaml:"resume_events"`

	// QueueEvents is how many events of all rooms may wait for the disk; beyond
	// it senders are told to try again. Raise it for a disk that stalls; lower it
	// to save memory. Default 16384, range 256 to 1048576.
	QueueEvents int `yaml:"queue_events"`
}

// DefaultConfig returns the configuration in force when nothing is set.
func DefaultConfig() Config {
	return Config{Linger: 10 * time.Millisecond, ResumeEvents: 2000, QueueEvents: 16384}
}

// Validate reports every broken constraint, each under its configuration key.
func (c Config) Validate() error {
	var errs []error
	if c.Linger < 0 || c.Linger > 100*time.Millisecond {
		errs = append(errs, fmt.Errorf("room.log.linger: %s is outside 0s to 100ms", c.Linger))
	}
	check := func(key string, v, low, high int) {
		if v < low || v > high {
			errs = append(errs, fmt.Errorf("room.log.%s: %d is outside %d to %d", key, v, low, high))
		}
	}
	check("resume_events", c.ResumeEvents, 100, 100_000)
	check("queue_events", c.QueueEvents, 256, 1<<20)
	return errors.Join(errs...)
}
