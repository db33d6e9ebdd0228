package worker

import (
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

func videoItem(n, size int, key bool) item {
	t := time.Duration(n) * time.Second / 30
	return item{
		au:  &media.AccessUnit{Track: 1, DTS: int64(n), RandomAccess: key, Payload: [][]byte{make([]byte, size)}},
		dts: t, pts: t, video: true,
	}
}

func soundItem(at time.Duration) item {
	return item{au: &media.AccessUnit{Track: 2, RandomAccess: true, Payload: [][]byte{{1}}}, dts: at, pts: at}
}

// pushAll pushes n pictures of size bytes with a keyframe every gop, and sound with each.
func pushAll(f *feed, from, n, size, gop int) {
	for k := from; k < from+n; k++ {
		i := videoItem(k, size, k%gop == 0)
		f.push(i)
		f.push(soundItem(i.dts))
	}
}

func count(items []item) (pictures, sounds int) {
	for _, i := range items {
		if i.video {
			pictures++
		} else {
			sounds++
		}
	}
	return pictures, sounds
}

func newFeed() *feed {
	f := &feed{maxBytes: 16 << 20}
	f.open(true, false)
	return f
}

func TestFeedSpan(t *testing.T) {
	f := newFeed()
	f.attach()
	pushAll(f, 0, 60, 100, 30)
	if p, s := count(f.queue); p != 60 || s != 60 || f.dropped != 0 {
		t.Errorf("%d pictures and %d sounds wait, %d dropped", p, s, f.dropped)
	}
	pushAll(f, 60, 5, 100, 30)
	// Beyond 2 s the first GOP goes; the sound stays.
	if p, s := count(f.queue); p != 35 || s != 65 || f.dropped != 30 {
		t.Errorf("%d pictures and %d sounds wait, %d dropped", p, s, f.dropped)
	}
	for k := range f.queue {
		if f.queue[k].video {
			if !f.queue[k].keyframe() {
				t.Error("the first picture is no keyframe")
			}
			break
		}
	}
}

func TestFeedLongGOP(t *testing.T) {
	f := newFeed()
	f.attach()
	pushAll(f, 0, 90, 100, 300)
	if p, _ := count(f.queue); p != 0 || !f.skipping || f.dropped != 90 {
		t.Errorf("%d pictures wait, %d dropped", p, f.dropped)
	}
	pushAll(f, 90, 240, 100, 300)
	if p, s := count(f.queue); p != 30 || s > 301 {
		t.Errorf("%d pictures and %d sounds wait, %d dropped", p, s, f.dropped)
	}
	sum := 0
	for {
		i, ok := f.take()
		if !ok {
			break
		}
		sum += i.size()
	}
	if f.bytes != 0 || sum == 0 {
		t.Errorf("%d bytes are left", f.bytes)
	}
}

func TestFeedBytes(t *testing.T) {
	f := newFeed()
	f.maxBytes = 1 << 20
	f.attach()
	pushAll(f, 0, 60, 100_000, 5)
	if f.bytes > f.maxBytes || f.dropped == 0 || f.bytes != sizeOf(f.queue) {
		t.Errorf("%d bytes wait, %d dropped", f.bytes, f.dropped)
	}
	f.push(videoItem(100, 2<<20, true)) // more than fits at all
	if f.bytes > f.maxBytes || !f.skipping {
		t.Errorf("%d bytes wait", f.bytes)
	}
}

func TestFeedSoundOnly(t *testing.T) {
	f := &feed{maxBytes: 16 << 20}
	f.open(false, false)
	f.attach()
	for k := range 3000 {
		f.push(soundItem(time.Duration(k) * 20 * time.Millisecond))
	}
	if n := len(f.queue); n > 501 || n == 0 {
		t.Errorf("%d sounds wait", n)
	}
	if n := len(f.history); n != 601 {
		t.Errorf("%d sounds are kept", n)
	}
}

func TestHistory(t *testing.T) {
	f := newFeed()
	f.push(soundItem(0)) // before any keyframe
	f.push(videoItem(1, 10, false))
	if len(f.history) != 0 {
		t.Errorf("%d units are kept before a keyframe", len(f.history))
	}
	pushAll(f, 30, 20, 10, 30)
	f.push(soundItem(3 * time.Second)) // early: it is heard after the next keyframe
	pushAll(f, 60, 20, 10, 30)
	if p, s := count(f.history); p != 20 || s != 21 {
		t.Errorf("%d pictures and %d sounds are kept", p, s)
	}
	if from, ok := f.from(); !ok || from != 2*time.Second {
		t.Errorf("from %s", from)
	}
	if f.historyBytes != sizeOf(f.history) {
		t.Errorf("%d bytes counted of %d", f.historyBytes, sizeOf(f.history))
	}
	f.open(true, true)
	if len(f.queue) != 0 {
		t.Error("a queue without a worker")
	}
	if !f.attach() || len(f.queue) != 41 {
		t.Errorf("the worker gets %d units", len(f.queue))
	}
	f.open(true, false)
	if len(f.history) != 0 || !f.skipping {
		t.Error("the history outlived its run")
	}
}

func TestHistoryBounds(t *testing.T) {
	f := newFeed()
	pushAll(f, 0, 12*30, 10, 1_000_000)
	if p, _ := count(f.history); p != 360 {
		t.Errorf("%d pictures are kept", p)
	}
	pushAll(f, 360, 10, 10, 1_000_000)
	if len(f.history) != 0 || !f.broken {
		t.Errorf("%d units are kept after 12 s", len(f.history))
	}
	f = newFeed()
	pushAll(f, 0, 40, 1<<20, 1000)
	if len(f.history) != 0 || f.historyBytes != 0 {
		t.Errorf("%d bytes are kept", f.historyBytes)
	}
}

// A worker that begins with ten seconds may be behind by as much, and two seconds
// again when it has caught up. Case 34: so a burst after a stall is worked off, or
// left out up to a keyframe.
func TestFeedCatchesUp(t *testing.T) {
	f := newFeed()
	pushAll(f, 0, 300, 10, 1000)
	f.attach()
	pushAll(f, 300, 50, 10, 1000)
	if f.dropped != 0 {
		t.Errorf("%d units dropped while it catches up", f.dropped)
	}
	for range 690 {
		f.take()
	}
	pushAll(f, 350, 90, 10, 1000)
	if p, _ := count(f.queue); p != 0 || f.dropped == 0 {
		t.Errorf("%d pictures wait", p)
	}
}

func unitEvent(track media.TrackID, dts int64, key bool, size int) transcode.Event {
	return transcode.Event{AccessUnit: &media.AccessUnit{Track: track, DTS: dts, RandomAccess: key, Payload: [][]byte{make([]byte, size)}}}
}

func TestEventsBounded(t *testing.T) {
	q := &eventQueue{maxBytes: 10 << 10}
	q.put(transcode.Event{Opened: []media.Track{{}}})
	for n := range int64(100) {
		q.put(unitEvent(1, n, n%10 == 0, 1000))
		q.put(transcode.Event{Stats: &transcode.Stats{Decoded: int(n)}})
		q.put(transcode.Event{Thumbnail: &transcode.Thumbnail{Width: int(n)}})
		q.put(transcode.Event{Loudness: &transcode.Loudness{Clipped: int(n)}})
	}
	q.put(transcode.Event{Lost: &transcode.Lost{}})
	if q.bytes > q.maxBytes || q.dropped != 92 {
		t.Errorf("%d bytes wait, %d dropped", q.bytes, q.dropped)
	}
	counts := map[string]int{}
	for {
		e, ok := q.take()
		if !ok {
			break
		}
		switch {
		case e.Stats != nil:
			counts["stats"]++
			if e.Stats.Decoded != 99 {
				t.Errorf("stats %+v are not the newest", e.Stats)
			}
		case e.Thumbnail != nil:
			counts["thumbnail"]++
		case e.Loudness != nil:
			counts["loudness"]++
		case e.Stopped != nil:
			counts["stopped"]++
			if e.Stopped.At != 8 {
				t.Errorf("stopped at %d", e.Stopped.At)
			}
		case e.Opened != nil, e.Lost != nil:
			counts["control"]++
		}
	}
	if counts["stats"] != 1 || counts["thumbnail"] != 1 || counts["loudness"] != 64 || counts["stopped"] != 1 || counts["control"] != 2 {
		t.Errorf("events %v", counts)
	}
	// There is room again: the track goes on with a random access point.
	q.put(unitEvent(1, 101, false, 1000))
	q.put(unitEvent(1, 102, true, 1000))
	q.put(unitEvent(1, 103, false, 1000))
	if len(q.queue) != 2 || q.queue[0].AccessUnit.DTS != 102 {
		t.Errorf("%d events", len(q.queue))
	}
}

// Stopped, Stopped, Stopped says what one says.
func TestEventsStopped(t *testing.T) {
	q := &eventQueue{maxBytes: 10 << 10}
	for n := range int64(1000) {
		q.put(transcode.Event{Stopped: &transcode.Stopped{Track: 1, At: n}})
	}
	if len(q.queue) != 1 {
		t.Errorf("%d events", len(q.queue))
	}
}
