package hls

import (
	"errors"
	"time"

	"github.com/lectern/lectern/hls/internal/cmaf"
	"github.com/lectern/lectern/media"
)

const (
	// maxLag is how many segments an encoded rendition may be behind the class
	// before its oldest is given up.
	maxLag = 6
	// wholeEnd is how much may be missing at the end of a segment that counts as
	// whole.
	wholeEnd = time.Second
)

// describe takes over the parameters of an encoded track.
func (p *Packager) describe(t media.Track) error {
	r := p.tracks[t.ID]
	if r == nil || !t.Encoded || !r.track.Encoded || r.kind != t.Codec.Kind() {
		p.logger.Warn("track left out", "track", int(t.ID), "rendition", t.Rendition, "reason", "not announced")
		return nil
	}
	if !r.described || !t.SameFormat(r.track) {
		// What has come is decoded by the parameters of before.
		if err := r.settleAlone(false); err != nil {
			return err
		}
	}
	before := r.init.ID
	if err := r.configure(t); err != nil {
		if errors.Is(err, cmaf.ErrFormat) {
			p.logger.Warn("track left out", "track", int(t.ID), "rendition", r.name, "reason", "format", "err", err)
			r.described = false
			return nil
		}
		return err
	}
	if r.init.ID != before && len(r.list.open.parts) > 0 {
		r.broken = true // EXT-X-MAP holds for whole segments
	}
	p.stale = true
	return nil
}

// gap takes note that an encoded track has nothing before a time, and finishes
// the segments that are over by then.
func (p *Packager) gap(g media.Gap) error {
	r := p.tracks[g.Track]
	if r == nil || !r.track.Encoded || p.idle {
		return nil
	}
	until := r.track.Timescale.Duration(g.Until)
	var err error
	if g.Shed {
		err = r.settleAlone(false)
	} else {
		err = r.rest(until)
	}
	if err != nil {
		return err
	}
	r.waiting = true
	r.floor = max(r.floor, until)
	if g.Shed && !r.shed {
		r.shed, r.withdrawn, p.stale = true, true, true
	}
	if p.grid.every > 0 {
		if err := p.cutUpTo(until); err != nil {
			return err
		}
	}
	for p.spans.closed(r.list.open.msn) && p.spans.get(r.list.open.msn).end <= until {
		if err := r.finish(p.spans.get(r.list.open.msn)); err != nil {
			return err
		}
	}
	p.release()
	return nil
}

// giveUpLaggards ends the oldest segments of encoded renditions that are too far
// behind: spans are kept for all renditions, so there must be an end to it.
func (p *Packager) giveUpLaggards() error {
	for _, r := range p.renditions {
		if !r.declared || !r.track.Encoded {
			continue
		}
		for p.spans.current().msn-r.list.open.msn > maxLag {
			if err := r.settleAlone(true); err != nil {
				return err
			}
			if err := r.finish(p.spans.get(r.list.open.msn)); err != nil {
				return err
			}
			r.waiting = true
			p.metrics.givenUp.Inc()
		}
	}
	return nil
}

// refuse returns why the next access unit of an encoded rendition cannot be taken,
// as a value of the reason label, or "". What is refused is refused up to the next
// random access point.
func (r *rendition) refuse(au *media.AccessUnit, pts time.Duration, random bool) string {
	switch {
	case !r.described:
		return dropNoStart
	case pts < r.floor,
		random && r.any && pts <= r.lastPTS,
		!random && r.any && au.DTS <= r.lastDTS:
		// It belongs to a finished segment, or a restarted encoder repeats what the
		// one before it has made.
		return dropLate
	default:
		return ""
	}
}

// holds reports whether the open segment, which is that of sp, can take the access
// unit and still become whole.
func (r *rendition) holds(sp *span, au *media.AccessUnit, pts time.Duration, random bool) bool {
	switch {
	case r.broken:
		return false
	case r.kind != media.KindVideo:
		return true
	case !r.hasSamples:
		return random && (pts-sp.start).Abs() <= startSlack
	default:
		hole := r.track.Timescale.Duration(au.DTS - r.lastDTS)
		return hole <= max(silence, r.pack.grid.step*3/2, 2*r.frame)
	}
}

// whole reports whether the open segment, which ends as sp does, is fit to be
// played from its start to its end.
func (r *rendition) whole(sp *span) bool {
	switch {
	case len(r.list.open.parts) == 0:
		return false
	case !r.track.Encoded || r.kind != media.KindVideo:
		return true
	default:
		return !r.broken && r.mediaEnd-r.stands >= sp.end-wholeEnd
	}
}

// returned notes that an encoded rendition has media again.
func (r *rendition) returned() {
	if r.shed {
		r.shed = false
		r.pack.logger.Debug("rendition has returned", "rendition", r.name, "msn", r.list.open.msn)
	}
}
