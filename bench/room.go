package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/api"
)

// roomEnv lets a bench say all it wants from one address, and be shown all of it.
func roomEnv() []string {
	return []string{
		"LECTERN_WS_HANDSHAKE_BURST=100000", "LECTERN_WS_HANDSHAKE_RATE=100000", "LECTERN_WS_MAX_UNAUTHENTICATED=100000",
		"LECTERN_ROOM_DISPLAY_PER_SECOND=1000",
	}
}

// Room puts Count people into the room of a class and lets them talk, first a
// little and then a lot; each message is to reach each of them, once. Then three
// quarters of them are gone while the others talk on, come back within two seconds,
// and are to get what they have missed. It returns ErrMissed if RT1, RT2, RT4, RT5,
// RT7 or RT8 of the rooms' targets is. From 5,000 people on it is RT3 instead of RT1
// and RT2.
func Room(ctx context.Context, o Options) error {
	return inRoom(ctx, o, roomEnv(), func(ctx context.Context, h *hall) error {
		v := &verdicts{out: o.Out}
		if err := h.fill(ctx, o.Count); err != nil {
			return err
		}
		if err := h.weigh(ctx, o, v); err != nil {
			return err
		}
		for _, t := range targets(o.Count) {
			if err := h.chat(ctx, o, t, v); err != nil {
				return err
			}
		}
		if err := h.storm(ctx, o, v); err != nil {
			return err
		}
		return v.err()
	})
}

// inRoom lets play use a class on a server of its own, with these settings.
func inRoom(ctx context.Context, o Options, env []string, play func(context.Context, *hall) error) (err error) {
	dir, err := os.MkdirTemp("", "lectern-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := startServer(ctx, o.Binary, dir, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	c, err := s.api.Create(ctx, api.CreateClass{ID: "room", Title: "Room"})
	if err != nil {
		return fmt.Errorf("create class: %w", err)
	}
	h := &hall{scenario: &scenario{server: s}, class: c.ID}
	defer h.leave()
	if h.empty, err = s.remember(ctx); err != nil {
		return err
	}
	return play(ctx, h)
}

// hall is the people in a room.
type hall struct {
	*scenario

	class string
	empty memory // of the server without anybody
	seats []*seat
	staff []*seat
	sent  int64 // messages, of all measurements

	heeding bool   // people wait for answers
	words   string // that every message has

	running sync.WaitGroup
}

// fill lets n people in.
func (h *hall) fill(ctx context.Context, n int) error {
	begun := time.Now()
	for i := range n {
		s, err := h.person(ctx, realtime.RoleParticipant, fmt.Sprintf("p_%d", i), fmt.Sprintf("Guest %d", i))
		if err != nil {
			return err
		}
		s.sample = i%10 == 0
		if h.heeding {
			s.answers = make(chan string, 8)
		}
		h.seats = append(h.seats, s)
		if err = h.sit(ctx, s); err != nil {
			return err
		}
	}
	if err := h.seated(ctx, h.seats...); err != nil {
		return err
	}
	return wait(ctx, max(0, 2*time.Second-time.Since(begun)))
}

// person returns somebody who may come in.
func (h *hall) person(ctx context.Context, role realtime.Role, id, name string) (*seat, error) {
	grant, err := h.api.CreateGrant(ctx, h.class, api.CreateGrant{Role: role, Person: id, Name: name})
	if err != nil {
		return nil, fmt.Errorf("get a grant: %w", err)
	}
	return &seat{grant: grant.Grant}, nil
}

// seated waits until all of them are in the room.
func (h *hall) seated(ctx context.Context, seats ...*seat) error {
	return poll(ctx, time.Minute, func() error { return h.all(seats, (*seat).there, "in the room") })
}

// gone waits until the connections of all of them have ended.
func (h *hall) gone(ctx context.Context, seats ...*seat) error {
	return poll(ctx, time.Minute, func() error { return h.all(seats, func(s *seat) bool { return !s.there() }, "gone") })
}

// told waits until each of them has been told that a poll is open, once.
func (h *hall) told(ctx context.Context) error {
	return poll(ctx, guestsLimit, func() error {
		return h.all(h.seats, func(s *seat) bool { return s.polls.Load() == 1 }, "told of one poll")
	})
}

// sit connects one person and reads what they get.
func (h *hall) sit(ctx context.Context, s *seat) error {
	if err := s.connect(ctx, h.http, h.class); err != nil {
		return err
	}
	h.running.Go(s.read)
	return nil
}

// all returns an error unless is holds for all seats.
func (*hall) all(seats []*seat, is func(*seat) bool, what string) error {
	n := 0
	for _, s := range seats {
		if is(s) {
			n++
		}
	}
	if n < len(seats) {
		return fmt.Errorf("%d of %d people are %s", n, len(seats), what)
	}
	return nil
}

// leave ends all connections.
func (h *hall) leave() {
	for _, s := range h.seats {
		s.hangUp()
	}
	for _, s := range h.staff {
		s.hangUp()
	}
	h.running.Wait()
}

// talk lets people say so many messages a second for d, each of them one a second at
// most: more the room refuses.
func (h *hall) talk(ctx context.Context, people []*seat, rate int, d time.Duration) error {
	rate = min(rate, len(people))
	step := time.Second / time.Duration(rate)
	begun := time.Now()
	for i := range int(d / step) {
		if err := wait(ctx, time.Until(begun.Add(time.Duration(i)*step))); err != nil {
			return err
		}
		if err := people[i%rate].say(h.words); err != nil {
			return err
		}
		h.sent++
	}
	return nil
}

// because adds what went wrong to a verdict.
func because(err error, refused int64) string {
	switch {
	case err != nil:
		return ": " + err.Error()
	case refused > 0:
		return fmt.Sprintf(": %d were", refused)
	}
	return ""
}

func report(out io.Writer, format string, args ...any) { fmt.Fprintf(out, format, args...) }
