package health_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/health"
	"github.com/lectern/lectern/media/mediatest"
)

// encoder describes a publisher as the Monitor sees it. The zero value is a good
// one: 720p30, a keyframe every 2 s, 2.5 Mbit/s, AAC stereo.
type encoder struct {
	width, height int
	stated        float64 // frame rate in the VUI
	fps           float64
	keyframe      time.Duration
	plainBytes    int // a picture
	keyBytes      int
	soundBytes    int // a frame
	noVideo       bool
	noSound       bool
	channels      int
	codec         media.Codec
	interlaced    bool
	depth, chroma int
	round         time.Duration
	reorder       int // pictures, as B pictures do

	// next, if set, gives the time of the picture after one at t, the number of
	// which is n.
	next func(t time.Duration, n int) time.Duration

	// isKey, if set, decides on keyframes instead of keyframe.
	isKey func(t time.Duration, n int) bool

	// size, if set, gives the bytes of a picture that is no keyframe.
	size func(t time.Duration, n int) int

	// lost, if set, leaves access units out.
	lost func(t time.Duration, video bool) bool

	// delay, if set, is how late what was taken at t arrives.
	delay func(t time.Duration) time.Duration

	// loudness, if set, is measured once a second.
	loudness func(t time.Duration) (lufs, peak float64, clipped int)
}

func (e encoder) withDefaults() encoder {
	set := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	set(&e.width, 1280)
	set(&e.height, 720)
	set(&e.plainBytes, 9000)
	set(&e.keyBytes, 60000)
	set(&e.soundBytes, 340)
	set(&e.channels, 2)
	set(&e.depth, 8)
	set(&e.chroma, 1)
	if e.codec == media.CodecUnknown {
		e.codec = media.CodecH264
	}
	if e.fps == 0 {
		e.fps = 30
	}
	if e.stated == 0 {
		e.stated = e.fps
	}
	if e.keyframe == 0 {
		e.keyframe = 2 * time.Second
	}
	return e
}

func (e encoder) tracks() []media.Track {
	var tracks []media.Track
	if !e.noVideo {
		tracks = append(tracks, media.Track{
			ID: media.VideoTrackID, Codec: e.codec, Timescale: media.TimescaleVideo,
			Video: media.VideoFormat{
				ParameterSets: [][]byte{{0x67, byte(e.width), byte(e.height), byte(e.fps)}},
				Width:         e.width, Height: e.height, FrameRate: e.stated,
				BitDepth: e.depth, ChromaFormat: e.chroma, Interlaced: e.interlaced,
			},
		})
	}
	if !e.noSound {
		tracks = append(tracks, media.Track{
			ID: media.AudioTrackID, Codec: media.CodecAAC, Timescale: 48000,
			Audio: media.AudioFormat{Config: []byte{0x11, 0x90}, ObjectType: 2, SampleRate: 48000, Channels: e.channels, FrameSamples: 1024},
		})
	}
	return tracks
}

// rig is a Monitor on a class that runs.
type rig struct {
	t       *testing.T
	m       *health.Monitor
	clock   *mediatest.Clock
	begin   time.Time
	media   time.Duration // of the class so far
	silent  time.Duration // server time at which nobody published
	buffer  []byte
	latest  time.Time
	told    []health.Event
	n       int
	lastKey time.Duration
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, clock: mediatest.NewClock(), buffer: make([]byte, 4<<20)}
	r.begin = r.clock.Now()
	r.m = health.New(health.DefaultConfig(), health.Deps{Now: r.clock.Now, OnEvent: func(e health.Event) { r.told = append(r.told, e) }})
	return r
}

// connect begins a run.
func (r *rig) connect(e encoder) {
	r.m.Tracks(e.withDefaults().tracks())
	r.lastKey = -time.Hour
}

// play lets an encoder send for d of media.
func (r *rig) play(e encoder, d time.Duration) {
	e = e.withDefaults()
	end := r.media + d
	picture, sound, measure := r.media, r.media, r.media+time.Second
	if e.noVideo {
		picture = math.MaxInt64
	}
	if e.noSound {
		sound = math.MaxInt64
	}
	for {
		at := min(picture, sound)
		if at >= end {
			break
		}
		if e.loudness != nil && at >= measure {
			lufs, peak, clipped := e.loudness(at)
			r.m.Loudness(measure, lufs, peak, clipped)
			measure += time.Second
		}
		if at == sound {
			if e.lost == nil || !e.lost(at, false) {
				r.send(e, at, &media.AccessUnit{
					Track: media.AudioTrackID, RandomAccess: true,
					PTS: media.Timescale(48000).Ticks(at), DTS: media.Timescale(48000).Ticks(at),
					Payload: [][]byte{r.buffer[:e.soundBytes]},
				})
			}
			sound += 1024 * time.Second / 48000
			continue
		}
		if e.lost == nil || !e.lost(at, true) {
			r.picture(e, at)
		}
		r.n++
		if e.next != nil {
			picture = e.next(at, r.n)
		} else {
			picture += time.Duration(float64(time.Second) / e.fps)
		}
	}
	r.media = end
	r.clock.Set(r.begin.Add(r.media + r.silent))
}

func (r *rig) picture(e encoder, at time.Duration) {
	key := at-r.lastKey >= e.keyframe-time.Millisecond
	if e.isKey != nil {
		key = e.isKey(at, r.n)
	}
	size := e.plainBytes
	if e.size != nil {
		size = e.size(at, r.n)
	}
	if key {
		r.lastKey, size = at, e.keyBytes
	}
	dts := media.TimescaleVideo.Ticks(at.Round(e.round))
	pts := dts
	if e.reorder > 0 { // groups that are decoded from last to first
		step := int64(90000 / e.fps)
		i := int64(r.n % (e.reorder + 1))
		pts += 2 * (int64(e.reorder) - i) * step
	}
	r.send(e, at, &media.AccessUnit{
		Track: media.VideoTrackID, RandomAccess: key, PTS: pts, DTS: dts, Payload: [][]byte{r.buffer[:size]},
	})
}

// send gives au to the Monitor when it arrives; nothing overtakes.
func (r *rig) send(e encoder, at time.Duration, au *media.AccessUnit) {
	arrival := r.begin.Add(at + r.silent)
	if e.delay != nil {
		arrival = arrival.Add(e.delay(at))
	}
	if arrival.Before(r.latest) {
		arrival = r.latest
	}
	r.latest = arrival
	r.clock.Set(arrival)
	r.m.AccessUnit(au, arrival)
}

// leave ends the publication and lets d pass.
func (r *rig) leave(d time.Duration) {
	r.m.Interrupted()
	r.silent += d
	r.clock.Set(r.begin.Add(r.media + r.silent))
}

func (r *rig) codes() []string {
	var out []string
	for _, f := range r.m.Findings() {
		out = append(out, f.Code.String())
	}
	slices.Sort(out)
	return out
}

// want checks what is raised.
func (r *rig) want(when string, codes ...string) {
	r.t.Helper()
	slices.Sort(codes)
	if got := r.codes(); !slices.Equal(got, codes) {
		r.t.Errorf("%s: found %q, want %q", when, got, codes)
	}
}

// never checks that nothing has ever been raised.
func (r *rig) never(codes ...string) {
	r.t.Helper()
	for _, e := range r.m.Events() {
		if e.Raised && (len(codes) == 0 || slices.Contains(codes, e.Finding.Code.String())) {
			r.t.Errorf("false alarm at %s: %s (%s)", e.At.Sub(r.begin), e.Finding.Code, e.Finding.Text)
		}
	}
}
