package segment

import (
	"context"
	"time"
)

// Commit waits until the operating system has all that was appended, so that it
// outlives this process: call it before anything of it is published. It waits for
// no fsync: at most Config.CommitTimeout, and not at all while the writes are behind,
// which they are from a Commit that ran out of time until they have caught up. Parts
// that are published all the same are counted.
func (l *Log) Commit() {
	l.mu.Lock()
	defer l.mu.Unlock()
	want := l.appends
	if l.handed.all >= want.all {
		return
	}
	if l.cfg.CommitTimeout > 0 && !l.behind && !l.stopped {
		deadline := time.NewTimer(l.cfg.CommitTimeout)
		defer deadline.Stop()
		for l.handed.all < want.all && !l.behind && !l.stopped {
			l.behind = !l.awaitLocked(deadline.C, nil)
		}
	}
	if missed := want.parts - max(l.handed.parts, l.counted); missed > 0 {
		l.counted = want.parts
		l.metrics.uncommitted.Add(float64(missed))
	}
}

// Settle waits until nothing waits for the disk, or ctx ends. Call it while
// Run runs and nothing is finished any more: then what waits for a full disk is
// not given up with the end of the class.
func (l *Log) Settle(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for (l.queued > 0 || len(l.dirty)+len(l.finishing) > 0) && l.awaitLocked(nil, ctx.Done()) {
	}
}

// awaitLocked gives up the lock until appendLoop or finishLoop got on, and reports
// false if one of the channels came first.
func (l *Log) awaitLocked(deadline <-chan time.Time, done <-chan struct{}) bool {
	moved := l.moved
	l.waiters++
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.waiters--
	}()
	select {
	case <-moved:
		return true
	case <-deadline:
		return false
	case <-done:
		return false
	}
}

// movedLocked wakes what waits for progress.
func (l *Log) movedLocked() {
	if l.waiters > 0 {
		close(l.moved)
		l.moved = make(chan struct{})
	}
}
