package segment

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"
)

// settlePoll is how often Settle looks.
const settlePoll = 50 * time.Millisecond

// Run writes to disk until ctx ends, then writes what is still queued and
// returns nil. Stop what calls FinishSegment first: segments finished after Run
// has ended are not recorded. Disk faults do not end it: they cost the segments
// that they hit. Call it once.
//
// A disk that hangs in a system call delays the return as long.
func (l *Log) Run(ctx context.Context) error {
	defer l.index.close()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		for j, ok := l.next(); ok; j, ok = l.next() {
			saved, err := l.write(j, ctx.Err() == nil)
			if err != nil {
				l.requeue(j)
				l.trouble(err)
				break // the next tick tries again
			}
			l.done(j, saved)
		}
		select {
		case <-ctx.Done():
			if !l.stop() {
				continue // something was queued since
			}
			l.retryIndex()
			return nil
		case <-l.wake:
		case <-tick.C:
			l.retryIndex()
			l.mu.Lock()
			l.releaseLocked(time.Now())
			l.mu.Unlock()
		}
	}
}

// Settle waits until nothing is queued for the disk, or ctx ends. Call it while
// Run runs and nothing is finished any more: then what waits for a full disk is
// not given up with the end of the class.
func (l *Log) Settle(ctx context.Context) {
	tick := time.NewTicker(settlePoll)
	defer tick.Stop()
	for {
		l.mu.Lock()
		settled := l.queued == 0
		l.mu.Unlock()
		if settled {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// stop closes the queue if it is empty, and then releases everything that the
// disk can serve, and the parts of gaps: nothing would do it later.
func (l *Log) stop() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 {
		return false
	}
	kept := l.held[:0]
	for _, e := range l.held {
		if b := e.body.Load(); b.saved || b.gap {
			l.dropLocked(e)
			continue
		}
		kept = append(kept, e)
	}
	clear(l.held[len(kept):])
	l.held = kept
	l.stopped = true
	l.metrics.memoryBytes.Sub(float64(l.memory))
	return true
}

// write brings j to disk and reports whether its segment can be read there. If
// retry is set it returns an error, and has done nothing, for a shortage that may
// pass.
func (l *Log) write(j job, retry bool) (saved bool, _ error) {
	if j.init != nil {
		if err := l.writeInit(j.rendition, j.init); err != nil {
			// Not lost: the next segment that needs it tries again.
			l.trouble(err)
		}
		return false, nil
	}
	e := j.segment
	b := e.body.Load()
	meta := e.meta // FinishSegment wrote it before it queued the job
	var err error
	if j.lost == "" && !b.gap {
		started := time.Now()
		if err = l.writeSegment(e, b); err == nil {
			saved = true
			l.metrics.saved.Inc()
			l.metrics.savedBytes.Add(float64(b.size))
			l.metrics.write.Observe(time.Since(started).Seconds())
		} else if retry && passing(err) {
			return false, err
		} else {
			l.gap(e, gapDisk, err)
		}
	}
	if !saved && !meta.Gap {
		meta.Gap, meta.Bytes, meta.IFrameBytes = true, 0, 0
	}
	l.appendIndex(record{Segment: newSegmentRecord(e.rendition.name, meta, b)})
	return saved, nil
}

// passing reports whether the disk works and only lacks something that others
// hold: room, or file descriptors. The segments wait in the queue for it.
func passing(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) ||
		errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

func (l *Log) writeSegment(e *entry, b *body) error {
	in, ok := e.rendition.init(e.meta.InitID)
	if !ok {
		return fmt.Errorf("init %d: %w", e.meta.InitID, ErrNotFound)
	}
	// A segment without its Init cannot be played.
	if err := l.writeInit(e.rendition, in); err != nil {
		return err
	}
	chunks := make([][]byte, len(b.parts))
	for i, p := range b.parts {
		chunks[i] = p.data
	}
	return l.writeFile(e.rendition, segmentName(e.msn), chunks)
}

// writeInit writes in unless that is done.
func (l *Log) writeInit(r *rendition, in *storedInit) error {
	if in.saved {
		return nil
	}
	if err := l.writeFile(r, initName(in.ID), [][]byte{in.Data}); err != nil {
		return err
	}
	in.saved = true
	l.appendIndex(record{Init: newInitRecord(r.name, in.Init)})
	return nil
}

// writeFile makes chunks, joined, the durable content of name: temporary file,
// fsync, rename, fsync of the folder.
func (l *Log) writeFile(r *rendition, name string, chunks [][]byte) error {
	dir := filepath.Join(l.dir, r.name)
	if !r.dirReady {
		if err := errors.Join(l.files.MkdirAll(dir), l.files.SyncDir(l.dir)); err != nil {
			return fmt.Errorf("create folder of rendition %q: %w", r.name, err)
		}
		r.dirReady = true
	}
	final := filepath.Join(dir, name)
	tmp := final + tmpSuffix
	err := l.writeChunks(tmp, chunks)
	if err == nil {
		err = l.files.Rename(tmp, final)
	}
	if err != nil {
		// A full disk needs the space back. The folder may be gone too.
		r.dirReady = false
		_ = l.files.Remove(tmp)
		return fmt.Errorf("write %q: %w", name, err)
	}
	if err := l.files.SyncDir(dir); err != nil {
		return fmt.Errorf("write %q: sync folder: %w", name, err)
	}
	return nil
}

func (l *Log) writeChunks(name string, chunks [][]byte) error {
	f, err := l.files.Create(name)
	if err != nil {
		return err
	}
	for _, c := range chunks {
		if _, err := f.Write(c); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(f.Sync(), f.Close())
}

// appendIndex adds a line. When that fails, the line waits in front of the next
// one: files that are in place stay readable meanwhile.
func (l *Log) appendIndex(r record) {
	if err := l.index.append(r); err != nil {
		l.trouble(err)
	}
}

// retryIndex writes lines that an earlier attempt could not.
func (l *Log) retryIndex() {
	if err := l.index.flush(); err != nil {
		l.trouble(err)
	}
}

// trouble reports a write that will be tried again.
func (l *Log) trouble(err error) {
	if n, ok := l.troubles.allow(); ok {
		l.logger.Warn("disk write postponed", "err", err, "count", n)
	}
}
