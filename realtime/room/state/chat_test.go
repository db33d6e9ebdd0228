package state

import (
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
)

// gets returns who gets the last entry: all, staff, and single persons.
func (w *world) gets() string {
	var to []string
	if w.effects.All != nil {
		to = append(to, "all")
	} else if w.effects.Staff != nil {
		to = append(to, "staff")
	}
	for _, u := range w.effects.To {
		to = append(to, u.Participant)
	}
	return strings.Join(to, " ")
}

func TestWhoSeesMessages(t *testing.T) {
	w := newWorld(t)
	w.do("host", realtime.Moderate{Participant: "p1", Action: realtime.ActionShadow})
	if w.gets() != "staff" {
		t.Errorf("that someone is shadowed is told to %s", w.gets())
	}
	w.do("host", realtime.RoomSet{Words: &[]string{"darn", "Straße", "блин", "馬鹿"}})
	for _, tc := range []struct {
		name, by string
		say      realtime.ChatSend
		want     string
	}{
		{"plain", "p0", realtime.ChatSend{Text: "hello"}, "all"},
		{"to staff", "p0", realtime.ChatSend{Text: "hello", To: realtime.ToStaff}, "staff p0"},
		{"shadowed", "p1", realtime.ChatSend{Text: "hello"}, "staff p1"},
		{"word", "p0", realtime.ChatSend{Text: "well, DARN!"}, "staff p0"},
		{"word of staff", "mod", realtime.ChatSend{Text: "well, darn!"}, "all"},
		{"within a word", "p0", realtime.ChatSend{Text: "darned socks"}, "all"},
		{"after one within a word", "p0", realtime.ChatSend{Text: "darned darn"}, "staff p0"},
		{"with something invisible in it", "p0", realtime.ChatSend{Text: "da\u200brn"}, "staff p0"},
		{"not Latin", "p0", realtime.ChatSend{Text: "Блин"}, "staff p0"},
		{"where words are not set apart", "p0", realtime.ChatSend{Text: "お前は馬鹿だ"}, "staff p0"},
	} {
		w.pass(time.Second)
		id := w.do(tc.by, tc.say)
		if got := w.gets(); got != tc.want {
			t.Errorf("%s: is told to %s, want %s", tc.name, got, tc.want)
		}
		w.do("host", realtime.ChatDelete{Message: id})
		if got := w.gets(); got != tc.want {
			t.Errorf("%s: its deletion is told to %s, want %s", tc.name, got, tc.want)
		}
		w.do("host", realtime.ChatRestore{Message: id})
		if got := w.gets(); got != tc.want {
			t.Errorf("%s: that it is back is told to %s, want %s", tc.name, got, tc.want)
		}
		seen := func(who string) bool {
			for _, m := range w.snapshot(who).Messages {
				if m.ID == id {
					return true
				}
			}
			return false
		}
		if seen("p2") != (tc.want == "all") || !seen(tc.by) || !seen("mod") {
			t.Errorf("%s: is in the snapshot of another %v, of its author %v, of staff %v", tc.name, seen("p2"), seen(tc.by), seen("mod"))
		}
		if tc.want != "all" {
			w.refused(realtime.CodeNotFound, "p2", realtime.ChatSend{Text: "what?", ReplyTo: id})
			w.refused(realtime.CodeNotFound, "p2", realtime.ChatDelete{Message: id})
		}
	}
}

func TestChatRules(t *testing.T) {
	w := newWorld(t)
	say := realtime.ChatSend{Text: "hello"}
	link := realtime.ChatSend{Text: "look: HTTPS://example.org/x"}
	id := w.do("p0", say)

	w.refused(realtime.CodeForbidden, "p0", link)
	w.refused(realtime.CodeForbidden, "p0", realtime.ChatSend{Text: "spam.xyz/win"})
	w.refused(realtime.CodeForbidden, "p0", realtime.ChatEdit{Message: id, Text: "www.example.org"})
	w.do("p0", realtime.ChatSend{Text: "e.g. 3.5, a.b or x.y.z"})
	w.do("mod", link)
	w.do("host", realtime.RoomSet{Links: new(true)})
	w.do("p0", link)

	w.refused(realtime.CodeForbidden, "eye", say)
	w.refused(realtime.CodeForbidden, "p1", realtime.ChatEdit{Message: id, Text: "mine"})
	w.refused(realtime.CodeForbidden, "p1", realtime.ChatDelete{Message: id})
	w.refused(realtime.CodeForbidden, "p1", realtime.ChatPin{Message: id, Pinned: true})
	w.refused(realtime.CodeNotFound, "p0", realtime.ChatSend{Text: "hey", Mentions: []string{"nobody"}})
	w.do("p0", realtime.ChatEdit{Message: id, Text: "changed"})
	w.do("mod", realtime.ChatPin{Message: id, Pinned: true})
	if p := w.snapshot("p3").Pinned; p == nil || p.Text != "changed" || p.EditedTS != w.now.Now {
		t.Errorf("pinned is %+v", p)
	}
	w.pass(2*time.Minute + time.Millisecond)
	w.refused(realtime.CodeClosed, "p0", realtime.ChatEdit{Message: id, Text: "too late"})
	w.do("p0", realtime.ChatDelete{Message: id})
	if p := w.snapshot("p3").Pinned; p != nil {
		t.Errorf("pinned is %+v, which was deleted", p)
	}
	w.refused(realtime.CodeConflict, "mod", realtime.ChatRestore{Message: id}) // its author's own wish
	w.refused(realtime.CodeNotFound, "mod", realtime.ChatPin{Message: id, Pinned: true})

	for _, tc := range []struct {
		mode                  realtime.ChatMode
		chat, toStaff, asking realtime.ErrorCode
	}{
		{realtime.ChatHosts, realtime.CodeClosed, "", ""},
		{realtime.ChatQuestions, realtime.CodeClosed, "", ""},
		{realtime.ChatOff, realtime.CodeClosed, realtime.CodeClosed, realtime.CodeClosed},
		{realtime.ChatOpen, "", "", ""},
	} {
		w.do("mod", realtime.RoomSet{Chat: &tc.mode})
		w.refused(tc.chat, "p0", say)
		w.refused(tc.toStaff, "p0", realtime.ChatSend{Text: "help", To: realtime.ToStaff})
		w.refused(tc.asking, "p0", realtime.QuestionAsk{Text: "why"})
		w.do("mod", say)
		w.pass(10 * time.Second)
	}
	w.do("mod", realtime.RoomSet{SlowMode: new(30)})
	w.refused(realtime.CodeForbidden, "mod", realtime.RoomSet{SlowMode: new(0), Links: new(false)})
	w.pass(30 * time.Second)
	w.do("p0", say)
	w.pass(29 * time.Second)
	w.refused(realtime.CodeSlowMode, "p0", say)
	w.do("p1", say)
	w.do("mod", say)
	w.do("mod", say)
	w.pass(time.Second)
	w.do("p0", say)
}

func TestNames(t *testing.T) {
	w := newWorld(t)
	for _, tc := range []struct {
		mode   realtime.NameMode
		p0, p4 bool // who is named: p4 would rather not be
	}{
		{realtime.NamesNamed, true, true},
		{realtime.NamesBoth, true, false},
		{realtime.NamesAnonymous, false, false},
	} {
		w.do("host", realtime.RoomSet{Names: &tc.mode, Links: new(tc.p0)})
		for id, named := range map[string]bool{"p0": tc.p0, "p4": tc.p4, "mod": true} {
			w.pass(time.Second)
			w.do(id, realtime.ChatSend{Text: "hello"})
			last := func(who string) *realtime.Sender {
				m := w.snapshot(who).Messages
				return m[len(m)-1].From
			}
			if from := last("p1"); (from.ID == id) != named || (from.Name != "") != named || from.Anonymous == named {
				t.Errorf("%s: %s is seen as %+v", tc.mode, id, from)
			}
			if from := last("host"); from.ID != id || from.Name == "" {
				t.Errorf("%s: staff see %s as %+v", tc.mode, id, from)
			}
		}
	}
}

// Whatever comes, no more is shown than people can read, and a flood by some does
// not keep the others from being seen.
func TestDisplayIsFair(t *testing.T) {
	w := newWorld(t)
	shown := make(map[string]int)
	for second := range 30 {
		for i := range 100 {
			by := "p0"
			if i%25 == 24 {
				by = []string{"p1", "p2", "p3"}[(second+i/25)%3]
			}
			w.do(by, realtime.ChatSend{Text: "x"})
			if w.effects.All != nil {
				shown[by]++
			}
			w.pass(10 * time.Millisecond)
		}
	}
	total := shown["p0"] + shown["p1"] + shown["p2"] + shown["p3"]
	if total > 310 || total < 200 {
		t.Errorf("%d were shown in 30 s", total)
	}
	for _, id := range []string{"p1", "p2", "p3"} {
		if shown[id] < 35 {
			t.Errorf("%s was shown %d times of 40, p0 %d times", id, shown[id], shown["p0"])
		}
	}
}

func TestSnapshotIsBounded(t *testing.T) {
	w := newWorld(t)
	for range 300 {
		w.pass(time.Second)
		w.do("p0", realtime.ChatSend{Text: "x"})
		w.do("p1", realtime.QuestionAsk{Text: "x"})
		if _, code := w.try("host", realtime.PollSave{PollDraft: realtime.PollDraft{Kind: realtime.PollText, Prompt: "?", Results: realtime.ResultsLive}}); code != "" && code != realtime.CodeClosed {
			t.Fatal(code)
		}
		w.do("host", realtime.Marker{Title: "x"})
	}
	own := w.do("p2", realtime.QuestionAsk{Text: "mine"})
	s := w.snapshot("host")
	if len(s.Messages) != 100 || len(s.Questions) != 50 || len(s.Polls) != 50 || len(s.Markers) != 200 {
		t.Errorf("%d messages, %d questions, %d polls, %d markers", len(s.Messages), len(s.Questions), len(s.Polls), len(s.Markers))
	}
	s = w.snapshot("p2")
	if n := len(s.Questions); n != 51 || s.Questions[50].ID != own || !s.Questions[50].Mine || len(s.Polls) != 0 {
		t.Errorf("%d questions, %d polls", n, len(s.Polls))
	}
	w.do("p3", realtime.QuestionVote{Question: own, Up: true})
	if q := w.snapshot("p3").Questions; q[0].ID != own || !q[0].Voted || q[0].Mine || q[0].Votes != 1 {
		t.Errorf("the foremost question is %+v", q[0])
	}
}
