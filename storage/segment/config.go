package segment

import (
	"errors"
	"fmt"
	"time"
)

// Config is the `storage` section of the configuration file. Every limit holds
// for each class by itself.
type Config struct {
	// MemoryBytes bounds the media that a class holds in memory, in bytes: the
	// live edge, and what the disk could not take yet. Above it the oldest segments
	// that only memory has are lost to late viewers. Raise it to ride out a broken
	// disk for longer, lower it on small machines. Default 268435456 (256 MiB), at least
	// 16777216 (16 MiB).
	MemoryBytes int64 `yaml:"memory_bytes"`

	// WriteQueueBytes bounds the finished segments that wait for the disk, in
	// bytes; they are part of MemoryBytes. A segment that does not fit becomes a
	// gap in the recording. Raise it to ride out longer stalls of a slow disk.
	// Default 67108864 (64 MiB), at least 4194304 (4 MiB), at most half of
	// memory_bytes.
	WriteQueueBytes int64 `yaml:"write_queue_bytes"`

	// PartRetention is how long a Partial Segment can be fetched after its
	// segment was finished. Playlists list parts for three target durations and
	// they must stay for three more (RFC 8216bis §6.2.2), so it must not be below
	// six target durations. Raising it costs nothing but stale requests
	// answered. Default 1m, range 6s to 10m.
	PartRetention time.Duration `yaml:"part_retention"`

	// CommitTimeout is the longest that a part waits for the operating system to
	// have it before it is published, so that it survives a crash of the server; 0
	// publishes at once. It never waits for the disk itself. Raise it where a busy
	// disk must not cost crash safety, lower it where latency counts more. Default
	// 50ms, at most 1s.
	CommitTimeout time.Duration `yaml:"commit_timeout"`
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{
		MemoryBytes:     256 << 20,
		WriteQueueBytes: 64 << 20,
		PartRetention:   time.Minute,
		CommitTimeout:   50 * time.Millisecond,
	}
}

// Validate reports every broken constraint, each under its configuration key.
func (c Config) Validate() error {
	var errs []error
	if c.MemoryBytes < 16<<20 {
		errs = append(errs, fmt.Errorf("storage.memory_bytes: %d is below 16777216 (16 MiB)", c.MemoryBytes))
	}
	if c.WriteQueueBytes < 4<<20 {
		errs = append(errs, fmt.Errorf("storage.write_queue_bytes: %d is below 4194304 (4 MiB)", c.WriteQueueBytes))
	}
	if c.WriteQueueBytes > c.MemoryBytes/2 {
		errs = append(errs, fmt.Errorf("storage.write_queue_bytes: %d exceeds half of memory_bytes %d", c.WriteQueueBytes, c.MemoryBytes))
	}
	if c.PartRetention < 6*time.Second || c.PartRetention > 10*time.Minute {
		errs = append(errs, fmt.Errorf("storage.part_retention: %s is outside 6s to 10m", c.PartRetention))
	}
	if c.CommitTimeout < 0 || c.CommitTimeout > time.Second {
		errs = append(errs, fmt.Errorf("storage.commit_timeout: %s is outside 0s to 1s", c.CommitTimeout))
	}
	return errors.Join(errs...)
}
