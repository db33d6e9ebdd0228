package rtpclock

import (
	"time"

	"github.com/lectern/lectern/media"
)

const (
	// maxForward is how far a timestamp may run ahead of its arrival. More is a
	// wild timestamp: a digital recorder's, or a camera that set its clock.
	maxForward = 5 * time.Second

	// maxBackward is how far a timestamp may lie before the previous one. The
	// deepest reordering of H.264 is 16 pictures: 3.2 s at 5 pictures a second.
	maxBackward = 5 * time.Second

	// wildRepeats is how many wild timestamps that agree with each other make
	// the new timeline the true one.
	wildRepeats = 3

	// wildTolerance is how closely they must agree with their arrival.
	wildTolerance = time.Second
)

// unwrapper unwraps the 32-bit timestamps of one RTP stream, which start at a
// random value and wrap (RFC 3550 §5.1), to ticks since the first one.
//
// A single wild timestamp is replaced by an estimate from its arrival; after
// three that agree the clock continues from there without a jump.
type unwrapper struct {
	rate media.Timescale // set by the owner

	started bool
	raw     uint32    // last true timestamp
	ticks   int64     // what it became
	arrival time.Time // when it came

	wild        int // consecutive wild timestamps
	wildRaw     uint32
	wildArrival time.Time
}

// unwrap returns the ticks of the access unit with timestamp raw. Call it once
// an access unit, in order of arrival. rebased reports that the relation between
// raw timestamps and ticks is a new one.
func (c *unwrapper) unwrap(raw uint32, arrival time.Time) (ticks int64, rebased bool) {
	if !c.started {
		c.started, c.raw, c.arrival = true, raw, arrival
		return c.ticks, false
	}
	// int32 makes the difference right across the wrap.
	delta := int64(int32(raw - c.raw))
	waited := max(arrival.Sub(c.arrival), 0)
	if d := c.rate.Duration(delta); d <= waited+maxForward && d >= -maxBackward {
		c.wild = 0
		c.raw, c.arrival = raw, arrival
		c.ticks += delta
		return c.ticks, false
	}

	estimate := c.ticks + c.rate.Ticks(waited)
	if c.wild > 0 {
		d := c.rate.Duration(int64(int32(raw - c.wildRaw)))
		if off := d - arrival.Sub(c.wildArrival); off > wildTolerance || off < -wildTolerance {
			c.wild = 0
		}
	}
	c.wild++
	c.wildRaw, c.wildArrival = raw, arrival
	if c.wild < wildRepeats {
		return estimate, false
	}
	c.wild = 0
	c.raw, c.ticks, c.arrival = raw, estimate, arrival
	return c.ticks, true
}

// at returns the ticks of a timestamp near the last one, such as a sender
// report's, and changes nothing. The clock must have started.
func (c *unwrapper) at(raw uint32) int64 {
	return c.ticks + int64(int32(raw-c.raw))
}
