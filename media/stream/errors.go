package stream

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrNoStream is returned by [Hub.Publish] when no stream is open under the
	// name: the class is not scheduled for now.
	ErrNoStream = errors.New("no such stream")

	// ErrEnded is returned by [Reader.Next] once the stream has ended and the
	// queue is drained, and by [Hub.Publish] when the stream ended meanwhile. It
	// ends a read loop the way io.EOF does.
	ErrEnded = errors.New("stream ended")

	// ErrNoTracks is returned by [Publication.SetTracks] for an empty list, and
	// by [Publication.Write] before SetTracks.
	ErrNoTracks = errors.New("publication has no tracks")
)

// TakenError is returned by [Hub.Publish] when another publisher holds the
// stream and may not be replaced.
type TakenError struct {
	Name  string
	Since time.Time // when the current publisher was admitted
}

// Error describes the conflict.
func (e *TakenError) Error() string {
	return fmt.Sprintf("stream %q has been published since %s", e.Name, e.Since.Format(time.RFC3339))
}

// ClosedError is returned by [Publication.SetTracks] and [Publication.Write]
// once the publication was closed, by either side.
type ClosedError struct {
	Reason CloseReason
}

// Error names the reason.
func (e *ClosedError) Error() string { return "publication closed: " + e.Reason.String() }
