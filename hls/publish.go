package hls

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
)

// publish builds the playlists anew if any rendition has changed and swaps them
// in at once. All of them are built, since each reports the others' positions;
// but only those with new media wake their waiters.
func (p *Packager) publish() {
	dirty := false
	for _, r := range p.renditions {
		dirty = dirty || r.dirty && r.started
	}
	if !dirty {
		return
	}
	begun := p.now()
	next := &view{snapshots: make(map[string]*Snapshot, len(p.renditions))}
	var reports []report
	for _, r := range p.renditions {
		if r.visible() {
			next.names = append(next.names, r.name)
			msn, part := r.list.position()
			reports = append(reports, report{name: r.name, msn: msn, part: part})
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
	}
	next.multivariant = p.multivariant(p.published.Load().multivariant)
	p.published.Store(next)
	for _, c := range wake {
		close(c)
	}
	p.metrics.publish.Observe(p.now().Sub(begun).Seconds())
}

// visible reports whether the rendition has a playlist.
func (r *rendition) visible() bool {
	return r.started && (len(r.list.segments) > 0 || len(r.list.open.parts) > 0)
}

func (p *Packager) snapshot(r *rendition, reports []report) *Snapshot {
	var others []report
	for _, o := range reports {
		if o.name != r.name {
			others = append(others, o)
		}
	}
	l := &r.list
	target := p.cfg.targetDuration()
	partsFrom := l.before(3 * target)
	for i := range partsFrom {
		l.segments[i].parts = nil // never listed again
	}
	s := &Snapshot{
		FirstMSN:  l.firstMSN(),
		NextMSN:   l.open.msn,
		NextPart:  len(l.open.parts),
		LastParts: l.lastParts(),
		Ended:     l.ended,
		Changed:   r.changed,
	}
	s.Full = p.writer.document(l.appendText(p.writer.text[:0], p.preamble, p.epoch, 0, partsFrom, others))
	s.Delta = s.Full
	if skip := l.before(6 * target); skip > 0 && !l.ended {
		s.Delta = p.writer.document(l.appendText(p.writer.text[:0], p.preamble, p.epoch, skip, partsFrom, others))
	}
	return s
}

// documentWriter makes documents with buffers that it keeps.
type documentWriter struct {
	text   []byte // the next body is written here
	packed bytes.Buffer
	gzip   *gzip.Writer
}

// document copies text, which may be the writer's own, and compresses it.
func (w *documentWriter) document(text []byte) Document {
	w.text = text
	w.packed.Reset()
	if w.gzip == nil {
		// The level is valid, so there is no error.
		w.gzip, _ = gzip.NewWriterLevel(&w.packed, gzip.BestSpeed)
	} else {
		w.gzip.Reset(&w.packed)
	}
	_, _ = w.gzip.Write(text) // a bytes.Buffer does not fail
	_ = w.gzip.Close()
	sum := sha256.Sum256(text)
	tag := hex.EncodeToString(sum[:12])
	return Document{
		Body: bytes.Clone(text), Gzip: bytes.Clone(w.packed.Bytes()),
		ETag: `"` + tag + `"`, GzipETag: `"` + tag + `-gz"`,
	}
}
