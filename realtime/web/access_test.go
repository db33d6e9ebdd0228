package web_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/lectern/lectern/realtime/web"
)

// guarded is a class that only the token "ticket" opens.
func guarded(t *testing.T) *web.Handler {
	t.Helper()
	return newHandler(t, web.DefaultConfig(), web.Deps{
		Classes: directory{
			"bio": {
				ID: "bio", Title: "Biology 2", State: web.StateLive, Access: web.AccessToken, StartsAt: startsAt,
				HLS: "/live/bio/index.m3u8", DVR: "/live/bio/dvr.m3u8", Thumbnail: "/live/bio/thumbnail.jpg", Storyboard: "/live/bio/storyboard.vtt",
			},
			"open": {
				ID: "open", Title: "Open day", State: web.StateLive, Access: web.AccessPublic,
				HLS: "/live/open/index.m3u8", DVR: "/live/open/dvr.m3u8", Thumbnail: "/live/open/thumbnail.jpg", Storyboard: "/live/open/storyboard.vtt",
			},
		},
		Origin: func(*http.Request) string { return "https://live.example.edu" },
		Admit:  func(_ *http.Request, class, token string) bool { return class == "bio" && token == "ticket" },
	})
}

// keysOf returns the names in a JSON object.
func keysOf(t *testing.T, resp *http.Response) []string {
	t.Helper()
	var doc map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(doc))
}

func TestClassInfoNeedsToken(t *testing.T) {
	const (
		little = "access id server_time state title"
		all    = "access dvr hls id server_time starts_at state storyboard thumbnail title"
	)
	h := guarded(t)
	for _, tt := range []struct{ name, authorization, want string }{
		{"nothing", "", little},
		{"token", "Bearer ticket", all},
		{"scheme in small letters", "bearer ticket", all},
		{"another token", "Bearer guess", little},
		{"no token", "Bearer ", little},
		{"another scheme", "Basic ticket", little},
		{"token alone", "ticket", little},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := get(t, h, "GET", "/watch/bio/class.json", "Authorization", tt.authorization)
			if resp.StatusCode != http.StatusOK || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Vary") != "Authorization" {
				t.Errorf("%d %v", resp.StatusCode, resp.Header)
			}
			if got := strings.Join(keysOf(t, resp), " "); got != tt.want {
				t.Errorf("tells %s, want %s", got, tt.want)
			}
		})
	}
}

func TestClassInfoOfPublicClass(t *testing.T) {
	resp := get(t, guarded(t), "GET", "/watch/open/class.json")
	if resp.Header.Get("Cache-Control") != "max-age=1" {
		t.Errorf("Cache-Control %q", resp.Header.Get("Cache-Control"))
	}
	if got, want := strings.Join(keysOf(t, resp), " "), "access dvr hls id server_time state storyboard thumbnail title"; got != want {
		t.Errorf("tells %s, want %s", got, want)
	}
}

func TestNobodyIsAdmittedByNobody(t *testing.T) {
	h := newHandler(t, web.DefaultConfig(), web.Deps{Classes: directory{
		"bio": {ID: "bio", State: web.StateLive, Access: web.AccessToken, HLS: "/live/bio/index.m3u8"},
	}})
	resp := get(t, h, "GET", "/watch/bio/class.json", "Authorization", "Bearer ticket")
	if keys := keysOf(t, resp); slices.Contains(keys, "hls") {
		t.Errorf("tells %v", keys)
	}
}

func TestPageNamesNoGuardedMedia(t *testing.T) {
	h := guarded(t)
	page := body(t, get(t, h, "GET", "/watch/bio", "Authorization", "Bearer ticket"))
	if strings.Contains(page, "/live/") || strings.Contains(page, "2026-11-24") {
		t.Errorf("tells too much:\n%s", page)
	}
	for _, want := range []string{`data-access="token"`, `data-state="live"`, "Biology 2"} {
		if !strings.Contains(page, want) {
			t.Errorf("lacks %s", want)
		}
	}
	page = body(t, get(t, h, "GET", "/watch/open"))
	for _, want := range []string{`data-access="public"`, `data-hls="/live/open/index.m3u8"`, `data-dvr="/live/open/dvr.m3u8"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of a public class lacks %s", want)
		}
	}
}
