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
	stored := &storedInit{Init: in, at: time.Now()}
	r.inits.Store(in.ID, stored)
	if !l.stopped {
		l.enqueueLocked(job{rendition: r, init: stored, bytes: jobOverhead + int64(len(in.Data))})
	}
	return nil
}

// AppendPart adds a part to the segment msn that is being built; it is readable
// when AppendPart returns. The log keeps p.Data, which must not change any more.
// It never blocks on the disk. It returns [ErrRenditionName], or [ErrOutOfOrder]
// when the part does not follow the last one.
func (l *Log) AppendPart(rendition string, msn int, p Part) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, err := l.renditionLocked(rendition)
	if err != nil {
		return fmt.Errorf("append part: %w", err)
	}
	e, b := r.growing, &body{}
	if e == nil {
		e = &entry{rendition: r, msn: msn}
	} else {
		b = e.body.Load()
	}
	if e.msn != msn || msn <= r.lastMSN || p.Index != len(b.parts) || len(p.Data) == 0 {
		return fmt.Errorf("append part %d.%d of rendition %q: %w", msn, p.Index, rendition, ErrOutOfOrder)
	}
	// Appending in place is safe: states already published end before it.
	e.body.Store(&body{
		parts: append(b.parts, part{data: p.Data, size: len(p.Data), at: time.Now()}),
		size:  b.size + int64(len(p.Data)),
	})
	e.meta.Parts = append(e.meta.Parts, Part{Index: p.Index, Duration: p.Duration, Independent: p.Independent})
	if r.growing == nil {
		r.growing = e
		r.segments.Store(msn, e)
	}
	l.addMemoryLocked(int64(len(p.Data)))
	l.releaseLocked(time.Now())
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
	defer l.mu.Unlock()
	r, err := l.renditionLocked(rendition)
	if err != nil {
		return fmt.Errorf("finish segment: %w", err)
	}
	e := r.growing
	switch {
	case s.Gap && e == nil && s.MSN > r.lastMSN:
		e = &entry{rendition: r, msn: s.MSN}
		e.body.Store(&body{})
	case e == nil || e.msn != s.MSN:
		return fmt.Errorf("finish segment %d of rendition %q: %w", s.MSN, rendition, ErrOutOfOrder)
	case !s.Gap:
		if _, ok := r.init(s.InitID); !ok {
			return fmt.Errorf("finish segment %d of rendition %q: init %d: %w", s.MSN, rendition, s.InitID, ErrNotFound)
		}
	}
	now := time.Now()
	b := *e.body.Load()
	b.finished, b.gap = now, s.Gap
	s.Parts, s.Bytes = e.meta.Parts, b.size
	if s.Gap {
		s.Parts, s.Bytes, s.IFrameBytes = nil, 0, 0
	}
	e.meta = s
	e.body.Store(&b)
	r.segments.Store(s.MSN, e)
	r.growing, r.lastMSN = nil, s.MSN
	r.listed = append(r.listed, e)
	r.window += s.Duration
	r.longest = max(r.longest, r.window)
	if len(b.parts) > 0 {
		l.held = append(l.held, e)
	}
	l.recordLocked(e)
	l.releaseLocked(now)
	return nil
}

// Expire tells the log that segments of rendition below msn have left the
// playlist just now: their memory may be released after their Availability
// Duration, which is their own duration plus that of the longest playlist that
// listed them (RFC 8216bis §6.2.2). Files stay: they are the recording.
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
		e.expires = now.Add(e.meta.Duration + r.longest)
		r.window -= e.meta.Duration
		r.listed[n] = nil
	}
	r.listed = r.listed[n:]
	l.releaseLocked(now)
}

// releaseLocked gives up the memory that nobody needs any more: segments past
// their Availability Duration, the parts of gaps when parts are not served any
// longer, and above the memory limit the oldest that the
// disk can serve. If that is not enough, the disk is dead or far behind, and the
// oldest segments are lost. What waits for the disk is kept: the queue has its
// own bound.
func (l *Log) releaseLocked(now time.Time) {
	kept := l.held[:0]
	for _, e := range l.held {
		over := !e.expires.IsZero() && !now.Before(e.expires)
		if b := e.body.Load(); b.gap && now.Sub(b.finished) > l.cfg.PartRetention {
			over = true
		}
		if e.pending || !over {
			kept = append(kept, e)
			continue
		}
		l.dropLocked(e)
	}
	clear(l.held[len(kept):])
	l.held = kept
	if l.memory <= l.cfg.MemoryBytes {
		return
	}
	l.shrinkLocked(func(e *entry) bool { return e.body.Load().saved })
	l.shrinkLocked(func(e *entry) bool {
		if e.pending {
			return false
		}
		l.metrics.released.Inc()
		return true
	})
}

// shrinkLocked drops segments, oldest first, until the memory limit holds.
func (l *Log) shrinkLocked(may func(*entry) bool) {
	kept := l.held[:0]
	for _, e := range l.held {
		if l.memory > l.cfg.MemoryBytes && may(e) {
			l.dropLocked(e)
			continue
		}
		kept = append(kept, e)
	}
	clear(l.held[len(kept):])
	l.held = kept
}

// dropLocked releases the memory of e, which the caller takes off the held
// list. An entry that the disk does not have is gone with it.
func (l *Log) dropLocked(e *entry) {
	b := e.body.Load()
	e.body.Store(b.released())
	if !b.saved {
		e.rendition.segments.Delete(e.msn)
	}
	l.addMemoryLocked(-b.size)
}

// addMemoryLocked counts n bytes. What a Log holds after Run is between it and
// the garbage collector: nobody says when it is forgotten.
func (l *Log) addMemoryLocked(n int64) {
	l.memory += n
	if !l.stopped {
		l.metrics.memoryBytes.Add(float64(n))
	}
}
