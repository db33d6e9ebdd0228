package room_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/room"
	"github.com/lectern/lectern/realtime/room/state"
)

// A message reaches everybody, with the name that each may know.
func TestMessages(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		host := s.join("host", realtime.RoleHost)
		ada := s.join("ada", realtime.RoleParticipant)
		bob := s.join("bob", realtime.RoleParticipant)
		id := ada.must(realtime.ChatSend{Text: "hello"})
		secret := ada.must(realtime.ChatSend{Text: "a word", To: realtime.ToStaff})
		for _, c := range []*client{host, ada, bob} {
			got := of[realtime.ChatMessage](c)
			if got[0].ID != id || got[0].Text != "hello" || (len(got) == 2) != (c != bob) {
				t.Errorf("%s got %+v", c.who.ID, got)
			}
			if len(got) == 2 && got[1].ID != secret {
				t.Errorf("%s got %+v", c.who.ID, got)
			}
		}
		for _, ev := range bob.all() {
			if ev.Type == realtime.EventChatMessage && (ev.From.ID != "ada" || ev.MediaTS == 0 || ev.TS-ev.MediaTS != 2000) {
				t.Errorf("bob got %+v from %+v", ev, ev.From)
			}
		}
	})
}

// Who comes back within what the room remembers misses nothing and gets nothing
// twice; who was away for longer gets the room as it is.
func TestResume(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		host := s.join("host", realtime.RoleHost)
		ada := s.join("ada", realtime.RoleParticipant)
		poll := host.must(realtime.PollSave{PollDraft: realtime.PollDraft{Kind: realtime.PollSingle, Prompt: "?", Options: []string{"a", "b"}, Results: realtime.ResultsLive}})
		host.must(realtime.PollOpen{Poll: poll})
		from := ada.position()
		ada.leave()
		bob := s.join("bob", realtime.RoleParticipant)
		for i := range 5 {
			bob.must(realtime.ChatSend{Text: fmt.Sprint("missed ", i)})
		}
		bob.must(realtime.PollVote{Poll: poll, Choices: []int{1}})
		host.must(realtime.Moderate{Participant: "ada", Action: realtime.ActionMute, Seconds: 60})
		pass(time.Second)

		for _, name := range []string{"same server", "after a restart", "after another"} {
			if name != "same server" {
				s.restart()
			}
			c, err := s.connect(ada.who, from)
			if err != nil {
				t.Fatal(name, err)
			}
			pass(time.Second)
			settle()
			if !c.welcome.Recovered || c.welcome.Snapshot != nil {
				t.Errorf("%s: %+v", name, c.welcome)
			}
			var texts []string
			for _, m := range of[realtime.ChatMessage](c) {
				texts = append(texts, m.Text)
			}
			if got := strings.Join(texts, ","); got != "missed 0,missed 1,missed 2,missed 3,missed 4" {
				t.Errorf("%s: %s", name, got)
			}
			if r := of[realtime.Restricted](c); len(r) != 1 || !r[0].Muted {
				t.Errorf("%s: restricted %+v", name, r)
			}
			if tallies := of[realtime.Tally](c); len(tallies) == 0 || tallies[0].Voters != 1 {
				t.Errorf("%s: tallies %+v", name, tallies)
			}
			c.leave()
		}
		for name, bad := range map[string]room.Position{
			"another epoch": {Epoch: "other", Seq: from.Seq},
			"the future":    {Epoch: from.Epoch, Seq: 10_000},
			"another view":  {Epoch: from.Epoch, Seq: from.Seq + 1},
		} {
			c, err := s.connect(ada.who, bad)
			if err != nil {
				t.Fatal(err)
			}
			settle()
			if c.welcome.Recovered || c.welcome.Snapshot == nil || len(c.welcome.Snapshot.Messages) != 5 || c.welcome.Snapshot.Polls[0].Tally.Voters != 1 {
				t.Errorf("%s: %+v", name, c.welcome)
			}
			c.leave()
		}
	})
}

// A command that is sent again is carried out once, on whatever connection, and
// after a restart too.
func TestCommandsAreIdempotent(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		ada := s.join("ada", realtime.RoleParticipant)
		first, _ := ada.send("the-command", realtime.ChatSend{Text: "once"})
		check := func(c *client) {
			t.Helper()
			again, refusal := c.send("the-command", realtime.ChatSend{Text: "once"})
			if !again.Dup || again.ID != first.ID || first.Dup {
				t.Errorf("first %+v, again %+v %+v", first, again, refusal)
			}
		}
		check(ada)
		check(s.join("ada", realtime.RoleParticipant))
		s.restart()
		back := s.join("ada", realtime.RoleParticipant)
		check(back)
		if n := len(back.welcome.Snapshot.Messages); n != 1 {
			t.Errorf("%d messages", n)
		}
	})
}

// A reload is no leave; presence counts people, and attendance knows when they
// were there.
func TestPresence(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		host := s.join("host", realtime.RoleHost)
		begin := time.Now()
		tab := s.join("ada", realtime.RoleParticipant)
		other := s.join("ada", realtime.RoleParticipant)
		s.join("eye", realtime.RoleObserver)
		pass(3 * time.Second)
		want := realtime.Presence{Participants: 1, Observers: 1, Staff: 1}
		if got := last[realtime.Presence](host); got != want {
			t.Errorf("staff are told %+v", got)
		}
		if got := last[realtime.Presence](tab); got != (realtime.Presence{Participants: 1}) {
			t.Errorf("participants are told %+v", got)
		}
		tab.leave()
		other.leave()
		pass(29 * time.Second)
		back := s.join("ada", realtime.RoleParticipant)
		for range 4 {
			pass(30 * time.Second)
			back.m.Do(realtime.Command{Type: realtime.CommandPosition, Data: realtime.Position{Playing: true}})
		}
		settle()
		left := time.Now()
		back.leave()
		pass(40 * time.Second)
		if got := last[realtime.Presence](host).Participants; got != 0 {
			t.Errorf("%d participants when all have left", got)
		}
		var got state.Attendance
		if err := s.rooms.Read(t.Context(), "algebra", func(st *state.State) {
			all := st.Attendance()
			if len(all) != 2 {
				t.Errorf("attendance is %+v", all)
			}
			got = all[0]
		}); err != nil {
			t.Fatal(err)
		}
		if len(got.Intervals) != 1 || got.Present || got.Playing != 120_050 {
			t.Fatalf("attendance is %+v", got)
		}
		if i := got.Intervals[0]; i.From != begin.UnixMilli() || i.To != left.UnixMilli() {
			t.Errorf("she was there %+v, not %d to %d", i, begin.UnixMilli(), left.UnixMilli())
		}
	})
}

// After a crash, people have the grace to come back; who does not was there until
// the room last said that it was.
func TestAttendanceOverRestart(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		s.join("host", realtime.RoleHost)
		s.join("ada", realtime.RoleParticipant)
		s.join("bob", realtime.RoleParticipant)
		pass(100 * time.Second)
		s.restart()
		pass(time.Hour)
		s.join("ada", realtime.RoleParticipant)
		pass(40 * time.Second)
		if err := s.rooms.Read(t.Context(), "algebra", func(st *state.State) {
			for _, a := range st.Attendance() {
				n := len(a.Intervals)
				minutes := (a.Intervals[0].To - a.Intervals[0].From) / 60_000
				if n != 1 || a.Present != (a.Participant == "ada") || (minutes == 1) == (a.Participant == "ada") {
					t.Errorf("attendance is %+v", a)
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// A person has three connections; a fourth closes the first.
func TestConnectionsOfOnePerson(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		var all []*client
		for range 4 {
			all = append(all, s.join("ada", realtime.RoleParticipant))
		}
		for i, c := range all {
			if got := c.closeCode(); (got == realtime.CloseSuperseded) != (i == 0) {
				t.Errorf("connection %d was closed with %d", i, got)
			}
		}
	})
}

// Who is banned is out at once, and stays out, whatever the connection.
func TestBanAndKick(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		mod := s.join("mod", realtime.RoleModerator)
		ada := s.join("ada", realtime.RoleParticipant)
		bob := s.join("bob", realtime.RoleParticipant)
		mod.must(realtime.Moderate{Participant: "ada", Action: realtime.ActionBan, Reason: "spam"})
		mod.must(realtime.Moderate{Participant: "bob", Action: realtime.ActionKick})
		if ada.closeCode() != realtime.CloseBanned || bob.closeCode() != realtime.CloseRemoved {
			t.Errorf("closed with %d and %d", ada.closeCode(), bob.closeCode())
		}
		for range 2 {
			_, err := s.connect(ada.who, ada.position())
			var refusal *realtime.Error
			if !errors.As(err, &refusal) || refusal.Code != realtime.CodeBanned {
				t.Errorf("comes back with %v", err)
			}
			s.restart()
		}
		s.join("bob", realtime.RoleParticipant)
		s.join("mod", realtime.RoleModerator).must(realtime.Moderate{Participant: "ada", Action: realtime.ActionUnban})
		s.join("ada", realtime.RoleParticipant)
	})
}

// Reactions are told once a second, hands as they change, how people get on only
// if enough say so.
func TestAggregates(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		host := s.join("host", realtime.RoleHost)
		var all []*client
		for i := range 6 {
			all = append(all, s.join(fmt.Sprint("p", i), realtime.RoleParticipant))
		}
		pass(3 * time.Second)
		react := func(n int) {
			for _, c := range all[:n] {
				c.m.Do(realtime.Command{Type: realtime.CommandReact, Data: realtime.React{Kind: realtime.ReactionClap}})
				c.m.Do(realtime.Command{Type: realtime.CommandPulse, Data: realtime.Pulse{Kind: realtime.PulseLost}})
			}
			pass(3 * time.Second)
		}
		react(4)
		if got := last[realtime.Reactions](all[5]).Counts[realtime.ReactionClap]; got != 4 {
			t.Errorf("%d claps", got)
		}
		if got := last[realtime.Pulses](host); got != (realtime.Pulses{}) {
			t.Errorf("four are told as %+v", got)
		}
		react(5)
		if got := last[realtime.Pulses](host); got != (realtime.Pulses{Lost: 5}) {
			t.Errorf("five are told as %+v", got)
		}
		if got := of[realtime.Pulses](all[0]); len(got) > 0 {
			t.Errorf("participants are told %+v", got)
		}
		pass(time.Minute)
		if got := last[realtime.Pulses](host); got != (realtime.Pulses{}) {
			t.Errorf("a minute later %+v", got)
		}

		for _, c := range all[:3] {
			c.must(realtime.HandRaise{})
		}
		pass(time.Second)
		if got := last[realtime.HandPosition](all[2]).Position; got != 3 {
			t.Errorf("the third is at %d", got)
		}
		host.must(realtime.HandCall{Participant: "p0"})
		pass(time.Second)
		if a, b := last[realtime.HandPosition](all[2]).Position, last[realtime.HandPosition](all[0]).Position; a != 2 || b != 0 {
			t.Errorf("then at %d, and the first at %d", a, b)
		}
		last[realtime.HandCalled](all[0])
		if hands := last[realtime.Hands](host); hands.Count != 2 || hands.Queue[0].Participant != "p1" {
			t.Errorf("hands are %+v", hands)
		}
		if hands := last[realtime.Hands](all[5]); hands.Count != 2 || hands.Queue != nil {
			t.Errorf("participants see %+v", hands)
		}
		pass(10 * time.Minute)
		if hands := last[realtime.Hands](host); hands.Count != 0 {
			t.Errorf("ten minutes later %+v", hands)
		}
	})
}
