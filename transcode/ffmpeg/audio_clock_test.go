package ffmpeg

import (
	"fmt"
	"math"
	"testing"
)

// TestAudioClockDrift lets an ideal resampler follow the clock for ten minutes.
func TestAudioClockDrift(t *testing.T) {
	for _, ppm := range []float64{0, 100, -100, 1000, -1000, 15000, -15000} {
		t.Run(fmt.Sprint(ppm), func(t *testing.T) {
			var c audioClock
			c.place(0)
			const frame = 1024
			owed, worst := 0.0, 0.0
			for i := range 600 * audioRate / frame {
				at := int64(float64(i*frame)*(1+ppm/1e6)) + int64(i%5-2)*20 // jitter
				if c.broken(at, 0) {
					t.Fatalf("a drift of %.0f ppm breaks the sound after %d s", ppm, i*frame/audioRate)
				}
				owed += frame * (1 + c.stretch(at, 0, frame))
				n := int64(owed)
				owed -= float64(n)
				c.take(n)
				worst = max(worst, math.Abs(c.drift))
			}
			if limit := 0.2 * audioRate; worst > limit {
				t.Errorf("the error grows to %.0f ms, want less than 200", worst/audioRate*1000)
			}
			if math.Abs(ppm) <= 1000 && worst > 0.045*audioRate {
				t.Errorf("the error grows to %.0f ms, want about 40", worst/audioRate*1000)
			}
		})
	}
}

func TestAudioClockPlace(t *testing.T) {
	for _, tc := range []struct {
		name     string
		next, at int64
		silence  int64
		skip     int64
	}{
		{"in its place", 1000, 1000, 0, 0},
		{"later", 1000, 1500, 500, 0},
		{"earlier", 1000, 400, 0, 600},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := audioClock{next: tc.next}
			if !c.broken(tc.at, 0) {
				t.Error("sound at the start is not placed")
			}
			silence := c.place(tc.at)
			if silence != tc.silence || c.skip != tc.skip {
				t.Errorf("silence = %d, skip = %d, want %d and %d", silence, c.skip, tc.silence, tc.skip)
			}
			c.next += silence
			if c.broken(tc.at, 0) {
				t.Error("sound that was placed is not in its place")
			}
			leave := c.take(1000)
			if leave != tc.skip || c.next != tc.at+1000 {
				t.Errorf("left out %d and came to %d, want %d and %d", leave, c.next, tc.skip, tc.at+1000)
			}
		})
	}
}

func TestAudioClockAbsent(t *testing.T) {
	c := audioClock{next: 48000}
	for _, tc := range []struct{ at, delay, want int64 }{
		{48000, 0, 0},
		{72000, 0, 0},
		{72001, 0, 1},
		{72001, 500, 0},
		{96000, 0, 24000},
		{0, 0, 0},
	} {
		if got := c.absent(tc.at, tc.delay); got != tc.want {
			t.Errorf("absent(%d, %d) = %d, want %d", tc.at, tc.delay, got, tc.want)
		}
	}
}
