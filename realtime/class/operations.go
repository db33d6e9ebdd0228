package class

import (
	"context"
	"errors"
	"time"

	"github.com/lectern/lectern/storage/kv"
)

// Create adds a class in state Scheduled, with a new stream key. It returns an
// *InvalidError, or ErrExists when the ID is taken.
func (r *Registry) Create(ctx context.Context, n New) (Class, error) {
	if err := n.validate(); err != nil {
		return Class{}, err
	}
	for range 4 { // a generated ID is taken about once in 10^14 / classes
		id := n.ID
		if id == "" {
			id = newID()
		}
		c, err := r.create(id, n)
		if errors.Is(err, ErrExists) && n.ID == "" {
			continue
		}
		if err != nil {
			return Class{}, err
		}
		r.logger.Info("class created", "class", id)
		r.announce(ctx, id)
		return c, nil
	}
	return Class{}, ErrExists
}

func (r *Registry) create(id string, n New) (Class, error) {
	r.changes.Lock()
	defer r.changes.Unlock()
	now := utc(r.now())
	c := Class{ID: id, Title: n.Title, State: Scheduled, CreatedAt: now, StreamKey: newStreamKey()}
	c, err := r.rules.updated(c, n.settings(), now)
	if err != nil {
		return Class{}, err
	}
	return c, r.commitLocked(Class{}, c)
}

// Get returns the class with the ID, or ErrNotFound.
func (r *Registry) Get(_ context.Context, id string) (Class, error) { return r.get(id) }

func (r *Registry) get(id string) (Class, error) {
	var c Class
	err := r.db.View(func(tx *kv.Tx) (err error) {
		c, err = r.store.get(tx, id)
		return err
	})
	return c, err
}

// MaxListLimit is the most classes that one page of a list holds.
const MaxListLimit = 200

// List returns up to limit classes (1 to MaxListLimit) by time of creation,
// oldest first, and the cursor of the next page, "" if there is none. An empty
// cursor asks for the first page. A class that is created while a client pages
// appears on the last page; none is seen twice.
func (r *Registry) List(_ context.Context, limit int, cursor string) (page []Class, next string, err error) {
	if limit < 1 || limit > MaxListLimit {
		return nil, "", &InvalidError{Field: "limit", Problem: "must be 1 to 200"}
	}
	after := ""
	if cursor != "" {
		if after, err = decodeCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	err = r.db.View(func(tx *kv.Tx) error {
		last := ""
		return r.store.order.ForEach(tx, after, func(key, id string) (bool, error) {
			if len(page) == limit {
				next = encodeCursor(last)
				return false, nil
			}
			c, gerr := r.store.get(tx, id)
			page, last = append(page, c), key
			return true, gerr
		})
	})
	return page, next, err
}

// Update changes what u names. Of an ended class only title and access can be
// changed. It returns ErrNotFound, ErrEnded or an *InvalidError.
func (r *Registry) Update(ctx context.Context, id string, u Update) (Class, error) {
	if err := u.validate(); err != nil {
		return Class{}, err
	}
	return r.change(ctx, id, func(c Class, now time.Time) (Class, error) {
		return r.rules.updated(c, u, now)
	}, nil)
}

// End ends the class now, whoever publishes. Ending an ended class changes
// nothing and is no error.
func (r *Registry) End(ctx context.Context, id string) (Class, error) {
	return r.change(ctx, id, func(c Class, now time.Time) (Class, error) {
		return r.rules.ended(c, now), nil
	}, nil)
}

// RotateStreamKey gives the class a new stream key; the old one stops working
// at once. Whoever publishes with it is for the Observer to disconnect. It
// returns ErrEnded for a class to which nobody can publish any more.
func (r *Registry) RotateStreamKey(ctx context.Context, id string) (Class, error) {
	return r.change(ctx, id, func(c Class, _ time.Time) (Class, error) {
		if c.State == Ended {
			return c, ErrEnded
		}
		c.StreamKey = newStreamKey()
		return c, nil
	}, nil)
}

// Delete ends the class, unless it has ended, and forgets it. The Observer
// hears of both, first the one and then the other, and removes the media. The
// ID may then be used again.
func (r *Registry) Delete(ctx context.Context, id string) error {
	if _, err := r.End(ctx, id); err != nil {
		return err
	}
	_, err := r.change(ctx, id, func(c Class, _ time.Time) (Class, error) {
		if c.State != Ended { // deleted and created again by someone else meanwhile
			return c, ErrNotFound
		}
		return Class{}, nil
	}, nil)
	if err == nil {
		r.logger.Info("class deleted", "class", id)
	}
	return err
}
