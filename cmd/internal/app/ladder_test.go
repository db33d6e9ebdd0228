package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/realtime/api"
)

// A class may choose renditions; what there is not is refused with its name.
func TestClassChoosesItsLadder(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	s.create("algebra")
	patch := func(body string) (int, string) {
		return s.request(http.MethodPatch, "http://"+s.addrs.HTTP+"/api/v1/classes/algebra", body,
			"Authorization", "Bearer "+s.token, "Content-Type", "application/json")
	}
	for _, tc := range []struct {
		name, body string
		code       int
		says       string
	}{
		{"unknown rendition", `{"ladder":["source","9000p"]}`, 400, "9000p"},
		{"twice", `{"ladder":["source","source"]}`, 400, "ladder"},
		{"sound alone", `{"ladder":["audio"]}`, 200, `"ladder":["audio"]`},
		{"the server's choice", `{"ladder":null}`, 200, `"ladder":null`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if code, body := patch(tc.body); code != tc.code || !strings.Contains(strings.Join(strings.Fields(body), ""), tc.says) {
				t.Errorf("%d %s, want %d and %s", code, body, tc.code, tc.says)
			}
		})
	}
}

// The choice counts from the next publication on, and the API says what is made.
func TestLadderOfAClass(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	s.create("algebra")
	if _, err := s.api.Update(t.Context(), "algebra", api.UpdateClass{Ladder: api.Set([]string{"audio"})}); err != nil {
		t.Fatal(err)
	}
	got, err := s.api.Get(t.Context(), "algebra")
	if err != nil {
		t.Fatal(err)
	}
	if got.LadderState != nil || got.Health != nil {
		t.Errorf("before anybody publishes: ladder %+v, health %+v", got.LadderState, got.Health)
	}
	client := s.push(got.StreamKey)
	src := mediatest.New(t, mediatest.Config{})
	if err = client.WriteHeaders(0, src.Tracks()); err != nil {
		t.Fatal(err)
	}
	mediatest.Eventually(t, func() string {
		for range 60 {
			if err := client.WriteSamples(src.Tracks(), src.Next()); err != nil {
				return err.Error()
			}
		}
		got, err := s.api.Get(t.Context(), "algebra")
		switch {
		case err != nil:
			return err.Error()
		case got.LadderState == nil:
			return "no ladder"
		case len(got.LadderState.Renditions) != 1 || got.LadderState.Renditions[0].Name != "audio" || got.LadderState.Renditions[0].State != "passed_through":
			t.Fatalf("the class has %+v", got.LadderState.Renditions)
		case got.Health == nil:
			return "no health"
		}
		return ""
	})
}
