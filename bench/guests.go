package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lectern/lectern/realtime/api"
)

const (
	// guestsLimit is how long a slow machine may take until all guests have an answer.
	guestsLimit = 5 * time.Minute
	// guestsPause is how long a guest waits whom the room had no time for.
	guestsPause = 500 * time.Millisecond
)

// Guests are people in the room of a class on any server, each with a connection of
// their own. Their methods are for one goroutine.
type Guests struct{ hall *hall }

// NewGuests lets n people into the room of the class, one after another, and returns
// when all are there. addr is where the server listens for HTTP; client asks it for
// the grants. Leave ends their connections.
func NewGuests(ctx context.Context, client *api.Client, addr, class string, n int) (*Guests, error) {
	g := &Guests{&hall{scenario: &scenario{server: &server{api: client, http: addr}}, class: class, heeding: true}}
	if err := g.hall.fill(ctx, n); err != nil {
		g.Leave()
		return nil, err
	}
	return g, nil
}

// Leave ends all connections.
func (g *Guests) Leave() { g.hall.leave() }

// Say lets the first of them say something, and returns when the server has it.
func (g *Guests) Say(ctx context.Context, text string) error {
	answer, err := g.hall.seats[0].ask(ctx, "chat.send", "greeting", fmt.Sprintf(`{"text":%q}`, text))
	if err == nil && !strings.Contains(answer, `"type":"ack"`) {
		err = fmt.Errorf("say something: %s", answer)
	}
	return err
}

// Told returns when each of them has been told that a poll is open, once.
func (g *Guests) Told(ctx context.Context) error { return g.hall.told(ctx) }

// Vote lets each of them vote in the poll, all at once: guest i for option i modulo
// options. Everybody also does what a client does that has missed the answer, and
// sends the same command again; and what nobody may, and votes for another option. It
// returns an error unless the first was carried out, the second was known already and
// the third was refused.
func (g *Guests) Vote(ctx context.Context, id string, options int) error {
	ctx, cancel := context.WithTimeout(ctx, guestsLimit)
	defer cancel()
	var voting errgroup.Group
	for i, s := range g.hall.seats {
		voting.Go(func() error {
			for _, v := range []struct {
				command string
				choice  int
				want    string
			}{
				{"first-vote", i, `"type":"ack"`},
				{"first-vote", i, `"dup":true`},
				{"second-vote", i + 1, `"already_voted"`},
			} {
				answer, err := s.ask(ctx, "poll.vote", v.command, fmt.Sprintf(`{"poll":%q,"choices":[%d]}`, id, v.choice%options))
				if err != nil {
					return fmt.Errorf("guest %d: %w", i, err)
				}
				if !strings.Contains(answer, v.want) {
					return fmt.Errorf("guest %d: %s: %s is not in %s", i, v.command, v.want, answer)
				}
			}
			return nil
		})
	}
	return voting.Wait()
}

// ask sends a command and returns the line that answers it. A room that has no time
// for it is asked again.
func (s *seat) ask(ctx context.Context, kind, id, data string) (string, error) {
	for {
		if err := s.command(kind, id, data); err != nil {
			return "", err
		}
		select {
		case answer, ok := <-s.answers:
			if !ok {
				return "", errors.New("the connection has ended")
			}
			if !strings.Contains(answer, `"busy"`) {
				return answer, nil
			}
		case <-ctx.Done():
			return "", fmt.Errorf("wait for an answer to %s: %w", kind, ctx.Err())
		}
		if err := wait(ctx, guestsPause); err != nil {
			return "", err
		}
	}
}
