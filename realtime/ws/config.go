package ws

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Config is the `ws` section of the configuration file.
type Config struct {
	// Origins are the sites besides this server's own whose pages may connect, such
	// as the LMS that embeds the class: scheme and host, "https://lms.example.edu",
	// exactly as the browser sends it, without wildcards. Default none.
	Origins []string `yaml:"origins"`

	// MaxConnections is how many connections there may be at a time, each of which
	// takes about 12 KiB and a file descriptor. Beyond it clients are told to come
	// back later. Default 20000, range 1 to 200000.
	MaxConnections int `yaml:"max_connections"`

	// MaxUnauthenticated is how many connections may be waiting for their hello.
	// Beyond it the one that has waited longest is closed. Raise it for crowds on
	// slow links that arrive at once. Default 4096, range 1 to 200000.
	MaxUnauthenticated int `yaml:"max_unauthenticated"`

	// HandshakeBurst is how many connections one address (an IPv6 /64) may open at
	// once. A whole campus may share one address, and comes back together after a
	// restart: lower it where it does not. Name a proxy in trusted_proxies, or all
	// have its address. Default 5000, range 1 to 100000.
	HandshakeBurst int `yaml:"handshake_burst"`

	// HandshakeRate is how many connections one address may open per second once
	// HandshakeBurst is used up. Raise it for large campuses; lower it to slow down
	// who connects for no good. Default 200, range 1 to 100000.
	HandshakeRate int `yaml:"handshake_rate"`

	// HelloTimeout is how long a connection may take to say hello. Default 5s,
	// range 1s to 1m.
	HelloTimeout time.Duration `yaml:"hello_timeout"`

	// PingInterval is how often a client is pinged; one that is silent for twice
	// as long and 10 s more is closed. Proxies close connections that are silent,
	// often after 60 s: raise it for fewer packets only if yours does not. Default
	// 25s, range 5s to 10m.
	PingInterval time.Duration `yaml:"ping_interval"`

	// QueueBytes is how much may wait for one client. Raise it for clients on links
	// that stall for seconds; each slow one may take as much memory, and one that
	// has just come eight times as much, for what it has missed. Default 1048576,
	// range 65536 to 16777216.
	QueueBytes int `yaml:"queue_bytes"`

	// SlowAfter is how long a frame may wait, or take to be written, before the
	// client is closed as too slow. Default 10s, range 1s to 1m.
	SlowAfter time.Duration `yaml:"slow_after"`

	// SendBufferBytes is the kernel's buffer for one client (SO_SNDBUF), which
	// hides from us that a client is slow. Raise it for long fat links. Default
	// 65536, range 4096 to 4194304.
	SendBufferBytes int `yaml:"send_buffer_bytes"`

	// FramesPerSecond is how many frames may be written in a second before events
	// are joined. One frame costs about 12 us of a core. Raise it on machines with
	// many cores to have events arrive up to 250 ms sooner in large rooms; lower it
	// to leave more of the machine to the video. Default 40000, range 100 to
	// 10000000.
	FramesPerSecond int `yaml:"frames_per_second"`

	// Compress lets joined frames of 1 KiB and more be compressed (RFC 7692), about
	// fourfold. Turn it off if a proxy does it. Default true.
	Compress bool `yaml:"compress"`

	// CommandRate is how many commands one connection may send per second, whatever
	// they are; the room has limits of its own for each kind. A client that is
	// refused ten times in a minute is closed. Raise it for clients that do more
	// than our pages; lower it to stop floods sooner. Default 10, range 1 to 10000.
	CommandRate int `yaml:"command_rate"`

	// CommandBurst is how many commands may come at once. A client that reconnects
	// sends again what was not acknowledged. Default 40, range 1 to 10000.
	CommandBurst int `yaml:"command_burst"`

	// DrainSpread is over how long clients come back after a restart. Raise it for
	// large rooms on small machines; lower it to have everybody back sooner.
	// Default 10s, range 0s to 5m.
	DrainSpread time.Duration `yaml:"drain_spread"`
}

// DefaultConfig returns the configuration in force when nothing is set.
func DefaultConfig() Config {
	return Config{
		Origins:            []string{},
		MaxConnections:     20000,
		MaxUnauthenticated: 4096,
		HandshakeBurst:     5000,
		HandshakeRate:      200,
		HelloTimeout:       5 * time.Second,
		PingInterval:       25 * time.Second,
		QueueBytes:         1 << 20,
		SlowAfter:          10 * time.Second,
		SendBufferBytes:    64 << 10,
		FramesPerSecond:    40000,
		Compress:           true,
		CommandRate:        10,
		CommandBurst:       40,
		DrainSpread:        10 * time.Second,
	}
}

// Validate reports every broken constraint, each under its configuration key.
func (c Config) Validate() error {
	var errs []error
	number := func(key string, v, low, high int) {
		if v < low || v > high {
			errs = append(errs, fmt.Errorf("ws.%s: %d is outside %d to %d", key, v, low, high))
		}
	}
	duration := func(key string, v, low, high time.Duration) {
		if v < low || v > high {
			errs = append(errs, fmt.Errorf("ws.%s: %s is outside %s to %s", key, v, low, high))
		}
	}
	for i, o := range c.Origins {
		if !validOrigin(o) {
			errs = append(errs, fmt.Errorf("ws.origins[%d]: %q is not like https://lms.example.edu", i, o))
		}
	}
	number("max_connections", c.MaxConnections, 1, 200000)
	number("max_unauthenticated", c.MaxUnauthenticated, 1, 200000)
	number("handshake_burst", c.HandshakeBurst, 1, 100000)
	number("handshake_rate", c.HandshakeRate, 1, 100000)
	duration("hello_timeout", c.HelloTimeout, time.Second, time.Minute)
	duration("ping_interval", c.PingInterval, 5*time.Second, 10*time.Minute)
	number("queue_bytes", c.QueueBytes, 64<<10, 16<<20)
	duration("slow_after", c.SlowAfter, time.Second, time.Minute)
	number("send_buffer_bytes", c.SendBufferBytes, 4<<10, 4<<20)
	number("frames_per_second", c.FramesPerSecond, 100, 10_000_000)
	number("command_rate", c.CommandRate, 1, 10000)
	number("command_burst", c.CommandBurst, 1, 10000)
	duration("drain_spread", c.DrainSpread, 0, 5*time.Minute)
	return errors.Join(errs...)
}

// validOrigin reports whether o is an origin as browsers send it.
func validOrigin(o string) bool {
	u, err := url.Parse(o)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.Scheme+"://"+u.Host == o &&
		o == strings.ToLower(o) && !strings.Contains(o, "*")
}
