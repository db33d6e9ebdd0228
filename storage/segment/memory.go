package segment

import "time"

// releaseLocked gives up the memory that nobody needs any more: segments that the
// disk can serve once a newer one was finished, those that it cannot serve past their
// Availability Duration, and the parts of gaps when parts are not served any longer.
// Above the memory limit the oldest go even if only memory has them: then the disk is
// dead or far behind. What waits for the disk is kept: it has its own bound.
func (l *Log) releaseLocked(now time.Time) {
	l.dropWhereLocked(func(e *entry, b *body) bool {
		switch {
		case e.pending:
			return false
		case b.meta.Gap:
			return b.partsOver(now, l.cfg.PartRetention)
		case b.file != "":
			return e.msn != e.rendition.lastMSN
		default:
			return !e.expires.IsZero() && !now.Before(e.expires)
		}
	})
	if l.memory > l.cfg.MemoryBytes {
		l.dropWhereLocked(func(e *entry, b *body) bool { return l.memory > l.cfg.MemoryBytes && b.file != "" })
	}
	if l.memory > l.cfg.MemoryBytes {
		l.dropWhereLocked(func(e *entry, _ *body) bool {
			if e.pending || l.memory <= l.cfg.MemoryBytes {
				return false
			}
			l.metrics.released.Inc()
			return true
		})
	}
	n := 0
	for ; n < len(l.divisible); n++ {
		if b := l.divisible[n].body.Load(); b.inMemory() || !b.partsOver(now, l.cfg.PartRetention) {
			break
		}
		l.divisible[n].change(func(b *body) { b.parts = nil })
		l.divisible[n] = nil
	}
	l.divisible = l.divisible[n:]
}

// dropWhereLocked releases the memory of those finished segments that may go.
func (l *Log) dropWhereLocked(may func(*entry, *body) bool) {
	kept := l.held[:0]
	for _, e := range l.held {
		if b := e.body.Load(); may(e, b) {
			l.dropLocked(e, b)
			continue
		}
		kept = append(kept, e)
	}
	clear(l.held[len(kept):])
	l.held = kept
}

// dropLocked releases the memory of e, which the caller takes off the held
// list. An entry that the disk does not have is gone with it.
func (l *Log) dropLocked(e *entry, b *body) {
	e.body.Store(b.released())
	if b.file == "" {
		e.rendition.segments.Delete(e.msn)
	}
	for _, p := range b.parts {
		l.addMemoryLocked(-int64(p.size))
	}
}

// addMemoryLocked counts n bytes. What a Log holds after Run is between it and
// the garbage collector: nobody says when it is forgotten.
func (l *Log) addMemoryLocked(n int64) {
	l.memory += n
	if !l.stopped {
		l.metrics.memoryBytes.Add(float64(n))
	}
}
