package class

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound is returned when no class has the ID.
	ErrNotFound = errors.New("no such class")

	// ErrExists is returned by Create when the ID is taken, be it by an ended
	// class.
	ErrExists = errors.New("a class with this id exists")

	// ErrUnknownKey is returned by Authorize when no class has the stream key.
	ErrUnknownKey = errors.New("unknown stream key")

	// ErrEnded is returned for what only a class that has not ended can do.
	ErrEnded = errors.New("class has ended")
)

// What the person who publishes is told for ErrUnknownKey and ErrEnded.
const (
	TextUnknownKey = "This stream key is not known. Copy the key from the class's studio page again; an old key stops working when a new one is made."
	TextEnded      = "This class has ended. Create a new class, or ask for a new stream key."
)

// Refusal returns what to tell the person whose publishing Authorize or
// PublisherArrived refused with err: a stable code ("unknown_key", "ended") and
// one sentence. ok is false for any other error, which is not theirs to see.
func Refusal(err error) (code, text string, ok bool) {
	switch {
	case errors.Is(err, ErrUnknownKey):
		return "unknown_key", TextUnknownKey, true
	case errors.Is(err, ErrEnded), errors.Is(err, ErrNotFound):
		return "ended", TextEnded, true
	default:
		return "", "", false
	}
}

// InvalidError is returned by Create, Update and List for input that breaks a
// rule. Its text may be shown to whoever sent it and quotes none of it.
type InvalidError struct {
	Field   string // as in the API: "title"
	Problem string // "must be 1 to 200 characters"
}

// Error returns "field: problem".
func (e *InvalidError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Problem) }
