package hls

import (
	"fmt"
	"math"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/storage/segment"
)

// openHead writes the tags that stand before the open segment's first part
// (RFC 8216bis §4.4.4.9), once its first sample is known.
func (r *rendition) openHead(sp *span) {
	r.list.openHead(r.pack.epoch, headOf{
		initID:        r.init.ID,
		discontinuity: sp.discontinuity,
		sequence:      sp.sequence,
		date:          r.firstWall.Add(r.segStart - r.firstPTS),
	})
}

// finish ends the open segment at the presentation time end and lists it. A held
// sample stays for the next one. A rendition that has had no media yet has no
// playlist to list anything in: it only counts.
func (r *rendition) finish(sp *span, end time.Duration) error {
	open := &r.list.open
	if !r.started {
		*open = openSegment{msn: sp.msn + 1, fresh: true}
		return nil
	}
	if err := r.closePart(true); err != nil {
		return err
	}
	gap := len(open.parts) == 0
	mediaTime := r.firstPTS
	if gap {
		if open.fresh {
			r.segStart = sp.start
		}
		mediaTime = r.segStart
		r.firstPTS, r.firstWall = sp.start, sp.wall
		r.openHead(sp)
	}
	s := segment.Segment{
		MSN:                   open.msn,
		Duration:              min(max(stated(end)-stated(r.segStart), time.Millisecond), r.pack.cfg.longest()),
		ProgramDateTime:       open.head.date,
		MediaTime:             mediaTime,
		MediaEnd:              end,
		InitID:                r.init.ID,
		Discontinuity:         sp.discontinuity,
		DiscontinuitySequence: sp.sequence,
		Gap:                   gap,
		Bytes:                 open.bytes,
		Parts:                 open.parts,
	}
	if !gap {
		s.MediaEnd = r.track.Timescale.Duration(r.cursor)
	}
	if err := r.pack.log.FinishSegment(r.name, s); err != nil {
		return fmt.Errorf("finish segment %d of rendition %q: %w", s.MSN, r.name, err)
	}
	r.measure(s)
	r.list.finishOpen(r.pack.epoch, s)
	r.dirty = true
	r.segStart = end
	r.samples = 0
	if r.hasSamples = r.held != nil; r.hasSamples {
		r.firstPTS, r.firstWall = r.held.pts, r.held.capturedAt
		r.openHead(r.pack.spans.get(s.MSN + 1))
	}
	if gone := r.list.slide(r.pack.cfg.Window); gone > 0 {
		r.pack.log.Expire(r.name, r.list.segments[0].MSN)
	}
	return nil
}

// stated is a time as playlists state it: to the microsecond. Durations are
// differences of stated times, so their sums do not drift.
func stated(d time.Duration) time.Duration { return d.Round(time.Microsecond) }

func (r *rendition) measure(s segment.Segment) {
	m := r.pack.metrics
	m.segments.WithLabelValues(r.kind.String()).Inc()
	if s.Gap {
		m.gaps.WithLabelValues(r.kind.String()).Inc()
		return
	}
	r.rate.add(s.Bytes, s.Duration, r.pack.cfg.targetDuration())
	if r.kind == media.KindVideo && s.Duration >= time.Second {
		r.fps = max(r.fps, float64(r.samples)/s.Duration.Seconds())
	}
}

// discontinue prepares for the first segment behind a discontinuity; everything
// before it is finished.
func (r *rendition) discontinue(msn int) {
	r.declared, r.waiting = false, true
	r.cursor = -1
	r.hasSamples, r.samples = false, 0
	r.list.open = openSegment{msn: msn, fresh: true}
}

// frameRate is the FRAME-RATE of the rendition, 0 if unknown: the highest that
// was measured (Apple 9.15), in the words of the parameter sets or else of the
// usual rates where they agree with it.
func (r *rendition) frameRate() float64 {
	stated := r.init.FrameRate
	if r.fps == 0 || math.Abs(r.fps-stated) < 0.05*stated {
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

// rateMeter measures the bit rates that the multivariant playlist states.
type rateMeter struct {
	bytes    int64
	duration time.Duration
	peak     float64 // bits a second

	run     int64 // bytes of the segments that are too short to count alone
	runTime time.Duration
}

// add takes the next segment. The peak is that of runs of segments that last at
// least half a target duration (RFC 8216bis §4.1, peak segment bit rate).
func (m *rateMeter) add(size int64, d, target time.Duration) {
	m.bytes += size
	m.duration += d
	m.run += size
	m.runTime += d
	if m.runTime >= target/2 {
		m.peak = max(m.peak, float64(m.run*8)/m.runTime.Seconds())
		m.run, m.runTime = 0, 0
	}
}

// average returns bits a second, the first segments' own if nothing else.
func (m *rateMeter) average() float64 {
	if m.duration <= 0 {
		return 0
	}
	return float64(m.bytes*8) / m.duration.Seconds()
}

// highest returns the peak; before there is one, the average.
func (m *rateMeter) highest() float64 { return max(m.peak, m.average()) }
