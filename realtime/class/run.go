package class

import (
	"context"
	"time"
)

// maxRest bounds how long Run does not look at the clock.
const maxRest = time.Minute

// Run does what the passing of time demands: it ends classes whose grace is
// over and begins pulls. First it announces the classes that were there at the
// start. It starts no goroutine, returns nil when ctx ends, and may be called
// once.
func (r *Registry) Run(ctx context.Context) error {
	for _, id := range r.announcements.ids() {
		r.announce(ctx, id)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		case <-timer.C:
		}
		due, next := r.due()
		for _, id := range due {
			r.tick(ctx, id)
		}
		if len(due) > 0 {
			_, next = r.due()
		}
		timer.Stop() // with nothing to wait for, the next change wakes
		if !next.IsZero() {
			// Not too long: a start may come nearer when the system's clock is set.
			timer.Reset(min(max(next.Sub(r.now()), 0), maxRest))
		}
	}
}

// due returns the classes to look at now, and when to look again.
func (r *Registry) due() (ids []string, next time.Time) {
	r.changes.Lock()
	defer r.changes.Unlock()
	now := r.now()
	for id, e := range r.entries {
		at := r.rules.nextTimed(r.asOf(e, now), e.publishers)
		if e.leftUnsaved || (!at.IsZero() && e.retryAt.After(at)) {
			at = e.retryAt
		}
		switch {
		case at.IsZero():
		case !now.Before(at):
			ids = append(ids, id)
			fallthrough
		default:
			if next.IsZero() || at.Before(next) {
				next = at
			}
		}
	}
	return ids, next
}

// tick does for one class what is due.
func (r *Registry) tick(ctx context.Context, id string) {
	_, err := r.change(ctx, id, func(c Class, now time.Time) (Class, error) {
		e := r.entries[id]
		if e == nil {
			return c, nil
		}
		if e.leftUnsaved {
			return r.rules.left(c, now, e.leftClean), nil
		}
		seen := r.asOf(e, now)
		if after := r.rules.timed(seen, now, e.publishers); !after.Equal(seen) {
			return after, nil
		}
		return c, nil
	}, nil)
	if err != nil {
		r.retryLater(id)
		r.logger.Error("class change not stored, trying again", "class", id, "err", err)
	}
}
