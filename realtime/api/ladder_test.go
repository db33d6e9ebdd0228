package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime/api"
)

// What the server knows of a publication is on the class itself, and not in
// lists.
func TestLadderHealthAndPictures(t *testing.T) {
	s := newServer(t)
	const path = "/api/v1/classes/maths"
	made := decode[map[string]any](t, s.request(t, "POST", "/api/v1/classes", `{"id":"maths","title":"Analysis I"}`), 201)
	for _, field := range []string{"ladder", "ladder_state", "health", "thumbnail", "storyboard"} {
		if v, ok := made[field]; !ok || v != nil {
			t.Errorf("%s = %v, %v before anything is published, want null", field, v, ok)
		}
	}

	s.ladder = &api.LadderState{Level: 1, Since: time.Unix(1, 0), Reason: "cpu", Text: "The server is busy."}
	s.health = &api.Health{Findings: []api.Finding{{Code: "silence", Severity: "problem", Text: "No sound arrives."}}}
	s.thumbnail = "thumbnail.jpg"
	answer := read(t, s.request(t, "GET", path, ""))
	var c api.Class
	if err := json.Unmarshal([]byte(answer), &c); err != nil {
		t.Fatal(err)
	}
	if c.LadderState == nil || c.LadderState.Level != 1 || c.LadderState.Text != "The server is busy." {
		t.Errorf("ladder state = %+v", c.LadderState)
	}
	if c.Health == nil || len(c.Health.Findings) != 1 || c.Health.Findings[0].Code != "silence" {
		t.Errorf("health = %+v", c.Health)
	}
	if c.Thumbnail == nil || *c.Thumbnail != "http://live.example.edu/live/maths/thumbnail.jpg" || c.Storyboard != nil {
		t.Errorf("thumbnail = %v, storyboard = %v", c.Thumbnail, c.Storyboard)
	}
	for _, list := range []string{`"renditions": []`, `"history": []`, `"events": []`} {
		if !strings.Contains(answer, list) {
			t.Errorf("%s is not in %s", list, answer)
		}
	}
	list := decode[api.ClassList](t, s.request(t, "GET", "/api/v1/classes", ""), 200)
	if got := list.Classes[0]; got.LadderState != nil || got.Health != nil || got.Thumbnail != nil {
		t.Errorf("the list has %+v", got)
	}
}

func TestLadderSetting(t *testing.T) {
	s := newServer(t)
	decode[api.Class](t, s.request(t, "POST", "/api/v1/classes", `{"id":"maths","title":"x","ladder":["source","480p"]}`), 201)
	for _, tc := range []struct{ name, patch, want string }{
		{"as created", `{}`, "source 480p"},
		{"other", `{"ladder":["720p","audio"]}`, "720p audio"},
		{"left alone", `{"title":"y"}`, "720p audio"},
		{"reset", `{"ladder":null}`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := decode[api.Class](t, s.request(t, "PATCH", "/api/v1/classes/maths", tc.patch), 200)
			got := ""
			if c.Ladder != nil {
				got = strings.Join(*c.Ladder, " ")
			}
			if got != tc.want {
				t.Errorf("ladder = %q, want %q", got, tc.want)
			}
			if kept, err := s.classes.Get(t.Context(), "maths"); err != nil || strings.Join(kept.Ladder, " ") != tc.want {
				t.Errorf("kept %q, %v", kept.Ladder, err)
			}
		})
	}
	decode[api.Class](t, s.request(t, "POST", "/api/v1/classes/maths/end", ""), 200)
	decode[failure](t, s.request(t, "PATCH", "/api/v1/classes/maths", `{"ladder":["source"]}`), 409)
}
