package ffmpeg

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// queued returns what is in q, by time.
func queued(q *queue) []int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []int64
	for _, w := range q.waiting {
		out = append(out, w.pts)
	}
	return out
}

// item returns a picture with a caption of its own.
func item(t *testing.T, o *objects, pts int64, key bool) work {
	t.Helper()
	f, err := newFrame(o)
	if err != nil {
		t.Fatal(err)
	}
	return work{picture: picture{frame: f, pts: pts, key: key, captions: []byte{byte(pts), 0, 0}}}
}

func TestQueueDropPolicy(t *testing.T) {
	var o objects
	q := newQueue(false)
	for pts := range int64(6) { // 4 and 5 find it full
		q.push(item(t, &o, pts, pts == 0))
	}
	if got, want := queued(q), []int64{0, 1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("queue holds %v, want %v", got, want)
	}
	q.push(item(t, &o, 6, true)) // takes the place of 3
	q.push(work{picture: picture{pts: 7}, stop: true})
	if got, want := queued(q), []int64{0, 1, 6, 7}; !slices.Equal(got, want) {
		t.Errorf("queue holds %v, want %v", got, want)
	}
	if waiting, dropped := q.stats(); waiting != 4 || dropped != 4 {
		t.Errorf("%d wait, %d dropped, want 4 and 4", waiting, dropped)
	}
	var captions []byte
	for range 4 {
		w, ok := q.pop()
		if !ok {
			t.Fatal("the queue has ended")
		}
		for i := 0; i < len(w.captions); i += 3 {
			captions = append(captions, w.captions[i])
		}
		if w.frame != nil {
			w.frame.release()
		}
	}
	// Those of the picture evicted last come with the keyframe that was there then.
	slices.Sort(captions)
	if want := []byte{0, 1, 2, 3, 4, 5, 6}; !slices.Equal(captions, want) {
		t.Errorf("captions of %v, want %v", captions, want)
	}
	q.end()
	q.push(item(t, &o, 8, true))
	if w, ok := q.pop(); ok {
		t.Errorf("work at %d came out of a queue that had ended", w.pts)
	}
	if n := o.live.Load(); n != 0 {
		t.Errorf("%d frames are left", n)
	}
}

// A keyframe waits for room among keyframes, and so does each picture before a
// patient queue.
func TestQueueWaits(t *testing.T) {
	for _, tc := range []struct {
		name                string
		patient, later, key bool
	}{{"keyframes", false, false, true}, {"patient", true, false, false}, {"patient at the end", false, true, false}} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var o objects
				q := newQueue(tc.patient)
				for pts := range int64(4) {
					q.push(item(t, &o, pts, tc.key))
				}
				if tc.later {
					q.wait()
				}
				last := item(t, &o, 4, tc.key)
				var wg sync.WaitGroup
				done := false
				wg.Go(func() {
					q.push(last)
					done = true
				})
				synctest.Wait()
				if done {
					t.Fatal("push did not wait")
				}
				w, _ := q.pop()
				w.frame.release()
				wg.Wait()
				if got, want := queued(q), []int64{1, 2, 3, 4}; !slices.Equal(got, want) {
					t.Errorf("queue holds %v, want %v", got, want)
				}
				last = item(t, &o, 5, tc.key)
				wg.Go(func() { q.push(last) })
				synctest.Wait()
				q.close() // lets the waiting one go
				wg.Wait()
				if n := o.live.Load(); n != 0 {
					t.Errorf("%d frames are left", n)
				}
			})
		})
	}
}
