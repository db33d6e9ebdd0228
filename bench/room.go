package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/lectern/lectern/realtime/api"
)

// roomEnv lets a bench say all it wants from one address, and be shown all of it.
func roomEnv() []string {
	return []string{
		"LECTERN_WS_HANDSHAKE_BURST=100000", "LECTERN_WS_HANDSHAKE_RATE=100000", "LECTERN_WS_MAX_UNAUTHENTICATED=100000",
		"LECTERN_ROOM_DISPLAY_PER_SECOND=1000",
	}
}

// chatter is one measurement of a room and what it may be.
type chatter struct {
	name  string
	rate  int           // messages a second
	delay time.Duration // from a message to 99 % of its readers, at most
	cores float64       // of the server, at most
}

// Room puts Count people into the room of a class and lets them talk, first a
// little and then a lot; each message is to reach each of them, once. Then three
// quarters of them are gone while the others talk on, come back within two seconds,
// and are to get what they have missed. It returns ErrMissed if RT1, RT2 or RT5 of
// the rooms' targets is.
func Room(ctx context.Context, o Options) (err error) {
	dir, err := os.MkdirTemp("", "lectern-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := startServer(ctx, o.Binary, dir, roomEnv())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	c, err := s.api.Create(ctx, api.CreateClass{ID: "room", Title: "Room"})
	if err != nil {
		return fmt.Errorf("create class: %w", err)
	}
	hall := &hall{scenario: &scenario{server: s}, class: c.ID}
	defer hall.leave()
	if hall.empty, err = s.resident(); err != nil {
		return err
	}
	if err = hall.fill(ctx, o.Count); err != nil {
		return err
	}
	v := &verdicts{out: o.Out}
	for _, t := range []chatter{
		{name: "RT1", rate: 20, delay: 60 * time.Millisecond, cores: 0.7},
		{name: "RT2", rate: 500, delay: 150 * time.Millisecond, cores: 0.8},
	} {
		if err = hall.chat(ctx, o, t, v); err != nil {
			return err
		}
	}
	if err = hall.storm(ctx, o, v); err != nil {
		return err
	}
	return v.err()
}

// hall is the people in a room.
type hall struct {
	*scenario

	class string
	empty int64 // bytes that the server takes without anybody
	seats []*seat
	sent  int64 // messages, of all measurements

	heeding bool // people wait for answers

	running sync.WaitGroup
}

// fill lets n people in.
func (h *hall) fill(ctx context.Context, n int) error {
	begun := time.Now()
	for i := range n {
		grant, err := h.api.CreateGrant(ctx, h.class, api.CreateGrant{Role: "participant", Person: fmt.Sprintf("p_%d", i), Name: fmt.Sprintf("Guest %d", i)})
		if err != nil {
			return fmt.Errorf("get a grant: %w", err)
		}
		s := &seat{grant: grant.Grant, sample: i%10 == 0}
		if h.heeding {
			s.answers = make(chan string, 8)
		}
		h.seats = append(h.seats, s)
		if err = h.sit(ctx, s); err != nil {
			return err
		}
	}
	if err := poll(ctx, time.Minute, func() error { return h.all(h.seats, (*seat).there, "in the room") }); err != nil {
		return err
	}
	return wait(ctx, max(0, 2*time.Second-time.Since(begun)))
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
		if err := people[i%rate].say(); err != nil {
			return err
		}
		h.sent++
	}
	return nil
}

// chat measures one rate of messages.
func (h *hall) chat(ctx context.Context, o Options, t chatter, v *verdicts) error {
	for _, s := range h.seats {
		s.takeDelays()
	}
	frames, err := h.metric(ctx, "lectern_ws_frames_total")
	if err != nil {
		return err
	}
	talking := make(chan error, 1)
	h.running.Go(func() { talking <- h.talk(ctx, h.seats, t.rate, o.Duration) })
	profiled := make(chan error, 1)
	h.running.Go(func() {
		if o.Profile == "" {
			profiled <- nil
			return
		}
		profiled <- h.profile(ctx, o.Duration, o.Profile+"."+t.name)
	})
	used, err := h.measure(ctx, o.Duration)
	if err = errors.Join(err, <-talking, <-profiled); err != nil {
		return err
	}
	complete := func() error {
		return h.all(h.seats, func(s *seat) bool { return s.messages.Load() == h.sent }, "told each message once")
	}
	lost := poll(ctx, 10*time.Second, complete)
	after, err := h.metric(ctx, "lectern_ws_frames_total")
	if err != nil {
		return err
	}
	var delays []time.Duration
	refused := int64(0)
	for _, s := range h.seats {
		delays = append(delays, s.takeDelays()...)
		refused += s.refused.Swap(0)
	}
	if len(delays) == 0 {
		return errors.New("no message came")
	}
	p99 := percentile(delays, 99)
	report(o.Out, "%s: %d people, %d messages a second: p50 %s, p99 %s; %.2f cores, %.0f frames, %.1f us of the server each; %.1f KB resident each\n",
		t.name, len(h.seats), t.rate, percentile(delays, 50).Round(time.Millisecond), p99.Round(time.Millisecond), used.cores(), after-frames,
		float64(used.cpu.Microseconds())/max(1, after-frames), float64(used.memory-h.empty)/float64(len(h.seats))/1000)
	v.say(lost == nil && refused == 0, "%s: each message reached each person once, none was refused%s", t.name, because(lost, refused))
	v.say(p99 <= t.delay, "%s: 99 %% of the messages were there within %s: %s", t.name, t.delay, p99.Round(time.Millisecond))
	v.say(used.cores() <= t.cores, "%s: the server took at most %.1f cores: %.2f", t.name, t.cores, used.cores())
	return nil
}

// storm has three quarters of the people lose their connections, and come back.
func (h *hall) storm(ctx context.Context, o Options, v *verdicts) error {
	const missed, within, limit = 500, 2 * time.Second, 5 * time.Second
	stay, gone := h.seats[:len(h.seats)/4], h.seats[len(h.seats)/4:]
	for _, s := range gone {
		s.hangUp()
	}
	if err := poll(ctx, time.Minute, func() error { return h.all(gone, func(s *seat) bool { return !s.there() }, "gone") }); err != nil {
		return err
	}
	rate := min(missed, len(stay))
	if err := h.talk(ctx, stay, rate, time.Duration(missed)*time.Second/time.Duration(rate)); err != nil {
		return err
	}
	begun := time.Now()
	for i, s := range gone {
		if err := wait(ctx, time.Until(begun.Add(time.Duration(i)*within/time.Duration(len(gone))))); err != nil {
			return err
		}
		if err := h.sit(ctx, s); err != nil {
			return err
		}
	}
	err := poll(ctx, 4*limit, func() error {
		return h.all(gone, func(s *seat) bool { return s.recovered.Load() && s.messages.Load() == h.sent }, "back, with all they have missed")
	})
	took := time.Since(begun)
	report(o.Out, "RT5: %d people came back within %s, and had %d messages each after %s\n", len(gone), within, missed, took.Round(10*time.Millisecond))
	v.say(err == nil && took <= limit, "RT5: all have what they missed within %s: %s%s", limit, took.Round(10*time.Millisecond), because(err, 0))
	return ctx.Err()
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
