package bench

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
)

// chatter is one measurement of a room and what it may be.
type chatter struct {
	name  string
	rate  int           // messages a second
	delay time.Duration // from a message to 99 % of its readers, at most
	ack   time.Duration // from a message to 99 % of its acknowledgements, at most; 0 is not judged
	cores float64       // of the server, at most
	frame time.Duration // of the server for one frame, at most; 0 is not judged
}

// targets are those for so many people.
func targets(people int) []chatter {
	if people >= 5000 {
		return []chatter{{name: "RT3", rate: 100, delay: 700 * time.Millisecond, cores: 0.8}}
	}
	return []chatter{
		{name: "RT1", rate: 20, delay: 60 * time.Millisecond, cores: 0.7, frame: 15 * time.Microsecond},
		{name: "RT2", rate: 500, delay: 150 * time.Millisecond, ack: 25 * time.Millisecond, cores: 0.8},
	}
}

// weigh measures what people take of the server who say nothing: RT4.
func (h *hall) weigh(ctx context.Context, o Options, v *verdicts) error {
	const limit, goroutines = 20_000, 12_000.0 / 5000
	m, err := h.remember(ctx)
	if err != nil {
		return err
	}
	n := float64(len(h.seats))
	each, running := float64(m.resident-h.empty.resident)/n, (m.counts-h.empty.counts)/n
	report(o.Out, "RT4: %d people who say nothing: %.1f KB resident each, %.1f KB of heap and %.1f KB of stacks without garbage\n",
		len(h.seats), each/1000, (m.heap-h.empty.heap)/n/1000, (m.stacks-h.empty.stacks)/n/1000)
	v.say(each <= limit, "RT4: a person takes at most %d KB: %.1f KB", limit/1000, each/1000)
	v.say(running <= goroutines, "RT4: a person takes at most %.1f goroutines: %.2f", goroutines, running)
	return nil
}

// delays returns how long messages took to come while people said so many a second
// for d. meanwhile, unless nil, runs along.
func (h *hall) delays(ctx context.Context, rate int, d time.Duration, meanwhile func(context.Context) error) ([]time.Duration, error) {
	h.take()
	var along errgroup.Group
	if meanwhile != nil {
		along.Go(func() error { return meanwhile(ctx) })
	}
	if err := errors.Join(h.talk(ctx, h.seats, rate, d), along.Wait()); err != nil {
		return nil, err
	}
	if err := poll(ctx, 10*time.Second, h.complete); err != nil {
		return nil, err
	}
	delays, _ := h.take()
	if len(delays) == 0 {
		return nil, errors.New("no message came")
	}
	return delays, nil
}

// take returns the delays of all people since the last call.
func (h *hall) take() (delays, acks []time.Duration) {
	for _, s := range h.seats {
		d, a := s.takeDelays()
		delays, acks = append(delays, d...), append(acks, a...)
	}
	return delays, acks
}

// complete returns an error unless everybody was told all that was said.
func (h *hall) complete() error {
	return h.all(h.seats, func(s *seat) bool { return s.messages.Load() == h.sent }, "told each message once")
}

// chat measures one rate of messages.
func (h *hall) chat(ctx context.Context, o Options, t chatter, v *verdicts) error {
	h.take()
	frames, err := h.metric(ctx, "lectern_ws_frames_total")
	if err != nil {
		return err
	}
	var along errgroup.Group
	along.Go(func() error { return h.talk(ctx, h.seats, t.rate, o.Duration) })
	if o.Profile != "" {
		along.Go(func() error { return h.profile(ctx, o.Duration, o.Profile+"."+t.name) })
	}
	used, err := h.measure(ctx, o.Duration)
	if err = errors.Join(err, along.Wait()); err != nil {
		return err
	}
	lost := poll(ctx, 10*time.Second, h.complete)
	after, err := h.metric(ctx, "lectern_ws_frames_total")
	if err != nil {
		return err
	}
	delays, acks := h.take()
	refused := int64(0)
	for _, s := range h.seats {
		refused += s.refused.Swap(0)
	}
	if len(delays) == 0 {
		return errors.New("no message came")
	}
	p99, acked := percentile(delays, 99), percentile(acks, 99)
	each := used.cpu / time.Duration(max(1, after-frames))
	report(o.Out, "%s: %d people, %d messages a second: p50 %s, p99 %s; acknowledged p50 %s, p99 %s; %.2f cores, %.0f frames, %s of the server each; %.1f KB resident each\n",
		t.name, len(h.seats), t.rate, percentile(delays, 50).Round(time.Millisecond), p99.Round(time.Millisecond),
		percentile(acks, 50).Round(time.Millisecond), acked.Round(time.Millisecond), used.cores(), after-frames,
		each.Round(100*time.Nanosecond), float64(used.memory-h.empty.resident)/float64(len(h.seats))/1000)
	v.say(lost == nil && refused == 0, "%s: each message reached each person once, none was refused%s", t.name, because(lost, refused))
	v.say(p99 <= t.delay, "%s: 99 %% of the messages were there within %s: %s", t.name, t.delay, p99.Round(time.Millisecond))
	v.say(used.cores() <= t.cores, "%s: the server took at most %.1f cores: %.2f", t.name, t.cores, used.cores())
	if t.frame > 0 {
		v.say(each <= t.frame, "RT7: a frame takes at most %s of the server: %s", t.frame, each.Round(100*time.Nanosecond))
	}
	if t.ack > 0 {
		v.say(acked <= t.ack, "RT8: 99 %% of the messages were acknowledged within %s: %s", t.ack, acked.Round(time.Millisecond))
	}
	return nil
}

// storm has three quarters of the people lose their connections, and come back.
func (h *hall) storm(ctx context.Context, o Options, v *verdicts) error {
	const missed, within, limit = 500, 2 * time.Second, 5 * time.Second
	stay, gone := h.seats[:len(h.seats)/4], h.seats[len(h.seats)/4:]
	for _, s := range gone {
		s.hangUp()
	}
	if err := h.gone(ctx, gone...); err != nil {
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
