package class

import (
	"context"
	"sync"
)

// maxAnnouncements bounds the changes of one class that wait for a slow
// Observer. Beyond it the newest are joined: "a to b" and "b to c" are "a to c".
const maxAnnouncements = 32

type announcement struct {
	before, after Class
}

// announcements are the changes that the Observer has not heard of, by class.
// Whoever made a change delivers what waits for that class, unless someone is
// already doing so: then that one goes on. So no goroutine is needed, no lock is
// held, and the order is that of the commits.
type announcements struct {
	mu     sync.Mutex
	queues map[string]*announcementQueue // guarded by mu
}

type announcementQueue struct {
	waiting    []announcement
	delivering bool
}

// add queues a change. Calls for one class must come in the order of their
// commits.
func (a *announcements) add(id string, before, after Class) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.queues == nil {
		a.queues = map[string]*announcementQueue{}
	}
	q := a.queues[id]
	if q == nil {
		q = &announcementQueue{}
		a.queues[id] = q
	}
	if n := len(q.waiting); n >= maxAnnouncements && before.ID != "" && after.ID != "" {
		q.waiting[n-1].after = after
		return
	}
	q.waiting = append(q.waiting, announcement{before, after})
}

// begin makes the caller the one who delivers the changes of a class. It
// reports false if there is another, or nothing to deliver.
func (a *announcements) begin(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.queues[id]
	if q == nil || q.delivering {
		return false
	}
	q.delivering = true
	return true
}

// next returns the oldest change. When there is none left the caller has ceased
// to be the one who delivers.
func (a *announcements) next(id string) (announcement, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.queues[id]
	if len(q.waiting) == 0 {
		delete(a.queues, id)
		return announcement{}, false
	}
	first := q.waiting[0]
	q.waiting = q.waiting[1:]
	return first, true
}

// abandon lets someone else go on.
func (a *announcements) abandon(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queues[id].delivering = false
}

// ids returns the classes with something to announce.
func (a *announcements) ids() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	ids := make([]string, 0, len(a.queues))
	for id := range a.queues {
		ids = append(ids, id)
	}
	return ids
}

// announce tells the Observer what waits for the class. No lock may be held.
func (r *Registry) announce(ctx context.Context, id string) {
	if !r.announcements.begin(id) {
		return
	}
	done := false
	defer func() {
		if !done { // the Observer panicked
			r.announcements.abandon(id)
		}
	}()
	ctx = context.WithoutCancel(ctx)
	for {
		ch, ok := r.announcements.next(id)
		if !ok {
			done = true
			return
		}
		if r.observer != nil {
			r.observer.ClassChanged(ctx, ch.before, ch.after)
		}
	}
}
