package rtsp

import "time"

const (
	// stableAfter is how long a camera must have sent media for the next
	// reconnect to be quick again.
	stableAfter = time.Minute

	// authPause is the least pause after three failures to log in: cameras lock
	// accounts, and the person at the other end needs the log line, not speed.
	authPause           = 5 * time.Second
	authFailuresAllowed = 3
)

// backoff finds the pause before each reconnect: least, twice as much, and so on
// up to most, each spread over its upper half so that a hundred cameras do not
// return at once after a power cut.
type backoff struct {
	least, most time.Duration
	random      func() float64 // in [0, 1)

	next         time.Duration
	authFailures int
}

// pause returns how long to wait after an attempt that sent media for lived, and
// failed to log in if unauthorised.
func (b *backoff) pause(lived time.Duration, unauthorised bool) time.Duration {
	if lived >= stableAfter {
		b.next = 0
	}
	if b.next == 0 {
		b.next = b.least
	}
	d := b.next
	b.next = min(2*b.next, b.most)
	if unauthorised {
		if b.authFailures++; b.authFailures >= authFailuresAllowed {
			d = max(d, authPause)
		}
	} else {
		b.authFailures = 0
	}
	return d/2 + time.Duration(b.random()*float64(d/2))
}
