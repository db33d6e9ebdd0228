package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/realtime/web"
)

// Enter implements web.Rooms: whoever may see the class may be in its room, as the
// person that their pass names or as somebody new.
func (r *rooms) Enter(q *http.Request, id, pass string) (web.Entrance, error) {
	c, err := r.enterable(q.Context(), id)
	if err != nil {
		return web.Entrance{}, err
	}
	who, err := r.holder(c, pass)
	switch {
	case errors.Is(err, web.ErrRefused):
		who, pass = access.Person{Role: realtime.RoleParticipant}, ""
	case err != nil:
		return web.Entrance{}, err
	}
	return r.admit(id, who, pass)
}

// enterable returns a class whose room can be entered, or web.ErrNoRoom.
func (r *rooms) enterable(ctx context.Context, id string) (class.Class, error) {
	c, err := r.classes.Get(ctx, id)
	if errors.Is(err, class.ErrNotFound) {
		return c, web.ErrNoRoom
	}
	if err == nil {
		err = r.isOpen(id)
	}
	return c, err
}

// isOpen returns web.ErrNoRoom for a room that nobody can enter any more.
func (r *rooms) isOpen(id string) error {
	err := r.rooms.Open(id)
	var refusal *realtime.Error
	if errors.As(err, &refusal) {
		return web.ErrNoRoom
	}
	return err
}

// holder returns who holds the pass. It is web.ErrRefused for one that is not good,
// be it that a class of this name was deleted since, or that the host's studio link
// was replaced.
func (r *rooms) holder(c class.Class, pass string) (access.Person, error) {
	who, signed, err := r.grants.Holder(pass, c.ID, time.Now())
	if err != nil || signed.Before(c.CreatedAt.Truncate(time.Second)) {
		return access.Person{}, web.ErrRefused
	}
	if who.Role == realtime.RoleHost {
		since, err := r.studio.Since(c.ID)
		if err != nil {
			return access.Person{}, err
		}
		if signed.Before(since) {
			return access.Person{}, web.ErrRefused
		}
	}
	return who, nil
}

// admit makes a grant, and a pass for who has none.
func (r *rooms) admit(id string, who access.Person, pass string) (web.Entrance, error) {
	now := time.Now()
	if pass == "" {
		fresh, err := r.grants.Pass(id, who, now)
		if err != nil {
			return web.Entrance{}, err
		}
		pass, who.ID = fresh.Text, fresh.Participant
	}
	grant, err := r.grants.Grant(id, who, now)
	if err != nil {
		return web.Entrance{}, err
	}
	return web.Entrance{Grant: grant.Text, Pass: pass}, nil
}
