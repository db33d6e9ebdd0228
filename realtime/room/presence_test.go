package room_test

import (
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
)

// People are counted, once each and whatever name they show; observers are told to
// staff only, and programs are nobody. It stays so over a restart.
func TestWhoIsCounted(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		want := realtime.Presence{Participants: 2, Observers: 1, Staff: 2}
		for _, when := range []string{"at first", "after a restart"} {
			host := s.join("host", realtime.RoleHost)
			s.join("mod", realtime.RoleModerator)
			ada := s.join("ada", realtime.RoleParticipant)
			s.join("ada", realtime.RoleParticipant) // another tab
			hidden := principal("nobody", realtime.RoleParticipant)
			hidden.Name, hidden.Anonymous = "", true
			if _, err := s.connect(hidden, ada.position()); err != nil {
				t.Fatal(err)
			}
			s.join("eye", realtime.RoleObserver)
			lms := s.join("lms", realtime.RoleService)
			pass(4 * time.Second)
			if got := last[realtime.Presence](host); got != want {
				t.Errorf("%s staff are told %+v", when, got)
			}
			if got := last[realtime.Presence](ada); got != (realtime.Presence{Participants: 2}) {
				t.Errorf("%s participants are told %+v", when, got)
			}
			lms.leave()
			pass(time.Minute)
			if got := s.join("late", realtime.RoleHost).welcome.Snapshot.Presence; got.Participants != 2 || got.Observers != 1 || got.Staff != 3 {
				t.Errorf("%s who comes late is told %+v", when, got)
			}
			if when == "at first" {
				want.Staff = 3 // who came late has the grace to come back
			}
			s.restart()
		}
	})
}
