package timeline

import (
	"time"

	"github.com/lectern/lectern/media"
)

// Sink takes what a timeline emits, in order. Its methods are called from within
// the timeline's methods and must not call back.
type Sink interface {
	// Discontinuity opens a run. The callee owns d.
	Discontinuity(d *media.Discontinuity)

	// AccessUnit is the next of the run. It is immutable from here on.
	AccessUnit(au *media.AccessUnit)

	// Repaired tells that a sample was not passed on as it was.
	Repaired(r Repair)
}

// Position is where a class's clock stands.
type Position struct {
	// Media is the end of the last access unit.
	Media time.Duration

	// Wall is PROGRAM-DATE-TIME at Media, zero if nothing was published.
	Wall time.Time

	// Continues reports whether something was published before.
	Continues bool
}

// Timeline is the clock of one class. It is not safe for concurrent use.
type Timeline struct {
	// Set by New, then read-only.
	sink Sink

	// The class's clock: it outlives runs and publications.
	end   time.Duration // where the next run starts
	begun bool          // something was emitted, now or before a restart
	wall  wallClock

	// The publication.
	tracks []*track      // of the run
	lead   *track        // video, or else the first
	next   []media.Track // announced; in force from the lead's next random access point on
	// missing tells that next is what the run was meant to have: its lead has not
	// come, the other tracks are on the air.
	missing bool
	seq     uint64 // samples so far

	// What is held back: samples in hold, wild and queue.
	heldBytes, heldSamples int

	// The run, or the run to come while opened is false.
	reason  media.DiscontinuityReason
	leadIn  time.Duration // how far other tracks may precede the lead
	opened  bool
	hold    []held        // until it opens: a lead-in, then from the random access point on
	started bool          // hold has the lead's random access point
	startAt time.Duration // its DTS
	awaited patience      // how long the others have waited for the lead
	base    time.Duration // media time of origin
	origin  time.Duration // on the publication's clock
	clock   time.Duration // greatest accepted DTS of any track
	emitted time.Duration // DTS of the newest output, on the class's clock
	before  *mapping      // the run before, if the publication's clock goes on

	replaying bool // held samples are being judged again
}

// mapping ties the publication's clock to the class's.
type mapping struct{ base, origin time.Duration }

// New returns a timeline that continues at pos. now is the server's clock; its
// results should carry a monotonic reading, as time.Now's do.
func New(sink Sink, now func() time.Time, pos Position) *Timeline {
	return &Timeline{
		sink:  sink,
		end:   pos.Media,
		begun: pos.Continues,
		wall:  wallClock{now: now, end: pos.Wall.Round(0)},
	}
}

// Begin starts a publication with its first tracks. What the publication before
// left behind is flushed.
func (t *Timeline) Begin(tracks []media.Track) {
	t.closeRun()
	t.wall.begin()
	t.tracks, t.lead, t.next, t.missing, t.before = nil, nil, nil, false, nil
	reason := media.DiscontinuityStart
	if t.begun {
		reason = media.DiscontinuityReconnect
	}
	t.reason = 0 // of a run that never opened
	t.prepareRun(tracks, reason, maxLeadIn)
}

// SetTracks changes the tracks of the publication. What was on the air goes on
// until the leading one of the new tracks reaches a random access point; a new
// run starts there. Samples written after the call are in the new formats.
func (t *Timeline) SetTracks(tracks []media.Track) {
	switch {
	case !t.opened:
		t.replaceTracks(tracks)
	case t.runs(tracks):
		t.next, t.missing = nil, false
	default:
		t.next, t.missing = tracks, false
	}
}

// runs reports whether the run has just these tracks.
func (t *Timeline) runs(tracks []media.Track) bool {
	for _, m := range tracks {
		if tr := t.find(m.ID); tr == nil || !tr.SameFormat(m) {
			return false
		}
	}
	return len(tracks) == len(t.tracks)
}

// End ends the publication and emits everything that was held back.
func (t *Timeline) End() {
	t.closeRun()
	t.tracks, t.lead, t.next, t.missing, t.before = nil, nil, nil, false, nil
}

// Write takes the publication's next sample, and ownership of it.
func (t *Timeline) Write(s media.Sample) {
	h := held{Sample: s, arrival: t.wall.elapsed(), seq: t.seq, size: s.Size()}
	t.seq++
	t.heldBytes += h.size
	t.heldSamples++
	if h.size == 0 || outOfRange(s.DTS) || outOfRange(s.PTS) {
		t.drop(h, RepairInvalid)
		return
	}
	tr := t.find(s.Track)
	if t.next != nil {
		switch t.change(tr, h) {
		case changeDrops:
			t.drop(h, RepairTrimmed)
			return
		case changeDone:
			tr = t.find(s.Track)
		case changeWaits:
		}
	}
	if tr == nil {
		t.drop(h, RepairInvalid)
		return
	}
	h.DTS += tr.bias
	h.PTS += tr.bias
	switch {
	case !t.opened:
		t.await(tr, h)
	case tr == t.lead && h.RandomAccess && t.wall.lost() && !t.offClock(tr, h.DTS):
		// The publisher's clock runs slow. No picture is lost by a new run here.
		t.restart([]held{h}, 0)
	default:
		t.judge(tr, h)
	}
	for t.heldBytes > maxHeldBytes || t.heldSamples > maxHeldSamples {
		t.relieve()
	}
	t.emit(false)
}

// Position returns where the next run starts if the current one ends now.
func (t *Timeline) Position() Position {
	if !t.opened {
		return Position{Media: t.end, Wall: t.wall.end, Continues: t.begun}
	}
	end := t.runEnd()
	return Position{Media: end, Wall: t.wall.at(end), Continues: true}
}

// Ahead returns how far media time has run ahead of the server's clock since the
// run began (negative: behind), by the earliest arrivals of the last 15 s or more.
func (t *Timeline) Ahead() time.Duration {
	if !t.opened {
		return 0
	}
	return -t.wall.err() - t.wall.pushed
}

type changeState uint8

const (
	changeWaits changeState = iota // the sample belongs to the current run
	changeDrops                    // it belongs to neither run
	changeDone                     // the new tracks are in force
)

// change looks whether h lets the announced tracks come into force.
func (t *Timeline) change(tr *track, h held) changeState {
	announced, lead := -1, leadIndex(t.next)
	for i := range t.next {
		if t.next[i].ID == h.Track {
			announced = i
		}
	}
	switch {
	case announced < 0:
		return changeDrops
	case announced == lead && h.RandomAccess:
		var before *mapping
		if tr == nil || !t.offClock(tr, h.DTS+tr.bias) {
			before = &mapping{base: t.base, origin: t.origin}
		}
		tracks := t.next
		t.closeRun()
		t.before = before
		t.prepareRun(tracks, media.DiscontinuityTracks, 0)
		return changeDone
	case tr == nil || !tr.SameFormat(t.next[announced]):
		return changeDrops
	default:
		return changeWaits
	}
}

func (t *Timeline) find(id media.TrackID) *track {
	for _, tr := range t.tracks {
		if tr.ID == id {
			return tr
		}
	}
	return nil
}

// drop lets go of a sample.
func (t *Timeline) drop(h held, r Repair) {
	t.heldBytes -= h.size
	t.heldSamples--
	t.sink.Repaired(r)
}

func outOfRange(d time.Duration) bool { return d > maxTimestamp || d < -maxTimestamp }

func leadIndex(tracks []media.Track) int {
	for i := range tracks {
		if tracks[i].Codec.Kind() == media.KindVideo {
			return i
		}
	}
	return 0
}
