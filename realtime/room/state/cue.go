package state

import (
	"bytes"

	"github.com/lectern/lectern/realtime"
)

// CueOf returns what the fact of entry seq marks of the lecture, if it does: what
// happens, to what, and when on the media's clock (0 without media).
func CueOf(f Fact, seq uint64) (event realtime.EventType, id string, at int64) {
	switch f := f.(type) {
	case PollOpened:
		return realtime.EventPollOpened, f.Poll, f.At
	case PollClosed:
		return realtime.EventPollClosed, f.Poll, f.At
	case PollRevealed:
		return realtime.EventPollRevealed, f.Poll, f.At
	case Marked:
		return realtime.EventMarker, idOf(f, seq), f.At
	}
	return "", "", 0
}

// MayBeCue reports whether an entry as the log keeps it may be one that CueOf knows,
// without decoding it: most are not.
func MayBeCue(b []byte) bool {
	kind, ok := bytes.CutPrefix(b, []byte(`{"kind":"`))
	return !ok || bytes.HasPrefix(kind, []byte("poll.")) || bytes.HasPrefix(kind, []byte(Marked{}.kind()))
}
