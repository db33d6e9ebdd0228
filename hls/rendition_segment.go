package hls

import (
	"fmt"
	"math"
	"time"

	"github.com/lectern/lectern/hls/playlist"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/storage/segment"
)

// openHead writes the tags that stand before the open segment's first part
// (RFC 8216bis §4.4.4.9), once. What they say of sp is final from then on.
func (r *rendition) openHead(sp *span) {
	if len(r.list.open.text) > 0 {
		return
	}
	sp.fixed = true
	r.list.openHead(playlist.Head{
		InitID:        r.init.ID,
		MapLine:       r.mapLines[r.init.ID],
		Discontinuity: sp.discontinuity,
		Sequence:      sp.sequence,
		Date:          sp.wall,
	})
}

// finish ends the open segment, which is that of sp, and lists it. Its date and
// duration are those of sp, so the same in every rendition: what sound there is
// starts up to a frame later. A held sample stays for the next segment. A rendition
// that has had no media yet has no playlist to list anything in: it only counts.
func (r *rendition) finish(sp *span) error {
	open := &r.list.open
	r.floor = max(r.floor, sp.end)
	if !r.started {
		*open = openSegment{msn: sp.msn + 1, fresh: true}
		r.broken = false
		return nil
	}
	if err := r.fillTo(sp.end); err != nil {
		return err
	}
	if err := r.closePart(true); err != nil {
		return err
	}
	r.openHead(sp)
	s := segment.Segment{
		MSN:                   open.msn,
		Duration:              min(max(sp.duration(), time.Millisecond), r.pack.cfg.longest()),
		ProgramDateTime:       open.head.Date,
		MediaTime:             sp.start,
		MediaEnd:              sp.end,
		InitID:                open.head.InitID,
		Discontinuity:         sp.discontinuity,
		DiscontinuitySequence: sp.sequence,
		Gap:                   !r.whole(sp),
		Parts:                 open.parts,
		Captions:              uint8(r.carried),
	}
	if !s.Gap {
		s.MediaTime, s.MediaEnd = r.firstPTS, r.track.Timescale.Duration(r.cursor)
		s.Bytes, s.IFrameBytes = open.bytes, r.iFrame
	}
	if err := r.pack.log.FinishSegment(r.name, s); err != nil {
		return fmt.Errorf("finish segment %d of rendition %q: %w", s.MSN, r.name, err)
	}
	r.measure(s)
	if !s.Gap && !r.shed {
		r.withdrawn = false
	}
	r.list.finishOpen(s)
	r.dirty, r.listsDue = true, true
	r.samples, r.iFrame, r.carried, r.broken = 0, 0, 0, false
	if r.hasSamples = r.held != nil; r.hasSamples {
		r.firstPTS = r.held.pts
	}
	if gone := r.list.slide(r.pack.cfg.Window, r.pack.cfg.DVRWindow); gone > 0 {
		r.pack.log.Expire(r.name, r.list.firstMSN())
	}
	return nil
}

func (r *rendition) measure(s segment.Segment) {
	m := r.pack.metrics
	m.segments.WithLabelValues(r.kind.String()).Inc()
	if s.Gap {
		m.gaps.WithLabelValues(r.kind.String()).Inc()
		return
	}
	r.shown = r.formats[s.InitID]
	r.rate.add(s.Bytes, s.Duration, r.pack.cfg.targetDuration())
	r.iFrames.add(s.IFrameBytes, s.Duration, r.pack.cfg.targetDuration())
	if d := r.mediaEnd - r.firstPTS; r.kind == media.KindVideo && d >= time.Second {
		r.fps = max(r.fps, float64(r.samples)/d.Seconds())
	}
}

// discontinue prepares for the first segment behind a discontinuity; everything
// before it is finished.
func (r *rendition) discontinue(msn int) {
	r.declared, r.waiting = false, true
	r.cursor, r.any = -1, false
	r.hasSamples, r.samples, r.iFrame, r.carried, r.broken = false, 0, 0, 0, false
	r.shed = false // until it is said again; it stays withdrawn
	r.list.open = openSegment{msn: msn, fresh: true}
}

// frameRate is the FRAME-RATE of the rendition, 0 if unknown: the highest that its
// encoders have stated or that was measured (Apple 9.15), in the words of the parameter
// sets or else of the usual rates where they agree with it.
func (r *rendition) frameRate() float64 {
	if r.init.Encoded && r.stated > 0 {
		return r.stated
	}
	stated := r.init.FrameRate
	if r.fps == 0 || math.Abs(r.fps-stated) < 0.1*stated {
		return stated
	}
	nearest := r.fps
	for _, usual := range []float64{24000.0 / 1001, 24, 25, 30000.0 / 1001, 30, 50, 60000.0 / 1001, 60} {
		if d := math.Abs(r.fps - usual); d < 0.05 && (nearest == r.fps || d < math.Abs(r.fps-nearest)) {
			nearest = usual
		}
	}
	return nearest
}
