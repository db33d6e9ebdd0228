package transcript

import "errors"

// ErrNotFound is returned for a document that does not exist.
var ErrNotFound = errors.New("there is no such document")
