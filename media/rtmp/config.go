package rtmp

import (
	"errors"
	"fmt"
	"time"
)

// Config is the `rtmp` section of the configuration file.
type Config struct {
	// MaxConnections is how many RTMP and RTMPS connections may be open at a
	// time, publishing or not. More are closed at once. A publisher takes
	// about 0.2 MiB plus four times its largest frame. Default 256, range 1 to
	// 65536.
	MaxConnections int `yaml:"max_connections"`

	// MaxConnectionsPerIP is how many of them one address (one /64 of IPv6) may
	// have. Raise it if many teachers share the address of a router; lower it
	// to leave less to a single attacker. Default 64, range 1 to 65536.
	MaxConnectionsPerIP int `yaml:"max_connections_per_ip"`

	// PublishTimeout is the time a connection has from accept until it
	// publishes with a valid key, TLS and RTMP handshakes included. Raise it
	// for very bad links. Default 10s, range 1s to 60s.
	PublishTimeout time.Duration `yaml:"publish_timeout"`

	// ReadTimeout is how long a publisher may send nothing before its
	// connection counts as dropped. Lower it to notice pulled cables sooner,
	// raise it for links with long stalls. Default 10s, range 1s to 60s.
	ReadTimeout time.Duration `yaml:"read_timeout"`

	// WriteTimeout is how long the server waits to get rid of an answer.
	// Default 5s, range 1s to 30s.
	WriteTimeout time.Duration `yaml:"write_timeout"`
}

// DefaultConfig returns the defaults named at the fields.
func DefaultConfig() Config {
	return Config{
		MaxConnections:      256,
		MaxConnectionsPerIP: 64,
		PublishTimeout:      10 * time.Second,
		ReadTimeout:         10 * time.Second,
		WriteTimeout:        5 * time.Second,
	}
}

// Validate reports every broken constraint, each under its configuration key.
func (c Config) Validate() error {
	const maxConnections = 65536
	var errs []error
	count := func(key string, v int) {
		if v < 1 || v > maxConnections {
			errs = append(errs, fmt.Errorf("%s: %d is outside 1 to %d", key, v, maxConnections))
		}
	}
	duration := func(key string, v, most time.Duration) {
		if v < time.Second || v > most {
			errs = append(errs, fmt.Errorf("%s: %s is outside 1s to %s", key, v, most))
		}
	}
	count("rtmp.max_connections", c.MaxConnections)
	count("rtmp.max_connections_per_ip", c.MaxConnectionsPerIP)
	duration("rtmp.publish_timeout", c.PublishTimeout, time.Minute)
	duration("rtmp.read_timeout", c.ReadTimeout, time.Minute)
	duration("rtmp.write_timeout", c.WriteTimeout, 30*time.Second)
	return errors.Join(errs...)
}
