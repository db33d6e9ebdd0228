package wire

import "errors"

var (
	// ErrFrame is returned for bytes that no correct peer sends.
	ErrFrame = errors.New("not a frame of the worker protocol")

	// ErrVersion is returned by ParseHello for a peer of another version of the
	// protocol.
	ErrVersion = errors.New("the worker protocol has another version")

	// ErrUnsendable is returned by Append functions for what cannot be told in a
	// frame: it is too large or breaks the rules that the receiver checks.
	ErrUnsendable = errors.New("does not fit the worker protocol")
)
