package ffmpeg

import "math"

// The bounds of audioClock, in sampling times at audioRate.
const (
	audioHole    = audioRate / 10       // 100 ms: a longer hole is filled at once
	audioLoss    = audioRate * 5 / 1e3  // 5 ms: so is this, if an access unit was broken
	audioStep    = audioRate / 2        // 500 ms: a larger error is corrected at once
	audioDrift   = audioRate * 40 / 1e3 // 40 ms: a larger error is corrected slowly
	audioInStep  = audioRate * 2 / 1e3  // 2 ms: a correction ends
	audioAbsence = audioRate / 2        // 500 ms: pictures go on without sound
)

const (
	// audioCorrection is in how many sampling times a slow correction would undo
	// the error, were it not bounded by audioMaxStretch: 40 ms begin at 0.8 %, which
	// is an eighth of a semitone.
	audioCorrection = 5 * audioRate
	audioMaxStretch = 0.02
)

// audioClock decides where sound stands on the class's clock. Positions are in
// sampling times at audioRate.
//
// Sound is laid down without a gap or an overlap, so its time is what was laid
// down before it. The clock compares that with the timestamps: timestamps jitter,
// so small errors are left alone, lasting ones are corrected by stretching and
// large ones by silence or by leaving sound out.
type audioClock struct {
	next int64 // where the next sampling time is laid down
	skip int64 // sampling times that are left out before

	// synced tells that the sound's place is known. It is not at the start, after a
	// hole and after silence was made in the sound's stead.
	synced bool

	drift      float64 // smoothed error: timestamps ahead of what was laid down
	correcting bool
}

// broken reports whether sound at a time must be placed anew rather than follow
// what came before. delay is what is on its way.
func (c *audioClock) broken(at, delay int64) bool {
	err := c.err(at, delay)
	return !c.synced || err > audioStep || err < -audioStep
}

// err is how far sound at a time is ahead of where it would be laid down.
func (c *audioClock) err(at, delay int64) int64 { return at - (c.next + delay - c.skip) }

// place puts what is laid down next at a time. It returns how much silence has
// to be laid down before.
func (c *audioClock) place(at int64) (silence int64) {
	silence = max(0, at-c.next)
	c.skip = max(0, c.next-at)
	c.synced, c.drift, c.correcting = true, 0, false
	return silence
}

// stretch returns by which share sound that begins at a time and lasts for a
// duration has to be stretched.
func (c *audioClock) stretch(at, delay, duration int64) float64 {
	weight := min(1, float64(duration)/audioRate) // smooth over a second
	c.drift += (float64(c.err(at, delay)) - c.drift) * weight
	switch size := math.Abs(c.drift); {
	case size > audioDrift:
		c.correcting = true
	case size < audioInStep:
		c.correcting = false
	}
	if !c.correcting {
		return 0
	}
	return min(max(c.drift/audioCorrection, -audioMaxStretch), audioMaxStretch)
}

// absent returns how much silence has to be laid down because pictures have come
// to a time and sound has not.
func (c *audioClock) absent(at, delay int64) int64 {
	if c.err(at, delay) <= audioAbsence {
		return 0
	}
	return max(0, at-audioAbsence-c.next)
}

// take says how many of n sampling times to leave out, and counts the others as
// laid down.
func (c *audioClock) take(n int64) (leave int64) {
	leave = min(c.skip, n)
	c.skip -= leave
	c.next += n - leave
	return leave
}
