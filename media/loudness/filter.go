package loudness

import "math"

// The two filters of K-weighting (ITU-R BS.1770-4 annex 1): a shelf for the head
// in front of the microphone's ear and a high-pass (RLB). The recommendation
// tabulates their coefficients at 48 kHz only; these are the analogue parameters
// that give the tables back by the bilinear transform, and so hold at any rate.
const (
	shelfFrequency = 1681.974450955533 // Hz
	shelfGain      = 3.999843853973347 // dB
	shelfQ         = 0.7071752369554196
	shelfMidPower  = 0.4996667741545416

	highPassFrequency = 38.13547087602444 // Hz
	highPassQ         = 0.5003270373238773
)

// biquad is a second-order filter in transposed direct form II, normalised to
// a0 = 1.
type biquad struct{ b0, b1, b2, a1, a2 float64 }

// state is what a biquad remembers of one channel.
type state struct{ z1, z2 float64 }

func shelf(rate int) biquad {
	k := math.Tan(math.Pi * shelfFrequency / float64(rate))
	high := math.Pow(10, shelfGain/20)
	mid := math.Pow(high, shelfMidPower)
	a0 := 1 + k/shelfQ + k*k
	return biquad{
		b0: (high + mid*k/shelfQ + k*k) / a0,
		b1: 2 * (k*k - high) / a0,
		b2: (high - mid*k/shelfQ + k*k) / a0,
		a1: 2 * (k*k - 1) / a0,
		a2: (1 - k/shelfQ + k*k) / a0,
	}
}

// highPass keeps the numerator 1, -2, 1 of the recommendation's table, which is
// not normalised to unity gain.
func highPass(rate int) biquad {
	k := math.Tan(math.Pi * highPassFrequency / float64(rate))
	a0 := 1 + k/highPassQ + k*k
	return biquad{b0: 1, b1: -2, b2: 1, a1: 2 * (k*k - 1) / a0, a2: (1 - k/highPassQ + k*k) / a0}
}

func (f *biquad) apply(s *state, x float64) float64 {
	y := f.b0*x + s.z1
	s.z1 = f.b1*x - f.a1*y + s.z2
	s.z2 = f.b2*x - f.a2*y
	return y
}

// settle ends the decay of a filter that is fed silence before it reaches
// denormal numbers, which are slow to compute with.
func (s *state) settle() {
	const nothing = 1e-30
	if math.Abs(s.z1) < nothing {
		s.z1 = 0
	}
	if math.Abs(s.z2) < nothing {
		s.z2 = 0
	}
}
