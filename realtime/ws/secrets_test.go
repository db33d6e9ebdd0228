package ws_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/lectern/lectern/realtime"
)

// spied enters the room, and fails if any frame holds what those who take a quiz are
// not to know while revealed is not set.
func spied(t *testing.T, h *harness, id string, role realtime.Role, revealed *atomic.Bool) *person {
	t.Helper()
	p := &person{client: h.open(), id: id}
	p.spy = func(frame []byte) {
		if bytes.Contains(frame, []byte(`"correct"`)) && !revealed.Load() {
			t.Errorf("%s gets %s", id, frame)
		}
	}
	return p.hello(t, h, role, nil)
}

// sync has the person see all that was told so far: what is told to them after it
// comes behind the ack.
func (p *person) sync(t *testing.T, n *int) {
	t.Helper()
	*n++
	p.do(t, fmt.Sprintf("sync-%05d", *n), "position", map[string]any{"playing": true})
}

// TestQuizKeepsItsSecret has a quiz go through all its states, before people who are
// there all the time, come back, come late, vote, and only look on.
func TestQuizKeepsItsSecret(t *testing.T) {
	for _, results := range []string{"live", "after", "never"} {
		t.Run(results, func(t *testing.T) {
			h := serveRooms(t)
			revealed := &atomic.Bool{}
			n := 0
			host := enter(t, h, "host", realtime.RoleHost, nil)
			mod := enter(t, h, "mod", realtime.RoleModerator, nil)
			ada := spied(t, h, "p_ada", realtime.RoleParticipant, revealed)
			eye := spied(t, h, "p_eye", realtime.RoleObserver, revealed)
			everybody := func(state string) {
				t.Helper()
				spied(t, h, "p_late_"+state, realtime.RoleParticipant, revealed).sync(t, &n)
				_ = ada.sock.Close()
				ada = enter(t, h, ada.id, realtime.RoleParticipant, ada)
				for _, p := range []*person{ada, eye} {
					p.sync(t, &n)
				}
			}
			quiz := map[string]any{"kind": "single", "prompt": "2+2?", "options": []string{"3", "4"}, "correct": []int{1}, "results": results, "quiz": true, "changeable": true}
			poll := host.do(t, "host-00001", "poll.save", quiz).ID
			discarded := host.do(t, "host-00002", "poll.save", quiz).ID
			everybody("draft")
			quiz["poll"], quiz["prompt"] = poll, "2+2="
			host.do(t, "host-00003", "poll.save", quiz)
			host.do(t, "host-00004", "poll.discard", map[string]any{"poll": discarded})
			host.do(t, "host-00005", "poll.open", map[string]any{"poll": poll})
			ada.do(t, "ada-00001", "poll.vote", map[string]any{"poll": poll, "choices": []int{0}})
			ada.do(t, "ada-00002", "poll.vote", map[string]any{"poll": poll, "choices": []int{1}})
			var tally realtime.Tally
			for tally.Voters != 1 {
				host.data(t, realtime.EventTally, &tally)
			}
			everybody("open")
			host.do(t, "host-00006", "poll.close", map[string]any{"poll": poll})
			everybody("closed")

			// Who keeps order may know: the staff's view has it.
			var saved realtime.PollSaved
			if mod.data(t, realtime.EventPollSaved, &saved); !slices.Equal(saved.Correct, []int{1}) {
				t.Errorf("the moderator is told %+v", saved)
			}

			revealed.Store(true)
			host.do(t, "host-00007", "poll.reveal", map[string]any{"poll": poll})
			for _, p := range []*person{ada, eye} {
				var shown realtime.PollRevealed
				if p.data(t, realtime.EventPollRevealed, &shown); !slices.Equal(shown.Correct, []int{1}) || (shown.Tally == nil) != (results == "never") {
					t.Errorf("%s is shown %+v", p.id, shown)
				}
			}
		})
	}
}

// TestModerator keeps order over the wire, and no more than that.
func TestModerator(t *testing.T) {
	h := serveRooms(t)
	mod := enter(t, h, "mod", realtime.RoleModerator, nil)
	ada := enter(t, h, "p_ada", realtime.RoleParticipant, nil)
	bob := enter(t, h, "p_bob", realtime.RoleParticipant, nil)
	names := mod.welcome.Permissions.Names()
	for _, want := range []string{"moderate", "triage", "announce", "staff", "names"} {
		if !slices.Contains(names, want) {
			t.Errorf("may not %s", want)
		}
	}
	ada.do(t, "ada-00001", "hand.raise", map[string]any{})
	bob.do(t, "bob-00001", "hand.raise", map[string]any{})
	var hands realtime.Hands
	for hands.Count != 2 {
		mod.data(t, realtime.EventHands, &hands)
	}
	if q := hands.Queue; len(q) != 2 || q[0].Participant != "p_ada" || q[0].Name != "p_ada" || q[1].Participant != "p_bob" {
		t.Errorf("hands: %+v", hands)
	}
	again := enter(t, h, "mod", realtime.RoleModerator, nil)
	if got := again.welcome.Snapshot; len(got.Hands.Queue) != 2 || got.Presence.Staff != 1 {
		t.Errorf("snapshot: %+v %+v", got.Hands, got.Presence)
	}
	mod.do(t, "mod-00001", "hand.call", map[string]any{"participant": "p_ada"})
	var called realtime.HandCalled
	if ada.data(t, realtime.EventHandCalled, &called); called.Participant != "p_ada" {
		t.Errorf("called %+v", called)
	}
	mod.do(t, "mod-00002", "hand.lower", map[string]any{"participant": "p_bob"})
	for hands.Count != 0 {
		mod.data(t, realtime.EventHands, &hands)
	}
	mod.do(t, "mod-00003", "room.set", map[string]any{"slow_mode_s": 30})
	mod.do(t, "mod-00004", "room.set", map[string]any{"chat": "questions"})
	var settings realtime.Settings
	for settings.Chat != realtime.ChatQuestions {
		ada.data(t, realtime.EventRoomSettings, &settings)
	}
	if settings.SlowMode != 30 {
		t.Errorf("settings: %+v", settings)
	}
	mod.do(t, "mod-00005", "moderate", map[string]any{"participant": "p_bob", "action": "mute", "seconds": 600, "reason": "noise"})
	again = enter(t, h, "mod", realtime.RoleModerator, nil)
	if got := again.welcome.Snapshot.Restrictions; len(got) != 1 || got[0].Participant != "p_bob" || !got[0].Muted || got[0].Reason != "noise" {
		t.Errorf("restrictions: %+v", got)
	}
	for i, c := range []struct {
		typ  string
		data map[string]any
	}{
		{"room.set", map[string]any{"names": "anonymous"}},
		{"room.set", map[string]any{"slow_mode_s": 0, "links": true}},
		{"room.close", map[string]any{}},
		{"poll.save", map[string]any{"kind": "cloud", "prompt": "?", "results": "live"}},
		{"marker", map[string]any{"title": "x"}},
	} {
		b, err := json.Marshal(map[string]any{"v": 1, "type": c.typ, "id": fmt.Sprintf("far-%05d", i), "data": c.data})
		must(t, err)
		mod.write(1, b)
		for e := mod.next(); ; e = mod.next() {
			if e.Re != fmt.Sprintf("far-%05d", i) {
				continue
			}
			var r realtime.Refusal
			must(t, json.Unmarshal(e.Data, &r))
			if e.Type != realtime.EventError || r.Code != realtime.CodeForbidden {
				t.Errorf("%s: %s %s", c.typ, e.Type, e.Data)
			}
			break
		}
	}
}
