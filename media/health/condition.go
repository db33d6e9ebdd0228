package health

import "time"

// condition is a bad state with hysteresis: it is raised after it has held for a
// time, and cleared after it has not for another.
type condition struct {
	raised  bool
	turning bool          // the opposite of raised has been seen since
	since   time.Duration // when turning began
}

// update takes what holds at a time and reports whether raised has changed. The
// time is on any clock that is the condition's own; one that goes back starts
// the count anew.
func (c *condition) update(at time.Duration, bad bool, r rule) bool {
	if bad == c.raised {
		c.turning = false
		return false
	}
	if !c.turning || at < c.since {
		c.turning, c.since = true, at
	}
	need := r.raise
	if c.raised {
		need = r.clear
	}
	if at-c.since < need {
		return false
	}
	c.raised, c.turning = bad, false
	return true
}

// spell is something that happened and how long it lasted.
type spell struct{ at, length time.Duration }

// spells are the latest ones; older than 16 are forgotten. The zero value is
// ready to use.
type spells struct {
	ring [16]spell
	next int
}

func (s *spells) add(at, length time.Duration) {
	s.ring[s.next] = spell{at, max(length, 1)}
	s.next = (s.next + 1) % len(s.ring)
}

// within returns how many there were in the minute up to at, their sum and the
// longest.
func (s *spells) within(at time.Duration) (count int, sum, longest time.Duration) {
	for _, sp := range s.ring {
		if sp.length > 0 && sp.at <= at && at-sp.at < time.Minute {
			count++
			sum += sp.length
			longest = max(longest, sp.length)
		}
	}
	return count, sum, longest
}
