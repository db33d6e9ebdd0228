package web_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lectern/lectern/realtime/web"
)

// doorman is the rooms and the studio of the class "bio", whose host's secret is
// "sesame".
type doorman struct{ fault error }

func (d doorman) Enter(_ *http.Request, class, pass string) (web.Entrance, error) {
	if class != "bio" {
		return web.Entrance{}, web.ErrNoRoom
	}
	return web.Entrance{Grant: "grant of " + class, Pass: "pass after " + pass}, d.fault
}

type hostess struct{ doorman }

func (h hostess) check(credential string) error {
	if credential != "sesame" {
		return web.ErrRefused
	}
	return h.fault
}

func (h hostess) Enter(_ *http.Request, _, credential string) (web.Entrance, error) {
	return web.Entrance{Grant: "host", Pass: "pass"}, h.check(credential)
}

func (h hostess) Status(_ *http.Request, _, credential string) (web.Status, error) {
	return web.Status{State: web.StateLive, Viewers: 7, Ingest: &web.Ingest{Protocol: "rtmp", Height: 720}}, h.check(credential)
}

func (h hostess) End(_ *http.Request, _, credential string) error { return h.check(credential) }

func ask(t *testing.T, h http.Handler, method, target, credential, body string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if credential != "" {
		r.Header.Set("Authorization", "Bearer "+credential)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestRoomAndStudio(t *testing.T) {
	classes := testClasses()
	classes["guarded"] = web.PublicClass{ID: "guarded", State: web.StateLive, Access: web.AccessToken}
	deps := web.Deps{
		Classes: classes, Rooms: doorman{}, Studio: hostess{},
		Admit: func(_ *http.Request, class, token string) bool { return class == "guarded" && token == "ticket" },
	}
	h := newHandler(t, web.DefaultConfig(), deps)
	deps.Rooms, deps.Studio = doorman{errors.New("disk")}, hostess{doorman{errors.New("disk")}}
	broken := newHandler(t, web.DefaultConfig(), deps)
	none := newHandler(t, web.DefaultConfig(), web.Deps{})
	for _, tt := range []struct {
		name                             string
		h                                http.Handler
		method, target, credential, body string
		status                           int
		want                             string
	}{
		{"somebody new", h, "POST", "/watch/bio/grant", "", `{}`, 200, `{"grant":"grant of bio","pass":"pass after "}`},
		{"somebody known", h, "POST", "/watch/bio/grant", "", `{"pass":"x"}`, 200, `{"grant":"grant of bio","pass":"pass after x"}`},
		{"no body", h, "POST", "/watch/bio/grant", "", ``, 400, `"bad_request"`},
		{"long body", h, "POST", "/watch/bio/grant", "", `{"pass":"` + strings.Repeat("x", 5000) + `"}`, 400, `"bad_request"`},
		{"unknown class", h, "POST", "/watch/none/grant", "", `{}`, 404, `"no_room"`},
		{"no room", h, "POST", "/watch/end/grant", "", `{}`, 404, `"no_room"`},
		{"no rooms at all", none, "POST", "/watch/bio/grant", "", `{}`, 404, `"no_room"`},
		{"guarded", h, "POST", "/watch/guarded/grant", "", `{}`, 403, `"refused"`},
		{"guarded, with a token", h, "POST", "/watch/guarded/grant", "ticket", `{}`, 404, `"no_room"`},
		{"fault", broken, "POST", "/watch/bio/grant", "", `{}`, 500, `"internal"`},
		{"asked, not posted", h, "GET", "/watch/bio/grant", "", ``, 404, ``},
		{"host", h, "POST", "/studio/bio/grant", "sesame", ``, 200, `{"grant":"host","pass":"pass"}`},
		{"host without a secret", h, "POST", "/studio/bio/grant", "", ``, 403, `"refused"`},
		{"host with another", h, "POST", "/studio/bio/grant", "guess", ``, 403, `"refused"`},
		{"host of no class", h, "POST", "/studio/none/grant", "sesame", ``, 404, `"no_room"`},
		{"status", h, "GET", "/studio/bio/status.json", "sesame", ``, 200, `"viewers":7,"ingest":{"protocol":"rtmp"`},
		{"status for anybody", h, "GET", "/studio/bio/status.json", "", ``, 403, `"refused"`},
		{"status, posted", h, "POST", "/studio/bio/status.json", "sesame", ``, 405, `method`},
		{"end", h, "POST", "/studio/bio/end", "sesame", ``, 200, `{}`},
		{"end by anybody", h, "POST", "/studio/bio/end", "", ``, 403, `"refused"`},
		{"end by a link", h, "GET", "/studio/bio/end", "sesame", ``, 404, ``},
		{"end fails", broken, "POST", "/studio/bio/end", "sesame", ``, 500, `"internal"`},
		{"page", h, "GET", "/studio/bio", "", ``, 200, `data-status-url="/studio/bio/status.json"`},
		{"page of no class", h, "GET", "/studio/none", "", ``, 404, ``},
		{"page without studios", none, "GET", "/studio/bio", "", ``, 404, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := ask(t, tt.h, tt.method, tt.target, tt.credential, tt.body)
			text := body(t, resp)
			if resp.StatusCode != tt.status || !strings.Contains(text, tt.want) {
				t.Errorf("%d %s, want %d %s", resp.StatusCode, text, tt.status, tt.want)
			}
			if strings.Contains(text, "disk") {
				t.Error("the cause of a fault is told")
			}
			if json.Valid([]byte(text)) && resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control %q", resp.Header.Get("Cache-Control"))
			}
			_, _ = io.Copy(io.Discard, resp.Body)
		})
	}
}

func TestPagesWithRoom(t *testing.T) {
	h := newHandler(t, web.DefaultConfig(), web.Deps{Rooms: doorman{}, Studio: hostess{}})
	for _, tt := range []struct {
		name, target string
		has, hasNot  []string
	}{
		{"watch", "/watch/bio", []string{`data-grant-url="/watch/bio/grant"`, `data-socket-url="/ws/bio"`, "/room/main.mjs", "/room/room.css"}, []string{"/studio/"}},
		{"watch, ended", "/watch/end", []string{"/room/recorded.mjs", "/room/room.css", "i-pin"}, []string{"/room/main.mjs", "data-grant-url"}},
		{"studio", "/studio/bio", []string{`data-grant-url="/studio/bio/grant"`, `data-link="/watch/bio"`, "/studio/main.mjs", "muted"}, []string{"sesame"}},
		{"studio, ended", "/studio/end", []string{`data-grant-url=""`}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := get(t, h, "GET", tt.target)
			page := body(t, resp)
			for _, want := range tt.has {
				if !strings.Contains(page, want) {
					t.Errorf("%s is missing", want)
				}
			}
			for _, not := range tt.hasNot {
				if strings.Contains(page, not) {
					t.Errorf("%s is there", not)
				}
			}
			if studio := strings.HasPrefix(tt.target, "/studio/"); studio != (resp.Header.Get("Referrer-Policy") == "no-referrer") {
				t.Errorf("Referrer-Policy %q", resp.Header.Get("Referrer-Policy"))
			}
		})
	}
}
