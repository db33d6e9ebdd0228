package class

import (
	"errors"
	"fmt"
	"time"
)

// Config is the `class` section of the configuration file.
type Config struct {
	// ReconnectGrace is how long a class whose publisher dropped out stays
	// interrupted before it is ended. Within it the encoder may come back and
	// viewers just see a pause. Raise it for shaky uplinks; lower it to have
	// recordings finished sooner. After a restart of the server every class that
	// was cut off gets it anew. Default 60s, range 1s to 1h.
	ReconnectGrace time.Duration `yaml:"reconnect_grace"`

	// CleanStopGrace is the same after the publisher said goodbye, as OBS does on
	// "Stop Streaming". It forgives a stop by mistake or to change a setting.
	// Default 10s, range 1s to 1h.
	CleanStopGrace time.Duration `yaml:"clean_stop_grace"`

	// PullGrace is the same for a class with a source, such as a lecture-hall
	// camera, whichever way it was lost: cameras reboot. Default 10m, range 1s to
	// 24h.
	PullGrace time.Duration `yaml:"pull_grace"`

	// PullLead is how long before starts_at the server begins to pull the source
	// of a scheduled class. Default 1m, range 0s to 1h.
	PullLead time.Duration `yaml:"pull_lead"`

	// Access is who may play a class whose creator does not say: "public" is
	// anybody who knows its URL, "token" whoever was given a viewer token for it
	// (section access). Classes that exist keep what they have. Default public.
	Access Access `yaml:"access"`
}

// DefaultConfig returns the configuration in force when nothing is set.
func DefaultConfig() Config {
	return Config{
		ReconnectGrace: time.Minute,
		CleanStopGrace: 10 * time.Second,
		PullGrace:      10 * time.Minute,
		PullLead:       time.Minute,
		Access:         AccessPublic,
	}
}

// Validate reports every broken constraint, each under its configuration key.
func (c Config) Validate() error {
	var errs []error
	check := func(key string, v, low, high time.Duration) {
		if v < low || v > high {
			errs = append(errs, fmt.Errorf("class.%s: %s is outside %s to %s", key, v, low, high))
		}
	}
	check("reconnect_grace", c.ReconnectGrace, time.Second, time.Hour)
	check("clean_stop_grace", c.CleanStopGrace, time.Second, time.Hour)
	check("pull_grace", c.PullGrace, time.Second, 24*time.Hour)
	check("pull_lead", c.PullLead, 0, time.Hour)
	if !c.Access.valid() {
		errs = append(errs, fmt.Errorf("class.access: %q is neither public nor token", c.Access))
	}
	return errors.Join(errs...)
}
