package hls

import (
	"bytes"
	"cmp"
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

	// renditionAudioOnly is sound for bad links: a variant, not part of others.
	renditionAudioOnly = "audio-only"
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
	for _, r := range p.renditions {
		// The last segment may end a little behind the publisher's last media: where
		// an encoder has filled a frame up, or the last picture was taken to stand.
		r.floor = -1
	}
	clear(p.tracks)
	p.lead, p.idle, p.stale = nil, false, true
	for _, t := range tracks {
		if err := p.declare(t); err != nil {
			return err
		}
	}
	p.sortRenditions(tracks)
	p.chooseLead(tracks)
	if p.lead == nil {
		return nil
	}
	samePublisher := d.Reason == media.DiscontinuityLost || d.Reason == media.DiscontinuityTimestamps
	p.resetGrid(d.Grid, samePublisher)
	return nil
}

// sortRenditions puts the renditions in the order of the tracks, best first, and
// those without a track behind.
func (p *Packager) sortRenditions(tracks []media.Track) {
	rank := make(map[*rendition]int, len(tracks))
	for i, t := range tracks {
		if r := p.tracks[t.ID]; r != nil && rank[r] == 0 {
			rank[r] = i + 1
		}
	}
	last := len(tracks) + 1
	slices.SortStableFunc(p.renditions, func(a, b *rendition) int {
		return cmp.Or(cmp.Compare(cmp.Or(rank[a], last), cmp.Or(rank[b], last)), cmp.Compare(a.kind, b.kind))
	})
}

// chooseLead finds the track at whose keyframes segments are cut: the publisher's
// own if possible, since encoded ones come later, and pictures rather than sound.
func (p *Packager) chooseLead(tracks []media.Track) {
	best := 0
	for _, t := range tracks {
		r := p.tracks[t.ID]
		if r == nil {
			continue
		}
		fitness := 1
		if r.kind == media.KindVideo {
			fitness += 2
		}
		if !t.Encoded {
			fitness++
		}
		if fitness > best {
			p.lead, best = r, fitness
		}
	}
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

// resetGrid begins to cut anew: at keyframes of the lead, or if distance is not 0
// at absolute times.
func (p *Packager) resetGrid(distance time.Duration, keepGaps bool) {
	longestFrame := time.Duration(0)
	for _, r := range p.tracks {
		if r.kind == media.KindAudio {
			longestFrame = max(longestFrame, r.frame)
		}
	}
	// Sound goes on up to one frame behind the cut.
	p.grid.limit = p.cfg.longest() - longestFrame
	if distance > 0 {
		p.grid.resetAbsolute(distance, p.lead.frame)
		return
	}
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
	if t.Announced() {
		r.announce(t)
	} else if err := r.configure(t); err != nil {
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
	return nil
}

// write takes the next access unit.
func (p *Packager) write(au *media.AccessUnit) error {
	r := p.tracks[au.Track]
	if r == nil {
		p.drop(dropNoTrack)
		return nil
	}
	random := au.RandomAccess || r.kind == media.KindAudio
	pts := r.track.Timescale.Duration(au.PTS)
	if p.idle {
		p.drop(dropLate)
		return nil
	}
	if r.track.Encoded {
		if reason := r.refuse(au, pts, random); reason != "" {
			r.waiting = true
			p.drop(reason)
			return nil
		}
	}
	if r.waiting && !random || r.lacksReference(au.Payload, random) {
		p.drop(dropNoStart)
		return nil
	}
	payload := withoutParameterSets(au.Payload, r.track)
	if len(payload) == 0 {
		p.drop(dropEmpty)
		return nil
	}
	r.waiting = false
	return p.place(r, au, payload, pts, random)
}

// place finds the segment of an access unit that is to be taken.
func (p *Packager) place(r *rendition, au *media.AccessUnit, payload [][]byte, pts time.Duration, random bool) error {
	if wall := p.wallOf(au, pts); pts >= p.anchor.pts || p.anchor.wall.IsZero() {
		p.anchor = anchor{pts: pts, wall: wall}
	}
	p.watermark = max(p.watermark, r.track.Timescale.Duration(au.DTS))
	if err := p.catchUp(); err != nil {
		return err
	}
	if p.spans.open && (r == p.lead || p.grid.every > 0) && pts-p.grid.start > maxHole*p.cfg.SegmentDuration {
		if err := p.breakOff(); err != nil {
			return err
		}
		p.restore()
		p.resetGrid(p.grid.distance, true)
		r.waiting = false
	}
	if !p.spans.open {
		p.spans.begin(pts, p.wallOf(au, pts))
		p.grid.begin(pts)
	}
	if sp := p.spans.current(); r == p.lead && !sp.fixed && r.list.open.fresh && !r.hasSamples &&
		r.list.open.msn == sp.msn && pts-sp.start >= -startSlack {
		// Another track came first, but pictures are what is cut.
		sp.start, sp.wall = pts, p.wallOf(au, pts)
		p.grid.begin(pts)
		for _, other := range p.tracks {
			other.forget(pts)
		}
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
		if err := r.finish(p.spans.get(r.list.open.msn)); err != nil {
			return err
		}
	}
	sp := p.spans.get(r.list.open.msn)
	if r.kind == media.KindAudio && r.list.open.fresh && !r.hasSamples && pts+r.frame <= sp.start {
		p.drop(dropNoStart) // before the first picture
		p.release()
		return nil
	}
	if r.track.Encoded {
		if !r.holds(sp, au, pts, random) {
			r.broken, r.waiting = true, true
			p.drop(dropBroken)
			p.release()
			return r.settleAlone(false)
		}
		r.returned()
	}
	err := r.push(au, payload, pts)
	p.release()
	return err
}

func (p *Packager) drop(reason string) { p.metrics.dropped.WithLabelValues(reason).Inc() }

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
