package rtsp

import (
	"errors"
	"fmt"
	"time"
)

// Config is the `rtsp` section of the configuration file.
type Config struct {
	// MaxConnections is how many TCP connections the listener holds at once;
	// more are closed at once. Each costs about 20 kB before it publishes.
	// Default 256, range 1 to 65536. Raise it for many encoders, lower it to
	// bound what strangers can cost.
	MaxConnections int `yaml:"max_connections"`

	// MaxConnectionsPerIP is the same for one address. Default 16, range 1 to
	// MaxConnections. Raise it when many rooms push from behind one NAT.
	MaxConnectionsPerIP int `yaml:"max_connections_per_ip"`

	// PublishTimeout is how long a connection may take until it publishes.
	// Default 10s, range 1s to 1m. Lower it to get rid of idle strangers sooner,
	// raise it for encoders on very slow links.
	PublishTimeout time.Duration `yaml:"publish_timeout"`

	// IdleTimeout is how long a connection that does not publish may be silent.
	// Default 10s, range 100ms to 10m; lower frees connections sooner, higher
	// spares tools that keep a connection open between requests.
	IdleTimeout time.Duration `yaml:"idle_timeout"`

	// MediaTimeout is how long a publisher may send no media before its
	// publication is closed as silent. Default 10s, range 1s to 1m. Lower it to
	// notice a dead encoder sooner, raise it for links that stall.
	MediaTimeout time.Duration `yaml:"media_timeout"`

	// WriteTimeout bounds each write to a peer. Default 5s, range 100ms to 1m.
	WriteTimeout time.Duration `yaml:"write_timeout"`

	// UDPPort lets encoders push RTP over UDP to this port, and RTCP to the next
	// one. It must be even; 0 allows TCP only, which loses nothing and passes
	// firewalls. Default 0, range 0 to 65534.
	UDPPort int `yaml:"udp_port"`

	// IgnoreUnsupportedAudio takes the video of a publisher whose audio codec
	// cannot be served and leaves the audio out; otherwise the publisher is
	// refused, so that nobody teaches without sound unawares. Default false.
	IgnoreUnsupportedAudio bool `yaml:"ignore_unsupported_audio"`

	// Pull is about cameras that the server connects to.
	Pull PullConfig `yaml:"pull"`
}

// PullConfig is the `rtsp.pull` section of the configuration file.
type PullConfig struct {
	// Transport is "tcp", or "udp" to try UDP first and fall back to TCP after
	// 3 s without a packet. Default "tcp", which loses nothing. Use "udp" for
	// cameras whose TCP mode is broken.
	Transport string `yaml:"transport"`

	// Timeout bounds the connection set-up, each request, and silence of the
	// camera. Default 10s, range 1s to 1m. Lower it to reconnect sooner, raise
	// it for cameras that start slowly.
	Timeout time.Duration `yaml:"timeout"`

	// ReconnectMin is the pause before the first reconnect; each further one is
	// twice as long. Default 1s, range 100ms to 1m.
	ReconnectMin time.Duration `yaml:"reconnect_min"`

	// ReconnectMax is the longest pause. Default 30s, range ReconnectMin to 10m.
	// Lower it to return sooner after a long outage, raise it to spare the
	// camera.
	ReconnectMax time.Duration `yaml:"reconnect_max"`

	// IgnoreUnsupportedAudio takes the video of a camera whose audio codec
	// cannot be served (G.726, say) and leaves the audio out; otherwise the
	// camera is refused. Default false.
	IgnoreUnsupportedAudio bool `yaml:"ignore_unsupported_audio"`
}

// The values of PullConfig.Transport.
const (
	TransportTCP = "tcp"
	TransportUDP = "udp"
)

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{
		MaxConnections:      256,
		MaxConnectionsPerIP: 16,
		PublishTimeout:      10 * time.Second,
		IdleTimeout:         10 * time.Second,
		MediaTimeout:        10 * time.Second,
		WriteTimeout:        5 * time.Second,
		Pull: PullConfig{
			Transport:    TransportTCP,
			Timeout:      10 * time.Second,
			ReconnectMin: time.Second,
			ReconnectMax: 30 * time.Second,
		},
	}
}

// Validate reports every broken constraint, each under its configuration key.
func (c Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.MaxConnections < 1 || c.MaxConnections > 65536 {
		add("rtsp.max_connections: %d is outside 1 to 65536", c.MaxConnections)
	}
	if c.MaxConnectionsPerIP < 1 || c.MaxConnectionsPerIP > c.MaxConnections {
		add("rtsp.max_connections_per_ip: %d is outside 1 to max_connections (%d)", c.MaxConnectionsPerIP, c.MaxConnections)
	}
	errs = append(errs,
		checkDuration("rtsp.publish_timeout", c.PublishTimeout, time.Second, time.Minute),
		checkDuration("rtsp.idle_timeout", c.IdleTimeout, 100*time.Millisecond, 10*time.Minute),
		checkDuration("rtsp.media_timeout", c.MediaTimeout, time.Second, time.Minute),
		checkDuration("rtsp.write_timeout", c.WriteTimeout, 100*time.Millisecond, time.Minute),
	)
	if c.UDPPort < 0 || c.UDPPort > 65534 || c.UDPPort%2 != 0 {
		add("rtsp.udp_port: %d is not an even port from 2 to 65534, nor 0", c.UDPPort)
	}
	errs = append(errs, c.Pull.Validate())
	return errors.Join(errs...)
}

// Validate reports every broken constraint, each under its configuration key.
func (c PullConfig) Validate() error {
	var errs []error
	if c.Transport != TransportTCP && c.Transport != TransportUDP {
		errs = append(errs, fmt.Errorf("rtsp.pull.transport: %q is neither %q nor %q", c.Transport, TransportTCP, TransportUDP))
	}
	errs = append(errs,
		checkDuration("rtsp.pull.timeout", c.Timeout, time.Second, time.Minute),
		checkDuration("rtsp.pull.reconnect_min", c.ReconnectMin, 100*time.Millisecond, time.Minute),
		checkDuration("rtsp.pull.reconnect_max", c.ReconnectMax, c.ReconnectMin, 10*time.Minute),
	)
	return errors.Join(errs...)
}

func checkDuration(key string, d, low, high time.Duration) error {
	if d < low || d > high {
		return fmt.Errorf("%s: %s is outside %s to %s", key, d, low, high)
	}
	return nil
}
