package flv

import "time"

// clock turns the 32-bit millisecond timestamps of RTMP messages, which wrap
// after 49.7 days, into a Duration that does not (case 1). One clock serves all
// tracks: they share the publisher's clock, and whichever sends first carries
// the others over the wrap. The zero value is ready.
type clock struct {
	started bool
	last    uint32
	ms      int64
}

// at returns the time of a message. Its difference to the message before, either
// way, is taken to be less than half the wrap.
func (c *clock) at(timestampMS uint32) (time.Duration, error) {
	if c.started {
		c.ms += int64(int32(timestampMS - c.last))
	} else {
		c.ms = int64(timestampMS)
		c.started = true
	}
	c.last = timestampMS
	const century = 100 * 365 * 24 * time.Hour
	if limit := century.Milliseconds(); c.ms > limit || c.ms < -limit {
		return 0, ErrClock
	}
	return time.Duration(c.ms) * time.Millisecond, nil
}

// patience measures how long something has been waited for. The zero value is
// ready.
type patience struct {
	waiting bool
	since   time.Duration
	count   int
}

// spent notes that something was missing at now and reports whether the limit is
// reached. Publishers whose clock stands still are stopped by the count: a
// minute of video.
func (p *patience) spent(now, limit time.Duration) bool {
	if !p.waiting {
		*p = patience{waiting: true, since: now}
	}
	const maxCount = 2000
	p.count++
	return (now-p.since).Abs() >= limit || p.count >= maxCount
}
