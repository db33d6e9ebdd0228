package hls

import (
	"time"

	"github.com/lectern/lectern/hls/playlist"
	"github.com/lectern/lectern/storage/segment"
)

// closeTorn gives a segment that the process died in the same duration in every
// rendition: the longest that any of them has of it, since viewers may have that.
func closeTorn(renditions []segment.Rendition) {
	longest := make(map[int]time.Duration)
	for _, r := range renditions {
		for _, s := range r.Segments {
			if s.Torn {
				longest[s.MSN] = 0
			}
		}
	}
	if len(longest) == 0 {
		return
	}
	each := func(do func(s *segment.Segment)) {
		for _, r := range renditions {
			for i := range r.Segments {
				if _, torn := longest[r.Segments[i].MSN]; torn {
					do(&r.Segments[i])
				}
			}
		}
	}
	each(func(s *segment.Segment) { longest[s.MSN] = max(longest[s.MSN], s.Duration) })
	each(func(s *segment.Segment) { s.Duration = longest[s.MSN] })
}

// record makes the recording of every rendition of what the Log has, which the
// packager may change. A rendition that came later than the others begins with gaps:
// a Media Sequence Number means the same in all of them.
func (p *Packager) record(known []segment.Rendition) {
	closeTorn(known)
	var longest []segment.Segment // of the rendition that came first
	for _, k := range known {
		if n := len(k.Segments); n > 0 && (len(longest) == 0 || k.Segments[0].MSN < longest[0].MSN) {
			longest = k.Segments
		}
	}
	preamble, target := p.opening().Recording(), int64(p.cfg.targetDuration().Seconds())
	for _, k := range known {
		r := p.rendition(k.Name)
		if r == nil || len(k.Segments) == 0 || len(k.Inits) == 0 {
			continue
		}
		l := list{rows: make([]playlist.Row, 0, len(k.Segments))}
		for _, s := range longest {
			if s.MSN == k.Segments[0].MSN {
				break
			}
			s.Gap, s.IFrameBytes, s.Parts = true, 0, nil
			s.InitID = k.Segments[0].InitID
			l.replay(s, r.mapLines[s.InitID], false)
		}
		for _, s := range k.Segments {
			l.replay(s, r.mapLines[s.InitID], false)
		}
		r.recording = &playlist.Long{Rows: l.rows, Cues: p.cues, Preamble: preamble, Ended: true, Target: target}
	}
}

// rendition returns the rendition of that name, nil if there is none.
func (p *Packager) rendition(name string) *rendition {
	for _, r := range p.renditions {
		if r.name == name {
			return r
		}
	}
	return nil
}
