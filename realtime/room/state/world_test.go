package state

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
)

func testRules() Rules {
	return Rules{
		EditWindow: 2 * time.Minute, DisplayPerSecond: 10, HandTimeout: 10 * time.Minute, VoteGrace: 30 * time.Second,
		Settings: realtime.Settings{Chat: realtime.ChatOpen, Names: realtime.NamesBoth},
	}
}

// world is a room with people in it, whose clock the test sets.
type world struct {
	t       testing.TB
	s       *State
	now     Moment
	people  []realtime.Principal
	log     [][]byte // entries, encoded
	next    int      // number of the next command
	effects Effects  // of the last entry
	heard   func()   // is called after each entry, if it is there
}

func principal(id string, role realtime.Role) realtime.Principal {
	return realtime.Principal{ID: id, Name: "Name of " + id, Role: role, Permissions: role.Permissions()}
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{t: tb, s: New(testRules()), now: Moment{Now: 1_700_000_000_000, Edge: 1_700_000_000_000 - 2000}}
	w.people = []realtime.Principal{principal("host", realtime.RoleHost), principal("mod", realtime.RoleModerator), principal("eye", realtime.RoleObserver)}
	blind := principal("blind", realtime.RoleModerator)
	blind.Permissions &^= realtime.SeesNames
	w.people = append(w.people, blind)
	for i := range 6 {
		p := principal(fmt.Sprint("p", i), realtime.RoleParticipant)
		p.Anonymous = i == 4
		if i == 5 {
			p.ExtraTime = 50
		}
		w.people = append(w.people, p)
	}
	for _, p := range w.people {
		w.apply(Entry{TS: w.now.Now, MediaTS: w.now.Edge, By: &Author{ID: p.ID, Name: p.Name, Role: p.Role}, Fact: Joined{ExtraTime: p.ExtraTime}})
	}
	return w
}

func (w *world) who(id string) realtime.Principal {
	w.t.Helper()
	for _, p := range w.people {
		if p.ID == id {
			return p
		}
	}
	w.t.Fatalf("nobody is %q", id)
	return realtime.Principal{}
}

// pass has time go by, on both clocks.
func (w *world) pass(d time.Duration) {
	w.now.Now += d.Milliseconds()
	if w.now.Edge != 0 {
		w.now.Edge += d.Milliseconds()
	}
}

// apply has the entry go through the log.
func (w *world) apply(e Entry) {
	w.t.Helper()
	b, err := e.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	got, err := DecodeEntry(b)
	if err != nil || !reflect.DeepEqual(got, e) {
		w.t.Fatalf("%+v was read as %+v, %v", e, got, err)
	}
	w.log = append(w.log, b)
	w.effects = w.s.Apply(e)
	if w.heard != nil {
		w.heard()
	}
}

func (w *world) lastEntry() Entry {
	w.t.Helper()
	e, err := DecodeEntry(w.log[len(w.log)-1])
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// try decides on a command and applies what it brings.
func (w *world) try(by string, data realtime.CommandData) (Decision, realtime.ErrorCode) {
	w.t.Helper()
	w.next++
	return w.send(by, fmt.Sprintf("command-%d", w.next), data)
}

func (w *world) send(by, id string, data realtime.CommandData) (Decision, realtime.ErrorCode) {
	w.t.Helper()
	if err := data.Validate(); err != nil {
		w.t.Fatalf("%+v: %v", data, err)
	}
	w.effects = Effects{}
	d, err := w.s.Decide(realtime.Command{Type: data.CommandType(), ID: id, Data: data}, w.who(by), w.now)
	if err != nil {
		refusal, ok := err.(*realtime.Error) //nolint:errorlint // it is never wrapped
		if !ok || d.Entry != nil {
			w.t.Fatalf("%+v: %v with %+v", data, err, d)
		}
		return d, refusal.Code
	}
	if d.Entry != nil {
		if d.Seq != w.s.Seq()+1 {
			w.t.Fatalf("%+v is to be %d behind %d", data, d.Seq, w.s.Seq())
		}
		w.apply(*d.Entry)
	}
	return d, ""
}

// do is try for what must be accepted; it returns the id of the ack.
func (w *world) do(by string, data realtime.CommandData) string {
	w.t.Helper()
	d, code := w.try(by, data)
	if code != "" {
		w.t.Fatalf("%s: %+v: %s", by, data, code)
	}
	return d.ID
}

// refused wants the command to be refused with that code.
func (w *world) refused(code realtime.ErrorCode, by string, data realtime.CommandData) {
	w.t.Helper()
	if _, got := w.try(by, data); got != code {
		w.t.Errorf("%s: %+v: %q, want %q", by, data, got, code)
	}
}

// replayed returns a state made of the log.
func (w *world) replayed() *State {
	w.t.Helper()
	s := New(testRules())
	for _, b := range w.log {
		e, err := DecodeEntry(b)
		if err != nil {
			w.t.Fatal(err)
		}
		s.Apply(e)
	}
	return s
}

func (w *world) snapshot(id string) realtime.Snapshot { return w.s.Snapshot(w.who(id)) }

// wander has someone do something, most of which makes sense.
func (w *world) wander(rng *rand.Rand) (string, realtime.CommandData, Decision, realtime.ErrorCode) {
	w.t.Helper()
	by := w.people[rng.IntN(len(w.people))].ID
	if rng.IntN(3) == 0 {
		by = "host"
	}
	data := w.random(rng)
	if rng.IntN(4) == 0 {
		w.pass(time.Duration(rng.IntN(20_000)) * time.Millisecond)
	}
	if rng.IntN(20) == 0 {
		w.now.Edge = 0
	} else if w.now.Edge == 0 {
		w.now.Edge = w.now.Now - 2000
	}
	for _, f := range w.s.Due(w.now) {
		w.apply(Entry{TS: w.now.Now, MediaTS: w.now.Edge, Fact: f})
	}
	if rng.IntN(15) == 0 {
		p := w.people[rng.IntN(len(w.people))]
		author := &Author{ID: p.ID, Name: p.Name, Role: p.Role}
		if w.s.Present(p.ID) {
			w.apply(Entry{TS: w.now.Now, By: author, Fact: Left{At: w.now.Now - 100, Playing: 50}})
		} else if w.s.Admit(p) == nil {
			w.apply(Entry{TS: w.now.Now, By: author, Fact: Joined{ExtraTime: p.ExtraTime}})
		}
	}
	d, code := w.try(by, data)
	return by, data, d, code
}

// random returns a command about something that may be there.
func (w *world) random(rng *rand.Rand) realtime.CommandData {
	id := func(prefix string) string {
		return fmt.Sprint(prefix, max(1, int(w.s.Seq())-rng.IntN(30))) //nolint:gosec // small
	}
	message := func() string {
		if n := len(w.s.messages.order); n > 0 && rng.IntN(8) > 0 {
			return w.s.messages.order[max(0, n-1-rng.IntN(8))].ID
		}
		return id(messagePrefix)
	}
	asked := func() string {
		if n := len(w.s.questions.order); n > 0 && rng.IntN(8) > 0 {
			return w.s.questions.order[max(0, n-1-rng.IntN(8))].ID
		}
		return id(questionPrefix)
	}
	polled := func() string {
		if n := len(w.s.polls.order); n > 0 && rng.IntN(8) > 0 {
			return w.s.polls.order[max(0, n-1-rng.IntN(4))].id
		}
		return id(pollPrefix)
	}
	person := func() string {
		if rng.IntN(20) == 0 {
			return "nobody"
		}
		return w.people[rng.IntN(len(w.people))].ID
	}
	pick := func(s ...string) string { return s[rng.IntN(len(s))] }
	flag := func() bool { return rng.IntN(2) == 0 }
	text := func() string {
		return pick("hello", "see https://example.org", "what a Darn thing", "42", "good question")
	}
	switch rng.IntN(30) {
	case 0, 1, 2, 3:
		d := realtime.ChatSend{Text: text()}
		if rng.IntN(4) == 0 {
			d.ReplyTo = message()
		}
		if rng.IntN(4) == 0 {
			d.To = realtime.ToStaff
		}
		if rng.IntN(4) == 0 {
			d.Mentions = []string{person()}
		}
		return d
	case 4:
		return realtime.ChatEdit{Message: message(), Text: text()}
	case 5:
		return realtime.ChatDelete{Message: message()}
	case 6:
		return realtime.ChatRestore{Message: message()}
	case 7:
		return realtime.ChatPin{Message: message(), Pinned: flag()}
	case 8, 9:
		return realtime.QuestionAsk{Text: text(), Anonymous: flag()}
	case 10, 11:
		return realtime.QuestionVote{Question: asked(), Up: rng.IntN(3) > 0}
	case 12:
		return realtime.QuestionMove{Question: asked(), State: realtime.QuestionState(pick("asked", "answering", "answered", "dismissed", "withdrawn"))}
	case 13:
		if flag() {
			return realtime.QuestionAnswer{Question: asked(), Live: true}
		}
		return realtime.QuestionAnswer{Question: asked(), Text: "because"}
	case 14:
		q, into := asked(), asked()
		if q == into {
			into = "q0"
		}
		return realtime.QuestionMerge{Question: q, Into: into}
	case 15, 16:
		d := realtime.PollSave{PollDraft: randomDraft(rng)}
		if rng.IntN(4) == 0 {
			d.Poll = polled()
		}
		return d
	case 17, 18:
		return realtime.PollOpen{Poll: polled(), Seconds: rng.IntN(3) * 20}
	case 19:
		return realtime.PollClose{Poll: polled()}
	case 20:
		return realtime.PollReveal{Poll: polled()}
	case 21:
		return realtime.PollDiscard{Poll: polled()}
	case 22, 23, 24:
		return w.randomVote(rng, polled())
	case 25:
		return realtime.HandRaise{}
	case 26:
		if flag() {
			return realtime.HandLower{Participant: person()}
		}
		return realtime.HandCall{Participant: person()}
	case 27:
		switch rng.IntN(3) {
		case 0:
			return realtime.Announce{Text: "break", Until: w.now.Now + int64(rng.IntN(60_000)) - 1000}
		case 1:
			return realtime.AnnounceClear{Announcement: id(announcementPrefix)}
		}
		return realtime.Marker{Title: "Chapter"}
	case 28:
		d := realtime.Moderate{Participant: person(), Action: realtime.Action(pick("mute", "unmute", "ban", "unban", "unban", "shadow", "unshadow", "kick"))}
		if d.Action == realtime.ActionMute {
			d.Seconds = rng.IntN(60)
		}
		return d
	default:
		return randomSet(rng)
	}
}

func randomSet(rng *rand.Rand) realtime.RoomSet {
	yes := rng.IntN(2) == 0
	switch rng.IntN(7) {
	case 0:
		m := []realtime.ChatMode{realtime.ChatOpen, realtime.ChatOpen, realtime.ChatHosts, realtime.ChatQuestions, realtime.ChatOff}[rng.IntN(5)]
		return realtime.RoomSet{Chat: &m}
	case 1:
		n := rng.IntN(2) * 5
		return realtime.RoomSet{SlowMode: &n}
	case 2:
		return realtime.RoomSet{Links: &yes}
	case 3:
		words := [][]string{{"darn"}, {}}[rng.IntN(2)]
		return realtime.RoomSet{Words: &words}
	case 4:
		m := []realtime.NameMode{realtime.NamesNamed, realtime.NamesAnonymous, realtime.NamesBoth}[rng.IntN(3)]
		return realtime.RoomSet{Names: &m}
	case 5:
		return realtime.RoomSet{Locked: &yes}
	default:
		yes = rng.IntN(6) == 0
		return realtime.RoomSet{Paused: &yes}
	}
}

func randomDraft(rng *rand.Rand) realtime.PollDraft {
	d := realtime.PollDraft{
		Kind:    []realtime.PollKind{realtime.PollSingle, realtime.PollMultiple, realtime.PollScale, realtime.PollText, realtime.PollCloud}[rng.IntN(5)],
		Prompt:  "Well?",
		Results: []realtime.PollResults{realtime.ResultsLive, realtime.ResultsAfter, realtime.ResultsNever}[rng.IntN(3)],
	}
	d.Changeable = rng.IntN(2) == 0
	switch d.Kind {
	case realtime.PollSingle, realtime.PollMultiple:
		d.Options = []string{"a", "b", "c"}
		if rng.IntN(2) == 0 {
			d.Quiz, d.Correct = true, []int{1}
		}
	case realtime.PollScale:
		d.Min, d.Max = 1, 5
	case realtime.PollText, realtime.PollCloud:
	}
	return d
}

// randomVote is a vote that mostly fits the poll.
func (w *world) randomVote(rng *rand.Rand, id string) realtime.PollVote {
	v := realtime.PollVote{Poll: id}
	if rng.IntN(2) == 0 {
		v.MediaTS = w.now.Now - int64(rng.IntN(40_000))
	}
	p := w.s.polls.byID[id]
	switch {
	case p == nil || rng.IntN(10) == 0 || p.draft.Kind == realtime.PollSingle:
		v.Choices = []int{rng.IntN(3)}
	case p.draft.Kind == realtime.PollMultiple:
		v.Choices = []int{0, 1 + rng.IntN(2)}
	case p.draft.Kind == realtime.PollScale:
		n := 1 + rng.IntN(5)
		v.Value = &n
	default:
		v.Text = []string{"Waves", "waves!", "heat", "  HEAT ", "?"}[rng.IntN(5)]
	}
	return v
}
