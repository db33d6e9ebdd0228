package worker

import (
	"slices"
	"time"

	"github.com/lectern/lectern/media"
)

const (
	// unitOverhead is what an access unit counts for in a queue beside its payload,
	// so that a flood of tiny ones is bounded too.
	unitOverhead = 256

	// feedSpan and soundSpan are how much media may wait for a worker: pictures,
	// and sound by itself.
	feedSpan  = 2 * time.Second
	soundSpan = 10 * time.Second

	// historySpan and historyBytes bound what is kept for a worker that is started
	// anew.
	historySpan  = 12 * time.Second
	historyBytes = 32 << 20
)

// item is an access unit on its way to a worker.
type item struct {
	au       *media.AccessUnit
	received time.Time
	dts, pts time.Duration // on the class's clock
	video    bool
}

func (i *item) size() int { return i.au.Size() + unitOverhead }

func sizeOf(items []item) int {
	n := 0
	for k := range items {
		n += items[k].size()
	}
	return n
}

func (i *item) keyframe() bool { return i.video && i.au.RandomAccess }

// feed is what a worker is to get: a queue, and the history of what a new worker
// must get first. It belongs to the Host's lock.
//
// The queue is bounded by bytes and by feedSpan of pictures. Drop policy: a full
// queue loses its pictures up to the next keyframe, in it or to come, and keeps
// its sound, of which the oldest goes beyond soundSpan; if the bytes of that alone
// are too many, it loses all.
//
// The history begins at the latest keyframe, with the sound that is presented
// later. If it outgrows its bounds it is empty up to the next keyframe. Without
// pictures it is the latest historySpan of sound.
type feed struct {
	maxBytes int
	pictures bool // whether the run has a video track

	history      []item
	historyBytes int
	broken       bool // the history waits for a keyframe

	live     bool // there is a worker that takes the queue
	queue    []item
	bytes    int
	skipping bool // the queue waits for a keyframe

	// slack is how far the queue may be beyond its span, and slackBytes beyond its
	// bytes, because it began with the history. It shrinks with the queue.
	slack      time.Duration
	slackBytes int

	dropped int // access units, since the last look
}

// open prepares for a new run.
func (f *feed) open(pictures, keep bool) {
	f.pictures = pictures
	if !keep {
		f.history, f.historyBytes, f.broken = nil, 0, pictures
	}
	f.refill()
}

// expect begins to queue for the first worker, which is about to start: nothing
// shall be missing.
func (f *feed) expect() { f.live = true }

// attach begins to queue, with the history, for a worker that has just come,
// unless it was expected, and reports whether the queue is the history; detach
// ends that.
func (f *feed) attach() bool {
	if f.live {
		return false
	}
	f.live = true
	f.refill()
	return true
}

func (f *feed) detach() { f.live = false; f.refill() }

// refill replaces the queue by the history.
func (f *feed) refill() {
	f.queue, f.bytes, f.slack, f.slackBytes = nil, 0, 0, 0
	f.skipping = f.pictures && len(f.history) == 0
	if !f.live {
		return
	}
	f.queue, f.bytes = slices.Clone(f.history), f.historyBytes
	if n := len(f.queue); n > 0 {
		f.slack, f.slackBytes = f.queue[n-1].dts-f.queue[0].dts, f.bytes
	}
}

// from returns the presentation time at which the history begins.
func (f *feed) from() (time.Duration, bool) {
	if len(f.history) == 0 {
		return 0, false
	}
	return f.history[0].pts, true
}

// push takes the publisher's next access unit.
func (f *feed) push(i item) {
	f.remember(i)
	if !f.live {
		return
	}
	if f.skipping && i.video {
		if !i.keyframe() {
			f.dropped++
			return
		}
		f.skipping = false
	}
	f.queue = append(f.queue, i)
	f.bytes += i.size()
	for !f.queue[0].video && i.dts-f.queue[0].dts > soundSpan+f.slack {
		f.dropped++
		_, _ = f.take()
	}
	if f.full() {
		f.shed()
	}
}

// remember adds to the history.
func (f *feed) remember(i item) {
	switch {
	case i.keyframe():
		// Sound that came before the keyframe but is heard with it stays.
		f.history = slices.DeleteFunc(f.history, func(old item) bool { return old.video || old.pts < i.pts })
		// The keyframe leads: the history begins at its time.
		f.history = slices.Insert(f.history, 0, i)
		f.broken, f.historyBytes = false, sizeOf(f.history)
	case f.broken:
		return
	default:
		f.history = append(f.history, i)
		f.historyBytes += i.size()
	}
	for f.historyBytes > historyBytes || i.dts-f.history[0].dts > historySpan {
		if f.pictures {
			f.history, f.historyBytes, f.broken = nil, 0, true
			return
		}
		f.historyBytes -= f.history[0].size()
		f.history = slices.Delete(f.history, 0, 1)
	}
}

// full reports whether the queue is beyond its bounds.
func (f *feed) full() bool {
	if f.bytes > f.maxBytes+f.slackBytes {
		return true
	}
	last := f.queue[len(f.queue)-1].dts
	if last-f.queue[0].dts <= feedSpan+f.slack {
		return false
	}
	k := slices.IndexFunc(f.queue, func(i item) bool { return i.video })
	return k >= 0 && last-f.queue[k].dts > feedSpan+f.slack
}

// shed empties a full queue.
func (f *feed) shed() {
	f.slack, f.slackBytes = 0, 0
	for len(f.queue) > 0 && f.full() {
		before := len(f.queue)
		f.keepFromKeyframe()
		if len(f.queue) == before { // there is nothing but sound
			f.queue = nil
			f.skipping = f.pictures
		}
		f.bytes = sizeOf(f.queue)
		f.dropped += before - len(f.queue)
	}
}

// keepFromKeyframe drops the pictures before the first keyframe that does not
// lead them already.
func (f *feed) keepFromKeyframe() {
	first := slices.IndexFunc(f.queue, func(i item) bool { return i.video })
	if first < 0 {
		return
	}
	next := len(f.queue)
	if k := slices.IndexFunc(f.queue[first+1:], func(i item) bool { return i.keyframe() }); k >= 0 {
		next = first + 1 + k
	} else {
		f.skipping = true
	}
	kept := f.queue[:0:0]
	for k, i := range f.queue {
		if k >= next || !i.video {
			kept = append(kept, i)
		}
	}
	f.queue = kept
}

// take returns the next access unit for the worker.
func (f *feed) take() (item, bool) {
	if len(f.queue) == 0 {
		return item{}, false
	}
	i := f.queue[0]
	f.queue[0] = item{}
	f.queue = f.queue[1:]
	f.bytes -= i.size()
	span := time.Duration(0)
	if n := len(f.queue); n > 0 {
		span = f.queue[n-1].dts - f.queue[0].dts
	}
	f.slack, f.slackBytes = min(f.slack, span), min(f.slackBytes, f.bytes)
	return i, true
}
