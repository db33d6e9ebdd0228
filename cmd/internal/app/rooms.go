package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/configs"
	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/realtime/room"
	"github.com/lectern/lectern/realtime/transcript"
	"github.com/lectern/lectern/realtime/ws"
	"github.com/lectern/lectern/storage/kv"
)

// roomsFile is the database of the rooms' logs, apart from the classes': it is
// written to all the time, and no stream key has to wait for a chat message.
const roomsFile = "rooms.db"

// roomTimeout bounds how long the end of a class waits for its room.
const roomTimeout = 10 * time.Second

// rooms are the rooms of the classes, and the doors to them. It is what the
// sockets join: it implements ws.Rooms.
type rooms struct {
	// Set by newRooms, then read-only.
	log     *broker.Embedded
	rooms   *room.Rooms
	sockets *ws.Server
	grants  *access.GrantRing
	studio  *access.StudioKeys
	past    *transcript.Library
	logger  *slog.Logger

	classes classFinder // set before anything runs
}

// roomMedia is the side of the media that rooms need.
type roomMedia interface {
	room.Clock
	Cue(class string, c room.Cue)
}

// newRooms makes the rooms. db has the keys, logs the logs.
func newRooms(cfg configs.Config, db, logs *kv.DB, media roomMedia, logger *slog.Logger, reg prometheus.Registerer) (r *rooms, err error) {
	r = &rooms{logger: logger.With("component", "app")}
	deps := access.Deps{DB: db, Logger: logger, Registerer: reg}
	if r.grants, err = access.NewGrantRing(cfg.Grants, deps); err != nil {
		return nil, err
	}
	if r.studio, err = access.NewStudioKeys(deps); err != nil {
		return nil, err
	}
	r.log = broker.NewEmbedded(cfg.Room.Log, broker.Deps{DB: logs, Logger: logger, Registerer: reg})
	r.past = transcript.New(transcript.Deps{Log: r.log, Ended: r.ended, Registerer: reg})
	r.rooms = room.New(cfg.Room, room.Deps{Broker: r.log, Clock: media, Cue: media.Cue, Logger: logger, Registerer: reg})
	r.sockets, err = ws.New(cfg.WS, ws.Deps{Grants: r.grants, Rooms: r, Logger: logger, Registerer: reg})
	return r, err
}

// start opens the rooms, whose doors are the sockets: these have to be run beside.
// stop is called once the sockets have ended, and returns when all that was said is
// kept.
func (r *rooms) start(ctx context.Context) (stop func(), err error) {
	log, open := newTasks(ctx), newTasks(ctx)
	stop = func() {
		open.stop()
		log.stop()
	}
	for _, part := range []struct {
		tasks *tasks
		run   func(context.Context) error
	}{{log, r.log.Run}, {open, r.rooms.Run}} {
		if _, err = part.tasks.start(func(ctx context.Context) { //nolint:contextcheck // the group outlives ctx: see tasks
			if rerr := part.run(ctx); rerr != nil {
				r.logger.ErrorContext(ctx, "rooms failed", "err", rerr)
			}
		}); err != nil {
			stop()
			return nil, err
		}
	}
	if err = r.sweep(ctx); err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}

// sweep deletes the logs of classes that are gone: the server may have been killed
// between the one and the other, and nobody shall read them in a class that gets the
// name again.
func (r *rooms) sweep(ctx context.Context) error {
	all, err := r.log.Rooms(ctx)
	if err != nil {
		return err
	}
	for _, id := range all {
		if _, err = r.classes.Get(ctx, id); !errors.Is(err, class.ErrNotFound) {
			continue
		}
		if err = r.log.Delete(ctx, id); err != nil {
			return fmt.Errorf("delete room of class %q, which is gone: %w", id, err)
		}
		r.logger.InfoContext(ctx, "room of a deleted class removed", "class", id)
	}
	return nil
}

// Join implements ws.Rooms: it lets people into the rooms of classes that are not
// over.
func (r *rooms) Join(ctx context.Context, id string, who realtime.Principal, from room.Position, conn room.Conn) (ws.Member, error) {
	if _, err := r.open(ctx, id); err != nil {
		return nil, notOpen(err)
	}
	m, err := r.rooms.Join(ctx, id, who, from, conn)
	if err != nil {
		return nil, err // and not a nil *room.Member
	}
	// The class may have ended meanwhile, and its room with it: then this would be
	// another one, which nobody ends.
	if _, err = r.open(ctx, id); err != nil {
		m.Leave() //nolint:contextcheck // whoever leaves does so whatever becomes of the request
		return nil, notOpen(err)
	}
	return m, nil
}

// open returns the class if it has a room: class.ErrNotFound, class.ErrEnded or a
// fault.
func (r *rooms) open(ctx context.Context, id string) (class.Class, error) {
	c, err := r.classes.Get(ctx, id)
	if err == nil && c.State == class.Ended {
		err = class.ErrEnded
	}
	return c, err
}

// notOpen says to a client why there is no room.
func notOpen(err error) error {
	switch {
	case errors.Is(err, class.ErrNotFound):
		return realtime.NewError(realtime.CodeNotFound, "there is no such class")
	case errors.Is(err, class.ErrEnded):
		return realtime.NewError(realtime.CodeClosed, "the class has ended")
	}
	return err
}

// end ends the room of a class that is over.
func (r *rooms) end(ctx context.Context, id string) { r.close(ctx, id, r.rooms.End) }

// remove ends the room of a class that was deleted, and forgets what was said.
func (r *rooms) remove(ctx context.Context, id string) {
	r.close(ctx, id, r.rooms.Delete)
	r.past.Forget(id)
}

func (r *rooms) close(ctx context.Context, id string, how func(context.Context, string) error) {
	ctx, cancel := context.WithTimeout(ctx, roomTimeout)
	defer cancel()
	// While the server stops rooms close anyway, and the class's state keeps everybody
	// out after the next start.
	if err := how(ctx, id); err != nil && !errors.Is(err, room.ErrUnavailable) {
		r.logger.ErrorContext(ctx, "room of a class that is over remains", "class", id, "err", err)
	}
}
