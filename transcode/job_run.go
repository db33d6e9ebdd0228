package transcode

import (
	"slices"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/stream"
)

// endRun ends the run, once its encoders have given what they have, and then goes
// on. The source waits meanwhile.
func (j *Job) endRun(then func()) {
	if !j.plan.Encodes() || j.lostGood || !j.opened() {
		j.closeRun()
		then()
		return
	}
	j.drain = &drain{then: then, deadline: j.now().Add(drainTime)}
	j.encoder.Drain()
}

// opened reports whether any encoded track has been described in this run.
func (j *Job) opened() bool {
	for _, t := range j.encoded {
		if t.described {
			return true
		}
	}
	return false
}

// drained goes on after a drain.
func (j *Job) drained() {
	d := j.drain
	j.drain = nil
	j.closeRun()
	d.then()
}

// closeRun forgets the run: what its encoders may still send is dropped.
func (j *Job) closeRun() {
	j.run++
	j.plan = Plan{}
	j.encoded, j.passed = nil, nil
	j.lostGood = false
	j.publishState()
}

// startRun begins to make what the ladder plans for the tracks. kept tells that
// the publisher is the same, so that its latest keyframe need not be waited for.
func (j *Job) startRun(d *media.Discontinuity, in PlanInput, kept bool) {
	in.Have = j.have
	j.plan = j.currentLadder().Plan(in)
	if j.encoder == nil {
		j.plan.Spec.Video, j.plan.Spec.Audio = nil, nil
	}
	j.video, _ = media.Find(d.Tracks, media.KindVideo)
	j.audio, _ = media.Find(d.Tracks, media.KindAudio)
	j.passed = map[media.TrackID]bool{}
	j.encoded = map[media.TrackID]*encodedTrack{}
	j.keys = keyClock{grid: j.plan.Grid}
	j.clock = wallClock{}
	for _, t := range j.plan.Tracks {
		if !t.Encoded {
			j.passed[t.ID] = true
			continue
		}
		j.encoded[t.ID] = &encodedTrack{track: t, waiting: true}
		j.remember(t.Rendition)
	}
	j.emit(stream.Item{Discontinuity: &media.Discontinuity{Reason: d.Reason, Tracks: j.plan.Tracks, Grid: j.plan.Grid}})
	j.publishState()
	if j.observer != nil {
		j.observer.Planned()
	}
	j.begun, j.kept = false, kept
}

// begin fixes where the run begins, and what is encoded with it: at its first access
// unit, or where all pictures are encoded at the first picture; sound that is over by
// then is left out. Encoders are too slow to be waited for, so a segment that has begun
// with the sound alone would have no picture at its start.
func (j *Job) begin(at time.Duration) {
	if j.begun {
		return
	}
	j.begun, j.start = true, max(at, j.plan.Spec.Start)
	if j.plan.Encodes() {
		j.plan.Spec.Start = j.start
		j.open(j.kept)
	}
}

func (j *Job) remember(rendition string) {
	if !slices.Contains(j.have, rendition) {
		j.have = append(j.have, rendition)
	}
}

// wallClock knows the wall clock at the presentation times of late.
type wallClock struct {
	offsets []clockOffset // oldest first
}

// clockOffset is wall clock minus presentation time, from a time on.
type clockOffset struct {
	from time.Duration
	wall time.Time // at media time 0
}

const (
	offsetStep = time.Millisecond // a smaller change is no change
	maxOffsets = 256
)

func (c *wallClock) observe(at time.Duration, wall time.Time) {
	zero := wall.Add(-at)
	if n := len(c.offsets); n > 0 && zero.Sub(c.offsets[n-1].wall).Abs() < offsetStep {
		return
	}
	if len(c.offsets) == maxOffsets {
		c.offsets = append(c.offsets[:0], c.offsets[maxOffsets/2:]...)
	}
	c.offsets = append(c.offsets, clockOffset{from: at, wall: zero})
}

// at returns the wall clock at a presentation time.
func (c *wallClock) at(pts time.Duration) time.Time {
	for i := len(c.offsets) - 1; i > 0; i-- {
		if c.offsets[i].from <= pts {
			return c.offsets[i].wall.Add(pts)
		}
	}
	if len(c.offsets) == 0 {
		return time.Time{}
	}
	return c.offsets[0].wall.Add(pts)
}

// keyClock follows the places where segments can begin: the publisher's
// keyframes, or the grid's.
type keyClock struct {
	grid           time.Duration // 0: the publisher's keyframes
	any            bool
	first          time.Duration
	previous, last time.Duration
}

// observe takes the time of a picture, or of a frame if there is only sound, and
// reports whether a new place has been passed.
func (k *keyClock) observe(at time.Duration, random, sound bool) bool {
	grid := k.grid
	if grid == 0 && sound {
		grid = time.Second // any frame would do
	}
	if grid > 0 {
		at -= at % grid
		random = true
	}
	if !random || k.any && at <= k.last {
		return false
	}
	k.previous, k.last = k.last, at
	if !k.any {
		k.previous, k.first = at, at
	}
	k.any = true
	return true
}
