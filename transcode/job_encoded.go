package transcode

import (
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/stream"
)

// encodedTrack is what a Job knows of one encoded rendition in a run.
type encodedTrack struct {
	track     media.Track
	described bool // Item.Track was sent
	waiting   bool // only a random access point may come next
	shed      bool // not made at present
	lost      bool // the encoder is gone, the track's next access unit ends that

	any     bool
	lastDTS int64 // of what was passed on
	reached int64 // highest PTS passed on
	gap     int64 // highest Gap.Until sent
}

// event handles what the encoder tells.
func (j *Job) event(e Event) {
	if e.Run != j.run && e.Lost == nil {
		return
	}
	switch {
	case e.AccessUnit != nil:
		j.encodedUnit(e.AccessUnit)
	case e.Opened != nil:
		j.describe(e.Opened)
	case e.Stopped != nil:
		j.stopped(*e.Stopped)
	case e.Drained:
		if j.drain != nil {
			j.drained()
		}
	case e.Lost != nil:
		j.lost(*e.Lost)
	case e.Stats != nil:
		j.stats(*e.Stats)
	case e.Thumbnail != nil:
		if j.observer != nil {
			j.observer.Thumbnail(j.clock.at(e.Thumbnail.PTS), *e.Thumbnail)
		}
	case e.Loudness != nil:
		if j.observer != nil {
			j.observer.Loudness(*e.Loudness)
		}
	}
}

// describe passes on the parameters of encoded tracks, if they are new.
func (j *Job) describe(tracks []media.Track) {
	for _, t := range tracks {
		k := j.encoded[t.ID]
		if k == nil {
			continue
		}
		// The plan names it; what the worker says is its format.
		t.Rendition, t.Encoded, t.MaxBitRate = k.track.Rendition, true, k.track.MaxBitRate
		if k.described && k.track.SameFormat(t) {
			continue
		}
		k.track, k.described = t, true
		j.emit(stream.Item{Track: &t})
	}
	j.publishState()
}

// encodedUnit passes on the next access unit of an encoded track.
func (j *Job) encodedUnit(au *media.AccessUnit) {
	t := j.encoded[au.Track]
	if t == nil || !t.described {
		return
	}
	random := au.RandomAccess || t.track.Codec.Kind() == media.KindAudio
	// A restarted encoder repeats what the one before it had made.
	again := t.any && (au.DTS <= t.lastDTS || t.waiting && au.PTS <= t.reached) || au.PTS < t.gap
	if again || t.waiting && !random {
		t.waiting = true
		return
	}
	if t.waiting || t.shed || t.lost {
		t.waiting, t.shed, t.lost = false, false, false
		j.publishState()
	}
	t.any, t.lastDTS, t.reached = true, au.DTS, max(t.reached, au.PTS)
	unit := *au
	unit.CapturedAt = j.clock.at(t.track.Timescale.Duration(au.PTS))
	j.emit(stream.Item{AccessUnit: &unit})
}

// stopped notes that a rung was shed.
func (j *Job) stopped(s Stopped) {
	t := j.encoded[s.Track]
	if t == nil {
		return
	}
	t.shed, t.waiting = true, true
	j.gapUntil(t, s.At)
	j.publishState()
}

// lost notes that the worker has ended.
func (j *Job) lost(l Lost) {
	for _, t := range j.encoded {
		t.waiting, t.lost = true, true
	}
	if l.Final && j.plan.Encodes() && j.begun {
		j.lostGood = true
		j.logger.Error("ladder given up", "reason", l.Reason, "err", l.Text)
	}
	if j.drain != nil {
		j.drained()
		return
	}
	j.publishLost(l)
	if l.Final {
		j.giveUp()
	}
}

// advance is called for each access unit of the lead: whenever a place is passed
// where segments can begin, it tells how far tracks that are missing are certain to
// have nothing.
func (j *Job) advance(au *media.AccessUnit) {
	lead := j.leadTrack()
	at := lead.Timescale.Duration(au.PTS)
	if !j.keys.observe(at, au.RandomAccess, lead.Codec.Kind() == media.KindAudio) {
		return
	}
	if j.lostGood {
		j.giveUp()
		return
	}
	for _, t := range j.sortedEncoded() {
		scale := t.track.Timescale
		switch {
		case t.shed || t.lost:
			// An encoder that begins anew begins at the latest keyframe, so what is
			// before the one before it will not come.
			j.gapUntil(t, scale.Ticks(j.keys.previous))
		case at-j.keys.first > maxLate && scale.Duration(t.reached) < at-maxLate:
			t.waiting = true
			j.gapUntil(t, scale.Ticks(at-maxLate))
		}
	}
}

// giveUp tells that no encoded track of the run goes on.
func (j *Job) giveUp() {
	for _, t := range j.sortedEncoded() {
		j.gapUntil(t, t.track.Timescale.Ticks(j.keys.last))
	}
}

func (j *Job) gapUntil(t *encodedTrack, until int64) {
	if until <= t.gap {
		return
	}
	t.gap = until
	j.emit(stream.Item{Gap: &media.Gap{Track: t.track.ID, Until: until, Shed: t.shed || j.lostGood}})
}

func (j *Job) sortedEncoded() []*encodedTrack {
	out := make([]*encodedTrack, 0, len(j.encoded))
	for _, t := range j.plan.Tracks {
		if k := j.encoded[t.ID]; k != nil {
			out = append(out, k)
		}
	}
	return out
}
