package worker

import (
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

const (
	// maxLoudness is how many measurements may wait; they come a few times a
	// second.
	maxLoudness = 64

	// eventOverhead is what a small event counts for.
	eventOverhead = 256
)

// eventQueue holds what the server has not polled. It belongs to the Host's lock.
//
// It is bounded in bytes. Drop policy: an encoded track whose access unit does not
// fit loses what comes up to its next random access point, and a Stopped tells
// where. Of thumbnails and stats the newest is kept, of measurements maxLoudness.
// All else comes at most once for each access unit or process, and is never
// dropped.
type eventQueue struct {
	maxBytes int
	queue    []transcode.Event
	bytes    int // of access units

	dropping map[media.TrackID]bool
	dropped  int // access units, since the last look
}

func eventSize(e *transcode.Event) int {
	if e.AccessUnit == nil {
		return 0
	}
	return e.AccessUnit.Size() + eventOverhead
}

// clear drops everything, for a new run.
func (q *eventQueue) clear() {
	q.queue, q.bytes, q.dropping = nil, 0, nil
}

// put queues an event, or drops it by the policy.
func (q *eventQueue) put(e transcode.Event) {
	switch {
	case e.AccessUnit != nil:
		q.putUnit(e)
		return
	case e.Thumbnail != nil:
		q.remove(func(o *transcode.Event) bool { return o.Thumbnail != nil }, 1)
	case e.Stats != nil:
		q.remove(func(o *transcode.Event) bool { return o.Stats != nil }, 1)
	case e.Loudness != nil:
		q.remove(func(o *transcode.Event) bool { return o.Loudness != nil }, maxLoudness)
	case e.Stopped != nil:
		if q.stopped(e.Stopped.Track) {
			return // nothing has come since
		}
	}
	q.queue = append(q.queue, e)
}

func (q *eventQueue) putUnit(e transcode.Event) {
	au := e.AccessUnit
	if q.dropping[au.Track] && !au.RandomAccess {
		q.dropped++
		return
	}
	if size := eventSize(&e); q.bytes+size > q.maxBytes {
		q.dropped++
		if !q.dropping[au.Track] {
			if q.dropping == nil {
				q.dropping = map[media.TrackID]bool{}
			}
			q.dropping[au.Track] = true
			q.put(transcode.Event{Run: e.Run, Stopped: &transcode.Stopped{Track: au.Track, At: au.DTS}})
		}
		return
	}
	delete(q.dropping, au.Track)
	q.bytes += eventSize(&e)
	q.queue = append(q.queue, e)
}

// stopped reports whether the newest event of a track is a Stopped.
func (q *eventQueue) stopped(track media.TrackID) bool {
	for k := len(q.queue) - 1; k >= 0; k-- {
		switch e := &q.queue[k]; {
		case e.Stopped != nil && e.Stopped.Track == track:
			return true
		case e.AccessUnit != nil && e.AccessUnit.Track == track, e.Opened != nil, e.Lost != nil:
			return false
		}
	}
	return false
}

// remove drops the oldest event that matches, if there are most of them.
func (q *eventQueue) remove(match func(*transcode.Event) bool, most int) {
	first, n := -1, 0
	for k := range q.queue {
		if match(&q.queue[k]) {
			if n++; first < 0 {
				first = k
			}
		}
	}
	if n >= most {
		q.queue = append(q.queue[:first], q.queue[first+1:]...)
	}
}

// take returns the oldest event.
func (q *eventQueue) take() (transcode.Event, bool) {
	if len(q.queue) == 0 {
		return transcode.Event{}, false
	}
	e := q.queue[0]
	q.queue[0] = transcode.Event{}
	q.queue = q.queue[1:]
	q.bytes -= eventSize(&e)
	return e, true
}
