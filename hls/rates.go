package hls

import (
	"math"
	"time"

	"github.com/lectern/lectern/media"
)

const (
	// rateHeadroom is what is stated above the highest rate measured, since the
	// next segment may be larger; RFC 8216bis wants an upper bound.
	rateHeadroom = 1.1
	// rateStep is what measured rates are rounded up to, in bits a second, so that
	// the playlist seldom changes.
	rateStep = 50_000

	// What fragments add to the coded bits, in bits a second: boxes for each part
	// and table entries for each sample, up to 60 pictures or 50 frames of sound.
	videoOverhead = 12_000
	audioOverhead = 6_000

	// audioReservoir is by how many bits a channel a run of frames can exceed its bit
	// rate: AAC encoders save bits for later ones (ISO/IEC 14496-3 §4.5.3).
	audioReservoir = 6144
)

// variantRate is what the multivariant playlist states of one variant. It is
// only ever raised.
type variantRate struct {
	peak, average int
}

func (v variantRate) raise(peak, average float64) variantRate {
	v.peak, v.average = max(v.peak, withHeadroom(peak)), max(v.average, withHeadroom(average))
	v.peak = max(v.peak, v.average)
	return v
}

// withHeadroom is what is stated of a rate that was measured.
func withHeadroom(rate float64) int {
	return int(math.Ceil(rate*rateHeadroom/rateStep)) * rateStep
}

// variantRate returns the rates of r together with the largest of audio. Where
// encoders keep caps the caps are stated, unless more was measured.
func (p *Packager) variantRate(r *rendition, audio []*rendition) variantRate {
	peak, average := r.rate.highest(), r.rate.average()
	bound, capped := r.cap()
	var audioPeak, audioAverage float64
	audioBound := 0
	for _, a := range audio {
		audioPeak = max(audioPeak, a.rate.highest())
		audioAverage = max(audioAverage, a.rate.average())
		if c, ok := a.cap(); ok {
			audioBound = max(audioBound, c)
		} else {
			audioBound = max(audioBound, withHeadroom(a.rate.highest()))
		}
	}
	peak, average = peak+audioPeak, average+audioAverage
	was := p.rates[r.name]
	now := was.raise(peak, average)
	if capped {
		now = was
		now.peak = max(now.peak, bound+audioBound)
		if peak > float64(now.peak) {
			now.peak = int(math.Ceil(peak/rateStep)) * rateStep
		}
		now.average = min(max(now.average, withHeadroom(average)), now.peak)
	}
	p.rates[r.name] = now
	return now
}

// cap returns the most that the rendition's encoder lets pass, in bits a second
// with the container, if there is such a bound.
func (r *rendition) cap() (bound int, ok bool) {
	if !r.init.Encoded || r.init.MaxBitRate <= 0 {
		return 0, false
	}
	if r.kind == media.KindVideo {
		return r.init.MaxBitRate + videoOverhead, true
	}
	shortest := r.pack.cfg.targetDuration().Seconds() / 2
	return r.init.MaxBitRate + audioOverhead + int(float64(audioReservoir*max(r.init.Channels, 1))/shortest), true
}

// maxRun bounds the segments that are looked at together.
const maxRun = 16

// rateMeter measures the bit rates that the multivariant playlist states.
type rateMeter struct {
	bytes    int64
	duration time.Duration
	peak     float64 // bits a second
	mean     float64 // the highest average there ever was, bits a second

	recent [maxRun]measuredSegment // the latest, as a ring
	next   int
}

// measuredSegment is what a rateMeter keeps of a segment.
type measuredSegment struct {
	bytes    int64
	duration time.Duration
}

// add takes the next segment. The peak is that of any run of segments that lasts
// between a half and one and a half target durations (RFC 8216bis §4.1, peak
// segment bit rate).
func (m *rateMeter) add(size int64, d, target time.Duration) {
	m.bytes += size
	m.duration += d
	m.recent[m.next%maxRun] = measuredSegment{size, d}
	m.next++
	if m.duration > 0 {
		m.mean = max(m.mean, float64(m.bytes*8)/m.duration.Seconds())
	}
	var run int64
	var runTime time.Duration
	for i := m.next - 1; i >= max(0, m.next-maxRun); i-- {
		run += m.recent[i%maxRun].bytes
		if runTime += m.recent[i%maxRun].duration; runTime > target*3/2 {
			return
		}
		if runTime >= target/2 && runTime > 0 {
			m.peak = max(m.peak, float64(run*8)/runTime.Seconds())
		}
	}
}

// average returns bits a second. It never falls, so that what is stated is the same
// after a restart.
func (m *rateMeter) average() float64 { return m.mean }

// highest returns the peak; before there is one, the average.
func (m *rateMeter) highest() float64 { return max(m.peak, m.average()) }
