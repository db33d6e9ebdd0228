package origin

import "errors"

var (
	// ErrTokenExpired is returned by a [Gate] for a token that was good once: its
	// viewer is told to get another.
	ErrTokenExpired = errors.New("the viewer token has expired")

	// ErrTokenRevoked is returned by a [Gate] for a token that was withdrawn.
	ErrTokenRevoked = errors.New("the viewer token was revoked")
)
