package transcode

import (
	"time"

	"github.com/lectern/lectern/media"
)

// Encoder is a class's encoder as its Job sees it: a worker process that may die
// and come back. No method blocks. Poll and Ready belong to one goroutine, which
// may be another than that of the other methods.
type Encoder interface {
	// Open begins a run, which ends the one before: what is left of it is
	// dropped. Every Event carries the number of its run. The access units since the
	// latest keyframe, which the Encoder keeps, are decoded first if keep is true:
	// the run goes on with the same publisher.
	Open(run uint32, spec Spec, keep bool)

	// Write takes the publisher's next access unit. It is queued within a bound;
	// a full queue is emptied up to the next keyframe, and counted.
	Write(au *media.AccessUnit)

	// SetEffort changes the effort of this run and of those to come.
	SetEffort(Effort)

	// Drain asks for what is buffered; a Drained event follows, or Lost.
	Drain()

	// Poll returns the next event, if there is one.
	Poll() (Event, bool)

	// Ready is sent to, or is full, when Poll may have something new.
	Ready() <-chan struct{}
}

// Event is what an Encoder tells: Run and exactly one other field is set.
type Event struct {
	Run uint32

	// Opened are the encoded tracks, when the run has begun. It comes again after
	// Lost when the process was started anew.
	Opened []media.Track

	AccessUnit *media.AccessUnit // CapturedAt is not set
	Stopped    *Stopped
	Drained    bool
	Thumbnail  *Thumbnail
	Loudness   *Loudness
	Stats      *Stats

	// Lost tells that the process has ended and what was under way is gone. The
	// next Opened follows by itself unless the loss is final.
	Lost *Lost
}

// Stopped tells that a rung has nothing from At on, in ticks of its track.
type Stopped struct {
	Track media.TrackID
	At    int64
}

// Lost tells why encoding stopped.
type Lost struct {
	// Reason is a word from the code: "crashed", "killed", "memory", "silent",
	// "protocol", "spec", "start".
	Reason string

	// Text says more, for people.
	Text string

	// Final reports that it will not be tried again in this run.
	Final bool

	// Restart is when it will be tried again.
	Restart time.Time
}
