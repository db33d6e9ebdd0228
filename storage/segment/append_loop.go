package segment

import "context"

// jobOverhead is what a finished segment counts beside its media, in bytes, while it
// waits for the disk.
const jobOverhead = 1 << 10

// task is one thing to bring to disk: exactly one of init, segment and cue is set.
type task struct {
	rendition *rendition // of init and segment
	init      *storedInit
	segment   *entry
	cue       *Cue
}

// growLocked lets appendLoop look at e.
func (l *Log) growLocked(e *entry) {
	if e.dirty {
		l.appends.all++
		return
	}
	e.dirty = true
	l.dirtyLocked(task{rendition: e.rendition, segment: e})
}

// dirtyLocked queues t for appendLoop and never blocks. The queue has no bound of its
// own: it has each segment once, and the segments and cues are bounded.
func (l *Log) dirtyLocked(t task) {
	l.appends.all++
	l.dirty = append(l.dirty, t)
	wake(l.appendWake)
}

func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // a wake-up is pending already
	}
}

// loseLocked returns why s can not be recorded, "" if it can or is a gap anyway.
//
// Drop policy: Config.WriteQueueBytes of finished segments may wait for the disk. One
// that does not fit is recorded as a gap and counted; what waited before stays, since
// giving up an older segment would make a hole just the same.
func (l *Log) loseLocked(s Segment) string {
	switch {
	case s.Gap:
		return ""
	case l.stopped:
		return reasonStopped
	case l.queued+s.Bytes+jobOverhead <= l.cfg.WriteQueueBytes:
		return ""
	case l.short != "":
		return l.short
	default:
		return reasonOverflow
	}
}

// queueLocked counts a finished segment that can be recorded.
func (l *Log) queueLocked(e *entry, b *body) {
	if b.lost != "" || b.meta.Gap {
		return
	}
	e.pending = true
	l.queued += b.meta.Bytes + jobOverhead
	l.metrics.queueBytes.Add(float64(b.meta.Bytes + jobOverhead))
}

// appendLoop brings to the operating system what has grown, until ctx ends and
// nothing is left. It makes nothing durable, so that no fsync delays a part.
func (l *Log) appendLoop(ctx context.Context) {
	for {
		l.appendDirty()
		select {
		case <-l.appendWake:
		case <-ctx.Done():
			if l.stop() {
				l.closeGrowing()
				return
			}
		}
	}
}

// stop ends appendLoop if nothing is dirty.
func (l *Log) stop() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.dirty) > 0 {
		return false
	}
	l.stopped = true
	l.metrics.memoryBytes.Sub(float64(l.memory))
	l.movedLocked()
	return true
}

// closeGrowing leaves the segments that grow to the next start.
func (l *Log) closeGrowing() {
	l.mu.Lock()
	var growing []*entry
	l.renditions.Range(func(_, v any) bool {
		if e := v.(*rendition).growing; e != nil && e.out != nil {
			growing = append(growing, e)
		}
		return true
	})
	l.mu.Unlock()
	for _, e := range growing {
		e.out.close()
	}
}

func (l *Log) appendDirty() {
	l.mu.Lock()
	work, upTo := l.dirty, l.appends
	l.dirty = nil
	for _, t := range work {
		if t.segment != nil {
			t.segment.dirty = false
		}
	}
	l.mu.Unlock()
	if len(work) == 0 {
		return
	}
	var finished []task
	for _, t := range work {
		if t.init != nil {
			l.appendInit(t.rendition, t.init)
		}
		if t.segment == nil || l.appendSegment(t.segment) {
			finished = append(finished, t)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handed = upTo
	if len(l.dirty) == 0 {
		l.behind = false
	}
	l.movedLocked()
	if len(finished) > 0 {
		l.finishing = append(l.finishing, finished...)
		wake(l.finishWake)
	}
}

// appendInit writes the Init's file and journal. If that fails, finishLoop does it.
func (l *Log) appendInit(r *rendition, in *storedInit) {
	path, n := l.path(r.name, in.fileName()), int64(len(in.Data))
	err := l.take(n)
	if err == nil {
		in.taken = n
		var out output
		if err = l.files.MkdirAll(l.path(r.name, "")); err == nil {
			out.files = l.files
			err = out.begin(path, &journalLine{Init: newInitRecord(r.name, in.Init)})
		}
		if err == nil {
			_, err = out.media.Write(in.Data)
		}
		if out.close(); err == nil {
			err = out.err
		}
	}
	in.appended = err == nil
	if err != nil {
		l.trouble(err)
	}
}

// appendSegment writes the parts of e that are not written yet, and reports whether it
// was finished. After an error the segment is only in memory, until finishLoop writes
// it as a whole.
func (l *Log) appendSegment(e *entry) (finished bool) {
	if e.passed {
		return false // it was finished while it was written
	}
	b := e.body.Load()
	e.passed = !b.finished.IsZero()
	if e.out == nil && (len(b.parts) > 0 || b.finished.IsZero()) {
		e.out = &output{files: l.files}
		e.out.err = l.beginOutput(e)
		if e.out.err != nil {
			l.trouble(e.out.err)
		}
	}
	o := e.out
	if o == nil {
		return true // a gap that never had parts
	}
	gap := b.meta.Gap || b.lost != ""
	for o.err == nil && o.parts < len(b.parts) && !gap {
		if o.err = l.appendPart(o, b.parts[o.parts]); o.err != nil {
			l.trouble(o.err)
		}
	}
	if missed := len(b.parts) - o.parts - o.missed; missed > 0 {
		o.missed += missed
		l.metrics.uncommitted.Add(float64(missed))
	}
	if !e.passed {
		return false
	}
	for _, p := range b.parts[o.parts:] {
		o.sum = extend(o.sum, p.data) // of what finishLoop will write
	}
	line := journalLine{Segment: newSegmentRecord(e.rendition.name, b, o.sum)}
	if o.err == nil {
		o.err = o.note(line)
	}
	if o.close(); o.err != nil {
		l.rewriteJournal(e, line)
	}
	return true
}

// rewriteJournal leaves nothing but the last line in the journal of a segment that is
// not whole on the disk: it was announced whole, so that it must not come back as a
// torn one.
func (l *Log) rewriteJournal(e *entry, line journalLine) {
	path := l.path(e.rendition.name, e.fileName()+journalSuffix)
	out := output{files: l.files}
	var err error
	if out.journal, err = l.files.Create(path); err == nil {
		out.err = out.note(line)
		out.close()
		err = out.err
	}
	if err != nil {
		_ = l.files.Remove(path) // then the segment comes back as a hole
	}
}

func (l *Log) beginOutput(e *entry) error {
	if err := l.files.MkdirAll(l.path(e.rendition.name, "")); err != nil {
		return err
	}
	var first *journalLine
	if h := e.head; h != nil {
		first = &journalLine{Head: &headRecord{
			Boot: l.boot, ProgramDateTime: h.ProgramDateTime, MediaTime: h.MediaTime, InitID: h.InitID,
			Discontinuity: h.Discontinuity, DiscontinuitySequence: h.DiscontinuitySequence,
		}}
	}
	return e.out.begin(l.path(e.rendition.name, e.fileName()), first)
}

func (l *Log) appendPart(o *output, p part) error {
	if err := l.take(int64(p.size)); err != nil {
		return err
	}
	o.taken += int64(p.size)
	return o.append(p)
}
