package rtpclock

import (
	"math"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
)

var epoch = time.Date(2030, time.March, 4, 9, 0, 0, 0, time.UTC)

// ntpOf is the inverse of ntpDuration, for a time given as seconds since 1900.
func ntpOf(seconds float64) uint64 {
	whole, fraction := math.Modf(seconds)
	return uint64(whole)<<32 | uint64(fraction*(1<<32))
}

func TestNTPFraction(t *testing.T) {
	for _, tc := range []struct {
		name string
		ntp  uint64
		want time.Duration
	}{
		{"case 45: whole second", 4_000_000_000 << 32, 4_000_000_000 * time.Second},
		{"case 45: fraction .25", 1<<32 | 0x40000000, 1250 * time.Millisecond},
		{"case 45: fraction .5", 1<<32 | 0x80000000, 1500 * time.Millisecond},
		{"case 45: fraction .9", 1<<32 | 0xe6666666, 1900 * time.Millisecond},
		{"case 45: last fraction", 0xffffffff, time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := ntpDuration(tc.ntp); !within(got-tc.want, time.Nanosecond) {
				t.Errorf("ntpDuration(%#x) = %s, want %s", tc.ntp, got, tc.want)
			}
		})
	}
}

func TestUnwrap(t *testing.T) {
	type in struct {
		raw uint32
		at  time.Duration
	}
	for _, tc := range []struct {
		name  string
		in    []in
		want  []int64
		bases int
	}{
		{
			"case 44: starts at a random value",
			[]in{{0xdeadbeef, 0}, {0xdeadbeef + 3000, 33 * time.Millisecond}},
			[]int64{0, 3000},
			0,
		},
		{
			"case 44: wraps",
			[]in{{math.MaxUint32 - 1000, 0}, {1999, 33 * time.Millisecond}, {4999, 66 * time.Millisecond}},
			[]int64{0, 3000, 6000},
			0,
		},
		{
			"case 44: reordered across the wrap",
			[]in{{0xfffffff0, 0}, {9000, 0}, {3000, 0}, {6000, 0}},
			[]int64{0, 9016, 3016, 6016},
			0,
		},
		{
			"a stall is not a jump",
			[]in{{0, 0}, {3000, time.Minute}, {6000, time.Minute}},
			[]int64{0, 3000, 6000},
			0,
		},
		{
			"a pause of an hour is kept",
			[]in{{0, 0}, {3600 * 90000, time.Hour}},
			[]int64{0, 3600 * 90000},
			0,
		},
		{
			"case 6: one wild timestamp is estimated from arrival",
			[]in{{0, 0}, {2_000_000_000, 40 * time.Millisecond}, {7200, 80 * time.Millisecond}},
			[]int64{0, 3600, 7200},
			0,
		},
		{
			"three that agree are a new clock",
			[]in{{0, 0}, {2_000_000_000, 40 * time.Millisecond}, {2_000_003_600, 80 * time.Millisecond}, {2_000_007_200, 120 * time.Millisecond}, {2_000_010_800, 160 * time.Millisecond}},
			[]int64{0, 3600, 7200, 10800, 14400},
			1,
		},
		{
			"three that disagree are not",
			[]in{{0, 0}, {2_000_000_000, 40 * time.Millisecond}, {1_000_000_000, 80 * time.Millisecond}, {1_500_000_000, 120 * time.Millisecond}, {14400, 160 * time.Millisecond}},
			[]int64{0, 3600, 7200, 10800, 14400},
			0,
		},
		{
			"a clock set back is followed",
			[]in{{90_000_000, 0}, {0, 40 * time.Millisecond}, {3600, 80 * time.Millisecond}, {7200, 120 * time.Millisecond}, {10800, 160 * time.Millisecond}},
			[]int64{0, 3600, 7200, 10800, 14400},
			1,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := unwrapper{rate: 90000}
			bases := 0
			for i, in := range tc.in {
				got, rebased := c.unwrap(in.raw, epoch.Add(in.at))
				if got != tc.want[i] {
					t.Errorf("access unit %d: ticks = %d, want %d", i, got, tc.want[i])
				}
				if rebased {
					bases++
				}
			}
			if bases != tc.bases {
				t.Errorf("rebased %d times, want %d", bases, tc.bases)
			}
		})
	}
}

func TestLongWrap(t *testing.T) {
	// case 44: 90 kHz wraps every 13 h 15 min; three wraps in 1 s steps.
	c := unwrapper{rate: 90000}
	raw := uint32(math.MaxUint32 - 5)
	for i := range int64(150_000) {
		got, rebased := c.unwrap(raw, epoch.Add(time.Duration(i)*time.Second))
		if got != i*90000 || rebased {
			t.Fatalf("second %d: ticks = %d, rebased = %v", i, got, rebased)
		}
		raw += 90000
	}
}

// camera drives a clock as a sender with two tracks does.
type camera struct {
	t     *testing.T
	clock Clock

	videoRate    float64       // media seconds the stamps advance in a real second; 1 is right
	audioDelay   time.Duration // network delay of audio
	audioSkew    time.Duration // what audio's arrival hides: its true lateness
	reportVideo  bool
	reportAudio  bool
	reportEvery  time.Duration // default 5 s
	ntpStep      time.Duration // added to reports from ntpStepAt on
	ntpStepAt    time.Duration
	video, audio time.Duration // last shared clock of each
	maxVideoStep time.Duration // largest deviation of a video step from 40 ms
}

const ntpStart = 4_000_000_123.9 // a fraction the library gets wrong

func (c *camera) run(from, to time.Duration) {
	c.t.Helper()
	if c.videoRate == 0 {
		c.videoRate = 1
	}
	if c.reportEvery == 0 {
		c.reportEvery = 5 * time.Second
	}
	if from == 0 {
		c.clock.Expect(media.VideoTrackID, 90000)
		c.clock.Expect(media.AudioTrackID, 48000)
	}
	const tick = 40 * time.Millisecond
	for now := from; now < to; now += tick {
		step := time.Duration(0)
		if c.ntpStep != 0 && now >= c.ntpStepAt {
			step = c.ntpStep
		}
		videoRaw := uint32(0xffff0000) + uint32(now.Seconds()*c.videoRate*90000)
		audioRaw := uint32(12345) + uint32(math.Round((now+c.audioSkew).Seconds()*48000))
		if now%c.reportEvery == 0 {
			if c.reportVideo {
				c.clock.Report(media.VideoTrackID, ntpOf(ntpStart+(now+step).Seconds()), videoRaw)
			}
			if c.reportAudio {
				c.clock.Report(media.AudioTrackID, ntpOf(ntpStart+(now+step+c.audioSkew).Seconds()), audioRaw)
			}
		}
		arrival := epoch.Add(now)
		ticks, _ := c.clock.Stamp(media.VideoTrackID, videoRaw, arrival)
		before := c.video
		c.video = c.clock.At(media.VideoTrackID, ticks)
		if now > from {
			off := c.video - before - tick
			c.maxVideoStep = max(c.maxVideoStep, off, -off)
		}
		c.clock.Emitted(media.VideoTrackID)
		ticks, _ = c.clock.Stamp(media.AudioTrackID, audioRaw, arrival.Add(c.audioDelay))
		c.audio = c.clock.At(media.AudioTrackID, ticks)
		c.clock.Emitted(media.AudioTrackID)
	}
}

// skew is audio minus video on the shared clock, less the true skew: 0 is in sync.
func (c *camera) skew() time.Duration { return c.audio - c.video - c.audioSkew }

func TestClockAlignsByReports(t *testing.T) {
	t.Run("case 45: reports before media align at once", func(t *testing.T) {
		// Audio arrives 300 ms late though it was sampled with video.
		c := camera{t: t, audioDelay: 300 * time.Millisecond, reportVideo: true, reportAudio: true}
		c.run(0, 40*time.Millisecond)
		if !within(c.skew(), time.Millisecond) {
			t.Errorf("skew at start = %s", c.skew())
		}
	})
	t.Run("case 45: later reports slew by at most 5 ms a second", func(t *testing.T) {
		c := camera{t: t, audioDelay: 300 * time.Millisecond}
		c.run(0, 5*time.Second)
		start := c.skew()
		if !within(start-300*time.Millisecond, time.Millisecond) {
			t.Fatalf("skew by arrival = %s, want 300ms", start)
		}
		c.reportVideo, c.reportAudio = true, true
		c.maxVideoStep = 0
		c.run(5*time.Second, 25*time.Second)
		moved := start - c.skew()
		if moved < 90*time.Millisecond || moved > 101*time.Millisecond {
			t.Errorf("moved %s in 20 s, want about 100ms", moved)
		}
		if c.maxVideoStep > 212*time.Microsecond {
			t.Errorf("a 40 ms step was off by %s, want at most 200µs and one tick", c.maxVideoStep)
		}
		c.run(25*time.Second, 75*time.Second)
		if !within(c.skew(), time.Millisecond) {
			t.Errorf("skew at the end = %s", c.skew())
		}
	})
	t.Run("case 45: a step of the wall clock moves nothing", func(t *testing.T) {
		c := camera{t: t, reportVideo: true, reportAudio: true, ntpStep: 7 * time.Second, ntpStepAt: 20 * time.Second}
		c.run(0, time.Minute)
		if !within(c.skew(), time.Millisecond) {
			t.Errorf("skew = %s", c.skew())
		}
		if c.maxVideoStep > time.Millisecond {
			t.Errorf("video stepped by %s", c.maxVideoStep)
		}
	})
	t.Run("case 45: one wrong report is ignored, three are believed", func(t *testing.T) {
		var m reportMap
		for i, step := range []struct {
			offset time.Duration
			want   Outcome
		}{
			{0, Accepted},
			{10 * time.Millisecond, Accepted},
			{time.Hour, Ignored},
			{20 * time.Millisecond, Accepted},
			{2 * time.Second, Ignored},
			{time.Hour, Ignored},
			{time.Hour, Ignored},
			{time.Hour + 900*time.Millisecond, Stepped},
		} {
			if got := m.add(step.offset); got != step.want {
				t.Errorf("report %d (%s): %s, want %s", i, step.offset, got, step.want)
			}
		}
	})
	t.Run("case 46: an ntp time of zero is no report", func(t *testing.T) {
		var c Clock
		c.Expect(media.VideoTrackID, 90000)
		if got := c.Report(media.VideoTrackID, 0, 1); got != Unusable {
			t.Errorf("outcome = %s", got)
		}
	})
}

func TestClockWithoutReports(t *testing.T) {
	t.Run("case 46: tracks start where they arrive", func(t *testing.T) {
		c := camera{t: t, audioDelay: 200 * time.Millisecond}
		c.run(0, 2*time.Minute)
		if !within(c.skew()-200*time.Millisecond, time.Millisecond) {
			t.Errorf("skew = %s, want the 200ms of arrival", c.skew())
		}
	})
	t.Run("case 46: reports for one track only change nothing", func(t *testing.T) {
		c := camera{t: t, audioDelay: 200 * time.Millisecond, reportVideo: true}
		c.run(0, time.Minute)
		if !within(c.skew()-200*time.Millisecond, time.Millisecond) {
			t.Errorf("skew = %s, want the 200ms of arrival", c.skew())
		}
	})
}

func TestClockFollowsDrift(t *testing.T) {
	for _, tc := range []struct {
		name   string
		rate   float64
		report bool
	}{
		{"case 47: stamps 25 fps and sends 21, no reports", 21.0 / 25, false},
		{"case 47: stamps 25 fps and sends 21, with reports", 21.0 / 25, true},
		{"case 47: stamps 25 fps and sends 30", 30.0 / 25, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := camera{t: t, videoRate: tc.rate, reportVideo: tc.report, reportAudio: tc.report}
			for at := time.Duration(0); at < 5*time.Minute; at += 10 * time.Second {
				c.run(at, at+10*time.Second)
				if c.skew() > 3*time.Second || c.skew() < -3*time.Second {
					t.Fatalf("after %s audio and video are %s apart", at+10*time.Second, c.skew())
				}
			}
			// Without correction it would be 48 s and more.
			if !within(c.audio-5*time.Minute, 100*time.Millisecond) {
				t.Errorf("audio is at %s after 5 minutes", c.audio)
			}
		})
	}
	t.Run("jitter and a stall are not drift", func(t *testing.T) {
		var c Clock
		c.Expect(media.VideoTrackID, 90000)
		at := func(i int) time.Time {
			media := time.Duration(i) * 40 * time.Millisecond
			arrival := media + time.Duration(i*7919%100)*time.Millisecond // up to 100 ms late
			if media > 30*time.Second && media < 36*time.Second {
				arrival = 36 * time.Second // six seconds come in one burst
			}
			return epoch.Add(arrival)
		}
		for i := range 3000 {
			ticks, _ := c.Stamp(media.VideoTrackID, uint32(i*3600), at(i))
			c.Emitted(media.VideoTrackID)
			want := time.Duration(i) * 40 * time.Millisecond
			if got := c.At(media.VideoTrackID, ticks); got != want {
				t.Fatalf("picture %d at %s, want %s", i, got, want)
			}
		}
	})
}
