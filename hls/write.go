package hls

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/lectern/lectern/hls/internal/cmaf"
	"github.com/lectern/lectern/media"
)

// maxHole is, in segment durations, how long the lead may be silent before what
// follows is treated as a discontinuity and not as a row of gaps.
const maxHole = 10

// Names of renditions whose tracks have none: a publisher's own.
const (
	renditionSource = "source"
	renditionAudio  = "audio"
)

// discontinue ends what is open and takes over the tracks of d.
func (p *Packager) discontinue(d *media.Discontinuity) error {
	p.metrics.discontinuities.WithLabelValues(d.Reason.String()).Inc()
	tracks := d.Tracks
	if len(tracks) == 0 {
		for _, r := range p.renditions {
			if r.declared {
				tracks = append(tracks, r.track)
			}
		}
	}
	if err := p.breakOff(); err != nil {
		return err
	}
	clear(p.tracks)
	p.lead = nil
	for _, t := range tracks {
		if err := p.declare(t); err != nil {
			return err
		}
	}
	if p.lead == nil {
		return nil
	}
	samePublisher := d.Reason == media.DiscontinuityLost || d.Reason == media.DiscontinuityTimestamps
	p.resetGrid(samePublisher)
	return nil
}

// breakOff finishes every segment and puts a discontinuity before the next.
func (p *Packager) breakOff() error {
	if err := p.endSpans(); err != nil {
		return err
	}
	p.spans.discontinuity = true
	p.watermark = -1
	for _, r := range p.renditions {
		r.discontinue(p.spans.next)
	}
	return nil
}

func (p *Packager) resetGrid(keepGaps bool) {
	longestFrame := time.Duration(0)
	for _, r := range p.tracks {
		if r.kind == media.KindAudio {
			longestFrame = max(longestFrame, r.frame)
		}
	}
	// Audio ends at a frame's end, up to one frame behind the cut.
	p.grid.limit = p.cfg.longest() - longestFrame
	p.grid.reset(p.lead.frame, p.lead.kind == media.KindAudio, keepGaps)
}

// declare binds a track to its rendition, which may be new. A track that cannot
// be packaged is left out.
func (p *Packager) declare(t media.Track) error {
	kind := t.Codec.Kind()
	name := t.Rendition
	if name == "" {
		name = renditionSource
		if kind == media.KindAudio {
			name = renditionAudio
		}
	}
	i := slices.IndexFunc(p.renditions, func(r *rendition) bool { return r.name == name })
	if !regexp.MustCompile(`^[a-z0-9_-]{1,32}$`).MatchString(name) || kind == media.KindUnknown ||
		i >= 0 && (p.renditions[i].declared || p.renditions[i].kind != kind) {
		p.logger.Warn("track left out", "track", int(t.ID), "rendition", name, "reason", "rendition name taken or invalid")
		return nil
	}
	r := newRendition(p, name, kind, p.spans.next)
	r.discontinue(p.spans.next)
	r.inits = p.lost[name]
	if i >= 0 {
		r = p.renditions[i]
	}
	if err := r.configure(t); err != nil {
		if errors.Is(err, cmaf.ErrFormat) {
			p.logger.Warn("track left out", "track", int(t.ID), "rendition", name, "reason", "format", "err", err)
			return nil
		}
		return err
	}
	if i < 0 {
		p.renditions = append(p.renditions, r)
	}
	r.declared = true
	p.tracks[t.ID] = r
	if p.lead == nil || p.lead.kind != media.KindVideo && kind == media.KindVideo {
		p.lead = r
	}
	return nil
}

// write takes the next access unit.
func (p *Packager) write(au *media.AccessUnit) error {
	r := p.tracks[au.Track]
	if r == nil {
		p.metrics.dropped.WithLabelValues(dropNoTrack).Inc()
		return nil
	}
	random := au.RandomAccess || r.kind == media.KindAudio
	if r.waiting && !random {
		p.metrics.dropped.WithLabelValues(dropNoStart).Inc()
		return nil
	}
	payload := withoutParameterSets(au.Payload, r.track)
	if len(payload) == 0 {
		p.metrics.dropped.WithLabelValues(dropEmpty).Inc()
		return nil
	}
	r.waiting = false

	pts := r.track.Timescale.Duration(au.PTS)
	p.watermark = max(p.watermark, r.track.Timescale.Duration(au.DTS))
	if err := p.catchUp(); err != nil {
		return err
	}
	if p.spans.open && r == p.lead && pts-p.grid.start > maxHole*p.cfg.SegmentDuration {
		if err := p.breakOff(); err != nil {
			return err
		}
		p.restore()
		p.resetGrid(true)
		r.waiting = false
	}
	if !p.spans.open {
		p.spans.begin(pts, au.CapturedAt)
		p.grid.begin(pts)
	}
	if r.list.open.fresh && !r.hasSamples && (pts-p.grid.start).Abs() <= startSlack {
		p.grid.begin(min(p.grid.start, pts))
	}
	if err := p.cutBefore(r, au, pts, random); err != nil {
		return err
	}
	for p.spans.closed(r.list.open.msn) && pts >= p.spans.get(r.list.open.msn).end {
		if r.held != nil {
			if err := r.settle(au.DTS); err != nil {
				return err
			}
		}
		sp := p.spans.get(r.list.open.msn)
		if err := r.finish(sp, r.edge(sp.end, pts)); err != nil {
			return err
		}
	}
	err := r.push(au, payload, p.spans.get(r.list.open.msn))
	p.release()
	return err
}

// restore takes up the tracks again after breakOff.
func (p *Packager) restore() {
	for _, r := range p.tracks {
		r.declared = true
		r.waiting = r.kind == media.KindVideo && r != p.lead
	}
}

// release forgets the spans that every rendition has finished.
func (p *Packager) release() {
	lowest := p.spans.next
	for _, r := range p.renditions {
		lowest = min(lowest, r.list.open.msn)
	}
	p.spans.release(lowest)
}

// edge is where the segment that was to be cut at end does end, the next access
// unit being at pts. Audio frames do not fall on the grid of the pictures.
func (r *rendition) edge(end, pts time.Duration) time.Duration {
	if r.kind == media.KindAudio && pts-end <= r.frame {
		return pts
	}
	return end
}

// withoutParameterSets returns the NAL units of payload that are not already in
// the sample entry: avc1 and hvc1 keep them there only (ISO/IEC 14496-15
// §5.3.2, §8.3.2).
func withoutParameterSets(payload [][]byte, t media.Track) [][]byte {
	for i, unit := range payload {
		if !isParameterSet(unit, t) {
			continue
		}
		kept := slices.Clone(payload[:i])
		for _, u := range payload[i+1:] {
			if !isParameterSet(u, t) {
				kept = append(kept, u)
			}
		}
		return kept
	}
	return payload
}

func isParameterSet(unit []byte, t media.Track) bool {
	if len(unit) == 0 {
		return true // nothing to store
	}
	for _, set := range t.Video.ParameterSets {
		if bytes.Equal(unit, set) {
			return true
		}
	}
	return false
}
