package rtpclock

import (
	"time"

	"github.com/lectern/lectern/media"
)

const (
	// slewPerSecond is how fast a track is moved against the other while the
	// error is small: 5 ms in a second of media, which nobody sees or hears.
	slewPerSecond = 5 * time.Millisecond

	// fastFrom is the error from which on a track is moved in proportion: a
	// tenth of the error a second, at most a quarter of real time. It ends at
	// fastUntil. A camera that stamps 25 pictures a second and sends 21 is held
	// within about two seconds of real time that way.
	fastFrom    = time.Second
	fastUntil   = 20 * time.Millisecond
	fastDivisor = 10

	// maxStartSkew is how far sender reports may contradict arrival when a track
	// starts; beyond it arrival is believed.
	maxStartSkew = 5 * time.Second
)

// Clock puts the tracks of a publication on one clock, which starts at 0 when
// the first access unit arrives. The zero value is ready for Expect.
//
// A track starts where its arrival puts it or, when both tracks have sent a
// sender report (RFC 3550 §6.4.1) by then, where the reports put it. Later
// reports move video against audio, slowly. Audio is never moved against itself
// by reports: its rate comes from a sampling clock and is the better one. A
// track without reports is compared with its arrival, and followed only when it
// drifts by more than a second.
//
// Clock does no locking; its owner serialises the calls.
type Clock struct {
	started bool
	epoch   time.Time // arrival of the first access unit
	tracks  [2]trackClock
	expects [2]bool // which tracks were announced
}

// trackClock is one track on the shared clock.
type trackClock struct {
	rtp     unwrapper
	offset  time.Duration // shared clock at tick 0
	last    time.Duration // shared clock at the last access unit
	emitted bool          // a sample was written: no more jumps
	fast    bool          // correcting a large error
	reports reportMap
	drift   driftMeter

	// A report that came before the first access unit.
	early    bool
	earlyNTP uint64
	earlyRTP uint32
}

func index(id media.TrackID) int {
	if id == media.AudioTrackID {
		return 1
	}
	return 0
}

func (c *Clock) track(id media.TrackID) *trackClock { return &c.tracks[index(id)] }

// Expect announces a track whose RTP timestamps count at rate. Call it before all
// else, once a track.
func (c *Clock) Expect(id media.TrackID, rate media.Timescale) {
	c.expects[index(id)] = true
	c.track(id).rtp.rate = rate
}

// Stamp returns the ticks of an access unit of track id and adjusts the track's
// place on the shared clock. Call it once an access unit, in order of arrival.
// rebased reports that the sender's clock was found to have jumped.
func (c *Clock) Stamp(id media.TrackID, raw uint32, arrival time.Time) (ticks int64, rebased bool) {
	if !c.started {
		c.started, c.epoch = true, arrival
	}
	t := c.track(id)
	first := !t.rtp.started
	ticks, rebased = t.rtp.unwrap(raw, arrival)
	switch {
	case first:
		c.start(t, arrival)
	case rebased:
		// The old relation of wall clock and timestamps is void.
		t.reports, t.drift = reportMap{}, driftMeter{}
	}
	c.adjust(t, ticks, arrival)
	return ticks, rebased
}

// At returns the shared clock at ticks of track id.
func (c *Clock) At(id media.TrackID, ticks int64) time.Duration {
	t := c.track(id)
	return t.offset + t.rtp.rate.Duration(ticks)
}

// Emitted tells that a sample of track id has been written: from now on the track
// moves slowly only.
func (c *Clock) Emitted(id media.TrackID) { c.track(id).emitted = true }

// Report takes the NTP and RTP timestamps of a sender report for track id. It may
// come before the first access unit.
func (c *Clock) Report(id media.TrackID, ntp uint64, rtp uint32) Outcome {
	if ntp == 0 {
		return Unusable // the sender has no notion of wall clock time
	}
	t := c.track(id)
	if !t.rtp.started {
		t.early, t.earlyNTP, t.earlyRTP = true, ntp, rtp
		return Accepted
	}
	return t.reports.add(ntpDuration(ntp) - t.rtp.rate.Duration(t.rtp.at(rtp)))
}

// start places a track by its first access unit.
func (c *Clock) start(t *trackClock, arrival time.Time) {
	t.offset = arrival.Sub(c.epoch)
	t.last = t.offset
	if t.early {
		t.early = false
		t.reports.add(ntpDuration(t.earlyNTP) - t.rtp.rate.Duration(t.rtp.at(t.earlyRTP)))
	}
	other := c.other(t)
	if other.rtp.started && other.reports.settled() && t.reports.settled() {
		if byReport := alignedOffset(t, other); within(byReport-t.offset, maxStartSkew) {
			t.offset, t.last = byReport, byReport
		}
	}
}

func (c *Clock) other(t *trackClock) *trackClock {
	if t == &c.tracks[0] {
		return &c.tracks[1]
	}
	return &c.tracks[0]
}

// alignedOffset is the offset of t at which equal wall clock times of t and ref
// fall on equal times of the shared clock.
func alignedOffset(t, ref *trackClock) time.Duration {
	return ref.offset - ref.reports.offset + t.reports.offset
}

// adjust moves t towards where it belongs.
func (c *Clock) adjust(t *trackClock, ticks int64, arrival time.Time) {
	now := t.offset + t.rtp.rate.Duration(ticks)
	elapsed := min(max(now-t.last, 0), time.Second)
	t.last = max(t.last, now)

	drift := t.drift.add(arrival, arrival.Sub(c.epoch)-now)
	other := c.other(t)
	follows := t == &c.tracks[0] && c.expects[1] // video follows audio
	if follows && other.rtp.started && t.reports.settled() && other.reports.settled() {
		e := alignedOffset(t, other) - t.offset
		sure := t.reports.agreed >= reportRepeats && other.reports.agreed >= reportRepeats
		switch {
		case !within(e, fastFrom) && !sure:
			// One of two clocks lies; wait for more reports.
		case !t.emitted:
			t.move(e)
		default:
			t.slew(e, elapsed)
		}
		return
	}
	if t.fast || !within(drift, fastFrom) {
		t.slew(drift, elapsed)
	}
}

// slew moves t by as much of e as elapsed media time allows.
func (t *trackClock) slew(e, elapsed time.Duration) {
	if !within(e, fastFrom) {
		t.fast = true
	} else if within(e, fastUntil) {
		t.fast = false
	}
	limit := time.Duration(float64(elapsed) * slewPerSecond.Seconds())
	if t.fast {
		inProportion := time.Duration(float64(max(e, -e)) * elapsed.Seconds() / fastDivisor)
		limit = max(limit, min(inProportion, elapsed/4))
	}
	t.move(min(max(e, -limit), limit))
}

func (t *trackClock) move(d time.Duration) {
	t.offset += d
	t.last += d
	t.drift.corrected(d)
}
