package room

import (
	"errors"
	"fmt"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room/state"
)

// Config is the `room` section of the configuration file.
type Config struct {
	// LeaveGrace is how long a person without a connection is still in the room, so
	// that a reload is no leave. Raise it for shaky networks; lower it to have
	// counts fall sooner. Default 30s, range 0s to 10m.
	LeaveGrace time.Duration `yaml:"leave_grace"`

	// IdleClose is how long an empty room stays in memory. Raise it to open rooms
	// less often; lower it to save memory. Default 1m, range 1s to 24h.
	IdleClose time.Duration `yaml:"idle_close"`

	// CloseAfter is how long a room stays open when its class has ended: viewers are
	// behind the live edge, and there is something to say at the end. A host can
	// close it before. Raise it for questions after the lesson; lower it to have
	// everybody go sooner. Default 2m, range 0s to 24h.
	CloseAfter time.Duration `yaml:"close_after"`

	// EditWindow is how long people can change a message of their own. Default 2m,
	// range 0s to 24h.
	EditWindow time.Duration `yaml:"edit_window"`

	// DisplayPerSecond is how many messages a second participants are shown; staff
	// see all, and the log has all. Raise it for lively small classes; lower it
	// where people cannot follow. Default 10, range 1 to 1000.
	DisplayPerSecond int `yaml:"display_per_second"`

	// HandTimeout is after how long a raised hand goes down by itself. Default
	// 10m, range 10s to 24h.
	HandTimeout time.Duration `yaml:"hand_timeout"`

	// VoteGrace is how late a vote may arrive that was made in time by what was on
	// the voter's screen. Raise it for viewers far behind the live edge; lower it
	// to have final results sooner. Default 30s, range 0s to 5m.
	VoteGrace time.Duration `yaml:"vote_grace"`

	// Connections is how many connections one person can have at once; the oldest
	// is closed for one more. Default 3, range 1 to 20.
	Connections int `yaml:"connections"`

	// Chat is who may write when a class begins: open, hosts, questions or off.
	// Default open.
	Chat realtime.ChatMode `yaml:"chat"`

	// Names is how participants are shown to each other when a class begins: named,
	// anonymous, or both, which is as each of them likes. Default both.
	Names realtime.NameMode `yaml:"names"`

	// Links is whether participants may write links when a class begins. Default
	// false.
	Links bool `yaml:"links"`

	// Log is how the logs of the rooms are kept.
	Log broker.Config `yaml:"log"`
}

// DefaultConfig returns the configuration in force when nothing is set.
func DefaultConfig() Config {
	return Config{
		LeaveGrace: 30 * time.Second, IdleClose: time.Minute, CloseAfter: 2 * time.Minute, EditWindow: 2 * time.Minute, DisplayPerSecond: 10,
		HandTimeout: 10 * time.Minute, VoteGrace: 30 * time.Second, Connections: 3,
		Chat: realtime.ChatOpen, Names: realtime.NamesBoth, Log: broker.DefaultConfig(),
	}
}

// Validate reports every broken constraint, each under its configuration key.
func (c Config) Validate() error {
	var errs []error
	check := func(key string, v, low, high time.Duration) {
		if v < low || v > high {
			errs = append(errs, fmt.Errorf("room.%s: %s is outside %s to %s", key, v, low, high))
		}
	}
	check("leave_grace", c.LeaveGrace, 0, 10*time.Minute)
	check("idle_close", c.IdleClose, time.Second, 24*time.Hour)
	check("close_after", c.CloseAfter, 0, 24*time.Hour)
	check("edit_window", c.EditWindow, 0, 24*time.Hour)
	check("hand_timeout", c.HandTimeout, 10*time.Second, 24*time.Hour)
	check("vote_grace", c.VoteGrace, 0, 5*time.Minute)
	count := func(key string, v, low, high int) {
		if v < low || v > high {
			errs = append(errs, fmt.Errorf("room.%s: %d is outside %d to %d", key, v, low, high))
		}
	}
	count("display_per_second", c.DisplayPerSecond, 1, 1000)
	count("connections", c.Connections, 1, 20)
	if err := (realtime.RoomSet{Chat: &c.Chat}).Validate(); err != nil {
		errs = append(errs, fmt.Errorf("room.chat: %q is not open, hosts, questions or off", c.Chat))
	}
	if err := (realtime.RoomSet{Names: &c.Names}).Validate(); err != nil {
		errs = append(errs, fmt.Errorf("room.names: %q is not named, anonymous or both", c.Names))
	}
	if err := c.Log.Validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// rules returns what of it the state goes by.
func (c Config) rules() state.Rules {
	return state.Rules{
		EditWindow: c.EditWindow, DisplayPerSecond: c.DisplayPerSecond, HandTimeout: c.HandTimeout, VoteGrace: c.VoteGrace,
		Settings: realtime.Settings{Chat: c.Chat, Names: c.Names, Links: c.Links},
	}
}
