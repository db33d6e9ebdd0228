package segment

import "slices"

// jobOverhead is what a queued job counts beside its media, in bytes. It bounds
// the number of jobs without media.
const jobOverhead = 1 << 10

// job is one thing to bring to disk: exactly one of init and segment is set.
type job struct {
	rendition *rendition
	init      *storedInit
	segment   *entry
	lost      string // why only a gap is recorded, or ""
	bytes     int64
}

// recordLocked queues a finished segment for the disk and never blocks.
//
// Drop policy: the queue holds Config.WriteQueueBytes. A segment that does not
// fit is recorded as a gap and counted; what was queued before stays, since
// giving up an older segment would make a hole just the same. Should the queue
// even be full of gaps, the segment leaves no trace but a hole, which replay
// fills.
func (l *Log) recordLocked(e *entry) {
	j := job{rendition: e.rendition, segment: e, bytes: jobOverhead}
	b := e.body.Load()
	size := b.size
	if b.gap {
		size = 0 // its parts are not recorded
	}
	switch {
	case l.stopped:
		l.gap(e, gapStopped, nil)
		return
	case l.queued+size+jobOverhead <= l.cfg.WriteQueueBytes:
		j.bytes += size
		e.pending = !b.gap
	default:
		l.gap(e, gapOverflow, nil)
		if l.queued+jobOverhead > l.cfg.WriteQueueBytes+l.cfg.WriteQueueBytes/8 {
			return
		}
		j.lost = gapOverflow
	}
	l.enqueueLocked(j)
}

// enqueueLocked adds a job and wakes Run.
func (l *Log) enqueueLocked(j job) {
	l.queue = append(l.queue, j)
	l.queued += j.bytes
	l.metrics.queueBytes.Add(float64(j.bytes))
	select {
	case l.wake <- struct{}{}:
	default: // a wake-up is pending already
	}
}

// next takes the oldest job. Its bytes stay counted until done.
func (l *Log) next() (job, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return job{}, false
	}
	j := l.queue[0]
	l.queue[0] = job{}
	l.queue = l.queue[1:]
	return j, true
}

// requeue puts back the job that next gave.
func (l *Log) requeue(j job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = slices.Insert(l.queue, 0, j)
}

// done gives the bytes of j back, and notes whether its segment can now be read
// from disk.
func (l *Log) done(j job, saved bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queued -= j.bytes
	l.metrics.queueBytes.Sub(float64(j.bytes))
	if j.segment == nil || j.lost != "" {
		return
	}
	j.segment.pending = false
	if saved {
		b := *j.segment.body.Load()
		b.saved = true
		j.segment.body.Store(&b)
	}
}

// gap counts and reports a segment that the recording will miss.
func (l *Log) gap(e *entry, reason string, err error) {
	l.metrics.gaps.WithLabelValues(reason).Inc()
	if n, ok := l.gaps.allow(); ok {
		l.logger.Warn("segment is missing from the recording",
			"rendition", e.rendition.name, "msn", e.msn, "reason", reason, "err", err, "count", n)
	}
}
