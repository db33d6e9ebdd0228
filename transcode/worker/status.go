package worker

import (
	"time"

	"github.com/lectern/lectern/transcode"
)

// State is what a Host is doing.
type State uint8

// The states of a Host.
const (
	StateIdle     State = iota // nothing is to be encoded
	StateStarting              // the process or its encoders are starting
	StateRunning               // encoding
	StateWaiting               // the process was lost and will be started anew
	StateDisabled              // encoding of this run was given up
)

// String returns the word used in the API.
func (s State) String() string {
	switch s {
	case StateIdle:
		return "idle"
	case StateStarting:
		return "starting"
	case StateRunning:
		return "running"
	case StateWaiting:
		return "waiting"
	case StateDisabled:
		return "disabled"
	default:
		return "unknown"
	}
}

// Status is what the API tells of a Host.
type Status struct {
	State State

	// PID is the process's, 0 if there is none.
	PID int

	// Restarts is how often the process was started anew.
	Restarts int

	// Reason and Text tell of the latest loss, as in transcode.Lost; they are empty
	// if there was none.
	Reason, Text string

	// Retry is when encoding will be tried again: by itself in StateWaiting, at the
	// first Open from then on in StateDisabled. It is zero if no time was set.
	Retry time.Time

	// ResidentBytes is the process's memory, 0 where it is unknown.
	ResidentBytes int64

	// Stats are the latest of the run that is open.
	Stats transcode.Stats
}

// Status returns what the Host is doing. It may be called from any goroutine.
func (h *Host) Status() Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.status
	s.Restarts = max(0, h.starts-1)
	switch {
	case h.final:
		s.State, s.Retry = StateDisabled, h.disabledUntil
	case !h.wanted:
		s.State, s.Retry = StateIdle, time.Time{}
	case h.opened:
		s.State, s.Retry = StateRunning, time.Time{}
	case h.proc || s.Retry.IsZero():
		s.State, s.Retry = StateStarting, time.Time{}
	default:
		s.State = StateWaiting
	}
	return s
}
