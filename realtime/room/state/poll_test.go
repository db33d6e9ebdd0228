package state

import (
	"fmt"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
)

func (w *world) poll(d realtime.PollDraft, seconds int) string {
	w.t.Helper()
	d.Prompt = "?"
	if d.Results == "" {
		d.Results = realtime.ResultsLive
	}
	id := w.do("host", realtime.PollSave{PollDraft: d})
	w.do("host", realtime.PollOpen{Poll: id, Seconds: seconds})
	return id
}

func single() realtime.PollDraft {
	return realtime.PollDraft{Kind: realtime.PollSingle, Options: []string{"a", "b", "c"}}
}

func choose(id string, n ...int) realtime.PollVote { return realtime.PollVote{Poll: id, Choices: n} }

func TestPollStates(t *testing.T) {
	w := newWorld(t)
	d := single()
	d.Prompt, d.Results = "?", realtime.ResultsNever
	id := w.do("host", realtime.PollSave{PollDraft: d})
	if w.gets() != "staff" || len(w.snapshot("p0").Polls) != 0 || len(w.snapshot("mod").Polls) != 1 {
		t.Error("participants learn of drafts")
	}
	w.refused(realtime.CodeForbidden, "mod", realtime.PollOpen{Poll: id})
	w.refused(realtime.CodeNotFound, "p0", choose(id, 1))
	w.refused(realtime.CodeConflict, "host", realtime.PollClose{Poll: id})
	w.refused(realtime.CodeConflict, "host", realtime.PollReveal{Poll: id})
	d.Prompt = "really?"
	w.do("host", realtime.PollSave{Poll: id, PollDraft: d})
	w.refused(realtime.CodeNotFound, "host", realtime.PollSave{Poll: "p999", PollDraft: d})
	w.do("host", realtime.PollOpen{Poll: id})
	for _, c := range []realtime.CommandData{realtime.PollSave{Poll: id, PollDraft: d}, realtime.PollOpen{Poll: id}, realtime.PollDiscard{Poll: id}} {
		w.refused(realtime.CodeConflict, "host", c)
	}
	w.refused(realtime.CodeForbidden, "eye", choose(id, 1))
	w.refused(realtime.CodeBadRequest, "p0", choose(id, 3))
	w.refused(realtime.CodeBadRequest, "p0", choose(id, 0, 1))
	w.do("p0", choose(id, 1))
	w.do("p0", choose(id, 1)) // the same again
	if w.effects.Poll != "" {
		t.Error("the same vote was counted again")
	}
	w.refused(realtime.CodeAlreadyVoted, "p0", choose(id, 2))
	p := w.snapshot("p0").Polls[0]
	if p.Mine == nil || p.Mine.Choices[0] != 1 || p.Tally != nil || p.Prompt != "really?" {
		t.Errorf("the voter sees %+v", p)
	}
	w.do("host", realtime.PollClose{Poll: id})
	w.do("host", realtime.PollReveal{Poll: id})
	if ev, ok := w.effects.All.(realtime.PollRevealed); !ok || ev.Tally != nil {
		t.Errorf("results that are never told: %+v", w.effects.All)
	}
	if ev, ok := w.effects.Staff.(realtime.PollRevealed); !ok || ev.Tally.Counts[1] != 1 {
		t.Errorf("staff are told %+v", w.effects.Staff)
	}
	w.refused(realtime.CodeClosed, "p1", choose(id, 1))
	draft := w.do("host", realtime.PollSave{PollDraft: d})
	w.do("host", realtime.PollDiscard{Poll: draft})
	w.refused(realtime.CodeNotFound, "host", realtime.PollOpen{Poll: draft})
	for range maxOpenPolls {
		w.poll(single(), 0)
	}
	last := w.do("host", realtime.PollSave{PollDraft: d})
	w.refused(realtime.CodeConflict, "host", realtime.PollOpen{Poll: last})
}

// A vote counts if it was made in time by what was on the voter's screen, and
// comes within the grace.
func TestVotesInTime(t *testing.T) {
	const s = time.Second
	for _, tc := range []struct {
		name    string
		seconds int           // the poll is open for
		closed  time.Duration // a host closes it then; 0: nobody does
		by      string        // p5 has half as much time again
		arrives time.Duration
		behind  time.Duration // the voter's screen, behind the edge; < 0: they lie
		silent  bool          // the vote does not say
		want    realtime.ErrorCode
	}{
		{"at once", 20, 0, "p0", 0, 0, false, ""},
		{"at the deadline", 20, 0, "p0", 20 * s, 0, false, ""},
		{"after it", 20, 0, "p0", 21 * s, 0, false, realtime.CodeClosed},
		{"after it, but far behind", 20, 0, "p0", 40 * s, 20 * s, false, ""},
		{"after the grace, however far behind", 20, 0, "p0", 51 * s, 40 * s, false, realtime.CodeClosed},
		{"from the future", 20, 0, "p0", 10 * s, -time.Hour, false, ""},
		{"from the future, after it", 20, 0, "p0", 21 * s, -time.Hour, false, realtime.CodeClosed},
		{"silent", 20, 0, "p0", 19 * s, 0, true, ""},
		{"silent and late", 20, 0, "p0", 21 * s, 0, true, realtime.CodeClosed},
		{"with extra time", 20, 0, "p5", 30 * s, 0, false, ""},
		{"after the extra time", 20, 0, "p5", 31 * s, 0, false, realtime.CodeClosed},
		{"with extra time and far behind", 20, 0, "p5", 60 * s, 30 * s, false, ""},
		{"open end", 0, 0, "p0", time.Hour, 0, false, ""},
		{"closed", 0, 10 * s, "p0", 11 * s, 0, false, realtime.CodeClosed},
		{"closed while the voter was behind", 0, 10 * s, "p0", 30 * s, 20 * s, false, ""},
		{"closed long ago", 0, 10 * s, "p0", 41 * s, 40 * s, false, realtime.CodeClosed},
		{"closed before its time", 20, 10 * s, "p5", 15 * s, 0, false, realtime.CodeClosed},
	} {
		for _, media := range []bool{true, false} {
			w := newWorld(t)
			if !media {
				w.now.Edge = 0
			}
			id := w.poll(single(), tc.seconds)
			pass := func(d time.Duration) {
				w.pass(d)
				for _, f := range w.s.Due(w.now) {
					w.apply(Entry{TS: w.now.Now, MediaTS: w.now.Edge, Fact: f})
				}
			}
			if tc.closed > 0 {
				pass(tc.closed)
				w.do("host", realtime.PollClose{Poll: id})
			}
			pass(tc.arrives - tc.closed)
			v := choose(id, 1)
			if !tc.silent {
				v.MediaTS = w.now.edge() - tc.behind.Milliseconds()
			}
			if _, got := w.try(tc.by, v); got != tc.want {
				t.Errorf("%s (media: %v): %q, want %q", tc.name, media, got, tc.want)
			}
		}
	}
}

func TestPollClosesByItself(t *testing.T) {
	w := newWorld(t)
	id := w.poll(single(), 20)
	w.poll(single(), 0)
	w.pass(60 * time.Second) // 20 s, half of it again for someone who is here, and the grace
	if got := w.s.Due(w.now); len(got) != 0 {
		t.Errorf("due is %+v", got)
	}
	w.pass(time.Millisecond)
	due := w.s.Due(w.now)
	if len(due) != 1 || due[0] != (PollClosed{Poll: id, At: w.s.polls.byID[id].closesAt, Final: true}) {
		t.Fatalf("due is %+v", due)
	}
	w.apply(Entry{TS: w.now.Now, MediaTS: w.now.Edge, Fact: due[0]})
	if got := w.s.Due(w.now); len(got) != 0 {
		t.Errorf("due is %+v again", got)
	}
	w.refused(realtime.CodeConflict, "host", realtime.PollClose{Poll: id})
}

func TestTallies(t *testing.T) {
	w := newWorld(t)
	two := 2
	for _, tc := range []struct {
		name  string
		draft realtime.PollDraft
		votes []realtime.PollVote // of p0, p1, …
		want  realtime.Tally      // for participants
		texts int                 // for staff
	}{
		{"single", single(), []realtime.PollVote{{Choices: []int{0}}, {Choices: []int{2}}, {Choices: []int{2}}}, realtime.Tally{Voters: 3, Counts: []int{1, 0, 2}}, 0},
		{
			"multiple",
			realtime.PollDraft{Kind: realtime.PollMultiple, Options: []string{"a", "b", "c"}},
			[]realtime.PollVote{{Choices: []int{0, 1, 2}}, {Choices: []int{2}}},
			realtime.Tally{Voters: 2, Counts: []int{1, 1, 2}},
			0,
		},
		{"scale", realtime.PollDraft{Kind: realtime.PollScale, Min: 1, Max: 3}, []realtime.PollVote{{Value: &two}, {Value: &two}}, realtime.Tally{Voters: 2, Counts: []int{0, 2, 0}}, 0},
		{"text", realtime.PollDraft{Kind: realtime.PollText}, []realtime.PollVote{{Text: "so"}, {Text: "so"}}, realtime.Tally{Voters: 2}, 2},
		{
			"cloud",
			realtime.PollDraft{Kind: realtime.PollCloud},
			[]realtime.PollVote{{Text: "Wave!"}, {Text: "  wave"}, {Text: "heat"}, {Text: "darn"}, {Text: "WA\u200bVE"}},
			realtime.Tally{Voters: 5, Words: []realtime.WordCount{{Text: "wave", N: 3}, {Text: "heat", N: 1}}},
			3,
		},
	} {
		w.do("host", realtime.RoomSet{Words: &[]string{"darn"}, Links: new(w.next%2 == 0)})
		id := w.poll(tc.draft, 0)
		for i, v := range tc.votes {
			v.Poll = id
			w.do(fmt.Sprint("p", i), v)
		}
		staff, all := w.s.Tally(id)
		tc.want.Poll = id
		if got, want := encoded(t, all), encoded(t, tc.want); got != want {
			t.Errorf("%s: participants are told %s, want %s", tc.name, got, want)
		}
		if len(staff.Words) != tc.texts {
			t.Errorf("%s: staff are told %+v", tc.name, staff)
		}
		w.do("host", realtime.PollClose{Poll: id})
		w.do("host", realtime.PollReveal{Poll: id})
	}

	d := single()
	d.Changeable, d.Results = true, realtime.ResultsAfter
	id := w.poll(d, 0)
	for n := range 3 {
		w.do("p0", choose(id, n))
	}
	staff, all := w.s.Tally(id)
	if all != nil || staff.Voters != 1 || encoded(t, staff.Counts) != "[0,0,1]" {
		t.Errorf("changed votes: staff %+v, participants %+v", staff, all)
	}
}

func TestScores(t *testing.T) {
	w := newWorld(t)
	quiz := single()
	quiz.Quiz, quiz.Correct = true, []int{1}
	first := w.poll(quiz, 0)
	if ev, ok := w.effects.All.(realtime.PollOpened); !ok || ev.Correct != nil || w.effects.Staff != nil {
		t.Errorf("opened as %+v", w.effects)
	}
	w.pass(7 * time.Second)
	w.do("p0", choose(first, 1))
	late := choose(first, 0)
	late.MediaTS = w.now.Edge - 3000
	w.do("p1", late)
	quiz.Kind, quiz.Correct = realtime.PollMultiple, []int{0, 2}
	second := w.poll(quiz, 0)
	w.do("p0", choose(second, 0, 2))
	w.do("p1", choose(second, 0, 1, 2))
	if _, of := w.s.Scores(); of != 0 {
		t.Errorf("%d quizzes count while they are open", of)
	}
	quiz.Anonymous = true
	third := w.poll(quiz, 0)
	w.do("p0", choose(third, 0, 2))
	for _, id := range []string{first, second, third} {
		w.do("host", realtime.PollClose{Poll: id})
		if p := w.snapshot("p0").Polls; p[len(p)-1].Correct != nil {
			t.Error("what is correct is told before the reveal")
		}
		w.do("host", realtime.PollReveal{Poll: id})
	}
	if p := w.snapshot("p0").Polls; len(p) != 3 || encoded(t, p[2].Correct) != "[0,2]" {
		t.Errorf("the reveal is not in the snapshot: %+v", p)
	}
	right, of := w.s.Scores()
	if of != 2 || right["p0"] != 2 || right["p1"] != 0 {
		t.Errorf("%v of %d", right, of)
	}
	if r := w.s.Results(first); len(r) != 2 || r[0].TookMS != 7000 || r[1].TookMS != 4000 || !r[0].Correct || r[1].Correct {
		t.Errorf("results are %+v", r)
	}
	if r := w.s.Results(third); len(r) != 1 || r[0].Participant != "" || r[0].TookMS != 0 || r[0].Vote.MediaTS != 0 || !r[0].Correct {
		t.Errorf("results of an anonymous poll are %+v", r)
	}
	if r := w.s.Results("p999"); r != nil {
		t.Errorf("results of nothing are %+v", r)
	}
}
