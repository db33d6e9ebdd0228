package conformance

import "errors"

// ErrUnreachable is returned when the playlist cannot be read at all, so that there
// is nothing to judge.
var ErrUnreachable = errors.New("the playlist cannot be read")
