package segment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Run writes to disk until ctx ends, then writes what is still queued and
// returns nil. First it puts in order what a crash has left behind. Stop what calls
// FinishSegment first: segments finished after Run has ended are not recorded. Disk
// faults do not end it: they cost the segments that they hit. Call it once.
//
// A disk that hangs in a system call delays the return as long.
func (l *Log) Run(ctx context.Context) error {
	appended, finished := make(chan struct{}), make(chan struct{})
	var loops sync.WaitGroup
	loops.Go(func() { defer close(appended); l.appendLoop(ctx) })
	loops.Go(func() { defer close(finished); l.finishLoop(ctx, appended) })
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.mu.Lock()
			l.releaseLocked(time.Now())
			l.mu.Unlock()
		case <-finished:
			loops.Wait()
			l.releaseAll()
			return nil
		}
	}
}

// releaseAll releases everything that the disk can serve, and the parts of gaps:
// nothing would do it later.
func (l *Log) releaseAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropWhereLocked(func(_ *entry, b *body) bool { return b.file != "" || b.meta.Gap })
}

// finishLoop makes durable what appendLoop hands on, and says so in the index, until
// that has ended and nothing is left.
func (l *Log) finishLoop(ctx context.Context, appended <-chan struct{}) {
	defer l.index.close()
	l.repair()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for last := false; ; {
		for t, ok := l.first(); ok; t, ok = l.first() {
			if err := l.finish(t, ctx.Err() == nil); err != nil {
				l.postpone(err)
				break // the next tick tries again
			}
			l.done(t)
		}
		if last {
			l.retryIndex()
			return
		}
		select {
		case <-appended:
			last = true
		case <-l.finishWake:
		case <-tick.C:
			l.retryIndex()
		}
	}
}

// first returns the oldest task of finishing, which stays there until done.
func (l *Log) first() (task, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.finishing) == 0 {
		return task{}, false
	}
	return l.finishing[0], true
}

// done takes the oldest task of finishing off.
func (l *Log) done(t task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.finishing[0] = task{}
	l.finishing = l.finishing[1:]
	if e := t.segment; e != nil && e.pending {
		n := e.body.Load().meta.Bytes + jobOverhead
		e.pending = false
		l.queued -= n
		l.metrics.queueBytes.Sub(float64(n))
	}
	l.short = ""
	l.movedLocked()
	l.releaseLocked(time.Now())
}

// postpone notes why nothing can be made durable for now.
func (l *Log) postpone(err error) {
	l.mu.Lock()
	l.short, _ = shortage(err)
	l.mu.Unlock()
	l.trouble(err)
}

// finish makes t durable. If retry is set it returns an error for a shortage that may
// pass, and t can be finished again.
func (l *Log) finish(t task, retry bool) error {
	if t.init != nil {
		if err := l.saveInit(t.rendition, t.init); err != nil {
			// Not lost: the next segment that needs it tries again.
			l.trouble(err)
		}
		return nil
	}
	if c := t.cue; c != nil {
		l.appendIndex(l.epoch, record{Cue: (*cueRecord)(c)})
		return nil
	}
	e := t.segment
	b := e.body.Load()
	if b.meta.Gap || b.lost != "" {
		l.recordGap(e)
		return nil
	}
	started := time.Now()
	sum, err := l.saveSegment(e, b)
	if err != nil {
		reason, passing := shortage(err)
		if passing && retry {
			return err
		}
		l.mu.Lock()
		e.change(func(b *body) { b.lost = reason })
		l.mu.Unlock()
		l.reportGap(e, reason, err)
		l.recordGap(e)
		return nil
	}
	l.metrics.saved.Inc()
	l.metrics.savedBytes.Add(float64(b.meta.Bytes))
	l.metrics.write.Observe(time.Since(started).Seconds())
	l.appendIndex(e.epoch, record{Segment: newSegmentRecord(e.rendition.name, b, sum)},
		l.path(e.rendition.name, e.fileName()+journalSuffix))
	l.mu.Lock()
	e.change(func(b *body) { b.file = e.fileName() })
	l.mu.Unlock()
	e.out = nil
	return nil
}

// recordGap writes the index line of a segment that the recording misses, and gives
// back what room it took.
func (l *Log) recordGap(e *entry) {
	b, path := e.body.Load(), l.path(e.rendition.name, e.fileName())
	r := record{Segment: newSegmentRecord(e.rendition.name, b, 0)}
	if e.out == nil {
		l.appendIndex(e.epoch, r)
		return
	}
	for _, suffix := range []string{appendedSuffix, rewriteSuffix, ""} {
		_ = l.files.Remove(path + suffix) // most are not there
	}
	l.space.Give(e.out.taken)
	e.out = nil
	l.appendIndex(e.epoch, r, path+journalSuffix)
}

// saveSegment makes the segment's file durable under its name.
func (l *Log) saveSegment(e *entry, b *body) (sum uint32, _ error) {
	in, ok := e.rendition.init(b.meta.InitID)
	if !ok {
		return 0, fmt.Errorf("init %d: %w", b.meta.InitID, ErrNotFound)
	}
	// A segment without its Init cannot be played.
	if err := l.saveInit(e.rendition, in); err != nil {
		return 0, err
	}
	data := make([][]byte, len(b.parts))
	for i, p := range b.parts {
		data[i] = p.data
	}
	o := e.out
	good := o.err == nil && o.parts == len(b.parts)
	rewritten, err := l.save(e.rendition, e.fileName(), good, b.meta.Bytes, data)
	if err != nil {
		return 0, err
	}
	if rewritten {
		l.space.Give(o.taken)
		o.taken = b.meta.Bytes
	}
	return o.sum, nil
}

// saveInit writes in unless that is done.
func (l *Log) saveInit(r *rendition, in *storedInit) error {
	if in.saved {
		return nil
	}
	name, n := in.fileName(), int64(len(in.Data))
	rewritten, err := l.save(r, name, in.appended, n, [][]byte{in.Data})
	if err != nil {
		return err
	}
	if rewritten {
		l.space.Give(in.taken)
		in.taken = n
	}
	in.saved = true
	l.appendIndex(in.Epoch, record{Init: newInitRecord(r.name, in.Init)}, l.path(r.name, name+journalSuffix))
	return nil
}

// save makes name durable: what was appended to its temporary file, if that is good,
// or else data, which is n bytes. It reports whether data was written.
func (l *Log) save(r *rendition, name string, appended bool, n int64, data [][]byte) (rewritten bool, err error) {
	path := l.path(r.name, name)
	if appended {
		if err = l.place(r, name, name+appendedSuffix); err == nil {
			return false, nil
		}
		if _, passing := shortage(err); passing {
			return false, err
		}
		l.trouble(err) // after a failed fsync only new pages tell the truth
	}
	if slices.ContainsFunc(data, func(d []byte) bool { return d == nil }) {
		return false, fmt.Errorf("write %q: %w", name, errors.Join(err, ErrNotFound))
	}
	if err = l.take(n); err != nil {
		return false, err
	}
	if err = l.files.MkdirAll(l.path(r.name, "")); err == nil {
		err = l.writeFile(path+rewriteSuffix, data)
	}
	if err == nil {
		err = l.place(r, name, name+rewriteSuffix)
	}
	if err != nil {
		l.space.Give(n)
		_ = l.files.Remove(path + rewriteSuffix) // a full disk needs the space back
		return false, fmt.Errorf("write %q: %w", name, err)
	}
	_ = l.files.Remove(path + appendedSuffix) // else the next start does it
	return true, nil
}

// place makes the file named from durable as name: fsync, rename, fsync of the
// folder.
func (l *Log) place(r *rendition, name, from string) error {
	err := l.files.SyncFile(l.path(r.name, from))
	if err == nil && from != name {
		err = l.files.Rename(l.path(r.name, from), l.path(r.name, name))
	}
	if err == nil {
		err = l.files.SyncDir(l.path(r.name, ""))
	}
	if err == nil && !r.dirReady {
		err = l.files.SyncDir(l.dir)
		r.dirReady = err == nil
	}
	if err != nil {
		r.dirReady = false // the folder may be gone
		return fmt.Errorf("make %q durable: %w", name, err)
	}
	return nil
}

func (l *Log) writeFile(name string, data [][]byte) error {
	f, err := l.files.Create(name)
	if err != nil {
		return err
	}
	for _, d := range data {
		if _, err := f.Write(d); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

// appendIndex adds a line. When that fails, the line waits in front of the next
// one: files that are in place stay readable meanwhile. What is obsolete is removed
// once the line is durable.
func (l *Log) appendIndex(epoch string, r record, obsolete ...string) {
	r.Epoch = epoch
	if err := l.index.append(indexEntry{record: r, obsolete: obsolete}); err != nil {
		l.trouble(err)
	}
}

// retryIndex writes lines that an earlier attempt could not.
func (l *Log) retryIndex() {
	if err := l.index.flush(); err != nil {
		l.trouble(err)
	}
}

// trouble counts and reports a write that failed.
func (l *Log) trouble(err error) {
	reason, _ := shortage(err)
	l.metrics.writeFaults.WithLabelValues(reason).Inc()
	if n, ok := l.troubles.allow(); ok {
		l.logger.Warn("disk write failed", "reason", reason, "err", err, "count", n)
	}
}

// reportGap counts and reports a segment that the recording will miss.
func (l *Log) reportGap(e *entry, reason string, err error) {
	l.metrics.gaps.WithLabelValues(reason).Inc()
	if n, ok := l.gaps.allow(); ok {
		l.logger.Warn("segment is missing from the recording",
			"rendition", e.rendition.name, "msn", e.msn, "reason", reason, "err", err, "count", n)
	}
}
