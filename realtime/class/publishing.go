package class

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lectern/lectern/storage/kv"
)

// maxKeyLen bounds what is hashed for a caller who is not known yet.
const maxKeyLen = 128

// Authorize returns the class whose stream key is key, white space around it
// aside. It returns ErrUnknownKey, or ErrEnded together with the class; see
// [Refusal] for what to tell the publisher. The time it takes does not depend on
// how much of the key is right. It keeps nothing of a caller that fails;
// slowing one down that keeps trying is the server's job, by address.
func (r *Registry) Authorize(_ context.Context, key string) (Class, error) {
	c, err := r.authorize(strings.TrimSpace(key))
	outcome := "accepted"
	switch {
	case errors.Is(err, ErrUnknownKey):
		outcome = "unknown"
	case errors.Is(err, ErrEnded):
		outcome = "ended"
	case err != nil:
		outcome = "error"
		err = fmt.Errorf("look up stream key: %w", err)
	}
	r.metrics.keyChecks.WithLabelValues(outcome).Inc()
	return c, err
}

func (r *Registry) authorize(key string) (Class, error) {
	if key == "" || len(key) > maxKeyLen {
		return Class{}, ErrUnknownKey
	}
	var c Class
	if err := r.db.View(func(tx *kv.Tx) (err error) {
		c, err = r.store.getByKey(tx, keyHash(key))
		return err
	}); err != nil {
		return Class{}, err
	}
	switch {
	case !c.StreamKey.Equal(NewSecret(key)):
		return Class{}, ErrUnknownKey // only a damaged index leads here
	case c.State == Ended:
		return c, ErrEnded
	}
	return c, nil
}

// PublisherArrived records that a publication to the class began, and returns
// the class, live. Each call that returns nil is followed by one PublisherLeft.
// It returns ErrEnded or ErrNotFound if the class is over meanwhile; after any
// other error, a refusal of the database, try again within 5 s: so long the class
// is not ended.
//
// In a takeover the two calls may come in either order: a class is live as long
// as it has any publication.
func (r *Registry) PublisherArrived(ctx context.Context, id string) (Class, error) {
	c, err := r.change(ctx, id, r.rules.arrived, func(e *entry) {
		e.publishers++
		e.leftUnsaved, e.retryAt = false, time.Time{}
	})
	if err != nil {
		r.prolongGrace(id)
	}
	return c, err
}

// prolongGrace keeps a class from ending while the arrival of its publisher can
// only not be stored.
func (r *Registry) prolongGrace(id string) {
	r.changes.Lock()
	defer r.changes.Unlock()
	if e := r.entries[id]; e != nil {
		e.graceEnds = max(e.graceEnds, r.elapsed()+5*retryDelay)
	}
}

// PublisherLeft records that a publication ended; clean means that the
// publisher said goodbye, as opposed to a lost connection, a fault or a
// shutdown of this server. If it was the last one, the class is interrupted and
// its grace begins.
//
// For a class that has ended or was deleted nothing happens. When the database
// refuses the change, the error is returned for the log, and Run tries again.
func (r *Registry) PublisherLeft(ctx context.Context, id string, clean bool) error {
	r.changes.Lock()
	e := r.entries[id]
	last := false
	switch {
	case e == nil:
	case e.departed > 0:
		e.departed--
	case e.publishers > 0:
		e.publishers--
		last = e.publishers == 0
	}
	if last && e.class.State == Live {
		e.leftUnsaved, e.leftClean = true, clean
	}
	r.forgetLocked(id)
	r.changes.Unlock()
	if !last {
		return nil
	}
	return r.saveLeft(ctx, id)
}

// saveLeft commits the interruption that PublisherLeft found, unless a
// publisher has arrived in between.
func (r *Registry) saveLeft(ctx context.Context, id string) error {
	_, err := r.change(ctx, id, func(c Class, now time.Time) (Class, error) {
		if e := r.entries[id]; e != nil && e.leftUnsaved {
			return r.rules.left(c, now, e.leftClean), nil
		}
		return c, nil
	}, nil)
	if errors.Is(err, ErrNotFound) {
		return nil // deleted
	}
	if err != nil {
		r.retryLater(id)
	}
	return err
}

// retryLater makes Run look at the class again after a failure.
func (r *Registry) retryLater(id string) {
	r.changes.Lock()
	defer r.changes.Unlock()
	if e := r.entries[id]; e != nil {
		e.retryAt = r.now().Add(retryDelay)
	}
	select {
	case r.wake <- struct{}{}:
	default: // Run will look anyway
	}
}
