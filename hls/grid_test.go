package hls

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// cuts runs a grid over keyframes and other pictures, and returns the segments.
func cuts(g *grid, frame time.Duration, end time.Duration, isKey func(n int) bool) (lengths []time.Duration, forced int) {
	g.reset(frame, false, false)
	g.begin(0)
	for n := 0; ; n++ {
		pts := time.Duration(n) * frame
		if pts >= end {
			return lengths, forced
		}
		cut, must := g.advance(pts, isKey(n))
		if cut {
			lengths = append(lengths, pts-g.start)
			g.begin(pts)
		}
		if must {
			forced++
		}
	}
}

func TestGridRegular(t *testing.T) {
	const limit, target = 4478 * time.Millisecond, 4 * time.Second
	for _, tc := range []struct {
		name   string
		gop    int // pictures at 30 fps
		settle int // segments until the distance is known
		want   time.Duration
		forced bool
	}{
		{"half a second", 15, 4, 4 * time.Second, false},
		{"one second", 30, 4, 4 * time.Second, false},
		{"two seconds", 60, 4, 4 * time.Second, false},
		{"three seconds", 90, 0, 3 * time.Second, false},
		{"four seconds", 120, 0, 4 * time.Second, false},
		{"four and a bit", 132, 0, 4400 * time.Millisecond, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newGrid(limit, target)
			lengths, forced := cuts(&g, time.Second/30, 5*time.Minute, func(n int) bool { return n%tc.gop == 0 })
			if forced > 0 != tc.forced {
				t.Errorf("%d forced cuts", forced)
			}
			for i, d := range lengths {
				if d > limit || i >= tc.settle && (d-tc.want).Abs() > time.Millisecond {
					t.Fatalf("segment %d lasts %s, want %s: %s", i, d, tc.want, lengths)
				}
			}
		})
	}
}

// A publisher with keyframes too far apart is not let in; should one get here,
// the target duration still holds.
func TestGridForced(t *testing.T) {
	g := newGrid(4478*time.Millisecond, 4*time.Second)
	lengths, forced := cuts(&g, time.Second/30, time.Minute, func(n int) bool { return n%300 == 0 })
	if forced < 10 || slices.Max(lengths) > 4478*time.Millisecond {
		t.Errorf("%d forced cuts, segments %s", forced, lengths)
	}
}

func TestGridIrregular(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		longest := 10 + rnd.IntN(110) // pictures; below 4 s at 30 fps
		next := 0
		g := newGrid(4478*time.Millisecond, 4*time.Second)
		lengths, forced := cuts(&g, time.Second/30, 10*time.Minute, func(n int) bool {
			if n < next {
				return false
			}
			next = n + 1 + rnd.IntN(longest)
			return true
		})
		for _, d := range lengths {
			if d > 4478*time.Millisecond || d <= 0 {
				t.Fatalf("seed %d: segment of %s", seed, d)
			}
		}
		// One cut can be forced when a gap is larger than all before it.
		if forced > 5 {
			t.Errorf("seed %d: %d of %d cuts forced with keyframes up to %d pictures apart", seed, forced, len(lengths), longest)
		}
	}
}

func TestGridAudio(t *testing.T) {
	g := newGrid(4478*time.Millisecond, 4*time.Second)
	frame := time.Duration(1024) * time.Second / 48000
	g.reset(frame, true, false)
	g.begin(0)
	var total time.Duration
	segments := 0
	for n := range 20000 {
		pts := time.Duration(n) * frame
		if cut, forced := g.advance(pts, true); cut {
			if d := pts - g.start; (d-4*time.Second).Abs() > frame || forced {
				t.Fatalf("segment of %s, forced %v", d, forced)
			}
			total += pts - g.start
			segments++
			g.begin(pts)
		}
	}
	if segments < 100 || (total-time.Duration(segments)*4*time.Second).Abs() > time.Duration(segments)*frame {
		t.Errorf("%d segments in %s", segments, total)
	}
}

func TestGridKeepsGapsOfSamePublisher(t *testing.T) {
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprint(keep), func(t *testing.T) {
			g := newGrid(4478*time.Millisecond, 4*time.Second)
			cuts(&g, time.Second/30, time.Minute, func(n int) bool { return n%60 == 0 })
			g.reset(time.Second/30, false, keep)
			g.begin(time.Minute)
			g.advance(time.Minute, true)
			if cut, _ := g.advance(62*time.Second, true); cut == keep {
				t.Errorf("cut after one GOP: %v", cut)
			}
		})
	}
}
