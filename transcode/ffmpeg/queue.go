package ffmpeg

import (
	"slices"
	"sync"
	"time"
)

const (
	// queuedPictures is how many pictures wait before a rung.
	queuedPictures = 4

	// latePicture is how old a picture may become, since the server received it,
	// while it waits for room. So a burst, such as a publisher sends after a stall
	// of its network, is worked off; what is late for longer is too much work, and
	// shows as a lag before anything is left out.
	latePicture = 750 * time.Millisecond
)

// work is what a rung's goroutine is given: a picture, or the order to stop the
// encoder.
type work struct {
	picture

	fast bool // the preset that the picture is to be encoded with
	stop bool // no picture: the rung is shed from pts on
}

// queue is the queue before one rung, bounded to queuedPictures.
//
// Drop policy: a picture that finds it full waits until it is latePicture old, and
// with it the decoder. Then it is left out, and counted. A keyframe or the order to
// stop takes the place of the newest picture that is no keyframe instead and waits
// for room if there is none. A patient queue always waits, and so do repeated
// pictures, which come in bursts and cost little.
// Captions of pictures that are left out go to the next.
type queue struct {
	mu      sync.Mutex // guards the fields below
	changed *sync.Cond
	patient bool
	waiting []work
	dropped int
	closed  bool   // nothing comes out any more
	ended   bool   // nothing more goes in
	left    []byte // captions for the next picture that goes in
}

func newQueue(patient bool) *queue {
	q := &queue{patient: patient}
	q.changed = sync.NewCond(&q.mu)
	return q
}

// push takes over w's frame.
func (q *queue) push(w work) {
	q.mu.Lock()
	defer q.mu.Unlock()
	must := w.key || w.stop
	patient := q.patient || w.repeated && !must
	for !q.closed && !q.ended && len(q.waiting) >= queuedPictures {
		if early := latePicture - time.Since(w.received); !patient && early > 0 {
			wake := time.AfterFunc(early, q.changed.Broadcast)
			q.changed.Wait()
			wake.Stop()
			continue
		}
		if !patient && must && q.evict() {
			break
		}
		if !patient && !must {
			q.dropped++
			q.leave(append(q.left, w.captions...))
			w.frame.release()
			return
		}
		q.changed.Wait()
	}
	if q.closed || q.ended {
		if w.frame != nil {
			w.frame.release()
		}
		return
	}
	if !w.stop {
		w.captions = append(q.left, w.captions...)
		q.left = nil
	}
	q.waiting = append(q.waiting, w)
	q.changed.Broadcast()
}

// evict drops the newest picture that is no keyframe and reports whether there
// was one. It needs the lock.
func (q *queue) evict() bool {
	for i, w := range slices.Backward(q.waiting) {
		if w.key || w.stop {
			continue
		}
		q.waiting = slices.Delete(q.waiting, i, i+1)
		q.dropped++
		w.frame.release()
		if i < len(q.waiting) && !q.waiting[i].stop {
			q.waiting[i].captions = append(w.captions, q.waiting[i].captions...)
		} else {
			q.leave(append(w.captions, q.left...))
		}
		return true
	}
	return false
}

// leave keeps captions for the next picture, the newest if they are too many. It
// needs the lock.
func (q *queue) leave(captions []byte) {
	q.left = captions[max(0, len(captions)-maxCaptionBytes):]
}

// pop waits for work. It returns false when the queue is closed, or ended and
// empty.
func (q *queue) pop() (work, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && !q.ended && len(q.waiting) == 0 {
		q.changed.Wait()
	}
	if q.closed || len(q.waiting) == 0 {
		return work{}, false
	}
	w := q.waiting[0]
	q.waiting = slices.Delete(q.waiting, 0, 1)
	q.changed.Broadcast()
	return w, true
}

// wait makes the queue patient: what comes from now on is the last of the run, all at
// once.
func (q *queue) wait() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.patient = true
}

// end lets what is inside out, and nothing more in.
func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.changed.Broadcast()
}

// close drops what is inside. It may be called more than once.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, w := range q.waiting {
		if w.frame != nil {
			w.frame.release()
		}
	}
	q.waiting = nil
	q.changed.Broadcast()
}

// stats returns how many wait and how many were left out.
func (q *queue) stats() (waiting, dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting), q.dropped
}

// aborted reports whether the queue was closed.
func (q *queue) aborted() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}
