package space

import (
	"errors"
	"fmt"
)

var (
	// ErrFull is wrapped by every refusal of [Account.Take]: there is no room for
	// the recording. The caller does without the file and may ask again for the
	// next one.
	ErrFull = errors.New("no room for recordings")

	// ErrClosed is returned by [Account.Take] after [Account.Close].
	ErrClosed = errors.New("account is closed")
)

// FullError is the refusal of one limit. It wraps [ErrFull].
type FullError struct {
	// Key is the configuration key of the limit: space.high_water,
	// space.total_bytes or space.class_bytes.
	Key string

	// Used, Limit and Want are bytes: in use, allowed, asked for.
	Used, Limit, Want int64
}

func (e *FullError) Error() string {
	return fmt.Sprintf("%s: %v: %d of %d bytes are in use, %d more were asked for", e.Key, ErrFull, e.Used, e.Limit, e.Want)
}

// Unwrap returns ErrFull.
func (e *FullError) Unwrap() error { return ErrFull }
