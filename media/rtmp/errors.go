package rtmp

import "errors"

var (
	// ErrNoListener is returned by Server.Run when it is given no listener.
	ErrNoListener = errors.New("no rtmp listener")

	// errStopped ends reading on a connection that the server has ended.
	errStopped = errors.New("connection ended by the server")

	// errRefused ends the library's loop after a refusal was sent.
	errRefused = errors.New("refused")

	// errPanic ends the library's loop after a callback panicked.
	errPanic = errors.New("panic in a callback")
)
