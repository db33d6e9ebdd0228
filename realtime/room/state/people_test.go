package state

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
)

// Whatever becomes of an anonymous question, only staff who may know learn who
// asked it.
func TestAnonymousQuestion(t *testing.T) {
	w := newWorld(t)
	w.do("host", realtime.RoomSet{Names: new(realtime.NamesNamed)})
	var told []string
	note := func(e Entry) {
		if w.effects.All != nil {
			told = append(told, encoded(t, e.By.Public())+encoded(t, w.effects.All))
		}
		if w.effects.Staff != nil && e.Nameless() {
			told = append(told, encoded(t, e.By.Public())+encoded(t, w.effects.Staff))
		}
	}
	send := func(by string, data realtime.CommandData) string {
		d, code := w.try(by, data)
		if code != "" {
			t.Fatalf("%+v: %s", data, code)
		}
		note(*d.Entry)
		return d.ID
	}
	id := send("p0", realtime.QuestionAsk{Text: "why", Anonymous: true})
	send("p1", realtime.QuestionVote{Question: id, Up: true})
	send("host", realtime.QuestionMove{Question: id, State: realtime.QuestionIsAnswering})
	send("host", realtime.QuestionAnswer{Question: id, Text: "because"})
	for _, who := range []string{"p1", "eye", "blind"} {
		told = append(told, encoded(t, w.snapshot(who).Questions))
	}
	send("p0", realtime.QuestionMove{Question: id, State: realtime.QuestionIsWithdrawn})
	for _, s := range told {
		if strings.Contains(s, "p0") {
			t.Errorf("it is told: %s", s)
		}
	}
	again := send("p0", realtime.QuestionAsk{Text: "why", Anonymous: true})
	for _, who := range []string{"host", "mod"} {
		if q := w.snapshot(who).Questions; len(q) != 1 || q[0].ID != again || q[0].From.ID != "p0" || !q[0].Anonymous {
			t.Errorf("%s sees %+v", who, q)
		}
	}
	if q := w.snapshot("p0").Questions[0]; !q.Mine || q.From.ID != "" {
		t.Errorf("the author sees %+v", q)
	}
}

func TestQuestions(t *testing.T) {
	w := newWorld(t)
	one := w.do("p0", realtime.QuestionAsk{Text: "one"})
	two := w.do("p1", realtime.QuestionAsk{Text: "two"})
	three := w.do("p2", realtime.QuestionAsk{Text: "three"})
	up := func(id string) realtime.QuestionVote { return realtime.QuestionVote{Question: id, Up: true} }
	for _, by := range []string{"p2", "p3"} {
		w.do(by, up(two))
		w.do(by, up(two))
	}
	w.do("p3", up(one))
	w.do("p4", up(one))
	w.do("p4", realtime.QuestionVote{Question: one})
	votes := func(id string, want int) {
		t.Helper()
		if v, only, ok := w.s.Votes(id); v.Votes != want || only != "" || !ok {
			t.Errorf("%s has %+v, %q, want %d", id, v, only, want)
		}
	}
	votes(one, 1)
	votes(two, 2)
	w.refused(realtime.CodeForbidden, "p0", realtime.QuestionMerge{Question: one, Into: two})
	w.refused(realtime.CodeNotFound, "mod", realtime.QuestionMerge{Question: one, Into: "q999"})
	w.do("mod", realtime.QuestionMerge{Question: one, Into: two})
	votes(two, 3) // p0 who asked, p2, and p3 once
	votes(one, 0)
	w.refused(realtime.CodeClosed, "p5", up(one))
	w.refused(realtime.CodeConflict, "mod", realtime.QuestionMove{Question: one, State: realtime.QuestionIsAsked})
	w.refused(realtime.CodeConflict, "mod", realtime.QuestionMerge{Question: three, Into: one})
	w.refused(realtime.CodeForbidden, "p1", realtime.QuestionMove{Question: two, State: realtime.QuestionIsAnswered})
	w.refused(realtime.CodeForbidden, "mod", realtime.QuestionMove{Question: two, State: realtime.QuestionIsWithdrawn})
	w.do("mod", realtime.QuestionAnswer{Question: two, Live: true})
	if ev, ok := w.effects.All.(realtime.QuestionAnswered); !ok || ev.At != w.now.Edge {
		t.Errorf("answered with %+v", w.effects.All)
	}
	w.refused(realtime.CodeClosed, "p5", up(two))
	order := func() (ids []string) {
		for _, q := range w.snapshot("p5").Questions {
			ids = append(ids, q.ID)
		}
		return ids
	}
	if got := order(); !slices.Equal(got, []string{three, two}) {
		t.Errorf("the order is %v", got)
	}
	w.do("mod", realtime.QuestionMove{Question: three, State: realtime.QuestionIsDismissed})
	w.refused(realtime.CodeConflict, "mod", realtime.QuestionAnswer{Question: three, Text: "no"})
	w.do("mod", realtime.QuestionMove{Question: two, State: realtime.QuestionIsAsked})
	if got := order(); !slices.Equal(got, []string{two}) {
		t.Errorf("the order is %v", got)
	}
	w.do("host", realtime.Moderate{Participant: "p4", Action: realtime.ActionShadow})
	hidden := w.do("p4", realtime.QuestionAsk{Text: "hidden"})
	if w.gets() != "staff p4" {
		t.Errorf("is told to %s", w.gets())
	}
	w.refused(realtime.CodeNotFound, "p5", up(hidden))
	w.refused(realtime.CodeConflict, "mod", realtime.QuestionMerge{Question: two, Into: hidden})
	w.do("mod", realtime.QuestionMerge{Question: hidden, Into: two})
}

func TestModeration(t *testing.T) {
	w := newWorld(t)
	for _, tc := range []struct {
		by, whom string
		want     realtime.ErrorCode
	}{
		{"mod", "p0", ""},
		{"mod", "eye", ""},
		{"host", "mod", ""},
		{"mod", "host", realtime.CodeForbidden},
		{"host", "host", realtime.CodeForbidden},
		{"mod", "blind", realtime.CodeForbidden},
		{"p0", "p1", realtime.CodeForbidden},
		{"mod", "nobody", realtime.CodeNotFound},
	} {
		w.refused(tc.want, tc.by, realtime.Moderate{Participant: tc.whom, Action: realtime.ActionShadow})
	}

	w.do("p1", realtime.HandRaise{})
	w.do("mod", realtime.Moderate{Participant: "p1", Action: realtime.ActionMute, Seconds: 60, Reason: "noise"})
	if r, ok := w.effects.To[0].Data.(realtime.Restricted); !ok || w.gets() != "staff p1" || r.MutedUntil != w.now.Now+60_000 || !w.effects.Hands {
		t.Errorf("a mute is told as %+v", w.effects)
	}
	mine := w.snapshot("p1")
	if !mine.Restricted.Muted || mine.HandPosition != 0 {
		t.Errorf("the muted person sees %+v", mine)
	}
	for _, c := range []realtime.CommandData{realtime.ChatSend{Text: "x"}, realtime.QuestionAsk{Text: "x"}, realtime.HandRaise{}} {
		w.refused(realtime.CodeMuted, "p1", c)
	}
	w.pass(time.Minute)
	w.do("p1", realtime.ChatSend{Text: "x"})
	w.do("mod", realtime.Moderate{Participant: "p1", Action: realtime.ActionMute})
	w.pass(time.Hour)
	w.refused(realtime.CodeMuted, "p1", realtime.ChatSend{Text: "x"})
	w.do("mod", realtime.Moderate{Participant: "p1", Action: realtime.ActionUnmute})
	w.do("p1", realtime.ChatSend{Text: "x"})

	w.do("p2", realtime.HandRaise{})
	w.do("mod", realtime.Moderate{Participant: "p2", Action: realtime.ActionBan})
	if w.effects.Remove != "p2" || w.effects.RemoveCode != realtime.CloseBanned || len(w.s.HandQueue()) != 0 {
		t.Errorf("a ban does %+v", w.effects)
	}
	w.refused(realtime.CodeBanned, "p2", realtime.QuestionVote{Question: "q1", Up: true})
	if err := w.s.Admit(w.who("p2")); err == nil {
		t.Error("comes in though banned")
	}
	w.do("mod", realtime.Moderate{Participant: "p2", Action: realtime.ActionUnban})
	if err := w.s.Admit(w.who("p2")); err != nil {
		t.Error(err)
	}
	w.do("mod", realtime.Moderate{Participant: "p3", Action: realtime.ActionKick})
	if w.effects.Remove != "p3" || w.effects.RemoveCode != realtime.CloseRemoved || w.s.Admit(w.who("p3")) != nil {
		t.Errorf("a kick does %+v", w.effects)
	}
}

func TestHands(t *testing.T) {
	w := newWorld(t)
	for _, by := range []string{"p0", "p1", "p2", "p1", "p3"} {
		w.do(by, realtime.HandRaise{})
		w.pass(time.Minute)
	}
	w.refused(realtime.CodeForbidden, "eye", realtime.HandRaise{})
	w.refused(realtime.CodeForbidden, "p0", realtime.HandLower{Participant: "p1"})
	w.refused(realtime.CodeNotFound, "mod", realtime.HandCall{Participant: "nobody"})
	check := func(want ...string) {
		t.Helper()
		if got := w.s.HandQueue(); !slices.Equal(got, want) {
			t.Errorf("the queue is %v, want %v", got, want)
		}
	}
	check("p0", "p1", "p2", "p3")
	w.do("p1", realtime.HandLower{})
	w.do("p1", realtime.HandLower{})
	check("p0", "p2", "p3")
	if s := w.snapshot("p3"); s.HandPosition != 3 || s.Hands.Count != 3 || s.Hands.Queue != nil {
		t.Errorf("the third sees %+v at %d", s.Hands, s.HandPosition)
	}
	if s := w.snapshot("mod"); len(s.Hands.Queue) != 3 || s.Hands.Queue[1].Name != "Name of p2" {
		t.Errorf("staff see %+v", s.Hands)
	}
	w.do("mod", realtime.HandCall{Participant: "p2"})
	if w.gets() != "staff p2" {
		t.Errorf("a call is told to %s", w.gets())
	}
	check("p0", "p3")
	w.pass(5 * time.Minute) // p0 has waited for ten
	due := w.s.Due(w.now)
	if len(due) != 1 || due[0] != (HandLowered{Participant: "p0"}) {
		t.Errorf("due is %+v", due)
	}
	w.apply(Entry{TS: w.now.Now, By: &Author{ID: "p3", Role: realtime.RoleParticipant}, Fact: Left{At: w.now.Now}})
	check("p0")
}

func TestHostTools(t *testing.T) {
	w := newWorld(t)
	w.refused(realtime.CodeBadRequest, "mod", realtime.Announce{Text: "x", Until: w.now.Now})
	until := w.do("mod", realtime.Announce{Text: "back in a minute", Until: w.now.Now + 60_000})
	stays := w.do("host", realtime.Announce{Text: "exam on Friday"})
	if n := len(w.snapshot("p0").Announcements); n != 2 {
		t.Errorf("%d announcements", n)
	}
	w.pass(time.Minute)
	if due := w.s.Due(w.now); len(due) != 1 || due[0] != (Cleared{Announcement: until}) {
		t.Errorf("due is %+v", due)
	}
	w.do("mod", realtime.AnnounceClear{Announcement: until})
	w.refused(realtime.CodeNotFound, "mod", realtime.AnnounceClear{Announcement: until})
	if a := w.snapshot("p0").Announcements; len(a) != 1 || a[0].ID != stays {
		t.Errorf("announcements are %+v", a)
	}
	for range maxAnnouncements - 1 {
		w.do("host", realtime.Announce{Text: "x"})
	}
	w.refused(realtime.CodeConflict, "host", realtime.Announce{Text: "x"})

	w.refused(realtime.CodeForbidden, "mod", realtime.Marker{Title: "x"})
	w.do("host", realtime.Marker{Title: "Chapter 2"})
	if m := w.snapshot("p0").Markers; len(m) != 1 || m[0].At != w.now.Edge || m[0].Title != "Chapter 2" {
		t.Errorf("markers are %+v", m)
	}

	w.do("host", realtime.RoomSet{Words: &[]string{"darn"}, Locked: new(true)})
	if all, ok := w.effects.All.(realtime.Settings); !ok || all.Words != nil || !all.Locked {
		t.Errorf("participants are told %+v", w.effects.All)
	}
	if staff, ok := w.effects.Staff.(realtime.Settings); !ok || len(staff.Words) != 1 {
		t.Errorf("staff are told %+v", w.effects.Staff)
	}
	if s := w.snapshot("p0").Settings; s.Words != nil {
		t.Errorf("participants see %+v", s)
	}
	if w.s.Admit(principal("new", realtime.RoleParticipant)) == nil || w.s.Admit(principal("new", realtime.RoleModerator)) != nil || w.s.Admit(w.who("p0")) != nil {
		t.Error("a locked room keeps out the wrong people")
	}
	w.do("host", realtime.RoomSet{Locked: new(true)})
	if w.effects.All != nil {
		t.Error("settings that stay are told again")
	}
}

func TestAttendance(t *testing.T) {
	w := newWorld(t)
	begin := w.now.Now
	entry := func(f Fact) {
		p := w.who("p0")
		w.apply(Entry{TS: w.now.Now, By: &Author{ID: p.ID, Name: p.Name, Role: p.Role}, Fact: f})
	}
	w.pass(time.Minute)
	entry(Left{At: w.now.Now - 30_000, Playing: 10_000})
	entry(Left{At: w.now.Now})
	w.pass(time.Minute)
	entry(Joined{})
	entry(Joined{ExtraTime: 50})
	w.pass(time.Minute)
	w.apply(Entry{TS: w.now.Now, Fact: Ticked{Playing: map[string]int64{"p0": 20_000, "nobody": 1}}})
	for _, a := range w.s.Attendance() {
		switch a.Participant {
		case "p0":
			want := []Interval{{begin, begin + 30_000}, {begin + 120_000, begin + 180_000}}
			if !slices.Equal(a.Intervals, want) || a.Playing != 30_000 || !a.Present {
				t.Errorf("attendance is %+v, want %v", a, want)
			}
		case "eye":
			t.Error("an observer is in the attendance")
		default:
			if !slices.Equal(a.Intervals, []Interval{{begin, begin + 180_000}}) {
				t.Errorf("attendance is %+v", a)
			}
		}
	}
}
