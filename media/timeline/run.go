package timeline

import (
	"slices"
	"time"

	"github.com/lectern/lectern/media"
)

// prepareRun sets up a run that opens once the lead reaches a random access
// point. The run before must be closed.
func (t *Timeline) prepareRun(tracks []media.Track, reason media.DiscontinuityReason, leadIn time.Duration) {
	t.next, t.missing = nil, false
	if t.reason == 0 { // else a run that never opened: its reason still holds
		t.reason = reason
	}
	t.leadIn = leadIn
	t.started = false
	t.replaceTracks(tracks)
}

// replaceTracks sets the tracks of a run that has not opened. What is held of
// tracks that stay as they are is kept.
func (t *Timeline) replaceTracks(tracks []media.Track) {
	var fresh []*track
	stays := map[media.TrackID]bool{}
	for _, m := range tracks {
		tr := &track{Track: m}
		if old := t.find(m.ID); old != nil {
			tr.bias = old.bias
			stays[m.ID] = old.SameFormat(m)
		}
		fresh = append(fresh, tr)
	}
	oldLead := t.lead
	t.tracks, t.lead, t.awaited = fresh, nil, patience{}
	if len(fresh) > 0 {
		t.lead = fresh[leadIndex(tracks)]
	}
	leads := oldLead != nil && t.lead != nil && oldLead.ID == t.lead.ID && stays[t.lead.ID]
	t.started = t.started && leads
	t.hold = slices.DeleteFunc(t.hold, func(h held) bool {
		if stays[h.Track] && (leads || h.Track != t.lead.ID) {
			return false
		}
		t.drop(h, RepairTrimmed)
		return true
	})
}

// await holds a sample until the run can open: until the lead's random access
// point is there and it is known how far the other tracks precede it.
func (t *Timeline) await(tr *track, h held) {
	switch {
	case t.started:
	case tr == t.lead:
		t.awaited = patience{}
		if !h.RandomAccess {
			t.drop(h, RepairTrimmed)
			return
		}
		t.started, t.startAt = true, h.DTS
	case t.awaited.spent(h.DTS):
		t.goWithoutLead(h)
		return
	}
	t.hold = append(t.hold, h)
	if !t.started {
		t.trimLeadIn(h)
		return
	}
	if t.leadIn == 0 || h.DTS-t.startAt >= maxWait || t.holdsAll() {
		t.openRun()
	}
}

// goWithoutLead opens the run with the tracks that there are. The leading one
// joins, with a run of its own, at its first random access point if it ever
// comes: it is announced already.
func (t *Timeline) goWithoutLead(newest held) {
	var all, others []media.Track
	for _, tr := range t.tracks {
		all = append(all, tr.Track)
		if tr != t.lead {
			others = append(others, tr.Track)
		}
	}
	hold := append(t.hold, newest)
	t.hold = nil
	t.replaceTracks(others)
	t.next, t.missing = all, true
	t.replay(hold)
}

// patience adds up the media time of samples that waited for something.
type patience struct {
	begun bool
	last  time.Duration
	total time.Duration
}

// spent counts a sample, and reports whether leadWait is over. A step counts for
// a second at most: a jump is no wait.
func (p *patience) spent(at time.Duration) bool {
	if p.begun {
		p.total += min(max(at-p.last, 0), maxStep)
	}
	p.begun, p.last = true, at
	return p.total >= leadWait
}

// trimLeadIn drops what is too old to precede a random access point that may
// come with or after the newest sample.
func (t *Timeline) trimLeadIn(newest held) {
	t.hold = slices.DeleteFunc(t.hold, func(h held) bool {
		if h.seq == newest.seq || h.Track != newest.Track || h.DTS <= newest.DTS && newest.DTS-h.DTS <= maxLeadIn {
			return false
		}
		t.drop(h, RepairTrimmed)
		return true
	})
}

// holdsAll reports whether each track has a sample that can be in the run.
func (t *Timeline) holdsAll() bool {
	for _, tr := range t.tracks {
		if !slices.ContainsFunc(t.hold, func(h held) bool {
			return h.Track == tr.ID && h.DTS >= t.startAt-t.leadIn
		}) {
			return false
		}
	}
	return true
}

// openRun fixes how the publication's clock maps to the class's and emits the
// discontinuity; hold becomes the first of the run.
func (t *Timeline) openRun() {
	t.origin = t.startAt
	for _, h := range t.hold {
		if h.DTS < t.origin && t.startAt-h.DTS <= t.leadIn {
			t.origin = h.DTS
		}
	}
	t.base, t.clock = t.end, t.startAt

	// The sample that took the least time to get here dates the run.
	first := true
	var lead time.Duration
	for _, h := range t.hold {
		if d := h.DTS - t.startAt; d >= maxGap || d < -t.leadIn {
			continue
		}
		if l := h.arrival - (h.DTS - t.origin); first || l < lead {
			first, lead = false, l
		}
	}
	if t.before != nil { // the clock goes on: so does the wall clock
		went := t.wall.at(t.before.base + t.origin - t.before.origin)
		lead = went.Sub(t.wall.start.Round(0))
		t.before = nil
	}
	t.wall.anchor(t.base, lead)

	d := &media.Discontinuity{Reason: t.reason}
	for _, tr := range t.tracks {
		d.Tracks = append(d.Tracks, tr.Track)
	}
	t.opened, t.begun, t.reason = true, true, 0
	t.sink.Discontinuity(d)
	t.lead.accept(t.startAt)
	hold := t.hold
	t.hold, t.started = nil, false
	t.replay(hold)
}

// replay sends samples that were held the way they would go now. None of them
// can be found to be a jump: that is left to the next new sample, since a jump
// replays as well.
func (t *Timeline) replay(samples []held) {
	outer := t.replaying
	t.replaying = true
	for _, h := range samples {
		switch tr := t.find(h.Track); {
		case tr == nil:
			t.drop(h, RepairTrimmed)
		case t.opened:
			t.judge(tr, h)
		default:
			t.await(tr, h)
		}
	}
	t.replaying = outer
}

// closeRun emits what is held back and ends the run.
func (t *Timeline) closeRun() {
	if t.opened {
		for _, tr := range t.tracks {
			t.restamp(tr, 0, false)
		}
		t.emit(true)
		t.end = t.runEnd()
		t.wall.close(t.end)
		t.opened = false
	}
	for _, h := range t.hold {
		t.drop(h, RepairTrimmed)
	}
	t.hold, t.started = nil, false
}

// runEnd is the media time at which everything placed in the run ends.
func (t *Timeline) runEnd() time.Duration {
	end := t.base
	for _, tr := range t.tracks {
		if tr.placed {
			end = max(end, tr.end())
		}
	}
	return end
}

// relieve makes room when too much is held back.
func (t *Timeline) relieve() {
	switch {
	case t.opened:
		for _, tr := range t.tracks {
			t.realign(tr)
		}
		t.emit(true)
	case t.started:
		t.openRun()
	case len(t.hold) > 0:
		h := t.hold[0]
		t.hold = t.hold[1:]
		t.drop(h, RepairTrimmed)
	}
}
