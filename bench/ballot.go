package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lectern/lectern/realtime"
)

const (
	// ballotOptions is how many answers the poll has.
	ballotOptions = 4
	// ballotSpread is over how long everybody votes.
	ballotSpread = 3 * time.Second
	// ballotTold is how long the last may wait for the poll.
	ballotTold = 250 * time.Millisecond
	// ballotTallied is how long the host may wait for the tally of the last vote: it
	// is told four times a second.
	ballotTallied = time.Second
)

// Ballot has a host open a poll to Count people who talk, and all of them vote within
// three seconds. It returns ErrMissed if the poll took more than 250 ms to reach the
// last, a vote was lost or counted twice, the tally is wrong or late, or the talk of
// the others was held up.
func Ballot(ctx context.Context, o Options) error {
	return inRoom(ctx, o, roomEnv(), func(ctx context.Context, h *hall) error {
		h.heeding = true
		if err := h.fill(ctx, o.Count); err != nil {
			return err
		}
		host, err := h.host(ctx)
		if err != nil {
			return err
		}
		v := &verdicts{out: o.Out}
		calm, err := h.delays(ctx, 20, o.Duration, nil)
		if err != nil {
			return err
		}
		b := &ballot{hall: h, host: host, v: v, out: o.Out}
		busy, err := h.delays(ctx, 20, o.Duration, b.hold)
		if err != nil {
			return err
		}
		before, after := percentile(calm, 99), percentile(busy, 99)
		report(o.Out, "%d people, 20 messages a second: p99 %s, with the poll %s\n", o.Count, before.Round(time.Millisecond), after.Round(time.Millisecond))
		limit := max(60*time.Millisecond, before+before/5)
		v.say(after <= limit, "the poll holds nobody up who talks: 99 %% of the messages are there within %s: %s", limit.Round(time.Millisecond), after.Round(time.Millisecond))
		return v.err()
	})
}

// ballot is one poll from its opening to its result.
type ballot struct {
	*hall

	host *seat
	v    *verdicts
	out  io.Writer
}

// host lets a host in.
func (h *hall) host(ctx context.Context) (*seat, error) {
	s, err := h.person(ctx, realtime.RoleHost, "p_host", "Host")
	if err != nil {
		return nil, err
	}
	s.answers = make(chan string, 8)
	h.staff = append(h.staff, s)
	if err = h.sit(ctx, s); err != nil {
		return nil, err
	}
	return s, h.seated(ctx, s)
}

// must sends a command of the host and returns the id that it made.
func (b *ballot) must(ctx context.Context, kind, data string) (string, error) {
	answer, err := b.host.ask(ctx, kind, strings.ReplaceAll(kind, ".", "-")+"-1", data)
	if err != nil {
		return "", err
	}
	if !strings.Contains(answer, `"type":"ack"`) {
		return "", fmt.Errorf("%s: %s", kind, answer)
	}
	_, rest, _ := strings.Cut(answer, `"data":{"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id, nil
}

// hold opens the poll, lets all vote, and looks at the tally.
func (b *ballot) hold(ctx context.Context) error {
	id, err := b.must(ctx, "poll.save", `{"kind":"single","prompt":"Which one?","options":["A","B","C","D"],"results":"live"}`)
	if err != nil {
		return err
	}
	opened := time.Now()
	if _, err = b.must(ctx, "poll.open", fmt.Sprintf(`{"poll":%q}`, id)); err != nil {
		return err
	}
	if err = b.told(ctx); err != nil {
		return err
	}
	told := time.Duration(0)
	for _, s := range b.seats {
		told = max(told, time.Unix(0, s.asked.Load()).Sub(opened))
	}
	b.v.say(told <= ballotTold, "the poll reached the last of %d people within %s: %s", len(b.seats), ballotTold, told.Round(time.Millisecond))
	refused, err := b.vote(ctx, id)
	if err != nil {
		return err
	}
	voted := time.Now()
	want := fmt.Sprintf(`"voters":%d`, len(b.seats))
	err = poll(ctx, guestsLimit, func() error {
		if got := b.host.tally.Load(); got == nil || !strings.Contains(*got, want) {
			return errors.New("the host is not told of every vote")
		}
		return nil
	})
	if err != nil {
		return err
	}
	tallied := time.Since(voted)
	counts := make([]int, ballotOptions)
	for i := range b.seats {
		counts[i%ballotOptions]++
	}
	right := strings.Contains(*b.host.tally.Load(), strings.ReplaceAll(fmt.Sprintf(`"counts":%v`, counts), " ", ","))
	report(b.out, "the tally of the last vote came after %s\n", tallied.Round(time.Millisecond))
	b.v.say(refused == 0 && right, "%d votes within %s are counted once each, %d were refused: %s", len(b.seats), ballotSpread, refused, *b.host.tally.Load())
	b.v.say(tallied <= ballotTallied, "the tally was there within %s of the last vote: %s", ballotTallied, tallied.Round(time.Millisecond))
	return nil
}

// vote lets everybody vote, evenly over ballotSpread, and returns how many were
// refused.
func (b *ballot) vote(ctx context.Context, id string) (int64, error) {
	var refused atomic.Int64
	var voting errgroup.Group
	begun := time.Now()
	for i, s := range b.seats {
		if err := wait(ctx, time.Until(begun.Add(ballotSpread*time.Duration(i)/time.Duration(len(b.seats))))); err != nil {
			return 0, err
		}
		voting.Go(func() error {
			answer, err := s.ask(ctx, "poll.vote", "vote-0001", fmt.Sprintf(`{"poll":%q,"choices":[%d]}`, id, i%ballotOptions))
			if err == nil && !strings.Contains(answer, `"type":"ack"`) {
				refused.Add(1)
			}
			return err
		})
	}
	err := voting.Wait()
	return refused.Load(), err
}
