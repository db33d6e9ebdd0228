package transcode

import (
	"slices"
	"time"

	"github.com/lectern/lectern/media"
)

// JobState is what a Job does at present.
type JobState struct {
	// Plan is the run's; zero while nobody publishes.
	Plan Plan

	Level      Level
	Renditions []RenditionState // best first

	// Stats are the encoder's latest.
	Stats Stats

	// Lost is why the encoder failed last, nil if it has not in this run.
	Lost *Lost
}

// RenditionState is that of one rendition.
type RenditionState struct {
	Track  media.Track
	Making Making
	Lag    time.Duration // of encoded video
	Drops  int           // pictures that were skipped for want of time
}

// Making says where a rendition comes from at present.
type Making string

// The ways in which a rendition is made, or why it is not.
const (
	MakingPassed   Making = "passed_through"
	MakingEncoded  Making = "encoded"
	MakingStarting Making = "starting" // also after a failure
	MakingShed     Making = "shed"     // to save time
	MakingFailed   Making = "failed"   // the encoder is given up
)

// State returns what the Job does. It may be called from any goroutine; what it
// returns is not changed any more.
func (j *Job) State() JobState {
	j.mu.Lock()
	defer j.mu.Unlock()
	st := j.state
	st.Level = j.level
	st.Renditions = slices.Clone(st.Renditions)
	for i := range st.Renditions {
		for _, r := range st.Stats.Rungs {
			if r.Track == st.Renditions[i].Track.ID && st.Renditions[i].Track.Encoded {
				st.Renditions[i].Lag, st.Renditions[i].Drops = r.Lag, r.Dropped
			}
		}
	}
	return st
}

// SetLevel cuts the ladder back, or restores it, from the next keyframe on. It
// may be called from any goroutine.
func (j *Job) SetLevel(l Level) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.level = l
	if j.encoder != nil {
		j.encoder.SetEffort(l.Effort(j.spec)) // does not block
	}
}

// open begins the encoder's run with the effort of the present level.
func (j *Job) open(kept bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.spec = j.plan.Spec
	j.encoder.SetEffort(j.level.Effort(j.spec))
	j.encoder.Open(j.run, j.spec, kept)
}

// publishState takes over what Next's goroutine knows.
func (j *Job) publishState() {
	renditions := make([]RenditionState, 0, len(j.plan.Tracks))
	for _, t := range j.plan.Tracks {
		r := RenditionState{Track: t, Making: MakingPassed}
		if k := j.encoded[t.ID]; k != nil {
			r.Track, r.Making = k.track, j.making(k)
		}
		renditions = append(renditions, r)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state.Plan, j.state.Renditions = j.plan, renditions
	if len(j.plan.Tracks) == 0 {
		j.state.Lost, j.state.Stats = nil, Stats{}
	}
}

func (j *Job) making(t *encodedTrack) Making {
	switch {
	case j.lostGood:
		return MakingFailed
	case t.shed:
		return MakingShed
	case t.lost || !t.described || t.waiting:
		return MakingStarting
	default:
		return MakingEncoded
	}
}

func (j *Job) publishLost(l Lost) {
	j.mu.Lock()
	j.state.Lost = &l
	j.mu.Unlock()
	j.publishState()
}

func (j *Job) stats(s Stats) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state.Stats = s
}
