package segment

import (
	"bytes"
	"fmt"
	"time"
)

// PutInit stores an Init, which can be read when PutInit returns; the disk
// follows behind. Ids must rise; putting the same Init again is harmless. It
// returns [ErrRenditionName] or [ErrOutOfOrder].
func (l *Log) PutInit(rendition string, in Init) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, err := l.renditionLocked(rendition)
	if err != nil {
		return fmt.Errorf("put init: %w", err)
	}
	if old, ok := r.init(in.ID); ok && bytes.Equal(old.Data, in.Data) {
		return nil
	}
	if in.ID < r.nextInit || len(in.Data) == 0 {
		return fmt.Errorf("put init %d of rendition %q: %w", in.ID, rendition, ErrOutOfOrder)
	}
	r.nextInit = in.ID + 1
	in.Epoch = l.epoch
	stored := &storedInit{Init: in, at: time.Now()}
	r.inits.Store(in.ID, stored)
	r.ids = append(r.ids, in.ID)
	if !l.stopped {
		l.dirtyLocked(task{rendition: r, init: stored})
	}
	return nil
}

// BeginSegment tells what is certain of the segment that the rendition's next part
// begins, so that a crash in its middle leaves a segment behind. It returns
// [ErrRenditionName], or [ErrOutOfOrder] when a segment is under way already or
// h.MSN was used.
func (l *Log) BeginSegment(rendition string, h Head) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, err := l.renditionLocked(rendition)
	if err != nil {
		return fmt.Errorf("begin segment: %w", err)
	}
	if r.growing != nil || h.MSN <= r.lastMSN {
		return fmt.Errorf("begin segment %d of rendition %q: %w", h.MSN, rendition, ErrOutOfOrder)
	}
	r.growing = l.newEntry(r, h.MSN)
	r.growing.head = &h
	return nil
}

func (l *Log) newEntry(r *rendition, msn int) *entry {
	e := &entry{rendition: r, epoch: l.epoch, msn: msn}
	e.body.Store(&body{})
	return e
}

// AppendPart adds a part to the segment msn that is being built; it is readable
// when AppendPart returns, but see [Log.Commit]. The log keeps p.Data, which must not
// change any more. It never blocks on the disk. It returns [ErrRenditionName], or
// [ErrOutOfOrder] when the part does not follow the last one.
func (l *Log) AppendPart(rendition string, msn int, p Part) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, err := l.renditionLocked(rendition)
	if err != nil {
		return fmt.Errorf("append part: %w", err)
	}
	e := r.growing
	if e == nil {
		e = l.newEntry(r, msn)
	}
	b := e.body.Load()
	if e.msn != msn || msn <= r.lastMSN || p.Index != len(b.parts) || len(p.Data) == 0 {
		return fmt.Errorf("append part %d.%d of rendition %q: %w", msn, p.Index, rendition, ErrOutOfOrder)
	}
	now := time.Now()
	e.change(func(b *body) {
		// Appending in place is safe: states already published end before it.
		b.parts = append(b.parts, part{
			data: p.Data, size: len(p.Data), at: now, duration: p.Duration, independent: p.Independent,
		})
		b.meta.Bytes += int64(len(p.Data))
	})
	r.growing = e
	if p.Index == 0 {
		r.segments.Store(msn, e)
	}
	l.addMemoryLocked(int64(len(p.Data)))
	if !l.stopped {
		l.appends.parts++
		l.growLocked(e)
	}
	l.releaseLocked(now)
	return nil
}

// FinishSegment closes segment s.MSN: it is readable as a whole at once, and
// the disk write goes on behind. s.Parts and s.Bytes are taken from the parts
// that were appended; nothing else knows their sizes. A Gap may have parts: they
// stay in memory for Config.PartRetention, for players that were told of them, but
// the segment cannot be opened and is not recorded. It returns [ErrRenditionName],
// [ErrNotFound] when the Init that s names was never put, or [ErrOutOfOrder].
func (l *Log) FinishSegment(rendition string, s Segment) error {
	l.mu.Lock()
	e, err := l.finishLocked(rendition, s)
	lost := ""
	if err == nil {
		lost = e.body.Load().lost
	}
	l.mu.Unlock()
	if lost != "" {
		l.reportGap(e, lost, nil)
	}
	return err
}

func (l *Log) finishLocked(rendition string, s Segment) (*entry, error) {
	r, err := l.renditionLocked(rendition)
	if err != nil {
		return nil, fmt.Errorf("finish segment: %w", err)
	}
	e := r.growing
	if e == nil && s.Gap && s.MSN > r.lastMSN {
		e = l.newEntry(r, s.MSN)
	}
	if e == nil || e.msn != s.MSN || !s.Gap && len(e.body.Load().parts) == 0 {
		return nil, fmt.Errorf("finish segment %d of rendition %q: %w", s.MSN, rendition, ErrOutOfOrder)
	}
	if _, ok := r.init(s.InitID); !ok && !s.Gap {
		return nil, fmt.Errorf("finish segment %d of rendition %q: init %d: %w", s.MSN, rendition, s.InitID, ErrNotFound)
	}
	now := time.Now()
	e.change(func(b *body) {
		s.Parts, s.Bytes, s.Epoch, s.Torn = nil, b.meta.Bytes, e.epoch, false
		if s.Gap {
			s.Bytes, s.IFrameBytes = 0, 0
		}
		b.meta, b.finished, b.lost = s, now, l.loseLocked(s)
	})
	r.growing, r.lastMSN = nil, s.MSN
	r.order = append(r.order, e)
	r.listed = append(r.listed, e)
	r.window += s.Duration
	r.longest = max(r.longest, r.window)
	if b := e.body.Load(); len(b.parts) > 0 {
		l.held, l.divisible = append(l.held, e), append(l.divisible, e)
		l.queueLocked(e, b)
	}
	if !l.stopped {
		l.growLocked(e)
	}
	l.releaseLocked(now)
	return e, nil
}

// Expire tells the log that segments of rendition below msn have left the short live
// playlist just now. Those that the disk could not take stay in memory for their
// Availability Duration, which is their own duration plus that of the longest
// playlist that listed them (RFC 8216bis §6.2.2), and are lost then. Files stay:
// they are the recording.
func (l *Log) Expire(rendition string, msn int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.find(rendition)
	if !ok {
		return
	}
	now := time.Now()
	n := 0
	for ; n < len(r.listed) && r.listed[n].msn < msn; n++ {
		e := r.listed[n]
		d := e.body.Load().meta.Duration
		e.expires = now.Add(d + r.longest)
		r.window -= d
		r.listed[n] = nil
	}
	r.listed = r.listed[n:]
	l.releaseLocked(now)
}
