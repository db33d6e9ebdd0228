package health

import (
	"time"

	"github.com/lectern/lectern/media"
)

// maxMediaTime bounds timestamps, so that no sum overflows; what is beyond is
// ignored.
const maxMediaTime = 10 * 365 * 24 * time.Hour

// Deps are what a Monitor needs from outside.
type Deps struct {
	// Now is the server's clock; time.Now if nil.
	Now func() time.Time

	// OnEvent, if not nil, is told of each finding that comes or goes, on the
	// goroutine that feeds the Monitor; it must not block and may call Findings.
	OnEvent func(Event)
}

// Monitor judges one class's publisher. See the package documentation for who
// may call what.
type Monitor struct {
	// Set by New, then read-only.
	cfg     Config
	now     func() time.Time
	onEvent func(Event)

	board board

	// Owned by the feeding goroutine.
	conditions [numCodes]condition
	wall       time.Time // of the latest call
	video      track
	audio      track
	clock      second // of the leading track: video, or audio if there is none
	pictures   pictures
	keyframes  keyframes
	sound      sound
	arrival    arrival
}

// track is what is known of the publisher's track of a kind.
type track struct {
	media.Track
	present bool
	seen    bool          // an access unit since the run began
	last    time.Duration // its decoding time
}

// second counts whole seconds of media time.
type second struct {
	running bool
	number  int64
}

// New returns a Monitor with nothing to tell. cfg must be valid.
func New(cfg Config, deps Deps) *Monitor {
	m := &Monitor{cfg: cfg, now: deps.Now, onEvent: deps.OnEvent}
	if m.now == nil {
		m.now = time.Now
	}
	return m
}

// Findings returns what is wrong at present, problems first, older before newer.
// The caller owns the slice.
func (m *Monitor) Findings() []Finding { return m.board.findings() }

// Events returns the latest 100 events, oldest first. The caller owns the slice.
func (m *Monitor) Events() []Event { return m.board.history() }

// Tracks begins a run with these tracks: call it at every Discontinuity.
func (m *Monitor) Tracks(tracks []media.Track) {
	m.wall = m.now()
	m.breakOff()
	m.set(&m.video, tracks, media.KindVideo, func() { m.pictures.reset() })
	m.set(&m.audio, tracks, media.KindAudio, func() { m.sound.reset() })
	m.judgeVideoFormat()
	m.fact(Mono, m.audio.present && m.audio.Audio.Channels == 1, 0, 0)
	if !m.video.present {
		for c := KeyframesFarApart; c < firstOfSound; c++ {
			m.fact(c, false, 0, 0)
		}
	}
	if !m.audio.present {
		for c := firstOfSound + 1; c < firstOfArrival; c++ {
			m.fact(c, false, 0, 0)
		}
	}
}

// set takes over the track of a kind; changed is called if it is another.
func (m *Monitor) set(t *track, tracks []media.Track, k media.Kind, changed func()) {
	found, ok := media.Find(tracks, k)
	if ok != t.present || !found.SameFormat(t.Track) {
		changed()
	}
	*t = track{Track: found, present: ok}
}

// Interrupted tells that the publication has ended. Findings stay.
func (m *Monitor) Interrupted() {
	m.wall = m.now()
	m.breakOff()
	m.pictures.reset()
	m.sound.reset()
}

// breakOff forgets what must not be compared with what comes next.
func (m *Monitor) breakOff() {
	for c := range m.conditions {
		m.conditions[c].turning = false
	}
	m.clock = second{}
	m.video.seen, m.audio.seen = false, false
	m.pictures.breakOff()
	m.keyframes = keyframes{}
	m.sound.lastPTS, m.sound.measured = 0, false
	m.arrival.breakOff()
}

// AccessUnit takes the publisher's next access unit, in the order of the stream,
// and the server's clock when it was received. It keeps nothing of au.
func (m *Monitor) AccessUnit(au *media.AccessUnit, received time.Time) {
	m.wall = received
	var t *track
	switch {
	case m.video.present && au.Track == m.video.ID:
		t = &m.video
	case m.audio.present && au.Track == m.audio.ID:
		t = &m.audio
	default:
		return
	}
	dts, okDTS := mediaTime(au.DTS, t.Timescale)
	pts, okPTS := mediaTime(au.PTS, t.Timescale)
	if !okDTS || !okPTS {
		return
	}
	if t.seen && dts < t.last {
		m.breakOff() // a stream does not do that; whatever it is, start anew
	}
	m.observeArrival(dts, received)
	if t == &m.video {
		m.advance(dts)
		m.observePicture(au, dts, pts)
	} else {
		if !m.video.present {
			m.advance(dts)
		}
		m.observeSound(au, dts)
	}
	t.seen, t.last = true, dts
}

// advance closes the seconds of media time that are over.
func (m *Monitor) advance(dts time.Duration) {
	number := int64(dts / time.Second)
	if !m.clock.running {
		m.clock = second{running: true, number: number}
		m.pictures.current = bucket{}
		return
	}
	if number-m.clock.number > window {
		m.pictures.forget()
		m.clock.number = number - 1
		m.pictures.current = bucket{}
	}
	for ; m.clock.number < number; m.clock.number++ {
		m.pictures.close()
		at := time.Duration(m.clock.number+1) * time.Second
		if m.video.present {
			m.judgePictures(at)
			m.judgeKeyframes(at)
		}
		m.judgeSound(at)
		m.judgeGaps(at)
	}
}

// judge applies a condition's hysteresis. at is on the condition's clock.
func (m *Monitor) judge(c Code, at time.Duration, bad bool, value, other float64) {
	cond := &m.conditions[c]
	switch {
	case cond.update(at, bad, c.rule()):
		m.turn(c, cond.raised, value, other)
	case cond.raised && bad:
		m.board.measure(c, value, other)
	}
}

// fact raises or clears at once.
func (m *Monitor) fact(c Code, bad bool, value, other float64) {
	cond := &m.conditions[c]
	cond.turning = false
	switch {
	case cond.raised != bad:
		cond.raised = bad
		m.turn(c, bad, value, other)
	case bad:
		m.board.measure(c, value, other)
	}
}

func (m *Monitor) turn(c Code, raised bool, value, other float64) {
	event := m.board.turn(c, m.wall, raised, value, other)
	if m.onEvent != nil {
		m.onEvent(event)
	}
}

// judgeVideoFormat looks at what the parameter sets say.
func (m *Monitor) judgeVideoFormat() {
	v := m.video.Video
	present := m.video.present
	w, h := float64(v.Width), float64(v.Height)
	short, long := min(v.Width, v.Height), max(v.Width, v.Height)
	known := present && short > 0
	m.fact(PictureSmall, known && short < 480, h, w)
	m.fact(PictureLarge, known && (short > 1080 || long > 1920), h, w)
	m.fact(PictureOdd, known && (v.Width%2 != 0 || v.Height%2 != 0), h, w)
	m.fact(Interlaced, present && v.Interlaced, 0, 0)
	m.fact(TenBit, present && v.BitDepth > 8, float64(v.BitDepth), 0)
	m.fact(Chroma, present && v.ChromaFormat > 1, float64(v.ChromaFormat), 0)
	m.fact(CodecTranscoded, present && m.video.Codec != media.CodecH264, 0, float64(m.video.Codec))
}

// mediaTime converts ticks of a track to a Duration, if it is a sensible one.
func mediaTime(ticks int64, ts media.Timescale) (time.Duration, bool) {
	if ts == 0 || ticks < 0 || ticks/int64(ts) >= int64(maxMediaTime/time.Second) {
		return 0, false
	}
	return ts.Duration(ticks), true
}
