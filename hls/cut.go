package hls

import (
	"time"

	"github.com/lectern/lectern/media"
)

// cutBefore cuts the segment before au if the grid says so.
func (p *Packager) cutBefore(r *rendition, au *media.AccessUnit, pts time.Duration, random bool) error {
	if p.grid.every > 0 {
		return p.cutUpTo(pts)
	}
	wall := p.wallOf(au, pts)
	if r != p.lead {
		// The lead cuts long before this unless it has fallen silent.
		if !p.grid.overdue(r.track.Timescale.Duration(au.DTS), r.frame) {
			return nil
		}
		p.metrics.forcedCuts.Inc()
		return p.cut(pts, wall, r)
	}
	for pts-p.grid.start > p.grid.limit {
		at := p.endOfHole()
		if err := p.cut(at, wall.Add(at-pts), r); err != nil {
			return err
		}
	}
	shown := p.grid.maxPTS
	cut, forced := p.grid.advance(pts, random)
	if !cut {
		return nil
	}
	if forced {
		p.metrics.forcedCuts.Inc()
	}
	at := pts
	if random && shown > p.grid.start {
		at = r.presentedFrom(pts, shown, au.Payload)
	}
	return p.cut(at, wall.Add(at-pts), r)
}

// cutUpTo cuts at every absolute boundary up to pts.
func (p *Packager) cutUpTo(pts time.Duration) error {
	for p.spans.open && pts >= p.grid.boundary {
		if err := p.cut(p.grid.boundary, p.anchor.at(p.grid.boundary), nil); err != nil {
			return err
		}
	}
	return nil
}

// wallOf returns the wall clock of au.
func (p *Packager) wallOf(au *media.AccessUnit, pts time.Duration) time.Time {
	switch {
	case !au.CapturedAt.IsZero():
		return au.CapturedAt
	case !p.anchor.wall.IsZero():
		return p.anchor.at(pts)
	default:
		return p.now()
	}
}

// endOfHole is where to cut when the lead comes back after the open segment's
// limit: at the end of what the segment has, and then at regular distances.
func (p *Packager) endOfHole() time.Duration {
	end := p.grid.start
	for _, r := range p.tracks {
		if r.list.open.msn != p.spans.current().msn || !r.hasSamples {
			continue
		}
		end = max(end, r.mediaEnd)
		if r.held != nil {
			end = max(end, r.held.pts+r.frame)
		}
	}
	if end == p.grid.start {
		return end + p.cfg.SegmentDuration
	}
	return min(end, p.grid.start+p.grid.limit)
}

// cut closes the open segment at the presentation time at, wall clock wall, and
// opens the next. The rendition cause, whose access unit it is, and all that
// still have access units before at to come, finish their segment later.
func (p *Packager) cut(at time.Duration, wall time.Time, cause *rendition) error {
	msn := p.spans.current().msn
	p.spans.close(at)
	p.spans.begin(at, wall)
	p.grid.begin(at)
	for _, r := range p.renditions {
		if r == cause || r.list.open.msn != msn {
			continue
		}
		over := !r.declared || r.held != nil && r.held.pts >= at ||
			r.held == nil && r.track.Encoded && r.floor >= at
		if over {
			if err := r.finish(p.spans.get(msn)); err != nil {
				return err
			}
		}
	}
	return p.giveUpLaggards()
}

// catchUp deals with tracks that have fallen silent: since access units come in
// the order of their DTS, a track with nothing for a second below the watermark
// has nothing there. Encoded tracks are not in that order: their silences are told
// by Gaps.
func (p *Packager) catchUp() error {
	for _, r := range p.renditions {
		if !r.declared || r.track.Encoded {
			continue
		}
		if r.held == nil && r.quiet != nil || r.held != nil && p.watermark-r.track.Timescale.Duration(r.held.decode) > silence {
			if err := r.rest(p.watermark - silence); err != nil {
				return err
			}
		}
		for r.held == nil && p.spans.closed(r.list.open.msn) {
			sp := p.spans.get(r.list.open.msn)
			if p.watermark-sp.end <= silence {
				break
			}
			if err := r.finish(sp); err != nil {
				return err
			}
		}
	}
	return nil
}

// endSpans finishes every segment of every rendition where the media end.
func (p *Packager) endSpans() error {
	if p.spans.open {
		if end := p.contentEnd(); end > p.spans.current().start {
			p.spans.close(end)
		} else {
			p.spans.cancel() // nobody has anything in it
		}
	}
	for _, r := range p.renditions {
		if msn := r.list.open.msn; p.spans.closed(msn) {
			if err := r.settleLast(p.spans.get(msn).end); err != nil {
				return err
			}
		}
		for p.spans.closed(r.list.open.msn) {
			if err := r.finish(p.spans.get(r.list.open.msn)); err != nil {
				return err
			}
		}
	}
	p.spans.release(p.spans.next)
	return nil
}

// contentEnd is where the open segment ends if nothing more comes: where the lead's
// media do; or where all do, if some go on for more than a frame, and those of the lead
// and of other tracks that were passed through can be drawn out that far. What
// encoders have not made by then is missing. It is the segment's start if there are no
// media.
func (p *Packager) contentEnd() time.Duration {
	current := p.spans.current()
	end, limit, least := current.start, current.start+p.cfg.longest(), current.start
	frame := silence
	for _, r := range p.renditions {
		if r.list.open.msn != current.msn || !r.hasSamples {
			continue
		}
		end, frame = max(end, r.end()), min(frame, r.frame)
		if reach := r.reach(); reach > current.start && (r == p.lead || !r.track.Encoded) {
			limit = min(limit, reach)
		}
		if r == p.lead {
			least = r.end()
		}
	}
	if least > current.start && end-least <= frame {
		return least
	}
	return max(least, min(end, limit))
}
