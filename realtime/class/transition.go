package class

import (
	"cmp"
	"slices"
	"time"
)

// Timing is what the packager is configured to do, copied into each class that
// goes live for the first time.
type Timing struct {
	SegmentDuration, PartDuration time.Duration
}

// rules are the facts that transitions need beside the class itself.
type rules struct {
	Config
	timing Timing
}

// Transitions are pure: they take a class and return what it becomes. An
// unchanged class means that there is nothing to do.

// arrived is a publisher's arrival.
func (r rules) arrived(c Class, now time.Time) (Class, error) {
	switch c.State {
	case Scheduled, Interrupted:
		c.State, c.Deadline, c.CleanStop = Live, time.Time{}, false
		if c.StartedAt.IsZero() {
			c.StartedAt = now
		}
		if c.SegmentDuration == 0 {
			c.SegmentDuration, c.PartDuration = r.timing.SegmentDuration, r.timing.PartDuration
		}
		return c, nil
	case Ended:
		return c, ErrEnded
	default:
		return c, nil
	}
}

// left is the departure of the last publisher; clean means it said goodbye.
func (r rules) left(c Class, now time.Time, clean bool) Class {
	if c.State != Live {
		return c
	}
	grace := r.ReconnectGrace
	switch {
	case !c.Source.IsZero():
		grace = r.PullGrace
	case clean:
		grace = r.CleanStopGrace
	}
	c.State, c.Deadline, c.CleanStop = Interrupted, now.Add(grace), clean
	return c
}

// restored is a start of the server after a stop or crash at an unknown time.
// Nobody is connected, and no encoder could come back meanwhile, so a class that
// was cut off gets a whole grace again. One that was stopped on purpose keeps its
// deadline, even if that has passed: timed then ends it.
func (r rules) restored(c Class, now time.Time) Class {
	switch {
	case c.State == Live:
		return r.left(c, now, false)
	case c.State == Interrupted && !c.CleanStop:
		again := c
		again.State = Live
		if again = r.left(again, now, false); again.Deadline.After(c.Deadline) {
			return again
		}
	}
	return c
}

// ended is the end, on request or after the grace. Ending twice changes nothing.
func (r rules) ended(c Class, now time.Time) Class {
	if c.State == Ended {
		return c
	}
	c.State, c.EndedAt, c.Deadline, c.Pull = Ended, now, time.Time{}, false
	return c
}

// nextTimed returns when timed has something to do for c, or zero for never.
func (r rules) nextTimed(c Class, publishers int) time.Time {
	switch {
	case c.State == Interrupted && publishers == 0:
		return c.Deadline
	case c.State == Scheduled && !c.Source.IsZero() && !c.Pull:
		return c.StartsAt.Add(-r.PullLead)
	default:
		return time.Time{}
	}
}

// timed is what the passing of time does.
func (r rules) timed(c Class, now time.Time, publishers int) Class {
	at := r.nextTimed(c, publishers)
	switch {
	case at.IsZero() || now.Before(at):
		return c
	case c.State == Interrupted:
		return r.ended(c, now)
	default:
		c.Pull = true
		return c
	}
}

// updated is a change of what can be set.
func (r rules) updated(c Class, u Update, now time.Time) (Class, error) {
	if u.Title != nil {
		c.Title = *u.Title
	}
	if u.Access != nil {
		c.Access = cmp.Or(*u.Access, r.Access)
	}
	if u.StartsAt == nil && u.Source == nil && u.Ladder == nil && u.DVRWindow == nil {
		return c, nil
	}
	if c.State == Ended {
		return c, ErrEnded
	}
	if u.Ladder != nil {
		c.Ladder = slices.Clone(*u.Ladder)
	}
	if u.DVRWindow != nil {
		c.DVRWindow = *u.DVRWindow
	}
	if u.StartsAt != nil {
		c.StartsAt = utc(*u.StartsAt)
	}
	if u.Source != nil {
		c.Source = *u.Source
		if c.State == Interrupted { // it waits as long as its kind of class does
			c.State = Live
			c = r.left(c, now, c.CleanStop)
		}
	}
	switch {
	case c.Source.IsZero():
		c.Pull = false
	case c.State == Scheduled:
		c.Pull = c.StartsAt.IsZero() || !now.Before(c.StartsAt.Add(-r.PullLead))
	default:
		c.Pull = true
	}
	return c, nil
}

// utc drops the monotonic reading and everything that the database does not
// keep, so that a class reads the same before and after a restart.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Round(0).UTC().Truncate(time.Millisecond)
}
