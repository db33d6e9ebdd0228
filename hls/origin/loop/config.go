package loop

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

// Config is how a [Server] treats its connections. It is no part of the configuration
// file: the server's program sets it to what it lets net/http do.
type Config struct {
	// Loops is how many event loops there are. More use more processors, and one that
	// waits for a disk holds up fewer viewers; each keeps a processor of the Go
	// scheduler to itself for some time after it did something. Default half of
	// GOMAXPROCS, at least 1 and at most 4. Range 1 to 64.
	Loops int
	// MaxConnections bounds the connections in the loops; those handed over do not
	// count. A parked one takes some 4 KB. Default 65536, range 1 to 1000000.
	MaxConnections int
	// HeadTimeout is how long a client may take for the head of a request, and for the
	// first one from when it has connected. Default 10s, range 1s to 1m.
	HeadTimeout time.Duration
	// IdleTimeout is how long a connection is kept between requests. Default 75s,
	// range 1s to 10m.
	IdleTimeout time.Duration
	// WriteTimeout is how long a client may take for each 256 KiB of an answer, and for
	// one that is smaller. Default 10s, range 1s to 5m.
	WriteTimeout time.Duration
	// DrainTimeout is how long answers under way may take when the server stops.
	// Default 10s, range 0 to 10m.
	DrainTimeout time.Duration
}

// DefaultConfig returns the defaults for this machine.
func DefaultConfig() Config {
	return Config{
		Loops: min(max(runtime.GOMAXPROCS(0)/2, 1), 4), MaxConnections: 65536,
		HeadTimeout: 10 * time.Second, IdleTimeout: 75 * time.Second, WriteTimeout: 10 * time.Second, DrainTimeout: 10 * time.Second,
	}
}

// Validate reports every broken constraint.
func (c Config) Validate() error {
	var errs []error
	for _, n := range []struct {
		key              string
		value, low, high int
	}{{"loops", c.Loops, 1, 64}, {"max_connections", c.MaxConnections, 1, 1000000}} {
		if n.value < n.low || n.value > n.high {
			errs = append(errs, fmt.Errorf("loop.%s: %d is outside %d to %d", n.key, n.value, n.low, n.high))
		}
	}
	for _, d := range []struct {
		key              string
		value, low, high time.Duration
	}{
		{"head_timeout", c.HeadTimeout, time.Second, time.Minute},
		{"idle_timeout", c.IdleTimeout, time.Second, 10 * time.Minute},
		{"write_timeout", c.WriteTimeout, time.Second, 5 * time.Minute},
		{"drain_timeout", c.DrainTimeout, 0, 10 * time.Minute},
	} {
		if d.value < d.low || d.value > d.high {
			errs = append(errs, fmt.Errorf("loop.%s: %s is outside %s to %s", d.key, d.value, d.low, d.high))
		}
	}
	return errors.Join(errs...)
}
