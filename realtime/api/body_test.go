package api_test

import (
	"strings"
	"testing"

	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

func TestRefusedBodies(t *testing.T) {
	s := newServer(t)
	decode[api.Class](t, s.request(t, "POST", "/api/v1/classes", `{"id":"taken","title":"x"}`), 201)
	for _, tc := range []struct {
		name, method, body string
		status             int
		code               api.Code
		message            string // prefix
	}{
		{"empty", "POST", " ", 400, api.CodeInvalidJSON, "body: must be one JSON object"},
		{"array", "POST", `[]`, 400, api.CodeInvalidJSON, "body: must be one JSON object"},
		{"null", "PATCH", `null`, 400, api.CodeInvalidJSON, "body: must be one JSON object"},
		{"cut off", "POST", `{"title":"x"`, 400, api.CodeInvalidJSON, "body: must be one JSON object"},
		{"two objects", "POST", `{"title":"x"}{}`, 400, api.CodeInvalidJSON, "body: must be one JSON object"},
		{"trailing comma", "POST", `{"title":"x",}`, 400, api.CodeInvalidJSON, "body: must be one JSON object"},
		{"not UTF-8", "POST", "{\"title\":\"\xff\"}", 400, api.CodeInvalidJSON, "body: must be UTF-8"},
		{"deep", "POST", `{"title":` + strings.Repeat("[", 60000) + `}`, 400, api.CodeInvalidJSON, "body: must be one JSON object"},
		{"deep and whole", "POST", `{"title":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, 400, api.CodeInvalidField, "title: must be a string"},
		{"too large", "POST", `{"title":"` + strings.Repeat("x", 64<<10) + `"}`, 413, api.CodeBodyTooLarge, "body: must be at most 64 KiB"},
		{"unknown field", "POST", `{"title":"x","tilte":"y"}`, 400, api.CodeInvalidField, `"tilte": is not a known field; known are id, title, starts_at, source, ladder`},
		{"unknown long field", "POST", `{"` + strings.Repeat("é", 3000) + `":1}`, 400, api.CodeInvalidField, `"` + strings.Repeat("é", 20) + `"…: is not a known`},
		{"other case", "POST", `{"Title":"x"}`, 400, api.CodeInvalidField, `"Title": is not a known field`},
		{"twice", "POST", `{"title":"x","title":"y"}`, 400, api.CodeInvalidField, "title: is there twice"},
		{"no title", "POST", `{}`, 400, api.CodeInvalidField, "title: must be 1 to 200 characters"},
		{"null title", "POST", `{"title":null}`, 400, api.CodeInvalidField, "title: must be 1 to 200 characters"},
		{"number as title", "POST", `{"title":7}`, 400, api.CodeInvalidField, "title: must be a string"},
		{"line break in title", "POST", `{"title":"a\nb"}`, 400, api.CodeInvalidField, "title: must not hold control characters"},
		{"empty id", "POST", `{"title":"x","id":""}`, 400, api.CodeInvalidField, "id: must not be empty"},
		{"bad id", "POST", `{"title":"x","id":"A"}`, 400, api.CodeInvalidField, "id: must be 1 to 63"},
		{"taken id", "POST", `{"title":"x","id":"taken"}`, 409, api.CodeClassExists, "id: is taken"},
		{"bad time", "POST", `{"title":"x","starts_at":"tomorrow"}`, 400, api.CodeInvalidField, "starts_at: must be an RFC 3339 time"},
		{"number as time", "POST", `{"title":"x","starts_at":1}`, 400, api.CodeInvalidField, "starts_at: must be a string"},
		{"zero time", "POST", `{"title":"x","starts_at":"0001-01-01T00:00:00Z"}`, 400, api.CodeInvalidField, "starts_at: must be an RFC 3339 time"},
		{"far time", "POST", `{"title":"x","starts_at":"2500-01-01T00:00:00Z"}`, 400, api.CodeInvalidField, "starts_at: must be between"},
		{"bad source", "POST", `{"title":"x","source":"file:///etc/passwd"}`, 400, api.CodeInvalidField, "source: must be a URL such as rtsp://"},
		{"ladder of another kind", "POST", `{"title":"x","ladder":"720p"}`, 400, api.CodeInvalidField, "ladder: must be a list of strings"},
		{"null in ladder", "POST", `{"title":"x","ladder":["source",null]}`, 400, api.CodeInvalidField, "ladder: must be a list of strings"},
		{"empty ladder", "PATCH", `{"ladder":[]}`, 400, api.CodeInvalidField, "ladder: must name 1 to 16 renditions"},
		{"unknown rendition", "POST", `{"title":"x","ladder":["source","9000p"]}`, 400, api.CodeInvalidField, `ladder: unknown rendition "9000p"`},
		{"unknown rendition in patch", "PATCH", `{"ladder":["9000p"]}`, 400, api.CodeInvalidField, `ladder: unknown rendition "9000p"`},
		{"empty source", "PATCH", `{"source":""}`, 400, api.CodeInvalidField, "source: must not be empty; null is no value"},
		{"id in patch", "PATCH", `{"id":"other"}`, 400, api.CodeInvalidField, `"id": is not a known field; known are title, starts_at, source, ladder`},
		{"state in patch", "PATCH", `{"state":"ended"}`, 400, api.CodeInvalidField, `"state": is not a known field`},
		{"title removed", "PATCH", `{"title":null}`, 400, api.CodeInvalidField, "title: must be 1 to 200 characters"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := "/api/v1/classes"
			if tc.method == "PATCH" {
				path += "/taken"
			}
			f := decode[failure](t, s.request(t, tc.method, path, tc.body, "X-Request-Id", "req-7"), tc.status)
			if f.Error.Code != tc.code || !strings.HasPrefix(f.Error.Message, tc.message) || f.Error.RequestID != "req-7" {
				t.Errorf("error = %+v, want %s, %q", f.Error, tc.code, tc.message)
			}
		})
	}
	if f := decode[failure](t, s.request(t, "POST", "/api/v1/classes/taken/end", `{"force":true}`), 400); f.Error.Message != "body: must be empty" {
		t.Errorf("error = %+v", f)
	}
	if list := decode[api.ClassList](t, s.request(t, "GET", "/api/v1/classes", ""), 200); len(list.Classes) != 1 || list.Classes[0].State != class.Scheduled {
		t.Errorf("a refused request left its mark: %+v", list)
	}
}
