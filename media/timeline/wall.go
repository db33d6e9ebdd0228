package timeline

import "time"

const (
	// wallWindow is the media time over which the earliest arrival is looked
	// for. The filter spans one to two windows.
	wallWindow = 15 * time.Second

	// wallSlew is the correction of the wall clock for each unit of media time,
	// as a divisor: 1 ms a second.
	wallSlew = 1000

	// maxWallError is how far media time may fall behind the server's clock
	// before slewing is given up and a new run starts.
	maxWallError = 5 * time.Second
)

// wallClock maps media time to the class's wall clock. Samples arrive late by a
// varying delay but never early, so the earliest arrivals of a window show how
// the publisher's clock runs against the server's.
//
// Within a publication it reads the server's clock as time since its start,
// which is monotonic: a step of the system clock shows at the next publication.
type wallClock struct {
	now   func() time.Time
	start time.Time // of the publication, with its monotonic reading

	// offset is the wall clock at media time 0, relative to start.
	offset time.Duration

	// end is the wall clock at the end of what was emitted; no run starts before.
	end time.Time

	// first is the wall clock at the run's start.
	first time.Time

	// latest is the greatest wall clock that an access unit got.
	latest time.Time

	// pushed is how far the run's start lies in the future, to come after end.
	pushed time.Duration

	slewedAt     time.Duration // media time of the newest observation
	windowStart  time.Duration
	earliest     time.Duration // arrival - media time, least in this window
	earlier      time.Duration // the same of the window before
	haveEarliest bool
	haveEarlier  bool
}

// begin starts a publication.
func (w *wallClock) begin() {
	w.start = w.now()
	w.offset = 0
}

// elapsed is the server's time since the publication began.
func (w *wallClock) elapsed() time.Duration { return w.now().Sub(w.start) }

// anchor starts a run: media time at is arrival on the server's clock since the
// publication's start, or the end of the run before if that is later.
func (w *wallClock) anchor(at, arrival time.Duration) {
	first := w.start.Round(0).Add(arrival)
	w.pushed = max(w.end.Sub(first), 0)
	first = first.Add(w.pushed)
	w.first = first
	w.offset = first.Sub(w.start.Round(0)) - at
	w.slewedAt, w.windowStart = at, at
	w.haveEarliest, w.haveEarlier = false, false
}

// at returns the wall clock at a media time.
func (w *wallClock) at(media time.Duration) time.Time {
	return w.start.Round(0).Add(w.offset + media)
}

// stamp returns the wall clock for an access unit. That of a track that lags
// behind the other may have been slewed to before the run's start.
func (w *wallClock) stamp(media time.Duration) time.Time {
	at := w.at(media)
	if at.Before(w.first) {
		at = w.first
	}
	if at.After(w.latest) {
		w.latest = at
	}
	return at
}

// close ends a run at a media time.
func (w *wallClock) close(at time.Duration) {
	w.end = w.at(at)
	if least := w.latest.Add(minStep); w.end.Before(least) {
		w.end = least // slewed back since, and PTS was far ahead of DTS
	}
}

// observe takes the arrival of a sample of the leading track and slews.
func (w *wallClock) observe(arrival, media time.Duration) {
	lead := arrival - media
	switch {
	case !w.haveEarliest:
		w.earliest, w.haveEarliest = lead, true
	case media-w.windowStart >= wallWindow:
		w.earlier, w.haveEarlier = w.earliest, true
		w.earliest, w.windowStart = lead, media
	default:
		w.earliest = min(w.earliest, lead)
	}
	passed := media - w.slewedAt
	if passed <= 0 {
		return
	}
	w.slewedAt = media
	limit := passed / wallSlew
	err := w.err()
	if !w.haveEarlier {
		err = min(err, 0) // one late sample is no evidence of a slow clock yet
	}
	w.offset += min(max(err, -limit), limit)
}

// err is how far CapturedAt is behind (positive) or ahead of the server's clock.
func (w *wallClock) err() time.Duration {
	if !w.haveEarliest {
		return 0
	}
	least := w.earliest
	if w.haveEarlier {
		least = min(least, w.earlier)
	}
	return least - w.offset
}

// lost reports whether the publisher's clock has fallen behind by more than
// slewing could ever repair.
func (w *wallClock) lost() bool { return w.haveEarlier && w.err() > maxWallError }
