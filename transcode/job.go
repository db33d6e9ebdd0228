package transcode

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/stream"
)

const (
	// drainTime is how long a run that has ended may hold up the next for what its
	// encoders still have.
	drainTime = 3 * time.Second

	// maxLate is how far behind the publisher an encoded track may be, in media
	// time, before what is missing is given up.
	maxLate = 6 * time.Second
)

// Source is where a Job takes a class's media from: a *stream.Reader.
type Source interface {
	// Poll returns the next item, if there is one, or stream.ErrEnded.
	Poll() (item stream.Item, ok bool, err error)

	// Ready is sent to when Poll may have something new.
	Ready() <-chan struct{}
}

// Observer is told what becomes of a class, and what an encoder finds beside the
// renditions. Its methods are called by the goroutine that calls Next and must not
// block.
type Observer interface {
	// Planned is called when a run begins, before its encoder is opened: State has
	// the plan. A level that is set meanwhile counts from the first picture on.
	Planned()

	// Thumbnail gives a picture of the source; at is its wall clock.
	Thumbnail(at time.Time, t Thumbnail)
	Loudness(Loudness)
}

// JobConfig are the constants of a Job.
type JobConfig struct {
	// MaxKeyframeInterval is how far apart the publisher's keyframes may be for
	// its pictures to be passed through.
	MaxKeyframeInterval time.Duration
}

// JobDeps are what a Job works with. Encoder and Observer may be nil: then
// nothing is encoded, and nobody is told.
type JobDeps struct {
	Ladder   *Ladder
	Source   Source
	Encoder  Encoder
	Observer Observer
	Logger   *slog.Logger
	Now      func() time.Time // default time.Now
}

// Job makes the ladder of one class from its publisher's stream. What is passed
// through goes on at once; encoded tracks join when they come, each in its own
// decoding order. An encoder that fails or falls behind becomes a media.Gap.
//
// A Job is pulled: Next belongs to one goroutine, the other methods may be called
// from any.
type Job struct {
	// Set by NewJob, then read-only.
	cfg      JobConfig
	source   Source
	encoder  Encoder
	observer Observer
	logger   *slog.Logger
	now      func() time.Time

	// Owned by Next.
	queue   []stream.Item // what Next returns before anything else
	run     uint32
	plan    Plan
	video   media.Track // of the publisher in this run; zero if there is none
	audio   media.Track
	passed  map[media.TrackID]bool
	encoded map[media.TrackID]*encodedTrack
	have    []string // encoded renditions the class has had
	clock   wallClock
	keys    keyClock
	kept    bool          // what Open is to be told
	begun   bool          // see begin
	start   time.Duration // where the run begins
	// passedUntil is where the presentation of what was passed through ends.
	passedUntil time.Duration
	drain       *drain // not nil while a run is being drained
	ended       error  // what Next returns once the queue is empty
	lostGood    bool   // the encoder is lost for good in this run

	mu     sync.Mutex // guards the fields below
	ladder *Ladder
	level  Level
	spec   Spec // of the run
	state  JobState
}

// drain is a run that waits for its encoders' last output.
type drain struct {
	then     func() // goes on with what ended the run
	deadline time.Time
}

// NewJob returns the job that makes the ladder from the source.
func NewJob(cfg JobConfig, d JobDeps) *Job {
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Job{
		cfg: cfg, ladder: d.Ladder, source: d.Source, encoder: d.Encoder, observer: d.Observer,
		logger: d.Logger.With("component", "transcode"), now: d.Now,
	}
}

// SetLadder replaces the ladder; the next run has it.
func (j *Job) SetLadder(l *Ladder) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ladder = l
}

// Next returns the next item of the ladder, in which every track carries the
// name of its rendition. It blocks as long as there is nothing, and returns
// stream.ErrEnded after the last item, or ctx's error.
func (j *Job) Next(ctx context.Context) (stream.Item, error) {
	for {
		if len(j.queue) > 0 {
			item := j.queue[0]
			j.queue[0] = stream.Item{}
			if j.queue = j.queue[1:]; len(j.queue) == 0 {
				j.queue = nil
			}
			return item, nil
		}
		if j.ended != nil {
			return stream.Item{}, j.ended
		}
		if j.step() {
			continue
		}
		if err := j.wait(ctx); err != nil {
			return stream.Item{}, err
		}
	}
}

// step takes what is there and reports whether there was anything.
func (j *Job) step() bool {
	if j.encoder != nil {
		if e, ok := j.encoder.Poll(); ok {
			j.event(e)
			return true
		}
	}
	if d := j.drain; d != nil {
		if j.now().Before(d.deadline) {
			return false
		}
		j.logger.Warn("encoders not drained in time", "duration", drainTime)
		j.drained()
		return true
	}
	item, ok, err := j.source.Poll()
	switch {
	case ok:
		j.take(item)
	case err != nil:
		j.endRun(func() { j.ended = err })
	default:
		return false
	}
	return true
}

func (j *Job) wait(ctx context.Context) error {
	var encoder <-chan struct{}
	if j.encoder != nil {
		encoder = j.encoder.Ready()
	}
	source := j.source.Ready()
	var deadline <-chan time.Time
	if j.drain != nil {
		t := time.NewTimer(j.drain.deadline.Sub(j.now()))
		defer t.Stop()
		source, deadline = nil, t.C
	}
	select {
	case <-source:
	case <-encoder:
	case <-deadline:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// take handles the source's next item.
func (j *Job) take(item stream.Item) {
	switch {
	case item.Discontinuity != nil:
		d := item.Discontinuity
		j.endRun(func() { j.startRun(d, PlanInput{Tracks: d.Tracks}, false) })
	case item.Interrupted:
		j.endRun(func() { j.emit(item) })
	case item.AccessUnit != nil:
		j.write(item.AccessUnit)
	}
}

// write takes the publisher's next access unit.
func (j *Job) write(au *media.AccessUnit) {
	lead := au.Track == j.leadTrack().ID
	if lead {
		at := j.leadTrack().Timescale.Duration(au.PTS)
		if j.mustEncode(au, at) {
			j.logger.Info("keyframes are too far apart to pass the pictures through", "duration", at-j.keys.last)
			j.endRun(func() {
				tracks := j.publisherTracks()
				j.startRun(&media.Discontinuity{Reason: media.DiscontinuityTracks, Tracks: tracks},
					PlanInput{Tracks: tracks, Encode: true, Start: max(at, j.passedUntil)}, true)
				j.write(au)
			})
			return
		}
		j.clock.observe(at, au.CapturedAt)
		j.begin(at)
	}
	if au.Track == j.audio.ID && j.plan.Grid == 0 {
		j.begin(j.audio.Timescale.Duration(au.PTS))
	}
	if !j.begun {
		return
	}
	if j.plan.Encodes() && !j.lostGood {
		j.encoder.Write(au)
	}
	if j.passed[au.Track] && (lead || j.end(au) >= j.start) {
		j.emit(stream.Item{AccessUnit: au})
		j.passedUntil = max(j.passedUntil, j.end(au))
	}
	if lead {
		j.advance(au)
	}
}

// end is when the presentation of a passed-through access unit ends, or for video,
// whose duration is not known, begins.
func (j *Job) end(au *media.AccessUnit) time.Duration {
	if au.Track == j.audio.ID {
		return j.audio.Timescale.Duration(au.PTS + int64(j.audio.Audio.FrameSamples))
	}
	return j.video.Timescale.Duration(au.PTS)
}

// leadTrack is the track whose time is the class's: video if there is any.
func (j *Job) leadTrack() media.Track {
	if j.video.ID != 0 {
		return j.video
	}
	return j.audio
}

func (j *Job) publisherTracks() []media.Track {
	var out []media.Track
	for _, t := range []media.Track{j.video, j.audio} {
		if t.ID != 0 {
			out = append(out, t)
		}
	}
	return out
}

// mustEncode reports whether segments would become too long if the pictures were
// passed through any longer.
func (j *Job) mustEncode(au *media.AccessUnit, at time.Duration) bool {
	if !j.passed[j.video.ID] || au.Track != j.video.ID || au.RandomAccess || !j.keys.any || j.lostGood {
		return false
	}
	if at-j.keys.last <= j.cfg.MaxKeyframeInterval || j.encoder == nil {
		return false
	}
	return j.currentLadder().Plan(PlanInput{Tracks: j.publisherTracks(), Encode: true}).Encodes()
}

func (j *Job) currentLadder() *Ladder {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.ladder
}

func (j *Job) emit(item stream.Item) { j.queue = append(j.queue, item) }
