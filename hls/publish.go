package hls

import (
	"slices"

	"github.com/lectern/lectern/hls/playlist"
)

// textCache keeps the beginning of a rendition's playlists, which is built anew
// when a segment was finished, or a cue came, only.
type textCache struct {
	firstMSN, openMSN int
	cues              int // how many there were
	partsFrom         int // index of the first segment that is listed with parts
	full, delta       *playlist.Prefix
}

// publish builds the playlists anew if any rendition has changed and swaps them
// in at once. All of them change, since each reports the others' positions; but
// only those with new media wake their waiters.
func (p *Packager) publish() {
	// What the multivariant playlists say changes with segments and tracks only.
	changed := p.stale
	dirty := p.stale
	for _, r := range p.renditions {
		changed = changed || r.listsDue
		dirty = dirty || r.dirty && r.started
	}
	if !dirty {
		return
	}
	p.stale = false
	p.takeCues()
	p.log.Commit()
	begun := p.now()
	next := &view{snapshots: make(map[string]*Snapshot, len(p.renditions))}
	var reports []playlist.Report
	for _, r := range p.renditions {
		if r.visible() {
			next.names = append(next.names, r.name)
			msn, part := r.list.position()
			reports = append(reports, playlist.Report{Name: r.name, MSN: msn, Part: part})
		}
	}
	var wake []chan struct{}
	for _, r := range p.renditions {
		if !r.visible() {
			continue
		}
		if r.dirty {
			r.dirty = false
			wake = append(wake, r.changed)
			r.changed = make(chan struct{})
		}
		next.snapshots[r.name] = p.snapshot(r, reports)
		if edge := r.list.edge(); edge.After(next.edge) {
			next.edge = edge
		}
	}
	last := p.published.Load()
	next.multivariant, next.dvr = last.multivariant, last.dvr
	if changed || last.multivariant == nil {
		next.multivariant, next.dvr = p.multivariants(last.multivariant, last.dvr)
	}
	p.published.Store(next)
	for _, c := range wake {
		close(c)
	}
	p.metrics.publish.Observe(p.now().Sub(begun).Seconds())
}

// visible reports whether the rendition has a playlist.
func (r *rendition) visible() bool {
	return r.started && (len(r.list.rows) > 0 || len(r.list.open.parts) > 0)
}

func (p *Packager) snapshot(r *rendition, reports []playlist.Report) *Snapshot {
	l := &r.list
	texts := p.heads(r)
	s := &Snapshot{
		FirstMSN:  l.firstMSN(),
		NextMSN:   l.open.msn,
		NextPart:  len(l.open.parts),
		LastParts: l.lastParts,
		Ended:     l.ended,
		Changed:   r.changed,
	}
	p.lists(r)
	s.IFrames, s.dvr, s.recording = r.iFrameText, r.dvr, r.recording
	p.writer.Text = l.now(p.cues).AppendPresent(p.writer.Text[:0], texts.partsFrom, r.name, reports)
	tail := p.writer.Suffix(p.writer.Text)
	s.Full = p.writer.Join(texts.full, tail)
	s.Delta = s.Full
	if texts.delta != nil && !l.ended {
		s.Delta = p.writer.Join(texts.delta, tail)
	}
	return s
}

// heads returns the beginning of the rendition's playlists.
func (p *Packager) heads(r *rendition) *textCache {
	l, c := &r.list, &r.texts
	live := l.window()
	if c.full != nil && len(live) > 0 && c.firstMSN == l.firstMSN() && c.openMSN == l.open.msn && c.cues == p.cues.Len() {
		return c
	}
	target := p.cfg.targetDuration()
	*c = textCache{firstMSN: l.firstMSN(), openMSN: l.open.msn, cues: p.cues.Len(), partsFrom: playlist.Before(live, 3*target)}
	if past := len(l.parts) - (len(live) - c.partsFrom); past > 0 {
		l.parts = slices.Delete(l.parts, 0, past) // never listed again
	}
	p.writer.Text = l.now(p.cues).AppendPast(p.writer.Text[:0], p.preamble, 0, c.partsFrom)
	c.full = p.writer.Prefix(p.writer.Text)
	if skip := playlist.Before(live, 6*target); skip > 0 {
		p.writer.Text = l.now(p.cues).AppendPast(p.writer.Text[:0], p.preamble, skip, c.partsFrom)
		c.delta = p.writer.Prefix(p.writer.Text)
	}
	return c
}

// lists makes the lists anew that change with whole segments.
func (p *Packager) lists(r *rendition) {
	l := &r.list
	live := l.window()
	if !r.listsDue || len(live) == 0 {
		return
	}
	r.listsDue = false
	target := int64(p.cfg.targetDuration().Seconds())
	r.iFrameText = nil
	if playlist.HasIFrames(live) {
		d := p.writer.Document(playlist.AppendIFrames(p.writer.Text[:0], live, target, l.ended))
		r.iFrameText = &d
	}
	if p.cfg.DVRWindow > 0 {
		r.dvr = &playlist.Long{
			Rows: l.rows, Cues: p.cues, Preamble: p.dvrPreamble, Until: playlist.Before(l.rows, 6*p.cfg.targetDuration()),
			Ended: l.ended, Target: target,
		}
	}
}
