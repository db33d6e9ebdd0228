package worker

import "errors"

var (
	// ErrStuck is returned by Serve when a call of the engine does not return. The
	// call goes on: the caller must end the process.
	ErrStuck = errors.New("the engine is stuck")

	// ErrBuild is returned by Serve when the server is of another build.
	ErrBuild = errors.New("server and worker are of different builds")

	// errClosed is returned by an outbox that takes no more frames.
	errClosed = errors.New("outbox closed")
)
