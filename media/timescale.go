package media

import (
	"math/bits"
	"time"
)

// Timescale is the number of ticks a second of a track's clock, 1 or more
// (ISO/IEC 14496-12 §8.4.2, `timescale`).
type Timescale uint32

// TimescaleVideo is the clock of every video track here: 90 kHz, the clock of
// RTP and MPEG-2, in which the common frame rates are whole numbers.
const TimescaleVideo Timescale = 90000

// Ticks converts d to ticks, rounding to the nearest. It does not overflow for
// any Duration.
func (ts Timescale) Ticks(d time.Duration) int64 {
	return mulDiv(int64(d), uint64(ts), uint64(time.Second))
}

// Duration converts ticks to a Duration, rounding to the nearest nanosecond.
// The result must fit a Duration (292 years).
func (ts Timescale) Duration(ticks int64) time.Duration {
	return time.Duration(mulDiv(ticks, uint64(time.Second), uint64(ts)))
}

// Rescale converts ticks of ts to ticks of to, rounding to the nearest.
func (ts Timescale) Rescale(ticks int64, to Timescale) int64 {
	if ts == to {
		return ticks
	}
	return mulDiv(ticks, uint64(to), uint64(ts))
}

// mulDiv returns round(a*b/c) with a 128-bit product; half rounds away from zero.
func mulDiv(a int64, b, c uint64) int64 {
	u := uint64(a)
	if a < 0 {
		u = -u
	}
	hi, lo := bits.Mul64(u, b)
	lo, carry := bits.Add64(lo, c/2, 0)
	q, _ := bits.Div64(hi+carry, lo, c)
	if a < 0 {
		return -int64(q)
	}
	return int64(q)
}
