package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/realtime/transcript"
	"github.com/lectern/lectern/storage/kv"
)

// talkedIn is a server with a class that is on, and in whose room somebody said
// something.
func talkedIn(t *testing.T, dir, id string, access class.Access) (s *server, c api.Class, ada *guest) {
	t.Helper()
	s = start(t, testConfig(dir))
	c, err := s.api.Create(t.Context(), api.CreateClass{ID: id, Title: "Algebra", Access: access})
	if err != nil {
		t.Fatal(err)
	}
	teacher := s.push(c.StreamKey)
	s.teach(teacher, mediatest.New(t, mediatest.Config{Round: time.Millisecond}), 20*time.Second)
	grant, err := s.api.CreateGrant(t.Context(), id, api.CreateGrant{Role: realtime.RoleParticipant, Name: "Ada L.", Person: "4711"})
	if err != nil {
		t.Fatal(err)
	}
	mediatest.Eventually(t, func() string {
		if code, body := s.request(http.MethodGet, "http://"+s.addrs.HTTP+"/live/"+id+"/source/index.m3u8", ""); code != http.StatusOK && code != http.StatusForbidden {
			return fmt.Sprint(code, body)
		}
		return ""
	})
	ada = s.join(id, grant.Grant, nil)
	ada.do("chat.send", map[string]any{"text": "something clever"})
	return s, c, ada
}

// index reads the transcript of a class until it is right.
func (s *server) index(base string, right func(transcript.Index) bool) (index transcript.Index) {
	s.t.Helper()
	mediatest.Eventually(s.t, func() string {
		code, body := s.get(base + "/room/index.json")
		index = transcript.Index{}
		if err := json.Unmarshal([]byte(body), &index); err != nil || code != http.StatusOK || !right(index) {
			return fmt.Sprintf("%d %s, %v", code, body, err)
		}
		return ""
	})
	return index
}

// What was said is there while the class goes on, after it, and after a restart, to
// those who may see the class; with the class it is gone.
func TestTranscriptOfAClass(t *testing.T) {
	dir := t.TempDir()
	s, _, ada := talkedIn(t, dir, "algebra", class.AccessPublic)
	index := s.index("/live/algebra", func(i transcript.Index) bool { return len(i.Minutes) == 1 })
	minute := fmt.Sprintf("/live/algebra/room/%d.json", index.Minutes[0].Minute)
	code, said := s.get(minute)
	if code != http.StatusOK || !strings.Contains(said, `"text":"something clever"`) || strings.Contains(said, "4711") {
		t.Errorf("%s: %d %s", minute, code, said)
	}
	if at := index.FirstMediaTS; at < time.Now().Add(-time.Hour).UnixMilli() || at > time.Now().Add(time.Hour).UnixMilli() || index.Ended {
		t.Errorf("the index is %+v", index)
	}

	present, err := s.api.Attendance(t.Context(), "algebra")
	if err != nil || len(present.Participants) != 1 || !present.Participants[0].Present || *present.Participants[0].ExternalID != "4711" || present.Participants[0].Name != "Ada L." {
		t.Errorf("attendance is %+v, %v", present, err)
	}
	if _, err = s.api.End(t.Context(), "algebra"); err != nil {
		t.Fatal(err)
	}
	if code := ada.closed(); code != realtime.CloseClassEnded {
		t.Errorf("closed with %d", code)
	}
	s.index("/live/algebra", func(i transcript.Index) bool { return i.Ended && len(i.Minutes) == 1 })
	if err = s.stop(); err != nil {
		t.Fatal(err)
	}

	s = start(t, testConfig(dir))
	s.index("/live/algebra", func(i transcript.Index) bool { return i.Ended && len(i.Minutes) == 1 })
	if code, again := s.get(minute); code != http.StatusOK || again != said {
		t.Errorf("after a restart it is %d %s, not %s", code, again, said)
	}
	after, err := s.api.Attendance(t.Context(), "algebra")
	if err != nil || len(after.Participants) != 1 || after.Participants[0].Present || !after.Participants[0].First.Equal(present.Participants[0].First) {
		t.Errorf("attendance is %+v, %v", after, err)
	}
	if err = s.api.Delete(t.Context(), "algebra"); err != nil {
		t.Fatal(err)
	}
	if code, body := s.get(minute); code != http.StatusNotFound {
		t.Errorf("of a class that is deleted: %d %s", code, body)
	}
	s.create("algebra")
	if anew, aerr := s.api.Attendance(t.Context(), "algebra"); aerr != nil || len(anew.Participants) != 0 {
		t.Errorf("attendance of another class of that name is %+v, %v", anew, aerr)
	}
	if err = s.stop(); err != nil {
		t.Fatal(err)
	}
	if left := roomsIn(t, dir, nil); len(left) != 0 {
		t.Errorf("there are logs of %q", left)
	}
}

// A protected class is protected to the last word.
func TestTranscriptOfAProtectedClass(t *testing.T) {
	s, _, _ := talkedIn(t, t.TempDir(), "exam", class.AccessToken)
	if code, body := s.get("/live/exam/room/index.json"); code != http.StatusForbidden || strings.Contains(body, "minutes") {
		t.Errorf("without a token: %d %s", code, body)
	}
	token, err := s.api.CreatePlaybackToken(t.Context(), "exam", api.CreatePlaybackToken{})
	if err != nil {
		t.Fatal(err)
	}
	base := "/t/" + token.Token + "/live/exam"
	index := s.index(base, func(i transcript.Index) bool { return len(i.Minutes) == 1 })
	if code, body := s.get(fmt.Sprintf("%s/room/%d.json", base, index.Minutes[0].Minute)); code != http.StatusOK || !strings.Contains(body, "something clever") {
		t.Errorf("with a token: %d %s", code, body)
	}
	if err = s.api.RevokePlaybackTokens(t.Context(), "exam", ""); err != nil {
		t.Fatal(err)
	}
	if code, body := s.get(base + "/room/index.json"); code != http.StatusForbidden {
		t.Errorf("with a token that is revoked: %d %s", code, body)
	}
}

// What is left of a room whose class is gone is deleted at the next start, also if no
// room could be made of it; a class's own room stays.
func TestRoomsWithoutAClassAreSwept(t *testing.T) {
	dir := t.TempDir()
	s, _, ada := talkedIn(t, dir, "algebra", class.AccessPublic)
	ada.do("chat.send", map[string]any{"text": "again"})
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	roomsIn(t, dir, func(log *broker.Embedded) {
		for _, id := range []string{"gone", "damaged"} {
			if _, _, err := log.Publish(t.Context(), id, broker.Event{Data: []byte(`{"kind":"unheard of","fact":{}}`)}); err != nil {
				t.Fatal(err)
			}
		}
	})
	s = start(t, testConfig(dir))
	// A room that cannot be opened goes with its class all the same.
	s.create("damaged")
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if left := roomsIn(t, dir, func(log *broker.Embedded) {
		if _, _, err := log.Publish(t.Context(), "damaged", broker.Event{Data: []byte(`{"kind":"unheard of","fact":{}}`)}); err != nil {
			t.Fatal(err)
		}
	}); fmt.Sprint(left) != "[algebra damaged]" {
		t.Errorf("there are logs of %q", left)
	}
	s = start(t, testConfig(dir))
	if err := s.api.Delete(t.Context(), "damaged"); err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if left := roomsIn(t, dir, nil); fmt.Sprint(left) != "[algebra]" {
		t.Errorf("there are logs of %q", left)
	}
}

// roomsIn returns the rooms with a log in a data folder that no server uses, after do.
func roomsIn(t *testing.T, dir string, do func(*broker.Embedded)) []string {
	t.Helper()
	db, err := kv.Open(filepath.Join(dir, "rooms.db"), kv.Options{SkipFreelist: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	log := broker.NewEmbedded(broker.DefaultConfig(), broker.Deps{DB: db})
	if do != nil {
		stop := runUntil(t, log.Run)
		do(log)
		stop()
	}
	all, err := log.Rooms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// runUntil runs a part until what it returns is called.
func runUntil(t *testing.T, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := run(ctx); err != nil {
			t.Error(err)
		}
	})
	return func() {
		cancel()
		wait.Wait()
	}
}
