package room_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/room"
	"github.com/lectern/lectern/realtime/room/state"
)

// A room that is opened anew from its log is the same as before, for everybody,
// and those who were in it have missed nothing.
func TestReopenedRoomIsTheSame(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	bubble(t, func(s *server) {
		rng := rand.New(rand.NewPCG(seed, 2))
		t := s.t
		who := []*client{s.join("host", realtime.RoleHost), s.join("mod", realtime.RoleModerator)}
		for i := range 6 {
			who = append(who, s.join(fmt.Sprint("p", i), realtime.RoleParticipant))
		}
		for range 4 {
			for range 150 {
				c := who[rng.IntN(len(who))]
				if c.closeCode() != 0 {
					c.m.Leave()
					continue
				}
				c.next++
				c.m.Do(anything(rng, c.next))
				if rng.IntN(10) == 0 {
					settle()
				}
			}
			settle()
			before := look(s)
			var positions []room.Position
			for _, c := range who {
				positions = append(positions, c.position())
			}
			s.restart()
			if after := look(s); after != before {
				t.Fatalf("before\n%s\nafter\n%s", before, after)
			}
			for i, c := range who {
				again, err := s.connect(c.who, positions[i])
				if err != nil {
					again = c // who is banned
				} else if settle(); !again.welcome.Recovered {
					t.Errorf("%s is not recovered from %+v: %+v", c.who.ID, positions[i], again.welcome)
				}
				who[i] = again
			}
		}
	})
}

// look is what everybody sees, and what is to be exported.
func look(s *server) string {
	s.t.Helper()
	all := make(map[string]any)
	if err := s.rooms.Read(s.t.Context(), "algebra", func(st *state.State) {
		for _, id := range []string{"host", "p0", "p5"} {
			role := realtime.RoleParticipant
			if id == "host" {
				role = realtime.RoleHost
			}
			all[id] = st.Snapshot(principal(id, role))
		}
		all["attendance"], all["seq"] = st.Attendance(), st.Seq()
		right, of := st.Scores()
		all["scores"] = []any{right, of}
	}); err != nil {
		s.t.Fatal(err)
	}
	b, err := json.Marshal(all)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// anything is a command that may make sense: ids are numbers of entries, which a
// busy room has many of.
func anything(rng *rand.Rand, n int) realtime.Command {
	id := func(prefix string) string { return fmt.Sprint(prefix, 8+rng.IntN(12+n)) }
	person := fmt.Sprint("p", rng.IntN(6))
	var d realtime.CommandData
	switch rng.IntN(16) {
	case 0:
		d = realtime.ChatDelete{Message: id("m")}
	case 1:
		d = realtime.QuestionAsk{Text: "why", Anonymous: rng.IntN(2) == 0}
	case 2:
		d = realtime.QuestionVote{Question: id("q"), Up: true}
	case 3:
		d = realtime.PollSave{PollDraft: realtime.PollDraft{
			Kind: realtime.PollSingle, Prompt: "?", Options: []string{"a", "b"}, Quiz: true, Correct: []int{0}, Results: realtime.ResultsLive,
		}}
	case 4, 5:
		d = realtime.PollOpen{Poll: id("p")}
	case 6, 7, 8:
		d = realtime.PollVote{Poll: id("p"), Choices: []int{rng.IntN(2)}}
	case 9:
		d = realtime.PollClose{Poll: id("p")}
	case 10:
		d = realtime.HandRaise{}
	case 11:
		d = realtime.Moderate{Participant: person, Action: []realtime.Action{realtime.ActionMute, realtime.ActionUnmute, realtime.ActionShadow, realtime.ActionKick}[rng.IntN(4)]}
	case 12:
		d = realtime.Marker{Title: "x"}
	case 13:
		d = realtime.ChatPin{Message: id("m"), Pinned: true}
	default:
		d = realtime.ChatSend{Text: fmt.Sprint("text ", n)}
	}
	return realtime.Command{Type: d.CommandType(), ID: fmt.Sprintf("command-%d-%d", n, rng.Uint32()), Data: d}
}
