package timeline

import (
	"time"

	"github.com/lectern/lectern/media"
)

// accept places a sample that is on the publication's clock and queues it.
func (t *Timeline) accept(tr *track, h held) {
	tr.accept(h.DTS)
	t.clock = max(t.clock, tr.last)
	if !tr.placed && h.DTS < t.origin {
		if behind := t.clock - h.DTS; behind > maxWait {
			t.noteLate(tr, behind)
		}
		t.drop(h, RepairTrimmed)
		return
	}
	at := t.base + h.DTS - t.origin
	if tr == t.lead {
		t.wall.observe(h.arrival, at)
	}
	dts, repair, ok := tr.place(at)
	if !ok {
		t.drop(h, repair)
		return
	}
	if late := t.emitted - tr.Timescale.Duration(dts); late > 0 {
		t.sink.Repaired(RepairLate)
		if dts, ok = t.placeLate(tr, late); !ok {
			t.heldBytes -= h.size
			t.heldSamples--
			return
		}
	} else {
		tr.late = 0
	}
	t.queue(tr, h, dts, repair)
}

// placeLate handles a sample whose time was passed on already. Sound is dropped;
// a picture is needed by those after it and comes at the first time left. A track
// that is late for a second is shifted, so that it is heard or seen at all.
func (t *Timeline) placeLate(tr *track, late time.Duration) (dts int64, ok bool) {
	if !t.noteLate(tr, late+tr.duration()) && tr.Codec.Kind() != media.KindVideo {
		return 0, false
	}
	dts = tr.Timescale.Ticks(t.emitted)
	for tr.Timescale.Duration(dts) < t.emitted {
		dts++
	}
	if tr.placed {
		dts = max(dts, tr.dts+1)
	}
	if tr.isSound() {
		tr.next, tr.mean = dts+int64(tr.Audio.FrameSamples), 0
	}
	return dts, true
}

// noteLate counts a late sample and shifts a track that has been late for more
// than a second.
func (t *Timeline) noteLate(tr *track, shift time.Duration) (shifted bool) {
	tr.late += tr.duration()
	if tr.late <= maxWait {
		return false
	}
	tr.late = 0
	tr.bias += shift
	tr.last += shift
	t.clock = max(t.clock, tr.last)
	t.sink.Repaired(RepairRealigned)
	return true
}

// queue makes the access unit.
func (t *Timeline) queue(tr *track, h held, dts int64, repair Repair) {
	pts := dts
	if tr.Codec.Kind() == media.KindVideo {
		pts = max(dts, tr.Timescale.Ticks(t.base+h.PTS-t.origin))
		if pts-dts > tr.Timescale.Ticks(maxComposition) {
			pts, repair = dts, RepairClamped
		}
	}
	if repair != 0 {
		t.sink.Repaired(repair)
	}
	if !tr.placed {
		tr.maxPTS = pts
	}
	tr.placed, tr.absent = true, false
	tr.dts, tr.maxPTS = dts, max(tr.maxPTS, pts)
	tr.queue = append(tr.queue, queued{
		au: &media.AccessUnit{
			Track:        tr.ID,
			PTS:          pts,
			DTS:          dts,
			CapturedAt:   t.wall.stamp(tr.Timescale.Duration(pts)),
			RandomAccess: h.RandomAccess,
			Payload:      h.Payload,
		},
		at: tr.Timescale.Duration(dts),
	})
}

// emit passes on, in order of DTS, what need not wait for another track; with
// all set, everything.
func (t *Timeline) emit(all bool) {
	for t.opened {
		var head *track
		var newest time.Duration
		waiting := false
		for _, tr := range t.tracks {
			if len(tr.queue) == 0 {
				waiting = waiting || !tr.absent
				continue
			}
			at := tr.queue[0].at
			if head == nil || at < head.queue[0].at || at == head.queue[0].at && tr == t.lead {
				head = tr
			}
			newest = max(newest, tr.queue[len(tr.queue)-1].at)
		}
		if head == nil || waiting && !all && newest-head.queue[0].at <= maxWait {
			return
		}
		if waiting {
			t.giveUp(newest)
		}
		q := head.pop()
		t.heldBytes -= q.au.Size()
		t.heldSamples--
		t.emitted = q.at
		t.sink.AccessUnit(q.au)
	}
}

// giveUp marks tracks that have been silent for long, or since the run began.
func (t *Timeline) giveUp(newest time.Duration) {
	for _, tr := range t.tracks {
		if len(tr.queue) == 0 && (!tr.placed || newest-tr.Timescale.Duration(tr.dts) > absentAfter) {
			tr.absent = true
		}
	}
}
