package loudness

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Floor is the loudness and the peak of silence: what is lower is reported as
// Floor, in LUFS and dBFS. It lies far under the noise of 24-bit sound.
const Floor = -200.0

// MinRate and MaxRate bound the sampling rate, in Hz. Under MinRate the shelf of
// the K-weighting would lie beyond half the rate.
const (
	MinRate = 4000
	MaxRate = 768000
)

// ErrFormat is returned for a sampling rate or a number of channels that a Meter
// does not take.
var ErrFormat = errors.New("the meter does not take this format")

const (
	blocksPerSecond = 10 // EBU Tech 3341 wants at least 10 readings a second
	momentaryBlocks = 4  // 400 ms
	shortTermBlocks = 30 // 3 s

	// loudest bounds what a broken decoder can put into the filters: 36 dB over
	// full scale.
	loudest = 64

	// fullScale is the least float sample that counts as clipped: what 16 bits
	// can express at most, with room for a decoder's rounding.
	fullScale = 32767.0/32768 - 1e-6
)

// Meter measures one run of sound. It belongs to one goroutine.
type Meter struct {
	// Set by NewMeter, then read-only.
	rate, channels int
	shelf, high    biquad

	states [2][2]state // by channel and filter

	// block is the running 100 ms: its squares summed over time and channels, and
	// how many sampling times it has. due is how many it is to have; they are
	// spread so that blocks stay true at rates like 11025.
	block  float64
	filled int
	due    int
	blocks int // finished so far

	ring [shortTermBlocks]float64 // mean squares of the latest blocks

	// Since the latest Read.
	samples int // sampling times
	peak    float64
	clipped int
}

// Reading is what a Meter shows.
type Reading struct {
	// Duration is the sound added since the previous reading.
	Duration time.Duration

	// Momentary is the loudness of the latest 400 ms and ShortTerm that of the
	// latest 3 s, in LUFS, at a grain of 100 ms. Until that much was added they
	// cover what there is. Silence is Floor.
	Momentary, ShortTerm float64

	// Peak is the highest absolute sample since the previous reading in dBFS, above
	// 0 if floating-point samples exceed full scale. Silence is Floor.
	Peak float64

	// Clipped is how many samples, of all channels, stood at or over full scale
	// since the previous reading.
	Clipped int
}

// NewMeter returns a meter for sound of rate Hz (MinRate to MaxRate) in 1 or 2
// channels. It returns an error that wraps ErrFormat for anything else.
func NewMeter(rate, channels int) (*Meter, error) {
	if rate < MinRate || rate > MaxRate {
		return nil, fmt.Errorf("%w: %d Hz", ErrFormat, rate)
	}
	if channels != 1 && channels != 2 {
		return nil, fmt.Errorf("%w: %d channels", ErrFormat, channels)
	}
	m := &Meter{rate: rate, channels: channels, shelf: shelf(rate), high: highPass(rate)}
	m.due = m.blockLength(0)
	return m, nil
}

// Rate is the sampling rate in Hz.
func (m *Meter) Rate() int { return m.rate }

// Channels is the number of channels, 1 or 2.
func (m *Meter) Channels() int { return m.channels }

// blockLength is how many sampling times block n has.
func (m *Meter) blockLength(n int) int {
	n %= blocksPerSecond
	return m.rate*(n+1)/blocksPerSecond - m.rate*n/blocksPerSecond
}

// AddFloat32 takes interleaved samples, full scale being 1. What does not fill
// all channels at the end is left out; NaN counts as silence.
func (m *Meter) AddFloat32(interleaved []float32) {
	for len(interleaved) >= m.channels {
		for c, v := range interleaved[:m.channels] {
			m.add(c, float64(v))
		}
		m.step()
		interleaved = interleaved[m.channels:]
	}
}

// AddInt16 takes interleaved 16-bit samples. What does not fill all channels at
// the end is left out.
func (m *Meter) AddInt16(interleaved []int16) {
	for len(interleaved) >= m.channels {
		for c, v := range interleaved[:m.channels] {
			m.add(c, float64(v)/32768)
		}
		m.step()
		interleaved = interleaved[m.channels:]
	}
}

// AddSilence takes n sampling times without any sound.
func (m *Meter) AddSilence(n int) {
	for range n {
		for c := range m.channels {
			m.add(c, 0)
		}
		m.step()
	}
}

// add takes one sample of channel c.
func (m *Meter) add(c int, v float64) {
	if v != v { //nolint:staticcheck // SA4000: the comparison is how a NaN shows
		v = 0
	}
	v = min(max(v, -loudest), loudest)
	level := math.Abs(v)
	m.peak = max(m.peak, level)
	if level >= fullScale {
		m.clipped++
	}
	s := &m.states[c]
	y := m.high.apply(&s[1], m.shelf.apply(&s[0], v))
	m.block += y * y // both channels weigh 1 (BS.1770-4 table 3)
}

// step ends a sampling time.
func (m *Meter) step() {
	m.samples++
	m.filled++
	if m.filled < m.due {
		return
	}
	m.ring[m.blocks%shortTermBlocks] = m.block / float64(m.filled)
	m.blocks++
	m.block, m.filled, m.due = 0, 0, m.blockLength(m.blocks)
	for c := range m.states {
		for f := range m.states[c] {
			m.states[c][f].settle()
		}
	}
}

// Read returns the present reading and begins the next: peak, clipped samples and
// duration start again, the loudness windows slide on.
func (m *Meter) Read() Reading {
	r := Reading{
		Duration:  time.Duration(float64(m.samples) / float64(m.rate) * float64(time.Second)),
		Momentary: m.loudness(momentaryBlocks),
		ShortTerm: m.loudness(shortTermBlocks),
		Peak:      decibels(20, m.peak, 0),
		Clipped:   m.clipped,
	}
	m.samples, m.peak, m.clipped = 0, 0, 0
	return r
}

// loudness is that of the latest n blocks. Only whole blocks count, except at the
// start of the run.
func (m *Meter) loudness(n int) float64 {
	n = min(n, m.blocks)
	sum := 0.0
	for i := range n {
		sum += m.ring[(m.blocks-1-i)%shortTermBlocks]
	}
	switch {
	case n > 0:
		sum /= float64(n)
	case m.filled > 0:
		sum = m.block / float64(m.filled)
	}
	return decibels(10, sum, -0.691) // BS.1770-4 equation 2
}

// decibels returns factor*log10(v) + offset, at least Floor.
func decibels(factor, v, offset float64) float64 {
	if v <= 0 {
		return Floor
	}
	return max(Floor, factor*math.Log10(v)+offset)
}
