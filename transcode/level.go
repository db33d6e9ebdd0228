package transcode

import (
	"time"

	"github.com/lectern/lectern/media"
)

// Level is how far a class's ladder is cut back: 0 is all of it, 5 nothing that
// has to be encoded but sound. Each level takes the ones before it with it.
type Level int

// The levels, in the order in which they are taken.
const (
	LevelFull    Level = iota // everything
	LevelFast                 // preset superfast
	LevelSlow                 // 15 pictures a second
	LevelNoTop                // without the top encoded rung
	LevelLowest               // the lowest rung alone
	LevelNoVideo              // no encoded video
	levels                    // how many there are
)

// slowFrameRate is what LevelSlow leaves of a rung's pictures a second.
const slowFrameRate = 15

// String returns the word used in logs and metrics.
func (l Level) String() string {
	switch l {
	case LevelFull:
		return "full"
	case LevelFast:
		return "fast"
	case LevelSlow:
		return "slow"
	case LevelNoTop:
		return "no_top"
	case LevelLowest:
		return "lowest"
	case LevelNoVideo:
		return "no_video"
	default:
		return "unknown"
	}
}

// Effort is what the level means for the rungs of spec. One rung always stays
// if the publisher's own pictures are not passed through: LevelNoVideo is then
// LevelLowest.
func (l Level) Effort(spec Spec) Effort {
	e := Effort{Fast: l >= LevelFast}
	if l >= LevelSlow {
		e.MaxFrameRate = slowFrameRate
	}
	last := len(spec.Video) - 1
	keep := 0 // the first rung that stays
	switch {
	case l >= LevelNoVideo && spec.Grid == 0:
		keep = last + 1
	case l >= LevelLowest:
		keep = last
	case l >= LevelNoTop:
		keep = min(1, last)
	}
	for i := range max(keep, 0) {
		e.Off = append(e.Off, spec.Video[i].Track)
	}
	return e
}

// same reports whether two levels come to the same for spec.
func (l Level) same(o Level, spec Spec) bool {
	a, b := l.Effort(spec), o.Effort(spec)
	on := len(spec.Video) - len(a.Off)
	if len(a.Off) != len(b.Off) {
		return false
	}
	if on == 0 {
		return true
	}
	if a.Fast != b.Fast {
		return false
	}
	rate := sourceRate(spec)
	for _, r := range spec.Video[len(a.Off):] {
		if effortRate(r, rate, a) != effortRate(r, rate, b) {
			return false
		}
	}
	return true
}

// down returns the next level that takes something from spec, up the next that
// gives something back; ok is false if there is none.
func (l Level) down(spec Spec) (Level, bool) {
	for next := l + 1; next <= floor(spec); next++ {
		if !l.same(next, spec) {
			return next, true
		}
	}
	return l, false
}

func (l Level) up(spec Spec) (Level, bool) {
	for next := l - 1; next >= LevelFull; next-- {
		if l.same(next, spec) {
			continue
		}
		// Levels that come to the same go by the name of the first.
		for next > LevelFull && next.same(next-1, spec) {
			next--
		}
		return next, true
	}
	return l, false
}

// floor is the lowest that a class may fall: its pictures are to be seen in at
// least one rendition.
func floor(spec Spec) Level {
	switch {
	case len(spec.Video) == 0:
		return LevelFull
	case spec.Grid != 0:
		return LevelLowest
	default:
		return LevelNoVideo
	}
}

// sourceRate is the publisher's frame rate, or an assumed one.
func sourceRate(spec Spec) float64 {
	t, _ := media.Find(spec.Tracks, media.KindVideo)
	return frameRate(t.Video)
}

// effortRate is the frame rate of a rung for a source of this rate.
func effortRate(r VideoRung, source float64, e Effort) float64 {
	rate := thinned(source, r.MaxFrameRate)
	if e.MaxFrameRate != 0 {
		rate = thinned(rate, e.MaxFrameRate)
	}
	return rate
}

// LevelChange is an entry of a class's history.
type LevelChange struct {
	At     time.Time
	Level  Level
	Reason string // a word from the code: "lag", "cpu", "recovered", "admission", "source"
	Text   string // a sentence for people
}
