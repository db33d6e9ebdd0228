package state

import (
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
)

// A host closes the room once the class has ended. Then nothing is taken, nobody
// comes in, and a quiz that was open counts.
func TestRoomClose(t *testing.T) {
	w := newWorld(t)
	quiz := w.do("host", realtime.PollSave{PollDraft: realtime.PollDraft{
		Kind: realtime.PollSingle, Prompt: "?", Options: []string{"a", "b"}, Quiz: true, Correct: []int{1}, Results: realtime.ResultsAfter,
	}})
	w.do("host", realtime.PollOpen{Poll: quiz})
	w.do("p0", realtime.PollVote{Poll: quiz, Choices: []int{1}})
	w.refused(realtime.CodeForbidden, "p0", realtime.RoomClose{})
	w.refused(realtime.CodeConflict, "host", realtime.RoomClose{})
	w.now.Ended = true
	w.refused(realtime.CodeForbidden, "mod", realtime.RoomClose{})
	w.do("p0", realtime.ChatSend{Text: "thanks"})
	w.do("host", realtime.RoomClose{})
	if !w.effects.Close {
		t.Error("nobody is told to go")
	}
	for _, s := range []*State{w.s, w.replayed()} {
		right, of := s.Scores()
		if !s.Closed() || right["p0"] != 1 || of != 1 || s.polls.open != 0 {
			t.Errorf("closed %t, scores %v of %d, %d polls open", s.Closed(), right, of, s.polls.open)
		}
		for _, who := range []string{"host", "p0"} {
			if refusal, ok := s.Admit(w.who(who)).(*realtime.Error); !ok || refusal.Code != realtime.CodeClosed { //nolint:errorlint // it is never wrapped
				t.Errorf("%s may come in: %v", who, refusal)
			}
		}
	}
	w.refused(realtime.CodeClosed, "p0", realtime.ChatSend{Text: "once more"})
	w.refused(realtime.CodeClosed, "host", realtime.RoomClose{})
}

// When the media have ended a poll closes at a moment that everybody gets to see.
func TestPollClosesWithinTheMedia(t *testing.T) {
	w := newWorld(t)
	poll := w.do("host", realtime.PollSave{PollDraft: realtime.PollDraft{
		Kind: realtime.PollSingle, Prompt: "?", Options: []string{"a", "b"}, Results: realtime.ResultsAfter,
	}})
	w.do("host", realtime.PollOpen{Poll: poll, Seconds: 60})
	end := w.now.Edge + 5000
	w.pass(time.Hour)
	w.now.Edge = end // the class ended five seconds after the poll was opened
	due := w.s.Due(w.now)
	if len(due) != 1 || due[0] != (PollClosed{Poll: poll, At: end, Final: true}) {
		t.Errorf("due is %+v, the media ended at %d", due, end)
	}
}

// Staff who come in know whom they can let off.
func TestRestrictionsInSnapshot(t *testing.T) {
	w := newWorld(t)
	w.do("host", realtime.Moderate{Participant: "p0", Action: realtime.ActionMute, Seconds: 60, Reason: "noise"})
	w.do("host", realtime.Moderate{Participant: "p1", Action: realtime.ActionBan, Reason: "spam"})
	w.do("host", realtime.Moderate{Participant: "p2", Action: realtime.ActionShadow})
	w.do("host", realtime.Moderate{Participant: "p2", Action: realtime.ActionMute})
	until := w.now.Now + 60_000
	want := []realtime.Restriction{
		{Participant: "p2", Name: w.who("p2").Name, Muted: true, Shadowed: true},
		{Participant: "p1", Name: w.who("p1").Name, Banned: true, Reason: "spam"},
		{Participant: "p0", Name: w.who("p0").Name, Muted: true, MutedUntil: until, Reason: "noise"},
	}
	for _, who := range []string{"host", "mod"} {
		if got := w.snapshot(who).Restrictions; encoded(t, got) != encoded(t, want) {
			t.Errorf("%s is told %+v", who, got)
		}
	}
	if got := w.snapshot("p0").Restrictions; got != nil {
		t.Errorf("a participant is told %+v", got)
	}
	if got := w.replayed().Snapshot(w.who("host")).Restrictions; encoded(t, got) != encoded(t, want) {
		t.Errorf("after a replay %+v", got)
	}
	w.do("host", realtime.Moderate{Participant: "p1", Action: realtime.ActionUnban})
	w.do("host", realtime.Moderate{Participant: "p2", Action: realtime.ActionUnmute})
	w.pass(2 * time.Minute)
	w.do("host", realtime.Marker{Title: "later"})
	if got := w.snapshot("host").Restrictions; len(got) != 1 || got[0] != (realtime.Restriction{Participant: "p2", Name: w.who("p2").Name, Shadowed: true}) {
		t.Errorf("later %+v", got)
	}
}

// Who was given more time can vote for as much longer, and the poll waits for them.
func TestExtraTime(t *testing.T) {
	w := newWorld(t)
	w.people = append(w.people, realtime.Principal{ID: "slow", Role: realtime.RoleParticipant, Permissions: realtime.RoleParticipant.Permissions(), ExtraTime: 50})
	w.apply(Entry{TS: w.now.Now, By: &Author{ID: "slow", Role: realtime.RoleParticipant}, Fact: Joined{ExtraTime: 50}})
	poll := w.do("host", realtime.PollSave{PollDraft: realtime.PollDraft{
		Kind: realtime.PollSingle, Prompt: "?", Options: []string{"a", "b"}, Changeable: true, Results: realtime.ResultsAfter,
	}})
	w.do("host", realtime.PollOpen{Poll: poll, Seconds: 60})
	at := w.now.Edge
	vote := func(seconds int64) realtime.PollVote {
		return realtime.PollVote{Poll: poll, Choices: []int{int(seconds) % 2}, MediaTS: at + seconds*1000}
	}
	w.pass(85 * time.Second)
	w.refused(realtime.CodeClosed, "p0", vote(85))
	w.do("slow", vote(85))
	w.pass(10 * time.Second)
	w.refused(realtime.CodeClosed, "p0", vote(60)) // the grace for others is over
	w.refused(realtime.CodeClosed, "slow", vote(95))
	w.do("slow", vote(90))
	if due := w.s.Due(w.now); len(due) != 0 {
		t.Errorf("due at 95 s: %+v", due)
	}
	w.pass(30 * time.Second)
	if due := w.s.Due(w.now); len(due) != 1 {
		t.Errorf("due at 125 s: %+v", due)
	}
}
