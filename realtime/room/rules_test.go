package room_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room"
)

// A poll is seen by everybody, counted once for each, told while it goes on if it
// is to be, and its cues are on the media's clock.
func TestPoll(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		var cues []room.Cue
		s.stop()
		s.deps.Cue = func(class string, c room.Cue) {
			if class != "algebra" {
				s.t.Errorf("a cue for %q", class)
			}
			cues = append(cues, c)
		}
		s.start(nil)
		host := s.join("host", realtime.RoleHost)
		ada := s.join("ada", realtime.RoleParticipant)
		bob := s.join("bob", realtime.RoleParticipant)
		poll := host.must(realtime.PollSave{PollDraft: realtime.PollDraft{
			Kind: realtime.PollSingle, Prompt: "2+2", Options: []string{"3", "4"}, Quiz: true, Correct: []int{1}, Results: realtime.ResultsAfter,
		}})
		if got := of[realtime.PollSaved](ada); len(got) > 0 {
			t.Errorf("participants see drafts: %+v", got)
		}
		host.must(realtime.PollOpen{Poll: poll, Seconds: 20})
		opened := last[realtime.PollOpened](ada)
		if opened.Correct != nil || opened.ClosesAt != opened.At+20_000 || opened.At == 0 {
			t.Errorf("opened as %+v", opened)
		}
		ada.must(realtime.PollVote{Poll: poll, Choices: []int{1}})
		ada.refused(realtime.CodeAlreadyVoted, realtime.PollVote{Poll: poll, Choices: []int{0}})
		pass(time.Second)
		if got := last[realtime.Tally](host); got.Voters != 1 || got.Counts[1] != 1 {
			t.Errorf("staff are told %+v", got)
		}
		if got := of[realtime.Tally](bob); len(got) > 0 {
			t.Errorf("participants are told %+v", got)
		}
		pass(25 * time.Second)
		bob.refused(realtime.CodeClosed, realtime.PollVote{Poll: poll, Choices: []int{0}})
		bob.must(realtime.PollVote{Poll: poll, Choices: []int{0}, MediaTS: opened.ClosesAt}) // who is far behind
		pass(30 * time.Second)
		if got := last[realtime.PollClosed](bob); got.At != opened.ClosesAt {
			t.Errorf("closed as %+v", got)
		}
		host.must(realtime.PollReveal{Poll: poll})
		if got := last[realtime.PollRevealed](bob); got.Tally.Voters != 2 || got.Correct[0] != 1 {
			t.Errorf("revealed as %+v", got)
		}
		if len(cues) != 3 || cues[0].Event != realtime.EventPollOpened || cues[1].Event != realtime.EventPollClosed || cues[2].Event != realtime.EventPollRevealed {
			t.Errorf("cues are %+v", cues)
		}
	})
}

// Of more messages than anybody can read participants are shown some, of as many
// authors as there are, and their own; staff see all.
func TestDisplayCap(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		host := s.join("host", realtime.RoleHost)
		var all []*client
		for i := range 40 {
			all = append(all, s.join(fmt.Sprint("p", i), realtime.RoleParticipant))
		}
		pass(time.Minute)
		for round := range 3 {
			for i, c := range all {
				c.m.Do(realtime.Command{
					Type: realtime.CommandChatSend, ID: fmt.Sprintf("burst-%d-%d", round, i), Data: realtime.ChatSend{Text: fmt.Sprint(round, " ", i)},
				})
			}
		}
		pass(2 * time.Second)
		if n := len(of[realtime.ChatMessage](host)); n != 120 {
			t.Errorf("staff see %d of 120", n)
		}
		authors := make(map[string]bool)
		own := 0
		for _, ev := range all[39].all() {
			if ev.Type == realtime.EventChatMessage {
				if authors[ev.From.ID] = true; ev.From.ID == "p39" {
					own++
				}
			}
		}
		if n := len(of[realtime.ChatMessage](all[39])); n-own > 10 || own != 3 || len(authors) < 8 {
			t.Errorf("a participant sees %d, %d of them their own, of %d authors", n, own, len(authors))
		}
		if got := last[realtime.ChatMore](all[39]).N; got < 110 {
			t.Errorf("%d more", got)
		}
		if got := of[realtime.ChatMore](host); len(got) > 0 {
			t.Errorf("staff are told of %+v more", got)
		}
	})
}

// A flood is refused, then muted, then cut off; others notice nothing, and a new
// connection is no way around it.
func TestFlood(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		ada := s.join("ada", realtime.RoleParticipant)
		mallory := s.join("mallory", realtime.RoleParticipant)
		flood := func(c *client, n int) (refused int) {
			for i := range n {
				if c.closeCode() != 0 {
					break // the transport reads no more
				}
				c.m.Do(realtime.Command{Type: realtime.CommandChatSend, ID: fmt.Sprintf("flood-%d-%d", time.Now().UnixNano(), i), Data: realtime.ChatSend{Text: "x"}})
			}
			settle()
			return len(of[realtime.Refusal](c))
		}
		if got := flood(mallory, 1000); got != 22 || mallory.closeCode() != realtime.CloseLimit || mallory.after <= 0 {
			t.Errorf("%d were refused, closed with %d", got, mallory.closeCode())
		}
		if n := len(of[realtime.ChatMessage](ada)); n != 3 {
			t.Errorf("%d messages of the flood came through", n)
		}
		mallory.m.Leave()
		again := s.join("mallory", realtime.RoleParticipant)
		if refusal := again.refused(realtime.CodeRateLimited, realtime.ChatSend{Text: "y"}); refusal.RetryAfterMS < 50_000 {
			t.Errorf("is told to wait %d ms", refusal.RetryAfterMS)
		}
		ada.must(realtime.ChatSend{Text: "what was that?"})
		pass(time.Minute)
		again.must(realtime.ChatSend{Text: "sorry"})
	})
}

// An expired grant, a locked room, a paused one.
func TestWhoMay(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		host := s.join("host", realtime.RoleHost)
		who := principal("ada", realtime.RoleParticipant)
		who.ExpiresAt = time.Now().Add(time.Minute)
		ada, err := s.connect(who, room.Position{})
		if err != nil {
			t.Fatal(err)
		}
		settle()
		yes := true
		host.must(realtime.RoomSet{Locked: &yes})
		var refusal *realtime.Error
		if _, err = s.connect(principal("late", realtime.RoleParticipant), room.Position{}); !errors.As(err, &refusal) || refusal.Code != realtime.CodeClosed {
			t.Errorf("a locked room: %v", err)
		}
		s.join("mod", realtime.RoleModerator)
		host.must(realtime.RoomSet{Paused: &yes})
		ada.refused(realtime.CodeClosed, realtime.ChatSend{Text: "x"})
		ada.refused(realtime.CodeClosed, realtime.React{Kind: realtime.ReactionClap})
		ada.refused(realtime.CodeForbidden, realtime.PollOpen{Poll: "p1"})
		ada.refused(realtime.CodeBadRequest, realtime.Hello{Grant: "x"})
		host.must(realtime.ChatSend{Text: "one moment"})
		yes = false
		host.must(realtime.RoomSet{Paused: &yes})
		pass(time.Minute)
		ada.refused(realtime.CodeUnauthorized, realtime.ChatSend{Text: "x"})
		who.ExpiresAt = time.Now().Add(time.Minute)
		if err = ada.m.Refresh(who); err != nil {
			t.Fatal(err)
		}
		ada.must(realtime.ChatSend{Text: "x"})
		for _, other := range []realtime.Principal{principal("bob", realtime.RoleParticipant), principal("ada", realtime.RoleHost)} {
			if err = ada.m.Refresh(other); err == nil {
				t.Errorf("became %+v", other)
			}
		}
	})
}

// An empty room closes by itself, and is opened as it was; one that is deleted is
// over for everybody.
func TestEnd(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		ada := s.join("ada", realtime.RoleParticipant)
		id := ada.must(realtime.ChatSend{Text: "bye"})
		ada.leave()
		pass(5 * time.Minute)
		again := s.join("bob", realtime.RoleParticipant)
		if m := again.welcome.Snapshot.Messages; len(m) != 1 || m[0].ID != id {
			t.Errorf("messages are %+v", m)
		}
		again.leave()
		pass(5 * time.Minute) // closes
		back := s.join("bob", realtime.RoleParticipant)
		if err := s.rooms.Delete(t.Context(), "algebra"); err != nil {
			t.Fatal(err)
		}
		settle()
		if back.closeCode() != realtime.CloseClassEnded {
			t.Errorf("closed with %d", back.closeCode())
		}
		c, err := s.connect(principal("bob", realtime.RoleParticipant), again.position())
		if err != nil {
			t.Fatal(err)
		}
		settle()
		if c.welcome.Recovered || len(c.welcome.Snapshot.Messages) != 0 || c.welcome.Epoch == again.epoch {
			t.Errorf("after a delete: %+v", c.welcome)
		}
		s.stop()
		if c.closeCode() != realtime.CloseRestart || c.after < time.Second {
			t.Errorf("closed with %d, to come back after %s", c.closeCode(), c.after)
		}
		if _, err = s.connect(c.who, room.Position{}); !errors.Is(err, room.ErrUnavailable) {
			t.Errorf("joined a server that has stopped: %v", err)
		}
	})
}

// faulty fails events on demand.
type faulty struct {
	broker.Broker
	busy atomic.Bool
	fail atomic.Bool
}

func (f *faulty) Enqueue(name string, ev broker.Event, done func(broker.Result)) error {
	if f.busy.Load() {
		return broker.ErrBusy
	}
	return f.Broker.Enqueue(name, ev, func(r broker.Result) {
		if f.fail.Load() {
			r = broker.Result{Err: errors.New("disk is full")}
		}
		done(r)
	})
}

func (f *faulty) Delete(ctx context.Context, name string) error { return f.Broker.Delete(ctx, name) }

// What cannot be kept is not told to anybody: the room begins anew. What the log
// has no room for is refused, and can be sent again.
func TestDiskFails(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		s.stop()
		f := &faulty{}
		s.start(func(b broker.Broker) broker.Broker {
			f.Broker = b
			return f
		})
		ada := s.join("ada", realtime.RoleParticipant)
		bob := s.join("bob", realtime.RoleParticipant)
		f.busy.Store(true)
		_, refusal := ada.send("the-command", realtime.ChatSend{Text: "hello"})
		if refusal.Code != realtime.CodeBusy || !refusal.Retryable || refusal.RetryAfterMS == 0 {
			t.Errorf("refused with %+v", refusal)
		}
		f.busy.Store(false)
		if ack, _ := ada.send("the-command", realtime.ChatSend{Text: "hello"}); ack.Dup || ack.ID == "" {
			t.Errorf("sent again: %+v", ack)
		}
		f.fail.Store(true)
		for i := range 3 {
			ada.m.Do(realtime.Command{Type: realtime.CommandChatSend, ID: fmt.Sprint("lost-command-", i), Data: realtime.ChatSend{Text: "lost"}})
		}
		settle()
		for _, c := range []*client{ada, bob} {
			if c.closeCode() != realtime.CloseEpochReset || len(of[realtime.ChatMessage](c)) != 1 {
				t.Errorf("%s was closed with %d, and saw %+v", c.who.ID, c.closeCode(), of[realtime.ChatMessage](c))
			}
			c.m.Leave()
		}
		f.fail.Store(false)
		again := s.join("bob", realtime.RoleParticipant)
		again.must(realtime.ChatSend{Text: "back"})
	})
}

func TestConfig(t *testing.T) {
	if err := room.DefaultConfig().Validate(); err != nil {
		t.Errorf("default: %v", err)
	}
	bad := room.Config{LeaveGrace: -1, EditWindow: -1, VoteGrace: time.Hour, Chat: "x", Names: "y"}
	want := `room.leave_grace: -1ns is outside 0s to 10m0s
room.idle_close: 0s is outside 1s to 24h0m0s
room.edit_window: -1ns is outside 0s to 24h0m0s
room.hand_timeout: 0s is outside 10s to 24h0m0s
room.vote_grace: 1h0m0s is outside 0s to 5m0s
room.display_per_second: 0 is outside 1 to 1000
room.connections: 0 is outside 1 to 20
room.chat: "x" is not open, hosts, questions or off
room.names: "y" is not named, anonymous or both
room.log.resume_events: 0 is outside 100 to 100000
room.log.queue_events: 0 is outside 256 to 1048576`
	if err := bad.Validate(); err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}
