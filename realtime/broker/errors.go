package broker

import "errors"

var (
	// ErrBusy is returned when more waits to be kept than the broker allows. It
	// passes: try again in a moment.
	ErrBusy = errors.New("log is busy")

	// ErrClosed is returned once the broker has stopped.
	ErrClosed = errors.New("log is closed")

	// ErrConflict is returned for an event that asked for a position that is
	// taken or not reached yet, and by PutIf if the value has changed.
	ErrConflict = errors.New("someone else was first")

	// ErrPositionLost is returned for a position that the log has never had: it
	// was deleted since, or belongs to another. State built on it must be built
	// anew.
	ErrPositionLost = errors.New("position is not in the log")

	// ErrTooLarge is returned for an event, key or value beyond the limits of this
	// package.
	ErrTooLarge = errors.New("event is too large")
)
