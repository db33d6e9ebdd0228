package worker

import (
	"errors"
	"fmt"
	"time"
)

// Config is the `worker` section of the configuration file.
type Config struct {
	// MemoryLimit is the resident memory in bytes above which a worker process is
	// ended and started anew. A 1080p ladder takes about 330 MiB, a 720p one 190
	// MiB. Raise it for sources above 1080p; lower it so that one broken stream
	// takes less from the other classes. Default 1073741824 (1 GiB), range
	// 134217728 (128 MiB) to 68719476736 (64 GiB).
	MemoryLimit int64 `yaml:"memory_limit"`

	// QueueBytes is how much of the publisher's stream may wait for a class's
	// worker, beside the limit of 2 s; beyond it pictures are dropped up to the next
	// keyframe. What was encoded may wait for the server within the same bound.
	// Default 16777216 (16 MiB), range 1048576 (1 MiB) to 268435456 (256 MiB).
	// Raise it for sources above 60 Mbit/s; it costs memory only while something
	// is slow.
	QueueBytes int64 `yaml:"queue_bytes"`

	// StartTimeout is how long a worker process may take to start, and again to open
	// the encoders. Default 20s, range 1s to 2m. Raise it on machines that are slow
	// under load; lower it to notice a broken driver sooner.
	StartTimeout time.Duration `yaml:"start_timeout"`

	// SilenceTimeout is how long a worker may send nothing, not even the heartbeat
	// that is due twice a second, before it is ended and started anew. Default 5s,
	// range 1s to 1m. Raise it on machines that stall; lower it to lose less of a
	// class when an encoder hangs.
	SilenceTimeout time.Duration `yaml:"silence_timeout"`
}

// DefaultConfig returns the defaults named at the fields.
func DefaultConfig() Config {
	return Config{
		MemoryLimit:    1 << 30,
		QueueBytes:     16 << 20,
		StartTimeout:   20 * time.Second,
		SilenceTimeout: 5 * time.Second,
	}
}

// Validate reports every broken constraint, each under its configuration key.
func (c Config) Validate() error {
	var errs []error
	size := func(key string, v, least, most int64) {
		if v < least || v > most {
			errs = append(errs, fmt.Errorf("worker.%s: %d is outside %d to %d", key, v, least, most))
		}
	}
	duration := func(key string, v, most time.Duration) {
		if v < time.Second || v > most {
			errs = append(errs, fmt.Errorf("worker.%s: %s is outside 1s to %s", key, v, most))
		}
	}
	size("memory_limit", c.MemoryLimit, 128<<20, 64<<30)
	size("queue_bytes", c.QueueBytes, 1<<20, 256<<20)
	duration("start_timeout", c.StartTimeout, 2*time.Minute)
	duration("silence_timeout", c.SilenceTimeout, time.Minute)
	return errors.Join(errs...)
}
