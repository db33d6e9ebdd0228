package timeline

import (
	"cmp"
	"slices"
	"time"

	"github.com/lectern/lectern/media"
)

// A jump concerns the clock that all tracks of a publication share, but each
// track shows it with its own next sample. So a sample off the clock is set
// aside (track.wild) until it is known what it was:
//
//   - the track returns to the clock within three samples: damage, restamp;
//   - all tracks leave it for the same new clock: a jump, one new run;
//   - one track leaves it and the other goes on for a second: realign that track.

// offClock reports whether a time does not continue the publication's clock.
func (t *Timeline) offClock(tr *track, at time.Duration) bool {
	if at >= t.clock+maxGap {
		return true
	}
	if tr.seen {
		return at < tr.last-maxBack
	}
	return at < t.clock-maxGap
}

// continues reports whether b can follow a on one clock.
func continues(a, b time.Duration) bool { return b >= a-maxBack && b < a+maxGap }

// near reports whether two times of different tracks can be on one clock.
func near(a, b time.Duration) bool { return a-b < maxGap && b-a < maxGap }

// judge decides what becomes of a sample in an open run.
func (t *Timeline) judge(tr *track, h held) {
	if !t.offClock(tr, h.DTS) {
		t.restamp(tr, h.DTS, true)
		t.accept(tr, h)
		t.realignStrays(tr)
		return
	}
	if n := len(tr.wild); n > 0 && !continues(tr.wild[n-1].DTS, h.DTS) {
		t.restamp(tr, 0, false)
		if !t.offClock(tr, h.DTS) { // restamping moved the clock up to it
			t.accept(tr, h)
			return
		}
	}
	if len(tr.wild) == 0 {
		tr.wildClock = t.clock
	}
	tr.wild = append(tr.wild, h)
	if !t.replaying && t.jumped(tr, h.DTS) {
		t.jump(h.DTS)
	}
}

// jumped reports whether the publication's clock, and not that of one track, now
// stands near at. tr is the track whose newest wild sample that is.
func (t *Timeline) jumped(tr *track, at time.Duration) bool {
	agree := 0
	for _, o := range t.tracks {
		for _, h := range o.wild {
			if near(h.DTS, at) {
				agree++
			}
		}
	}
	if agree < wildToConfirm {
		return false
	}
	for _, o := range t.tracks {
		n := len(o.wild)
		agrees := n > 0 && near(o.wild[n-1].DTS, at)
		if o == tr || agrees || !o.seen || o.absent {
			continue
		}
		// The other track has not jumped. If it is silent there is no saying
		// whether it would have: wait for a second of this track.
		if t.clock != tr.wildClock || at-tr.wild[0].DTS < maxWait {
			return false
		}
	}
	return true
}

// jump starts a new run with all samples near at.
func (t *Timeline) jump(at time.Duration) {
	var first []held
	for _, tr := range t.tracks {
		tr.wild = slices.DeleteFunc(tr.wild, func(h held) bool {
			if near(h.DTS, at) {
				first = append(first, h)
				return true
			}
			return false
		})
	}
	slices.SortFunc(first, func(a, b held) int { return cmp.Compare(a.seq, b.seq) })
	t.restart(first, maxLeadIn)
}

// restart begins a new run of the same tracks with these samples.
func (t *Timeline) restart(first []held, leadIn time.Duration) {
	tracks, waitedFor := t.next, []media.Track(nil)
	if t.missing { // what has not come so far is not waited for anew
		tracks, waitedFor = nil, t.next
	}
	if tracks == nil {
		for _, tr := range t.tracks {
			tracks = append(tracks, tr.Track)
		}
	}
	t.closeRun()
	t.before = nil
	t.prepareRun(tracks, media.DiscontinuityTimestamps, leadIn)
	t.next, t.missing = waitedFor, waitedFor != nil
	t.replay(first)
}

// restamp takes the track's wild samples for damage and spreads them behind its
// last good one; next is the time of the sample after them, if there is one.
func (t *Timeline) restamp(tr *track, next time.Duration, haveNext bool) {
	if len(tr.wild) == 0 {
		return
	}
	wild := tr.wild
	tr.wild = nil
	step := tr.duration()
	if haveNext && tr.seen {
		step = max(min(step, (next-tr.last)/time.Duration(len(wild)+1)), 0)
	}
	for _, h := range wild {
		if !tr.seen {
			t.drop(h, RepairTrimmed)
			continue
		}
		at := tr.last + step
		h.PTS += at - h.DTS
		h.DTS = at
		t.sink.Repaired(RepairRestamped)
		t.accept(tr, h)
	}
}

// realignStrays realigns tracks that left the clock for good while tr went on.
func (t *Timeline) realignStrays(tr *track) {
	for _, o := range t.tracks {
		if o != tr && len(o.wild) >= wildToConfirm && t.clock-o.wildClock > maxWait {
			t.realign(o)
		}
	}
}

// realign shifts a track that left the clock back to it, wild samples included.
func (t *Timeline) realign(tr *track) {
	if len(tr.wild) == 0 {
		return
	}
	at := tr.wildClock
	if tr.seen && tr.wildClock-tr.last < maxWait {
		at = tr.last + tr.duration()
	}
	shift := at - tr.wild[0].DTS
	tr.bias += shift
	wild := tr.wild
	tr.wild = nil
	t.sink.Repaired(RepairRealigned)
	for _, h := range wild {
		h.DTS += shift
		h.PTS += shift
		t.accept(tr, h)
	}
}
