package health

import (
	"math"
	"time"

	"github.com/lectern/lectern/media"
)

const (
	// silentLUFS and below is silence: the gate of ITU-R BS.1770-4.
	silentLUFS = -70

	// pauseLUFS and below is a room in which nobody speaks; it says nothing of
	// the voice.
	pauseLUFS = -55

	// missingAfter is the media time without sound after which it is missing.
	missingAfter = 10 * time.Second

	// measuredFor is how long a measurement is believed.
	measuredFor = 10 * time.Second

	// silentBytes is how little AAC takes a second when there is nothing to
	// code: about 300, and not below 1000 with the faintest noise.
	silentBytes = 500

	// clippedPerSecond is how many samples at full scale a second are heard.
	clippedPerSecond = 5

	// frameSlack is how much of the sound may be missing between frames.
	frameSlack = 100 * time.Millisecond
)

// sound measures the sound.
type sound struct {
	started time.Duration // media time of the first judgement since it was absent
	absent  bool

	bytes     int // since the second began
	recent    [10]int
	seconds   int
	holes     spells
	silentFor time.Duration

	// From measurements.
	measured bool
	lastPTS  time.Duration
	loud     time.Duration // time with sound that was measured
	level    float64       // LUFS while there is sound, averaged over some 10 s
	haveLvl  bool
	clipped  float64 // samples a second, averaged over some 10 s
}

// reset forgets everything: another microphone, perhaps.
func (s *sound) reset() { *s = sound{holes: s.holes, loud: s.loud} }

// observeSound takes an audio access unit into account.
func (m *Monitor) observeSound(au *media.AccessUnit, dts time.Duration) {
	size := au.Size()
	m.pictures.current.soundBytes += size
	m.sound.bytes += size
	if !m.audio.seen {
		return
	}
	frame, ok := mediaTime(int64(m.audio.Audio.FrameSamples), m.audio.Timescale)
	if hole := dts - m.audio.last - frame; ok && frame > 0 && hole > frameSlack {
		m.sound.holes.add(dts, hole)
	}
}

// judgeSound is called once a second of media time.
func (m *Monitor) judgeSound(at time.Duration) {
	s := &m.sound
	s.recent[s.seconds%len(s.recent)] = s.bytes
	s.seconds++
	s.bytes = 0

	here := m.audio.present && m.audio.seen && at-m.audio.last < missingAfter
	switch {
	case m.audio.present && !m.audio.seen && !s.absent:
		s.absent, s.started = true, at // it may start late
	case m.audio.seen:
		s.absent = false
	}
	waiting := s.absent && at-s.started < missingAfter
	m.judge(SoundMissing, at, !here && !waiting, 0, 0)

	if s.measured && at-s.lastPTS < measuredFor {
		return // Loudness knows better
	}
	total := 0
	for _, n := range s.recent {
		total += n
	}
	silent := here && m.audio.Codec == media.CodecAAC && s.seconds >= len(s.recent) && total < silentBytes*len(s.recent)
	m.judgeSilence(at, silent, time.Second)
}

func (m *Monitor) judgeSilence(at time.Duration, silent bool, step time.Duration) {
	s := &m.sound
	if silent {
		s.silentFor += step
	} else {
		s.silentFor = 0
	}
	m.judge(Silence, at, silent, s.silentFor.Seconds(), 0)
}

// Loudness takes a measurement of the sound that ends at pts, on the class's
// clock: the short-term loudness in LUFS (-Inf and NaN are silence), the highest
// sample in dBFS and how many samples stood at full scale since the measurement
// before. Measurements are expected about once a second.
func (m *Monitor) Loudness(pts time.Duration, shortTermLUFS, peakDBFS float64, clipped int) {
	if !m.audio.present || pts < 0 || pts > maxMediaTime {
		return
	}
	m.wall = m.now()
	s := &m.sound
	step := pts - s.lastPTS
	if !s.measured || step <= 0 || step > measuredFor {
		step = 0
	}
	s.measured, s.lastPTS = true, pts
	silent := !(shortTermLUFS > silentLUFS) // NaN too
	m.judgeSilence(pts, silent, step)

	weight := 1 - math.Exp(-step.Seconds()/10)
	rate := 0.0
	if step > 0 && peakDBFS > -1 {
		rate = float64(max(clipped, 0)) / step.Seconds()
	}
	s.clipped += (rate - s.clipped) * weight
	limit := float64(clippedPerSecond)
	if m.conditions[Clipping].raised {
		limit /= 4
	}
	m.judge(Clipping, pts, s.clipped > limit, s.clipped, 0)

	if silent || shortTermLUFS < pauseLUFS {
		return
	}
	level := min(shortTermLUFS, 20)
	if !s.haveLvl {
		s.level, s.haveLvl = level, true
	}
	s.level += (level - s.level) * weight
	s.loud += step
	m.judge(TooQuiet, s.loud, level < m.cfg.QuietLoudness, s.level, 0)
}

// judgeGaps looks at the holes in both tracks.
func (m *Monitor) judgeGaps(at time.Duration) {
	count, missing, _ := m.sound.holes.within(at)
	bad := count >= 3 || missing >= 2*time.Second
	// Pictures may pause for want of news; sound may not.
	n, sum, _ := m.pictures.holes.within(at)
	if pauses, _, _ := m.pictures.pauses.within(at); n >= 3 && n > pauses {
		count, missing, bad = max(count, n), max(missing, sum), true
	}
	m.judge(Gaps, at, bad, missing.Seconds(), float64(count))
}
