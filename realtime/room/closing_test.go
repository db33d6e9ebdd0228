package room_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room"
	"github.com/lectern/lectern/realtime/room/state"
)

// lessons is classes, and the media's clock, that stand still when a class ends.
type lessons struct {
	mu    sync.Mutex
	ended time.Time
	gone  bool
}

func (l *lessons) Ended(string) (time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return time.Time{}, realtime.NewError(realtime.CodeNotFound, "there is no such class")
	}
	return l.ended, nil
}

func (l *lessons) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = time.Now()
}

func (l *lessons) Edge(string) (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended.IsZero() {
		return time.Time{}, false // nothing is packaged any more
	}
	return time.Now().Add(-2 * time.Second), true
}

// lesson runs a test with a class that can end.
func lesson(t *testing.T, fn func(*server, *lessons)) {
	t.Helper()
	bubble(t, func(s *server) {
		s.stop()
		l := &lessons{}
		s.deps.Classes, s.deps.Clock = l, l
		s.start(nil)
		fn(s, l)
	})
}

func (s *server) refuses(t *testing.T, id string, role realtime.Role, code realtime.ErrorCode) {
	t.Helper()
	_, err := s.connect(principal(id, role), room.Position{})
	var refusal *realtime.Error
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Errorf("%s comes in: %v, want %s", id, err, code)
	}
}

// Viewers are behind: when the class ends they can still write, vote in the last
// poll by what is on their screen, and even come in. Then the room closes for all,
// for good, and over a restart too.
func TestRoomOutlivesItsClass(t *testing.T) {
	lesson(t, func(s *server, l *lessons) {
		t := s.t
		host := s.join("host", realtime.RoleHost)
		ada := s.join("ada", realtime.RoleParticipant)
		poll := host.must(realtime.PollSave{PollDraft: realtime.PollDraft{
			Kind: realtime.PollSingle, Prompt: "?", Options: []string{"a", "b"}, Quiz: true, Correct: []int{1}, Results: realtime.ResultsAfter,
		}})
		host.must(realtime.PollOpen{Poll: poll, Seconds: 30})
		opened := last[realtime.PollOpened](ada)
		if ada.welcome.OpenUntil != 0 || len(of[realtime.RoomCloses](ada)) != 0 {
			t.Error("the room is told to close before the class has ended")
		}
		pass(3 * time.Second)
		host.refused(realtime.CodeConflict, realtime.RoomClose{})
		pass(3 * time.Second)
		l.end()
		end := time.Now()
		pass(2 * time.Second)
		for _, c := range []*client{host, ada} {
			if got := of[realtime.RoomCloses](c); len(got) != 1 || got[0].Until != end.Add(2*time.Minute).UnixMilli() {
				t.Errorf("%s is told %+v", c.who.ID, got)
			}
		}
		pass(20 * time.Second) // ada sees the end about now
		ada.must(realtime.PollVote{Poll: poll, Choices: []int{1}, MediaTS: opened.At + 5000})
		ada.must(realtime.ChatSend{Text: "thank you"})
		late := s.join("late", realtime.RoleParticipant)
		if late.welcome.OpenUntil != end.Add(2*time.Minute).UnixMilli() || len(late.welcome.Snapshot.Polls) != 1 {
			t.Errorf("who is late is told %+v", late.welcome)
		}
		s.restart()
		host, ada = s.join("host", realtime.RoleHost), s.join("ada", realtime.RoleParticipant)
		if host.welcome.OpenUntil != end.Add(2*time.Minute).UnixMilli() {
			t.Errorf("after a restart until %d", host.welcome.OpenUntil)
		}
		pass(45 * time.Second)
		// Nobody's picture gets further than the end of the media.
		if got := last[realtime.PollClosed](ada); got.At <= opened.At || got.At > end.Add(-2*time.Second).UnixMilli() {
			t.Errorf("the poll closed at %d; it was opened at %d, and the media ended at %d", got.At, opened.At, end.UnixMilli()-2000)
		}
		host.must(realtime.PollReveal{Poll: poll})
		if got := last[realtime.PollRevealed](ada); got.Tally.Counts[1] != 1 || got.At > end.Add(-2*time.Second).UnixMilli() || got.At == 0 {
			t.Errorf("revealed as %+v", got)
		}
		pass(2 * time.Minute)
		if host.closeCode() != realtime.CloseClassEnded || ada.closeCode() != realtime.CloseClassEnded {
			t.Errorf("closed with %d and %d", host.closeCode(), ada.closeCode())
		}
		host.m.Leave()
		ada.m.Leave()
		for range 2 {
			s.refuses(t, "ada", realtime.RoleParticipant, realtime.CodeClosed)
			s.refuses(t, "host", realtime.RoleHost, realtime.CodeClosed)
			pass(5 * time.Minute)
			s.restart()
		}
		if err := s.rooms.Read(t.Context(), "algebra", func(st *state.State) {
			for _, a := range st.Attendance() {
				if a.Present {
					t.Errorf("%s is still there", a.Participant)
				}
			}
			if right, of := st.Scores(); right["ada"] != 1 || of != 1 || !st.Closed() {
				t.Errorf("scores %v of %d, closed %t", right, of, st.Closed())
			}
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// A host who has said goodbye closes the room, for good: a restart does not open it.
func TestHostClosesTheRoom(t *testing.T) {
	lesson(t, func(s *server, l *lessons) {
		t := s.t
		host := s.join("host", realtime.RoleHost)
		ada := s.join("ada", realtime.RoleParticipant)
		l.end()
		pass(2 * time.Second)
		ada.refused(realtime.CodeForbidden, realtime.RoomClose{})
		if s.rooms.Over("algebra") || s.rooms.Open("algebra") != nil {
			t.Error("the room is over with its class")
		}
		host.must(realtime.RoomClose{})
		if host.closeCode() != realtime.CloseClassEnded || ada.closeCode() != realtime.CloseClassEnded {
			t.Errorf("closed with %d and %d", host.closeCode(), ada.closeCode())
		}
		over := func() {
			t.Helper()
			s.refuses(t, "ada", realtime.RoleParticipant, realtime.CodeClosed)
			pass(time.Millisecond)
			if err := s.rooms.Open("algebra"); !s.rooms.Over("algebra") || err == nil {
				t.Errorf("over %t, open %v", s.rooms.Over("algebra"), err)
			}
		}
		over()
		s.restart()
		over()
	})
}

// A server that comes back when all is over lets nobody in, whoever was in the room
// when it was killed; nor into the room of a class that is gone.
func TestRestoredAfterTheEnd(t *testing.T) {
	lesson(t, func(s *server, l *lessons) {
		t := s.t
		s.join("ada", realtime.RoleParticipant)
		pass(time.Minute)
		s.stop()
		l.end()
		pass(time.Hour)
		s.start(nil)
		s.refuses(t, "ada", realtime.RoleParticipant, realtime.CodeClosed)
		read := func() (present int) {
			if err := s.rooms.Read(t.Context(), "algebra", func(st *state.State) { present = len(st.AllPresent()) }); err != nil {
				t.Fatal(err)
			}
			return present
		}
		read()
		pass(2 * time.Second)
		if n := read(); n != 0 {
			t.Errorf("%d people are still there", n)
		}
		l.mu.Lock()
		l.gone = true
		l.mu.Unlock()
		s.refuses(t, "ada", realtime.RoleParticipant, realtime.CodeNotFound)
	})
}

// gated lets the history of one room be read when the test says so.
type gated struct {
	broker.Broker
	class string
	open  chan struct{}
}

func (g *gated) History(ctx context.Context, class string, from broker.Position, limit int) ([]broker.Record, broker.Position, error) {
	if class == g.class {
		<-g.open
	}
	return g.Broker.History(ctx, class, from, limit)
}

// A room whose log takes long to read keeps nobody out of others.
func TestOpeningOneRoomBlocksNoOther(t *testing.T) {
	bubble(t, func(s *server) {
		t := s.t
		s.stop()
		slow := &gated{class: "slow", open: make(chan struct{})}
		s.start(func(b broker.Broker) broker.Broker {
			slow.Broker = b
			return slow
		})
		joined := make(chan error, 1)
		go func() {
			_, err := s.rooms.Join(t.Context(), "slow", principal("ada", realtime.RoleParticipant), room.Position{}, &client{t: t})
			joined <- err
		}()
		settle()
		s.join("bob", realtime.RoleParticipant).must(realtime.ChatSend{Text: "hello"})
		select {
		case err := <-joined:
			t.Errorf("the slow room is open already: %v", err)
		default:
		}
		close(slow.open)
		if err := <-joined; err != nil {
			t.Error(err)
		}
	})
}
