package room_test

import (
	"slices"
	"testing"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/room"
)

// What the log says afterwards is what was heard at the time.
func TestCuesAreInTheLog(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		var heard []room.Cue
		s.deps.Cue = func(_ string, c room.Cue) { heard = append(heard, c) }
		s.restart()
		host := s.join("host", realtime.RoleHost)
		host.must(realtime.ChatSend{Text: "Hello"})
		poll := host.must(realtime.PollSave{PollDraft: realtime.PollDraft{Kind: realtime.PollSingle, Prompt: "?", Options: []string{"a", "b"}, Results: realtime.ResultsLive}})
		host.must(realtime.PollOpen{Poll: poll})
		marker := host.must(realtime.Marker{Title: "Chapter"})
		host.must(realtime.PollClose{Poll: poll})
		host.must(realtime.PollReveal{Poll: poll})
		host.must(realtime.Announce{Text: "no cue: it is for now"})
		var what []string
		for _, c := range heard {
			what = append(what, string(c.Event)+" "+c.ID)
		}
		if want := []string{"poll.opened " + poll, "marker " + marker, "poll.closed " + poll, "poll.revealed " + poll}; !slices.Equal(what, want) {
			t.Errorf("heard %q, want %q", what, want)
		}
		s.restart()
		for class, want := range map[string][]room.Cue{"algebra": heard, "another": nil} {
			if got, err := s.rooms.Cues(t.Context(), class); err != nil || !slices.Equal(got, want) {
				t.Errorf("the log of %s has %v, %v; want %v", class, got, err, want)
			}
		}
	})
}
