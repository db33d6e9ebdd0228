package room

import "errors"

var (
	// ErrUnavailable is returned when a room cannot be opened, since its log cannot
	// be read or the server stops.
	ErrUnavailable = errors.New("room is not available")

	errNotKept = errors.New("log has gone another way")
)
