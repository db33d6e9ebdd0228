package health

import (
	"math"
	"slices"
	"time"

	"github.com/lectern/lectern/media"
)

const (
	// window is how many seconds of media time are remembered.
	window = 60

	// stillBits is how few bits a pixel has, on average over the pictures that
	// are no keyframes, when the picture stands still: 720p30 with less than
	// 1.1 kB a picture. It is no reason to complain about the rate.
	stillBits = 0.01

	// frozenBits is the same for a slide without any motion, which even a starved
	// encoder codes in next to nothing.
	frozenBits = 0.003

	// poorBits is how few bits a pixel are too few for a picture that moves.
	poorBits = 0.02

	// learnSeconds is how long a rate must be regular to be taken as the one that
	// the encoder is set to.
	learnSeconds = 5
)

// bucket is a second of media time.
type bucket struct {
	frames     int // pictures
	steps      int // of them that had one before
	onGrid     int // steps that are a multiple of the expected one
	plain      int // pictures that are no keyframes
	plainBytes int
	bytes      int // of pictures
	soundBytes int
	reorder    int // deepest

	minStep, maxStep time.Duration
}

// regular reports whether the pictures were evenly spaced, within the rounding
// of millisecond clocks.
func (b *bucket) regular() bool {
	return b.steps > 0 && b.maxStep-b.minStep <= max(4*time.Millisecond, b.maxStep/10)
}

// pictures measures the pictures by the second.
type pictures struct {
	current bucket
	ring    [window]bucket
	known   int // seconds in ring, at most window
	next    int

	// learned is the regular rate that the encoder has kept, in pictures a second;
	// candidate and run lead to it.
	learned   float64
	candidate float64
	run       int

	recent  [16]time.Duration // presentation times in decoding order
	decoded int

	// holes in a regular rate that end in a keyframe, and pauses that do not.
	holes, pauses spells
}

// reset forgets everything: another encoder, or other settings.
func (p *pictures) reset() { *p = pictures{holes: p.holes, pauses: p.pauses} }

// breakOff prepares for a run that does not continue the timestamps.
func (p *pictures) breakOff() { p.current, p.decoded, p.run = bucket{}, 0, 0 }

// forget drops the seconds that are remembered.
func (p *pictures) forget() { p.known, p.run = 0, 0 }

// close ends the current second.
func (p *pictures) close() {
	b := p.current
	p.ring[p.next] = b
	p.next = (p.next + 1) % window
	p.known = min(p.known+1, window)
	p.current = bucket{}
	p.learn(&b)
}

func (p *pictures) learn(b *bucket) {
	if !b.regular() {
		p.run = 0
		return
	}
	rate := 2 / (b.minStep + b.maxStep).Seconds()
	if p.run > 0 && math.Abs(rate-p.candidate) > p.candidate/8 {
		p.run = 0
	}
	if p.run++; p.run == 1 {
		p.candidate = rate
	}
	p.candidate += (rate - p.candidate) / float64(p.run)
	if p.run >= learnSeconds {
		p.learned = max(p.learned, p.candidate)
	}
}

// back returns the second n before the latest one, 0 being that one. There are
// known of them.
func (p *pictures) back(n int) *bucket { return &p.ring[(p.next-1-n+2*window)%window] }

// sum adds up the latest n seconds.
func (p *pictures) sum(n int) bucket {
	var s bucket
	for i := range min(n, p.known) {
		b := p.back(i)
		s.frames += b.frames
		s.steps += b.steps
		s.onGrid += b.onGrid
		s.plain += b.plain
		s.plainBytes += b.plainBytes
		s.bytes += b.bytes
		s.soundBytes += b.soundBytes
		s.reorder = max(s.reorder, b.reorder)
	}
	return s
}

// expected returns the rate that the encoder is set to, 0 if it is unknown.
func (m *Monitor) expected() float64 {
	if m.pictures.learned > 0 {
		return m.pictures.learned
	}
	if r := m.video.Video.FrameRate; r > 0 && r < 1000 {
		return r
	}
	return 0
}

// observePicture takes a picture into account.
func (m *Monitor) observePicture(au *media.AccessUnit, dts, pts time.Duration) {
	p := &m.pictures
	b := &p.current
	size := au.Size()
	b.frames++
	b.bytes += size
	if !au.RandomAccess {
		b.plain++
		b.plainBytes += size
	}
	if m.video.seen {
		step := dts - m.video.last
		m.observeStep(b, step, dts, au.RandomAccess)
	}
	reorder := 0
	for i := range min(p.decoded, len(p.recent)) {
		if p.recent[i] > pts {
			reorder++
		}
	}
	b.reorder = max(b.reorder, reorder)
	p.recent[p.decoded%len(p.recent)] = pts
	p.decoded++
	m.observeKeyframe(au.RandomAccess, pts)
}

// observeStep takes the time between two pictures into account.
func (m *Monitor) observeStep(b *bucket, step, dts time.Duration, keyframe bool) {
	if b.steps == 0 {
		b.minStep, b.maxStep = step, step
	}
	b.steps++
	b.minStep, b.maxStep = min(b.minStep, step), max(b.maxStep, step)
	expected := m.expected()
	if expected == 0 {
		return
	}
	base := 1 / expected
	n := step.Seconds() / base
	if math.Abs(n-math.Round(n)) <= 0.2 {
		b.onGrid++
	}
	hole := step - time.Duration(base*float64(time.Second))
	if m.pictures.learned == 0 || n < 5 || hole < 250*time.Millisecond {
		return
	}
	// An encoder that loses pictures on the way goes on with a keyframe; one
	// that had nothing new to show mostly does not.
	if keyframe {
		m.pictures.holes.add(dts, hole)
	} else {
		m.pictures.pauses.add(dts, hole)
	}
}

// judgePictures is called once a second of media time.
func (m *Monitor) judgePictures(at time.Duration) {
	p := &m.pictures
	last := p.sum(10)
	seconds := float64(min(10, p.known))
	fps := float64(last.frames) / seconds
	pixels := float64(m.video.Video.Width) * float64(m.video.Video.Height)
	perPixel := math.Inf(1) // bits, of pictures that are no keyframes
	if last.plain > 0 && pixels > 0 {
		perPixel = float64(last.plainBytes) * 8 / float64(last.plain) / pixels
	}
	still := perPixel < stillBits

	full := p.known >= 10
	m.judge(FrameRateLow, at, full && fps < m.cfg.MinFrameRate && !still, fps, 0)
	m.judge(FrameRateHigh, at, p.known >= 3 && fps > 61, fps, 0)
	m.judge(FramesDropped, at, full && !still && m.dropping(), fps, m.expected())
	low, high := p.rates(30)
	m.judge(FrameRateVaries, at, p.known >= 30 && m.unsteady(low, high), low, high)
	m.judge(BFramesMany, at, last.reorder > 3, float64(last.reorder), 0)

	bits := float64(last.bytes+last.soundBytes) * 8 / seconds
	m.judge(BitRateHigh, at, full && bits > float64(m.cfg.MaxBitRate), bits, 0)
	m.judgePoor(at, pixels)
	m.judgeSwings(at)
}

// dropping reports whether the encoder leaves pictures out: in most of the last
// ten seconds some places of an otherwise regular grid stayed empty. A screen
// share that pauses leaves nearly all of them empty, a variable rate has no grid.
func (m *Monitor) dropping() bool {
	expected := m.expected()
	if expected < m.cfg.MinFrameRate {
		return false
	}
	short := 0
	for i := range 10 {
		b := m.pictures.back(i)
		n := float64(b.frames)
		if n < 0.85*expected && n >= 0.25*expected && !b.regular() && b.onGrid*10 >= b.steps*9 {
			short++
		}
	}
	return short >= 7
}

// rates returns the tenth-slowest and tenth-fastest of n seconds in pictures a
// second.
func (p *pictures) rates(n int) (low, high float64) {
	var frames [window]int
	n = min(n, p.known)
	for i := range n {
		frames[i] = p.back(i).frames
	}
	slices.Sort(frames[:n])
	return float64(frames[n/10]), float64(frames[n-1-n/10])
}

// unsteady reports whether the rate wanders without a grid.
func (m *Monitor) unsteady(low, high float64) bool {
	last := m.pictures.sum(30)
	return high >= 2*low && high >= m.cfg.MinFrameRate && last.onGrid*2 < last.steps
}

// judgePoor finds a constant rate that is too low: every second is filled up to
// the same small limit though something moves.
func (m *Monitor) judgePoor(at time.Duration, pixels float64) {
	const seconds = 30
	p := &m.pictures
	last := p.sum(seconds)
	if p.known < seconds || pixels == 0 || last.plain == 0 {
		m.judge(BitRateLow, at, false, 0, 0)
		return
	}
	fps := float64(last.frames) / seconds
	bits := float64(last.bytes) * 8 / seconds
	need := poorBits * pixels * min(fps, 30)
	var plain [seconds]int
	for i := range seconds {
		plain[i] = p.back(i).plainBytes
	}
	slices.Sort(plain[:])
	flat := plain[seconds/10]*2 >= plain[seconds-1-seconds/10]
	// Of a slide, keyframes are most of the bytes.
	moving := float64(last.plainBytes)*8/float64(last.plain)/pixels >= frozenBits && 2*last.plainBytes >= last.bytes
	// What to set: twice the least, in steps that people type.
	advice := math.Ceil(2*need/500_000) * 500_000
	m.judge(BitRateLow, at, bits < need && flat && moving, bits, advice)
}

// judgeSwings finds bursts that a viewer's connection must carry at once. What
// keyframes and small changes bring stays far below.
func (m *Monitor) judgeSwings(at time.Duration) {
	p := &m.pictures
	if p.known < window/2 {
		m.judge(BitRateSwings, at, false, 0, 0)
		return
	}
	mean := float64(p.sum(window).bytes) * 8 / float64(p.known)
	limit := max(3*mean, 0.6*float64(m.cfg.MaxBitRate))
	bursts, peak, in := 0, 0.0, false
	for i := range p.known - 1 {
		pair := float64(p.back(i).bytes+p.back(i+1).bytes) * 4 // bits a second
		peak = max(peak, pair)
		if pair > limit && !in {
			bursts++
		}
		in = pair > limit
	}
	m.judge(BitRateSwings, at, bursts >= 2, peak, mean) // once is a film clip
}
