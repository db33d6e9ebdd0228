package media_test

import (
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
)

func TestTimescale(t *testing.T) {
	for _, tc := range []struct {
		name  string
		scale media.Timescale
		in    time.Duration
		ticks int64
		back  time.Duration
	}{
		{"zero", 90000, 0, 0, 0},
		{"one frame at 30 fps", 90000, 33333333, 3000, 33333333},
		{"half a tick rounds away from zero", 1000, 500 * time.Microsecond, 1, time.Millisecond},
		{"minus half a tick as well", 1000, -500 * time.Microsecond, -1, -time.Millisecond},
		{"just below half", 1000, 499999, 0, 0},
		{"an aac frame", 44100, 23219955, 1024, 23219955},
		{"the 32-bit range of rtmp", 90000, math.MaxUint32 * time.Millisecond, 386547056550, math.MaxUint32 * time.Millisecond},
		{"longest", 90000, math.MaxInt64, 830103483316930, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.scale.Ticks(tc.in); got != tc.ticks {
				t.Errorf("ticks = %d, want %d", got, tc.ticks)
			}
			if tc.in == math.MaxInt64 {
				return // back would not fit
			}
			if got := tc.scale.Duration(tc.ticks); got != tc.back {
				t.Errorf("duration = %d, want %d", got, tc.back)
			}
		})
	}
	if got := media.Timescale(90000).Rescale(math.MinInt64, 90000); got != math.MinInt64 {
		t.Errorf("rescaled to itself: %d", got)
	}
}

// rounded is a*b/c, half away from zero, without any limit.
func rounded(a int64, b, c uint64) *big.Int {
	n := new(big.Int).Mul(big.NewInt(a), new(big.Int).SetUint64(b))
	n.Mul(n, big.NewInt(2))
	d := new(big.Int).SetUint64(c)
	if n.Sign() < 0 {
		n.Sub(n, d)
	} else {
		n.Add(n, d)
	}
	return n.Quo(n, d.Mul(d, big.NewInt(2)))
}

// FuzzTimescale checks rounding against exact arithmetic wherever the result fits
// its type, and that a round trip stays within half a tick.
func FuzzTimescale(f *testing.F) {
	f.Add(int64(1), uint32(90000), uint32(48000))
	f.Add(int64(math.MaxInt64), uint32(90000), uint32(44100))
	f.Add(int64(math.MinInt64), uint32(1), uint32(192000))
	f.Add(int64(-500_000_000), uint32(1), uint32(3))
	f.Fuzz(func(t *testing.T, v int64, a, b uint32) {
		if a == 0 || b == 0 {
			return
		}
		from, to := media.Timescale(a), media.Timescale(b)
		if want := rounded(v, uint64(b), uint64(a)); want.IsInt64() && from != to {
			if got := from.Rescale(v, to); got != want.Int64() {
				t.Errorf("%d from %d to %d: %d, want %s", v, a, b, got, want)
			}
		}
		want := rounded(v, uint64(a), uint64(time.Second))
		if !want.IsInt64() {
			return
		}
		ticks := from.Ticks(time.Duration(v))
		if ticks != want.Int64() {
			t.Errorf("%d ns at %d: %d ticks, want %s", v, a, ticks, want)
		}
		if back := rounded(ticks, uint64(time.Second), uint64(a)); back.IsInt64() {
			got := from.Duration(ticks)
			if int64(got) != back.Int64() {
				t.Errorf("%d ticks at %d: %d ns, want %s", ticks, a, got, back)
			}
			off := new(big.Int).Sub(big.NewInt(v), back)
			if off.Abs(off).Cmp(big.NewInt(int64(time.Second)/int64(a)/2+1)) > 0 {
				t.Errorf("%d ns at %d came back as %s", v, a, back)
			}
		}
	})
}
