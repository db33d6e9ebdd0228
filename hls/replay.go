package hls

import (
	"cmp"
	"slices"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/storage/segment"
)

// replay takes up what earlier runs have published. A rendition that ends before
// the others, since a crash came between, is filled up with gaps: every
// rendition must continue with the same Media Sequence Number.
func (p *Packager) replay(renditions []segment.Rendition) {
	closeTorn(renditions)
	var longest []segment.Segment // of the rendition that got furthest
	for _, known := range renditions {
		if n := len(known.Segments); n > 0 && known.Segments[n-1].MSN >= p.spans.next {
			longest = known.Segments
			p.spans.next = known.Segments[n-1].MSN + 1
			p.spans.sequence = known.Segments[n-1].DiscontinuitySequence
		}
	}
	p.spans.published = len(longest) > 0
	p.spans.discontinuity = true
	for _, known := range renditions {
		if len(known.Inits) == 0 {
			// Nothing of it can be played; should the track come again, the
			// rendition begins anew behind the numbers that were used.
			p.lost[known.Name] = known.NextInit
			continue
		}
		p.renditions = append(p.renditions, p.resume(known, longest))
	}
	// As tracks come: pictures first, the best of each kind in front; what was
	// passed through has no cap.
	slices.SortStableFunc(p.renditions, func(a, b *rendition) int {
		return cmp.Or(
			cmp.Compare(a.kind, b.kind),
			cmp.Compare(b.init.Width*b.init.Height, a.init.Width*a.init.Height),
			cmp.Compare(uint(b.init.MaxBitRate-1), uint(a.init.MaxBitRate-1)),
			cmp.Compare(a.name, b.name),
		)
	})
}

// resume makes the rendition that continues known, up to the end of longest.
func (p *Packager) resume(known segment.Rendition, longest []segment.Segment) *rendition {
	last := known.Inits[len(known.Inits)-1]
	kind := media.KindAudio
	if last.Width > 0 {
		kind = media.KindVideo
	}
	r := newRendition(p, known.Name, kind, p.spans.next)
	for _, in := range known.Inits {
		r.take(in)
	}
	r.inits = max(last.ID+1, known.NextInit)
	segments := known.Segments
	for i := len(segments) - 1; i > 0; i-- {
		if segments[i-1].MSN != segments[i].MSN-1 {
			segments = segments[i:] // a playlist cannot skip a number
			break
		}
	}
	for _, s := range segments {
		r.replay(s)
	}
	if n := len(segments); n > 0 {
		for _, s := range longest {
			if s.MSN > segments[n-1].MSN {
				r.fill(s)
			}
		}
	}
	r.discontinue(p.spans.next)
	return r
}

func (r *rendition) replay(s segment.Segment) {
	r.started, r.dirty, r.listsDue = true, true, true
	r.captions |= captionSet(s.Captions)
	if !s.Gap {
		r.shown = r.formats[s.InitID]
		r.rate.add(s.Bytes, s.Duration, r.pack.cfg.targetDuration())
		r.iFrames.add(s.IFrameBytes, s.Duration, r.pack.cfg.targetDuration())
	}
	// After a quick restart players are still in the middle of these parts; later
	// the Log may have given them up.
	target := r.pack.cfg.targetDuration()
	recent := r.pack.now().Sub(s.ProgramDateTime.Add(s.Duration)) < 3*target
	r.list.replay(s, r.mapLines[s.InitID], recent)
	r.list.slide(r.pack.cfg.Window, r.pack.cfg.DVRWindow)
}

// fill adds a gap where another rendition has the segment s.
func (r *rendition) fill(s segment.Segment) {
	s.Gap, s.Parts, s.Bytes, s.IFrameBytes, s.Captions = true, nil, 0, 0, 0
	s.InitID, s.Epoch = r.init.ID, r.pack.epoch
	s.MediaEnd = s.MediaTime + max(s.Duration, time.Millisecond)
	r.pack.fillers = append(r.pack.fillers, filler{rendition: r.name, segment: s})
	r.replay(s)
}
