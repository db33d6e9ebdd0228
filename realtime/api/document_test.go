package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/storage/kv"
)

type busyPublishers struct{}

func (busyPublishers) Publisher(id string) (Publisher, bool) {
	return Publisher{Protocol: "rtsp-pull", Remote: "192.0.2.1", Since: time.Unix(1, 0).UTC()}, id == "busy"
}

func (busyPublishers) LastRefusal(id string) (Refusal, bool) {
	return Refusal{Code: "codec", Text: "Use H.264.", At: time.Unix(1, 0).UTC()}, id == "busy"
}

func (busyPublishers) Ladder(id string) (LadderState, bool) {
	at := time.Unix(1, 0).UTC()
	return LadderState{
		Level: 3, Since: at, Reason: "cpu", Text: "The server is busy: 720p is left out.",
		Renditions: []Rendition{{Name: "source", Kind: "video", State: "passed_through"}, {Name: "720p", Kind: "video", State: "shed", MaxBitrateBPS: 2500000, LagSeconds: 0.5}},
		Worker:     Worker{State: "running", Restarts: 1, LastReason: "memory"},
		History:    []LevelChange{{At: at, Level: 3, Reason: "cpu", Text: "The server is busy."}},
	}, id == "busy"
}

func (busyPublishers) Health(id string) (Health, bool) {
	at := time.Unix(1, 0).UTC()
	return Health{
		Findings: []Finding{{Code: "too_quiet", Severity: "warning", Text: "The sound is very quiet.", Setting: "Raise the microphone.", Since: at}},
		Events:   []HealthEvent{{At: at, Code: "too_quiet", Raised: true, Text: "The sound is very quiet."}},
	}, id == "busy"
}

func (busyPublishers) Attendance(context.Context, string) ([]Attendee, error) {
	at := time.Unix(1, 0).UTC()
	return []Attendee{{Participant: "p", Role: "host", Intervals: []Interval{{at, at}}}}, nil
}

func busyPictures(_ *http.Request, id string) Pictures {
	return Pictures{Thumbnail: "http://live.example.edu/live/" + id + "/thumbnail.jpg"}
}

// What the server really answers is what the document says: the status, the
// media type and every field.
func TestAnswersAreAsDocumented(t *testing.T) {
	d := readDocument(t)
	db, err := kv.Open(filepath.Join(t.TempDir(), "lectern.db"), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	classes, err := class.NewRegistry(class.DefaultConfig(), class.Deps{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := access.New(access.DefaultConfig(), access.Deps{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	viewer, err := tokens.Mint("physics", "", 0, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	gone, err := tokens.Mint("chemistry", "", 0, time.Now())
	if err = errors.Join(err, tokens.RevokeClass("chemistry", time.Now())); err != nil {
		t.Fatal(err)
	}
	grants, err := access.NewGrantRing(access.DefaultGrantConfig(), access.Deps{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	studios, err := access.NewStudioKeys(access.Deps{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(Deps{
		Tokens: tokens, Grants: grants, Studios: studios,
		Token: class.NewSecret("0123456789abcdef"), Classes: classes, Publishers: busyPublishers{},
		Attendances: busyPublishers{}, Ladders: busyPublishers{}, Checkups: busyPublishers{}, Pictures: busyPictures,
		Links: func(*http.Request, string) Links { return Links{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	auths := map[string]string{"ok": "0123456789abcdef", "viewer": viewer.Text, "revoked": gone.Text}
	covered := map[string]bool{}
	for _, tc := range []struct {
		method, template, id, body, auth string
		status                           string
	}{
		{"GET", "/api/v1/openapi.json", "", "", "", "200"},
		{"POST", classesPath, "", `{"id":"busy","title":"x","starts_at":"2030-01-01T00:00:00.5+02:00","source":"rtsp://cam","ladder":["source","480p","audio"]}`, "ok", "201"},
		{"POST", classesPath, "", `{"title":"x"}`, "ok", "201"},
		{"POST", classesPath, "", `{"id":"busy","title":"x"}`, "ok", "409"},
		{"POST", classesPath, "", `{`, "ok", "400"},
		{"POST", classesPath, "", `{"title":"` + strings.Repeat("x", 70000) + `"}`, "ok", "413"},
		{"POST", classesPath, "", ``, "ok", "415"},
		{"POST", classesPath, "", `{}`, "", "401"},
		{"GET", classesPath + "?limit=1", "", "", "ok", "200"},
		{"GET", classesPath + "?limit=0", "", "", "ok", "400"},
		{"GET", classesPath, "", "", "", "401"},
		{"GET", classesPath + "/{id}", "busy", "", "ok", "200"},
		{"GET", classesPath + "/{id}", "none", "", "ok", "404"},
		{"GET", classesPath + "/{id}/attendance", "busy", "", "ok", "200"},
		{"GET", classesPath + "/{id}/attendance?format=xml", "busy", "", "ok", "400"},
		{"GET", classesPath + "/{id}/attendance", "none", "", "ok", "404"},
		{"GET", classesPath + "/{id}/attendance", "busy", "", "", "401"},
		{"GET", classesPath + "/{id}", "busy", "", "", "401"},
		{"PUT", classesPath + "/{id}", "busy", "", "ok", "default"},
		{"PATCH", classesPath + "/{id}", "busy", `{"title":"y"}`, "ok", "200"},
		{"PATCH", classesPath + "/{id}", "busy", `{"title":""}`, "ok", "400"},
		{"PATCH", classesPath + "/{id}", "busy", `{"ladder":null}`, "ok", "200"},
		{"PATCH", classesPath + "/{id}", "none", `{"title":"y"}`, "ok", "404"},
		{"PATCH", classesPath + "/{id}", "busy", ``, "ok", "415"},
		{"POST", classesPath + "/{id}/playback-tokens", "busy", `{"expires_in":60}`, "ok", "201"},
		{"POST", classesPath + "/{id}/playback-tokens", "busy", "", "ok", "201"},
		{"POST", classesPath + "/{id}/playback-tokens", "busy", `{"expires_in":59}`, "ok", "400"},
		{"POST", classesPath + "/{id}/playback-tokens", "none", "", "ok", "404"},
		{"POST", classesPath + "/{id}/playback-tokens", "busy", "", "viewer", "401"},
		{"DELETE", classesPath + "/{id}/playback-tokens", "busy", "", "ok", "204"},
		{"DELETE", classesPath + "/{id}/playback-tokens", "none", "", "ok", "404"},
		{"DELETE", classesPath + "/{id}/playback-tokens", "busy", "", "viewer", "401"},
		{"DELETE", classesPath + "/{id}/playback-tokens/{jti}", "busy", "", "ok", "204"},
		{"DELETE", classesPath + "/{id}/playback-tokens/{jti}", "none", "", "ok", "404"},
		{"DELETE", classesPath + "/{id}/playback-tokens/{jti}", "busy", "", "", "401"},
		{"GET", playbackKeysPath, "", "", "ok", "200"},
		{"GET", playbackKeysPath, "", "", "viewer", "401"},
		{"POST", playbackKeysPath + "/rotate", "", "", "ok", "200"},
		{"POST", playbackKeysPath + "/rotate", "", "[]", "ok", "400"},
		{"POST", playbackKeysPath + "/rotate", "", "", "viewer", "401"},
		{"POST", renewPath, "", "", "viewer", "200"},
		{"POST", renewPath, "", "{}", "viewer", "200"},
		{"POST", renewPath, "", "[]", "viewer", "400"},
		{"POST", renewPath, "", "", "ok", "401"},
		{"POST", renewPath, "", "", "", "401"},
		{"POST", renewPath, "", "", "revoked", "403"},
		{"PATCH", classesPath + "/{id}", "busy", `{"access":"token","dvr_window":3600}`, "ok", "200"},
		{"PATCH", classesPath + "/{id}", "busy", `{"access":null,"dvr_window":null}`, "ok", "200"},
		{"PATCH", classesPath + "/{id}", "busy", `{"dvr_window":0}`, "ok", "400"},
		{"POST", classesPath + "/{id}/stream-key", "busy", "", "ok", "200"},
		{"POST", classesPath + "/{id}/studio", "busy", "", "ok", "200"},
		{"POST", classesPath + "/{id}/studio", "busy", "[]", "ok", "400"},
		{"POST", classesPath + "/{id}/studio", "none", "", "ok", "404"},
		{"POST", classesPath + "/{id}/studio", "busy", "", "viewer", "401"},
		{"POST", classesPath + "/{id}/grants", "busy", `{"role":"participant","name":"Ada","person":"p_1","permissions":["chat"],"anonymous":true,"extra_time":50}`, "ok", "201"},
		{"POST", classesPath + "/{id}/grants", "busy", `{"role":"service"}`, "ok", "201"},
		{"POST", classesPath + "/{id}/grants", "busy", `{"role":"king"}`, "ok", "400"},
		{"POST", classesPath + "/{id}/grants", "busy", `{"role":"host"}`, "viewer", "401"},
		{"POST", classesPath + "/{id}/grants", "none", `{"role":"host"}`, "ok", "404"},
		{"POST", classesPath + "/{id}/grants", "busy", ``, "ok", "415"},
		{"POST", classesPath + "/{id}/end", "busy", "", "ok", "200"},
		{"POST", classesPath + "/{id}/end", "busy", "[]", "ok", "400"},
		{"POST", classesPath + "/{id}/end", "none", "", "ok", "404"},
		{"POST", classesPath + "/{id}/stream-key", "busy", "", "ok", "409"},
		{"POST", classesPath + "/{id}/grants", "busy", `{"role":"host"}`, "ok", "409"},
		{"PATCH", classesPath + "/{id}", "busy", `{"source":null}`, "ok", "409"},
		{"DELETE", classesPath + "/{id}", "busy", "", "ok", "204"},
		{"DELETE", classesPath + "/{id}", "busy", "", "ok", "404"},
	} {
		t.Run(tc.method+" "+tc.template+" "+tc.status, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), tc.method, strings.NewReplacer("{id}", tc.id, "{jti}", "ada12345").Replace(tc.template), strings.NewReader(tc.body))
			if tc.auth != "" {
				r.Header.Set("Authorization", "Bearer "+auths[tc.auth])
			}
			if tc.body != "" {
				r.Header.Set("Content-Type", "application/json")
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)

			template, _, _ := strings.Cut(tc.template, "?")
			method := tc.method
			if tc.status == "default" {
				method = http.MethodGet
			} else if got := http.StatusText(w.Code); got == "" || !strings.HasPrefix(tc.status, w.Result().Status[:3]) {
				t.Fatalf("status = %d: %s", w.Code, w.Body)
			}
			covered[method+" "+template] = true
			documented, ok := d.operation(t, template, method).Responses[tc.status]
			if !ok {
				t.Fatal("this status is not documented")
			}
			content := d.response(documented).Content
			if content == nil {
				if w.Body.Len() > 0 {
					t.Errorf("body = %s, want none", w.Body)
				}
				return
			}
			var v any
			if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
				t.Fatal(err)
			}
			for _, problem := range d.validate(content[w.Header().Get("Content-Type")].Schema, v, "") {
				t.Error(problem)
			}
		})
	}
	for _, rt := range h.routes {
		for method := range rt.methods {
			if !covered[method+" "+rt.template] {
				t.Errorf("%s %s was not asked", method, rt.template)
			}
		}
	}
}
