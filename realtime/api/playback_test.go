package api_test

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/storage/kv"
)

const (
	maths  = "/api/v1/classes/maths"
	tokens = maths + "/playback-tokens"
	renew  = "/api/v1/playback/renew"
)

// newMaths is a server with one class, at a time that stands still.
func newMaths(t *testing.T) *server {
	t.Helper()
	s := newServer(t)
	s.now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	decode[api.Class](t, s.request(t, "POST", "/api/v1/classes", `{"id":"maths","title":"x","access":"token"}`), 201)
	return s
}

func TestAccessAndWindowSettings(t *testing.T) {
	s := newMaths(t)
	for _, tc := range []struct {
		name, patch string
		access      class.Access
		window      int64
	}{
		{"as created", `{}`, "token", 0},
		{"window", `{"dvr_window":3600}`, "token", 3600},
		{"access", `{"access":"public"}`, "public", 3600},
		{"left alone", `{"title":"y"}`, "public", 3600},
		{"from the start", `{"dvr_window":86400,"access":"token"}`, "token", 86400},
		{"the server's own", `{"dvr_window":null,"access":null}`, "public", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := decode[api.Class](t, s.request(t, "PATCH", maths, tc.patch), 200)
			var window int64
			if c.DVRWindow != nil {
				window = *c.DVRWindow
			}
			if c.Access != tc.access || window != tc.window || (c.DVRWindow == nil) != (tc.window == 0) {
				t.Errorf("access = %s, window = %d", c.Access, window)
			}
			// Without a token, whatever the access.
			if want := (api.Playback{
				HLS: "http://live.example.edu/live/maths/index.m3u8", DVR: "http://live.example.edu/live/maths/dvr.m3u8", Watch: "http://live.example.edu/watch/maths",
			}); c.Playback != want {
				t.Errorf("playback = %+v", c.Playback)
			}
			if kept, err := s.classes.Get(t.Context(), "maths"); err != nil || kept.Access != tc.access || kept.DVRWindow != time.Duration(tc.window)*time.Second {
				t.Errorf("kept %+v, %v", kept, err)
			}
		})
	}
	for patch, message := range map[string]string{
		`{"access":"private"}`:   "access: must be public or token",
		`{"access":""}`:          "access: must be public or token",
		`{"access":true}`:        "access: must be a string",
		`{"dvr_window":59}`:      "dvr_window: must be 60 to 86400 seconds; null is the server's own choice",
		`{"dvr_window":86401}`:   "dvr_window: must be 60 to 86400 seconds; null is the server's own choice",
		`{"dvr_window":0}`:       "dvr_window: must be 60 to 86400 seconds; null is the server's own choice",
		`{"dvr_window":"2h"}`:    "dvr_window: must be 60 to 86400 seconds; null is the server's own choice",
		`{"dvr_window":60.5}`:    "dvr_window: must be 60 to 86400 seconds; null is the server's own choice",
		`{"dvr_window":1e99999}`: "dvr_window: must be 60 to 86400 seconds; null is the server's own choice",
	} {
		if f := decode[failure](t, s.request(t, "PATCH", maths, patch), 400); f.Error.Message != message {
			t.Errorf("%s: %q, want %q", patch, f.Error.Message, message)
		}
	}
	decode[api.Class](t, s.request(t, "POST", maths+"/end", ""), 200)
	decode[api.Class](t, s.request(t, "PATCH", maths, `{"access":"token"}`), 200) // the recording's
	decode[failure](t, s.request(t, "PATCH", maths, `{"dvr_window":3600}`), 409)
	decode[failure](t, s.request(t, "PATCH", maths, `{"dvr_window":3600,"access":"public"}`), 409)
	if kept, err := s.classes.Get(t.Context(), "maths"); err != nil || kept.Access != class.AccessToken {
		t.Errorf("kept %+v, %v", kept, err)
	}
}

func TestLifeOfAViewerToken(t *testing.T) {
	s := newMaths(t)
	anybody := []string{"Authorization", "-"}
	as := func(tok api.PlaybackToken) []string { return []string{"Authorization", "Bearer " + tok.Token} }
	start := s.now

	tok := decode[api.PlaybackToken](t, s.request(t, "POST", tokens, `{"expires_in":600}`), 201)
	if want := (api.PlaybackToken{
		Token: tok.Token, ID: tok.ID, ExpiresAt: start.Add(10 * time.Minute), RenewAt: tok.RenewAt,
		HLS:   "http://live.example.edu/t/" + tok.Token + "/live/maths/index.m3u8",
		DVR:   "http://live.example.edu/t/" + tok.Token + "/live/maths/dvr.m3u8",
		Watch: "http://live.example.edu/watch/maths#t=" + tok.Token,
	}); tok != want || !tok.RenewAt.Equal(start.Add(5*time.Minute)) {
		t.Errorf("token = %+v, renewed at %v", tok, tok.RenewAt)
	}
	if err := s.tokens.Check(tok.Token, "maths", s.now); err != nil {
		t.Errorf("check: %v", err)
	}
	if other := decode[api.PlaybackToken](t, s.request(t, "POST", tokens, ""), 201); other.ID == tok.ID || !other.ExpiresAt.Equal(start.Add(6*time.Hour)) {
		t.Errorf("without a body: %+v", other)
	}

	s.now = start.Add(5 * time.Minute)
	resp := s.request(t, "POST", renew, "", as(tok)...)
	if resp.Header.Get("Access-Control-Allow-Origin") != "" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("header = %v", resp.Header)
	}
	fresh := decode[api.PlaybackToken](t, resp, 200)
	if fresh.ID != tok.ID || !fresh.ExpiresAt.Equal(s.now.Add(6*time.Hour)) || !strings.HasSuffix(fresh.HLS, "/t/"+fresh.Token+"/live/maths/index.m3u8") {
		t.Errorf("renewed = %+v", fresh)
	}
	s.now = start.Add(10 * time.Minute)
	if f := decode[failure](t, s.request(t, "POST", renew, "", as(tok)...), 401); f.Error.Code != api.CodeTokenExpired {
		t.Errorf("renew an expired one: %+v", f)
	}

	// A viewer token opens nothing else, and the API's token is none.
	for _, route := range [][2]string{{"GET", maths}, {"POST", tokens}, {"DELETE", tokens}, {"GET", "/api/v1/playback-keys"}, {"POST", "/api/v1/playback-keys/rotate"}} {
		if f := decode[failure](t, s.request(t, route[0], route[1], "", as(fresh)...), 401); f.Error.Code != api.CodeUnauthorized {
			t.Errorf("%v with a viewer token: %+v", route, f)
		}
	}
	for name, header := range map[string][]string{
		"no token": anybody, "the API's": nil, "other scheme": {"Authorization", "Basic " + fresh.Token},
		"forged": {"Authorization", "Bearer " + strings.Replace(fresh.Token, "maths", "physics", 1)},
	} {
		resp = s.request(t, "POST", renew, "", header...)
		if f := decode[failure](t, resp, 401); f.Error.Code != api.CodeUnauthorized || resp.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("renew with %s: %+v, %v", name, f, resp.Header)
		}
	}
	decode[failure](t, s.request(t, "GET", renew, "", as(fresh)...), 405)

	// One viewer is sent away.
	bystander := decode[api.PlaybackToken](t, s.request(t, "POST", tokens, ""), 201)
	if resp = s.request(t, "DELETE", tokens+"/"+tok.ID, ""); resp.StatusCode != 204 || read(t, resp) != "" {
		t.Errorf("revoke one: %d", resp.StatusCode)
	}
	if f := decode[failure](t, s.request(t, "POST", renew, "", as(fresh)...), 403); f.Error.Code != api.CodeTokenRevoked {
		t.Errorf("renew a revoked one: %+v", f)
	}
	decode[api.PlaybackToken](t, s.request(t, "POST", renew, "", as(bystander)...), 200)

	// Then all are.
	if resp = s.request(t, "DELETE", tokens, ""); resp.StatusCode != 204 {
		t.Errorf("revoke all: %d", resp.StatusCode)
	}
	decode[failure](t, s.request(t, "POST", renew, "", as(bystander)...), 403)
	again := decode[api.PlaybackToken](t, s.request(t, "POST", tokens, ""), 201)
	decode[api.PlaybackToken](t, s.request(t, "POST", renew, "", as(again)...), 200)

	// The ID of a class that is gone may be used again, its tokens not.
	if resp = s.request(t, "DELETE", maths, ""); resp.StatusCode != 204 {
		t.Errorf("delete: %d", resp.StatusCode)
	}
	decode[api.Class](t, s.request(t, "POST", "/api/v1/classes", `{"id":"maths","title":"x"}`), 201)
	if err := s.tokens.Check(again.Token, "maths", s.now); !errors.Is(err, access.ErrRevoked) {
		t.Errorf("a token of the deleted class: %v", err)
	}

	for _, path := range []string{tokens + "/short", tokens + "/UPPERCASE", tokens + "/", tokens + "/a.b.c.d.e", tokens + "/{jti}", "/api/v1/classes/{id}/playback-tokens"} {
		if f := decode[failure](t, s.request(t, "DELETE", path, ""), 404); !strings.HasPrefix(f.Error.Message, "there is no such route") {
			t.Errorf("%s: %+v", path, f)
		}
	}
	for body, message := range map[string]string{
		`{"expires_in":59}`:   "expires_in: must be 60 to 604800 seconds",
		`{"expires_in":"6h"}`: "expires_in: must be 60 to 604800 seconds",
		`{"jti":"ada12345"}`:  `"jti": is not a known field; known are expires_in`,
	} {
		if f := decode[failure](t, s.request(t, "POST", tokens, body), 400); f.Error.Message != message {
			t.Errorf("%s: %q", body, f.Error.Message)
		}
	}
	for _, made := range []api.PlaybackToken{tok, fresh, bystander, again} {
		if logs := s.logs.String(); strings.Contains(logs, made.Token) || strings.Contains(logs, made.ID) {
			t.Error("a viewer token was logged")
		}
	}
}

func TestPlaybackKeys(t *testing.T) {
	s := newMaths(t)
	const path = "/api/v1/playback-keys"
	if list := decode[api.PlaybackKeys](t, s.request(t, "GET", path, ""), 200); list.Keys == nil || len(list.Keys) != 0 {
		t.Errorf("keys before there is a token: %+v", list)
	}
	first := decode[api.PlaybackToken](t, s.request(t, "POST", tokens, ""), 201)
	one := decode[api.PlaybackKeys](t, s.request(t, "GET", path, ""), 200)
	two := decode[api.PlaybackKeys](t, s.request(t, "POST", path+"/rotate", ""), 200)
	if len(one.Keys) != 1 || len(one.Keys[0].Secret) != 43 || one.Keys[0].RetiresAt != nil || !strings.HasPrefix(first.Token, "v1."+one.Keys[0].ID+".") {
		t.Fatalf("keys = %d", len(one.Keys))
	}
	if len(two.Keys) != 2 || two.Keys[1].ID != one.Keys[0].ID || two.Keys[1].Secret != one.Keys[0].Secret || two.Keys[1].RetiresAt == nil || two.Keys[0].RetiresAt != nil {
		t.Fatalf("keys = %d", len(two.Keys))
	}
	fresh := decode[api.PlaybackToken](t, s.request(t, "POST", renew, "", "Authorization", "Bearer "+first.Token), 200)
	if !strings.HasPrefix(fresh.Token, "v1."+two.Keys[0].ID+".") {
		t.Error("a renewal is not under the new key")
	}
	decode[api.PlaybackKeys](t, s.request(t, "POST", path+"/rotate", ""), 200)
	decode[failure](t, s.request(t, "POST", renew, "", "Authorization", "Bearer "+first.Token), 401)

	slog.New(slog.NewTextHandler(s, nil)).Info("x", "a", first, "b", two, "c", two.Keys[0])
	for _, secret := range []string{first.Token, two.Keys[0].Secret, two.Keys[1].Secret} {
		if strings.Contains(s.logs.String(), secret) {
			t.Error("a credential was logged")
		}
	}
}

// A disk that refuses is the server's fault, and the class stays. A list that is
// full does not keep a class from being deleted.
func TestRevocationCannotBeStored(t *testing.T) {
	s := newServer(t)
	db, err := kv.Open(filepath.Join(t.TempDir(), "access.db"), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ring, err := access.New(access.DefaultConfig(), access.Deps{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	if s.Handler, err = api.New(api.Deps{Token: class.NewSecret(token), Classes: s.classes, Links: links, Tokens: ring, Logger: slog.New(slog.NewTextHandler(s, nil))}); err != nil {
		t.Fatal(err)
	}
	decode[api.Class](t, s.request(t, "POST", "/api/v1/classes", `{"id":"maths","title":"x"}`), 201)
	decode[api.PlaybackToken](t, s.request(t, "POST", tokens, ""), 201)
	fill := kv.NewBucket[int64]("access_revocations")
	if err = db.Update(func(tx *kv.Tx) error {
		for i := range access.MaxRevocations {
			if perr := fill.Put(tx, fmt.Sprintf("full-%05d", i), time.Now().Unix()); perr != nil {
				return perr
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	full, err := access.New(access.DefaultConfig(), access.Deps{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	working := s.Handler
	if s.Handler, err = api.New(api.Deps{Token: class.NewSecret(token), Classes: s.classes, Links: links, Tokens: full, Logger: slog.New(slog.NewTextHandler(s, nil))}); err != nil {
		t.Fatal(err)
	}
	if f := decode[failure](t, s.request(t, "DELETE", tokens, ""), 409); f.Error.Code != api.CodeTooManyRevocations {
		t.Errorf("error = %+v", f)
	}
	decode[api.Class](t, s.request(t, "POST", "/api/v1/classes", `{"id":"brief","title":"x"}`), 201)
	if resp := s.request(t, "DELETE", "/api/v1/classes/brief", ""); resp.StatusCode != 204 || !strings.Contains(s.logs.String(), "not revoked") {
		t.Errorf("delete: %d", resp.StatusCode)
	}
	if err = db.Close(); err != nil {
		t.Fatal(err)
	}
	s.Handler = working
	for _, route := range [][2]string{{"DELETE", tokens}, {"DELETE", tokens + "/ada12345"}, {"DELETE", maths}, {"POST", "/api/v1/playback-keys/rotate"}} {
		if f := decode[failure](t, s.request(t, route[0], route[1], ""), 500); f.Error.Code != api.CodeInternal {
			t.Errorf("%v: %+v", route, f)
		}
	}
	decode[api.Class](t, s.request(t, "GET", maths, ""), 200)
}

// A server without viewer tokens says so.
func TestServerWithoutTokens(t *testing.T) {
	s := newServer(t)
	h, err := api.New(api.Deps{Token: class.NewSecret(token), Classes: s.classes, Links: links})
	if err != nil {
		t.Fatal(err)
	}
	s.Handler = h
	decode[api.Class](t, s.request(t, "POST", "/api/v1/classes", `{"id":"maths","title":"x"}`), 201)
	for _, route := range [][2]string{{"POST", tokens}, {"DELETE", tokens}, {"DELETE", tokens + "/ada12345"}, {"GET", "/api/v1/playback-keys"}, {"POST", "/api/v1/playback-keys/rotate"}, {"POST", renew}} {
		if f := decode[failure](t, s.request(t, route[0], route[1], ""), 404); f.Error.Message != "this server has no viewer tokens" {
			t.Errorf("%v: %+v", route, f)
		}
	}
	if resp := s.request(t, "DELETE", maths, ""); resp.StatusCode != 204 {
		t.Errorf("delete: %d", resp.StatusCode)
	}
}

func TestClientOfViewerTokens(t *testing.T) {
	s := newServer(t)
	c := newClient(t, s, token)
	ctx := t.Context()
	made, err := c.Create(ctx, api.CreateClass{ID: "maths", Title: "x", Access: class.AccessToken, DVRWindow: 3600})
	if err != nil || made.Access != class.AccessToken || made.DVRWindow == nil || *made.DVRWindow != 3600 {
		t.Fatalf("create = %+v, %v", made, err)
	}
	if made, err = c.Update(ctx, "maths", api.UpdateClass{Access: api.Set(class.AccessPublic), DVRWindow: api.Remove[int64]()}); err != nil || made.Access != class.AccessPublic || made.DVRWindow != nil {
		t.Fatalf("update = %+v, %v", made, err)
	}
	tok, err := c.CreatePlaybackToken(ctx, "maths", api.CreatePlaybackToken{ExpiresIn: 60})
	if err != nil || time.Until(tok.ExpiresAt) > time.Minute {
		t.Errorf("token = %+v, %v", tok, err)
	}
	if tok, err = c.CreatePlaybackToken(ctx, "maths", api.CreatePlaybackToken{}); err != nil || time.Until(tok.ExpiresAt) < time.Hour {
		t.Errorf("token = %+v, %v", tok, err)
	}
	if err = c.RevokePlaybackTokens(ctx, "maths", tok.ID); err != nil || !errors.Is(s.tokens.Check(tok.Token, "maths", time.Now()), access.ErrRevoked) {
		t.Errorf("revoke one: %v", err)
	}
	if err = c.RevokePlaybackTokens(ctx, "maths", ""); err != nil {
		t.Errorf("revoke all: %v", err)
	}
	keys, err := c.RotatePlaybackKeys(ctx)
	if err != nil || len(keys.Keys) != 2 {
		t.Errorf("rotate: %d keys, %v", len(keys.Keys), err)
	}
	again, err := c.PlaybackKeys(ctx)
	if err != nil || len(again.Keys) != 2 || again.Keys[0].Secret != keys.Keys[0].Secret {
		t.Errorf("keys: %d, %v", len(again.Keys), err)
	}
}
