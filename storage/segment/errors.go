package segment

import "errors"

var (
	// ErrNotFound is returned when the log holds no such object (any more).
	ErrNotFound = errors.New("no such media")

	// ErrRenditionName is returned for a rendition that is not named
	// [a-z0-9_-]{1,32}: the name becomes a folder.
	ErrRenditionName = errors.New("invalid rendition name")

	// ErrOutOfOrder is returned when an Init, Part or Segment does not continue
	// what the log holds: ids, part indexes and media sequence numbers only rise.
	ErrOutOfOrder = errors.New("out of order")
)
