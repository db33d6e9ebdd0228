package segment

import (
	"slices"
	"strings"
	"time"
)

// Cue is a moment of the lecture that playlists tell of. The Log keeps it and knows
// no more of it than that.
type Cue struct {
	// Event and ID say what happened, and to what: [a-zA-Z0-9._-]{1,64} each.
	Event, ID string
	// At is the moment on the class's wall clock, in milliseconds.
	At time.Time
	// Lasts tells that it goes on until the next cue with the same ID.
	Lasts bool
}

// Valid reports whether the cue can stand in an index and in a playlist.
func (c Cue) Valid() bool { return validCueName(c.Event) && validCueName(c.ID) && !c.At.IsZero() }

func validCueName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == ""
}

type cueRecord struct {
	Event string    `json:"event"`
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	Lasts bool      `json:"lasts,omitempty"`
}

// PutCue keeps a cue. The disk follows behind, and Commit does not wait for it: whoever
// tells of cues must be able to tell again after a crash. Those that are not
// valid are left out. The caller bounds how many there are, and puts none twice.
func (l *Log) PutCue(c Cue) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !c.Valid() {
		return
	}
	l.cues = append(l.cues, c)
	if !l.stopped {
		l.dirtyLocked(task{cue: &c})
	}
}

// Cues returns what was put, in this run and in earlier ones, in that order. The
// caller owns the slice.
func (l *Log) Cues() []Cue {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.cues)
}
