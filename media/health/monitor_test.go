package health_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/health"
	"github.com/lectern/lectern/media/mediatest"
)

// speech is loudness as a teacher's: sentences, pauses, a noise gate.
func speech(t time.Duration) (lufs, peak float64, clipped int) {
	switch s := int(t / time.Second); {
	case s%60 >= 45 && s%60 < 52: // the gate is shut
		return math.Inf(-1), math.Inf(-1), 0
	case s%60 >= 30: // listening to a student, the fan runs
		return -58, -40, 0
	default:
		return -20 + float64(s%5), -3, s % 2 // a limiter touches full scale
	}
}

// TestGoodSources plays four minutes of what needs no advice.
func TestGoodSources(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	jitter := func(base, spread time.Duration) func(time.Duration, int) time.Duration {
		return func(t time.Duration, _ int) time.Duration { return t + base + time.Duration(rng.Int64N(int64(spread))) }
	}
	for name, e := range map[string]encoder{
		"plain OBS":              {},
		"rtmp milliseconds":      {round: time.Millisecond},
		"29.97":                  {fps: 30000.0 / 1001},
		"29.97 in milliseconds":  {fps: 30000.0 / 1001, round: time.Millisecond},
		"25":                     {fps: 25},
		"60":                     {fps: 60, plainBytes: 7000},
		"59.94 in milliseconds":  {fps: 60000.0 / 1001, round: time.Millisecond, plainBytes: 7000},
		"24 without a rate":      {fps: 24, stated: -1},
		"1080p":                  {width: 1920, height: 1080, plainBytes: 16000, keyBytes: 150000},
		"portrait":               {width: 720, height: 1280},
		"480p":                   {width: 854, height: 480, plainBytes: 4000, keyBytes: 20000},
		"b pictures":             {reorder: 3},
		"keyframes each 4 s":     {keyframe: 4 * time.Second},
		"video only sound later": {lost: func(t time.Duration, video bool) bool { return !video && t < 9*time.Second }},
		"still slide": {plainBytes: 60, keyBytes: 90000, size: func(t time.Duration, _ int) int {
			if t%(20*time.Second) < 40*time.Millisecond {
				return 120000 // the next slide
			}
			return 60
		}},
		"still slide at 1080p60":        {width: 1920, height: 1080, fps: 60, plainBytes: 90, keyBytes: 250000},
		"slides at 5 fps":               {fps: 5, plainBytes: 150, keyBytes: 80000},
		"slides at 5 fps that claim 30": {fps: 5, stated: 30, plainBytes: 150, keyBytes: 80000},
		"slides at 1 fps":               {fps: 1, plainBytes: 200, keyBytes: 80000, keyframe: 2 * time.Second},
		"slide with a film clip": {size: func(t time.Duration, _ int) int {
			if t > time.Minute && t < 80*time.Second {
				return 16000
			}
			return 500
		}},
		"slides and a small camera, capped CRF": {size: func(_ time.Duration, n int) int { return 800 + n%7*400 }},
		"scene cuts": {isKey: func(t time.Duration, n int) bool {
			return n%60 == 0 || t%(31*time.Second) < 34*time.Millisecond
		}},
		"variable rate of a phone": {stated: 30, next: jitter(28*time.Millisecond, 14*time.Millisecond)},
		"screen share with pauses": {stated: 30, next: func(t time.Duration, _ int) time.Duration {
			if s := t % (10 * time.Second); s > 4*time.Second && s < 8*time.Second {
				return t + time.Duration(1+rng.IntN(20))*time.Second/30
			}
			return t + time.Second/30
		}},
		"a late network": {delay: func(time.Duration) time.Duration { return time.Duration(rng.Int64N(int64(900 * time.Millisecond))) }},
		"one hiccup": {delay: func(t time.Duration) time.Duration {
			return max(0, 93*time.Second-t) * b2d(t > 90*time.Second && t < 93*time.Second)
		}},
		"a slow clock that is tolerated": {delay: func(t time.Duration) time.Duration { return t / 500 }},
		"a fast clock that is tolerated": {delay: func(t time.Duration) time.Duration { return -t / 500 }},
		"audio of a pause":               {soundBytes: 180},
		"speech":                         {loudness: speech},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if e.stated < 0 {
				e.stated = 1e9 // no rate anybody could mean
			}
			r.connect(e)
			r.play(e, 4*time.Minute)
			r.never()
		})
	}
}

func b2d(b bool) time.Duration {
	if b {
		return 1
	}
	return 0
}

// TestRealSources pushes the pictures of real encoders, whose size alone is bad.
func TestRealSources(t *testing.T) {
	for name, cfg := range map[string]mediatest.Config{
		"plain":            {},
		"b pictures":       {BFrames: true, Round: time.Millisecond},
		"5 fps, states 30": {FPS: 5, GOP: 10},
		"44.1 kHz":         {SampleRate: 44100},
		"29.97":            {FPS: 30000.0 / 1001, Round: time.Millisecond},
		"60":               {FPS: 60, GOP: 120},
	} {
		t.Run(name, func(t *testing.T) {
			src := mediatest.New(t, cfg)
			r := newRig(t)
			r.m.Tracks(src.Tracks())
			tracks := map[media.TrackID]media.Timescale{}
			for _, tr := range src.Tracks() {
				tracks[tr.ID] = tr.Timescale
			}
			for _, s := range src.Take(90 * time.Second) {
				ts := tracks[s.Track]
				r.m.AccessUnit(&media.AccessUnit{
					Track: s.Track, PTS: ts.Ticks(s.PTS), DTS: ts.Ticks(s.DTS), RandomAccess: s.RandomAccess, Payload: s.Payload,
				}, r.begin.Add(s.DTS))
			}
			for _, e := range r.m.Events() {
				switch e.Finding.Code {
				case health.PictureSmall, health.Mono: // 64x36, and one clip is mono
				case health.FrameRateLow: // it is, and pictures of 64x36 are never tiny
				default:
					t.Errorf("false alarm: %+v", e)
				}
			}
		})
	}
}

// TestFindings plays a bad minute or more, then a good one: each finding comes
// and goes, and nothing else does.
func TestFindings(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	random := make([]bool, 1<<16)
	for i := range random {
		random[i] = rng.IntN(100) < 35
	}
	for _, tc := range []struct {
		code   string
		bad    encoder
		early  time.Duration // not raised yet
		late   time.Duration // raised by then
		clear  time.Duration // of good media until it is cleared
		text   string        // in the sentence
		facts  bool          // the format differs, so the encoder reconnects
		others []string      // raised as well
	}{
		{code: "keyframes_far_apart", bad: encoder{keyframe: 10 * time.Second}, early: 8 * time.Second, late: 25 * time.Second, clear: 25 * time.Second, text: "every 10 s"},
		{code: "keyframes_far_apart", bad: encoder{keyframe: time.Hour}, early: 8 * time.Second, late: 25 * time.Second, clear: 25 * time.Second, text: "only every"},
		{code: "keyframes_irregular", bad: encoder{isKey: func(_ time.Duration, n int) bool {
			n %= 300
			return n == 0 || n == 110 || n == 140 || n == 180 || n == 205 || n == 290
		}}, early: 15 * time.Second, late: 60 * time.Second, clear: 80 * time.Second, text: "uneven times, 0.3 to 3.7 s"},
		{code: "frame_rate_low", bad: encoder{fps: 8}, early: 20 * time.Second, late: 35 * time.Second, clear: 60 * time.Second, text: "8 pictures a second", facts: true},
		{code: "frames_dropped", bad: encoder{lost: func(t time.Duration, video bool) bool {
			return video && random[int(t/time.Millisecond)%len(random)]
		}}, early: 15 * time.Second, late: 40 * time.Second, clear: 60 * time.Second, text: "of 30 pictures a second only"},
		{code: "frame_rate_varies", bad: encoder{stated: 30, next: func(t time.Duration, n int) time.Duration {
			if int(t/(5*time.Second))%2 == 0 {
				return t + 34*time.Millisecond + time.Duration(n%5)*4*time.Millisecond
			}
			return t + 110*time.Millisecond + time.Duration(n%7)*9*time.Millisecond
		}}, early: 30 * time.Second, late: 60 * time.Second, clear: 80 * time.Second, text: "swings between"},
		{code: "frame_rate_high", bad: encoder{fps: 120, plainBytes: 3000}, early: 4 * time.Second, late: 12 * time.Second, clear: 25 * time.Second, text: "120", facts: true},
		{code: "picture_small", bad: encoder{width: 640, height: 360}, late: time.Second, text: "640 x 360", facts: true},
		{code: "picture_large", bad: encoder{width: 2560, height: 1440}, late: time.Second, text: "2560 x 1440", facts: true},
		{code: "picture_odd", bad: encoder{width: 1279, height: 719}, late: time.Second, text: "1279 x 719", facts: true},
		{code: "interlaced", bad: encoder{interlaced: true}, late: time.Second, text: "interlaced", facts: true},
		{code: "ten_bit", bad: encoder{depth: 10}, late: time.Second, text: "10 bits", facts: true},
		{code: "chroma", bad: encoder{chroma: 2}, late: time.Second, text: "colour format", facts: true},
		{code: "codec_transcoded", bad: encoder{codec: media.CodecHEVC}, late: time.Second, text: "You send HEVC", facts: true},
		{code: "codec_transcoded", bad: encoder{codec: media.CodecAV1}, late: time.Second, text: "You send AV1", facts: true},
		{code: "mono", bad: encoder{channels: 1}, late: time.Second, text: "one channel", facts: true},
		{code: "b_frames_many", bad: encoder{reorder: 5}, early: 3 * time.Second, late: 12 * time.Second, clear: 50 * time.Second, text: "reorders 5"},
		{code: "bitrate_high", bad: encoder{plainBytes: 50000, keyBytes: 200000}, early: 12 * time.Second, late: 25 * time.Second, clear: 35 * time.Second, text: "Mbit/s"},
		{code: "bitrate_low", bad: encoder{plainBytes: 1200, keyBytes: 9000}, early: 30 * time.Second, late: 60 * time.Second, clear: 75 * time.Second, text: "only 3"},
		{code: "bitrate_swings", bad: encoder{size: func(t time.Duration, _ int) int {
			if t%(20*time.Second) < 3*time.Second {
				return 40000
			}
			return 1500
		}, keyBytes: 20000}, early: 30 * time.Second, late: 90 * time.Second, clear: 2 * time.Minute, text: "peaks of"},
		{code: "sound_missing", bad: encoder{noSound: true}, early: 5 * time.Second, late: 10 * time.Second, clear: 12 * time.Second, text: "nobody can hear", facts: true},
		{code: "sound_missing", bad: encoder{lost: func(_ time.Duration, video bool) bool { return !video }}, early: 12 * time.Second, late: 20 * time.Second, clear: 12 * time.Second, text: "nobody can hear"},
		{code: "silence", bad: encoder{soundBytes: 6}, early: 12 * time.Second, late: 25 * time.Second, clear: 30 * time.Second, text: "completely silent"},
		{code: "silence", bad: encoder{loudness: func(time.Duration) (float64, float64, int) { return math.Inf(-1), math.Inf(-1), 0 }}, early: 9 * time.Second, late: 14 * time.Second, clear: 30 * time.Second, text: "completely silent"},
		{code: "silence", bad: encoder{loudness: func(time.Duration) (float64, float64, int) { return math.NaN(), math.NaN(), 0 }}, early: 9 * time.Second, late: 14 * time.Second, clear: 30 * time.Second, text: "completely silent"},
		{code: "too_quiet", bad: encoder{loudness: func(time.Duration) (float64, float64, int) { return -41, -25, 0 }}, early: 18 * time.Second, late: 25 * time.Second, clear: 95 * time.Second, text: "23 dB quieter"},
		{code: "clipping", bad: encoder{loudness: func(time.Duration) (float64, float64, int) { return -8, 0, 60 }}, early: 4 * time.Second, late: 15 * time.Second, clear: 2 * time.Minute, text: "too loud"},
		{code: "gaps", bad: encoder{lost: func(t time.Duration, _ bool) bool { return t%(20*time.Second) > 19*time.Second }}, early: 20 * time.Second, late: 62 * time.Second, clear: 125 * time.Second, text: "missing in the last minute"},
		{code: "gaps", bad: encoder{isKey: func(t time.Duration, _ int) bool { return (t+time.Millisecond)%time.Second < 30*time.Millisecond }, lost: func(t time.Duration, video bool) bool {
			return video && (t+time.Millisecond)%(15*time.Second) > 14002*time.Millisecond
		}}, early: 20 * time.Second, late: 62 * time.Second, clear: 125 * time.Second, text: "missing in the last minute"},
		{code: "stalls", bad: encoder{delay: func(t time.Duration) time.Duration { return max(0, 2500*time.Millisecond-t%(20*time.Second)) }}, early: 19 * time.Second, late: 45 * time.Second, clear: 125 * time.Second, text: "stops and comes back"},
		{code: "lag", bad: encoder{delay: func(t time.Duration) time.Duration { return min(t/10, 4*time.Second) }}, early: 20 * time.Second, late: 50 * time.Second, clear: 35 * time.Second, text: "s later than at the beginning"},
		{code: "clock_drift", bad: encoder{delay: func(t time.Duration) time.Duration { return t / 150 }}, early: 3 * time.Minute, late: 5 * time.Minute, clear: 4 * time.Minute, text: "ms behind real time"},
		{code: "clock_drift", bad: encoder{delay: func(t time.Duration) time.Duration { return -t / 150 }}, early: 3 * time.Minute, late: 5 * time.Minute, clear: 4 * time.Minute, text: "ms ahead of real time"},
	} {
		t.Run(tc.code+", "+tc.text, func(t *testing.T) {
			r := newRig(t)
			good := encoder{}
			if tc.code == "silence" || tc.code == "too_quiet" || tc.code == "clipping" {
				if tc.bad.loudness != nil {
					good.loudness = speech
				}
			}
			if tc.code == "clock_drift" { // what was lost stays lost
				last := tc.bad.delay(tc.late)
				good.delay = func(time.Duration) time.Duration { return last }
			}
			r.connect(tc.bad)
			if tc.early > 0 {
				r.play(tc.bad, tc.early)
				r.want("early")
			}
			r.play(tc.bad, tc.late-tc.early)
			r.want("late", tc.code)
			for _, f := range r.m.Findings() {
				if !strings.Contains(f.Text, tc.text) {
					t.Errorf("text is %q, want %q in it", f.Text, tc.text)
				}
				if f.Since.Before(r.begin) || f.Since.After(r.clock.Now()) {
					t.Errorf("raised at %s", f.Since)
				}
			}
			if tc.facts {
				r.leave(time.Second)
				r.connect(good)
			} else if len(r.told) == 0 || !r.told[0].Raised {
				t.Errorf("told of %v", r.told)
			}
			r.play(good, 4*time.Second)
			if tc.clear > 4*time.Second {
				r.want("just after", tc.code)
				r.play(good, tc.clear-4*time.Second)
			}
			r.want("at last")
			events := r.m.Events()
			if len(events) != 2 || !events[0].Raised || events[1].Raised || events[1].At.Before(events[0].At) {
				t.Errorf("events: %+v", events)
			}
			if !slices.Equal(events, r.told) {
				t.Errorf("told of %d events, %d are listed", len(r.told), len(events))
			}
		})
	}
}

// TestShortSpells plays bad moments too short to mention.
func TestShortSpells(t *testing.T) {
	for name, e := range map[string]encoder{
		"one late keyframe": {isKey: func(t time.Duration, n int) bool { return n%60 == 0 && (t < 30*time.Second || t > 35*time.Second) }},
		"a loud cough":      {loudness: func(t time.Duration) (float64, float64, int) { return -20, 0, 40 * int(b2d(int(t/time.Second) == 30)) }},
		"eight silent seconds": {loudness: func(t time.Duration) (float64, float64, int) {
			return -20 - 80*float64(b2d(t > 30*time.Second && t < 38*time.Second)), -3, 0
		}},
		"a whisper": {loudness: func(t time.Duration) (float64, float64, int) {
			return -20 - 22*float64(b2d(t > 30*time.Second && t < 45*time.Second)), -3, 0
		}},
		"three seconds without sound": {lost: func(t time.Duration, video bool) bool {
			return !video && t > 30*time.Second && t < 31500*time.Millisecond
		}},
		"a short rush": {size: func(t time.Duration, _ int) int {
			return 9000 + 60000*int(b2d(t > 30*time.Second && t < 32*time.Second))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.connect(e)
			r.play(e, 2*time.Minute)
			r.never()
		})
	}
}

func TestInterruption(t *testing.T) {
	r := newRig(t)
	bad := encoder{keyframe: 10 * time.Second}
	r.connect(bad)
	r.play(bad, 30*time.Second)
	r.leave(10 * time.Minute)
	r.want("while interrupted", "keyframes_far_apart")
	r.connect(encoder{})
	r.play(encoder{}, 15*time.Second)
	r.want("soon after", "keyframes_far_apart")
	r.play(encoder{}, 15*time.Second)
	r.want("later")
	// Ten minutes of absence are neither a stall nor silence nor lag.
	r.never("stalls", "lag", "silence", "sound_missing", "gaps", "clock_drift")
}

// TestLostByUs starts a new run in the middle of one: what the server lost is not
// the publisher's fault.
func TestLostByUs(t *testing.T) {
	r := newRig(t)
	r.connect(encoder{})
	r.play(encoder{}, 30*time.Second)
	r.media += 5 * time.Second
	r.connect(encoder{})
	r.play(encoder{}, 30*time.Second)
	r.never()
}

func TestSeveralFindingsAreSorted(t *testing.T) {
	r := newRig(t)
	e := encoder{keyframe: 10 * time.Second, noSound: true, codec: media.CodecHEVC, width: 640, height: 360, plainBytes: 4000}
	r.connect(e)
	r.play(e, 40*time.Second)
	var got []string
	for _, f := range r.m.Findings() {
		got = append(got, f.Severity.String()+" "+f.Code.String())
	}
	want := []string{"problem sound_missing", "warning picture_small", "warning keyframes_far_apart", "info codec_transcoded"}
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestAudioOnly(t *testing.T) {
	r := newRig(t)
	e := encoder{noVideo: true}
	r.connect(encoder{keyframe: 10 * time.Second, interlaced: true})
	r.play(encoder{keyframe: 10 * time.Second}, 30*time.Second)
	r.leave(time.Second)
	r.connect(e)
	r.want("as the pictures go")
	r.play(e, time.Minute)
	r.want("sound alone")
	e.soundBytes = 6
	r.play(e, 30*time.Second)
	r.want("silence", "silence")
}

func TestEventsAreBounded(t *testing.T) {
	r := newRig(t)
	for range 130 {
		r.m.Tracks(encoder{channels: 1}.withDefaults().tracks())
		r.m.Tracks(encoder{}.withDefaults().tracks())
		r.clock.Advance(time.Second)
	}
	events := r.m.Events()
	if len(events) != 100 || len(r.told) != 260 || !slices.Equal(events, r.told[160:]) {
		t.Errorf("%d events are kept of %d", len(events), len(r.told))
	}
}

// TestFindingsFromElsewhere reads while the Monitor is fed.
func TestFindingsFromElsewhere(t *testing.T) {
	r := newRig(t)
	bad := encoder{keyframe: 10 * time.Second, channels: 1}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				if f, e := len(r.m.Findings()), len(r.m.Events()); f > 2 || e > 2 {
					t.Errorf("%d findings, %d events", f, e)
				}
			}
		}
	})
	r.connect(bad)
	r.play(bad, 30*time.Second)
	close(done)
	wg.Wait()
	r.want("at last", "keyframes_far_apart", "mono")
}

func TestAccessUnitsCostNoMemory(t *testing.T) {
	r := newRig(t)
	r.connect(encoder{})
	r.play(encoder{}, time.Minute)
	au := &media.AccessUnit{Track: media.VideoTrackID, Payload: [][]byte{r.buffer[:9000]}}
	at := r.media
	allocs := testing.AllocsPerRun(3000, func() {
		at += time.Second / 30
		au.DTS = media.TimescaleVideo.Ticks(at)
		au.PTS = au.DTS
		au.RandomAccess = at%(2*time.Second) < time.Second/30
		r.m.AccessUnit(au, r.begin.Add(at))
	})
	if allocs > 0.01 {
		t.Errorf("%g allocations an access unit", allocs)
	}
}

func BenchmarkAccessUnit(b *testing.B) {
	m := health.New(health.DefaultConfig(), health.Deps{})
	m.Tracks(encoder{}.withDefaults().tracks())
	au := &media.AccessUnit{Track: media.VideoTrackID, Payload: [][]byte{make([]byte, 9000)}}
	begin, at := time.Now(), time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		at += time.Second / 30
		au.DTS = media.TimescaleVideo.Ticks(at)
		au.PTS = au.DTS
		au.RandomAccess = at%(2*time.Second) < time.Second/30
		m.AccessUnit(au, begin.Add(at))
	}
}
