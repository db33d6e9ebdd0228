package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

func newClient(t *testing.T, h http.Handler, token string) *api.Client {
	t.Helper()
	ts := httptest.NewServer(h)
	t.Cleanup(ts.Close)
	c, err := api.NewClient(ts.URL+"/", class.NewSecret(token), ts.Client())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClient(t *testing.T) {
	s := newServer(t)
	c := newClient(t, s, token)
	ctx := t.Context()
	start := time.Date(2027, 1, 11, 8, 0, 0, 0, time.UTC)
	made, err := c.Create(ctx, api.CreateClass{ID: "maths", Title: "Analysis I", StartsAt: &start, Source: "rtsp://u:p@cam/1"})
	if err != nil || made.ID != "maths" || !made.StartsAt.Equal(start) || *made.Source != "rtsp://redacted@cam/1" {
		t.Fatalf("create = %+v, %v", made, err)
	}
	if _, err = c.Create(ctx, api.CreateClass{Title: "Analysis II"}); err != nil {
		t.Fatal(err)
	}
	var refused *api.Error
	if _, err = c.Create(ctx, api.CreateClass{Title: " "}); !errors.As(err, &refused) || refused.Status != 400 || refused.Code != api.CodeInvalidField ||
		err.Error() != "title: must be 1 to 200 characters" || refused.RequestID == "" {
		t.Errorf("create without title: %#v", err)
	}
	got, err := c.Get(ctx, "maths")
	if err != nil || got.StreamKey != made.StreamKey {
		t.Errorf("get = %+v, %v", got, err)
	}
	ladder := []string{"source", "480p", "audio"}
	if got, err = c.Update(ctx, "maths", api.UpdateClass{Ladder: api.Set(ladder)}); err != nil || got.Ladder == nil || !slices.Equal(*got.Ladder, ladder) || got.StartsAt == nil {
		t.Errorf("update = %+v, %v", got, err)
	}
	if got, err = c.Update(ctx, "maths", api.UpdateClass{Ladder: api.Remove[[]string](), StartsAt: api.Remove[time.Time](), Title: new("Analysis")}); err != nil || got.Ladder != nil || got.StartsAt != nil || got.Title != "Analysis" || got.Source == nil {
		t.Errorf("update = %+v, %v", got, err)
	}
	if got, err = c.RotateStreamKey(ctx, "maths"); err != nil || got.StreamKey == made.StreamKey {
		t.Errorf("rotate = %+v, %v", got, err)
	}
	if got, err = c.End(ctx, "maths"); err != nil || got.State != class.Ended {
		t.Errorf("end = %+v, %v", got, err)
	}
	if err = c.Delete(ctx, "maths"); err != nil {
		t.Errorf("delete: %v", err)
	}
	if _, err = c.Get(ctx, "maths"); !errors.As(err, &refused) || refused.Code != api.CodeNotFound {
		t.Errorf("get after delete: %v", err)
	}
	if _, err = c.Get(ctx, "../classes"); !errors.As(err, &refused) || refused.Code != api.CodeNotFound {
		t.Errorf("get of a path: %v", err)
	}
	if _, err = newClient(t, s, "wrong-token-wrong-token").List(ctx); !errors.As(err, &refused) || refused.Code != api.CodeUnauthorized || strings.Contains(err.Error(), "wrong-token") {
		t.Errorf("list with the wrong token: %v", err)
	}
}

func TestClientListsAllPages(t *testing.T) {
	s := newServer(t)
	const n = class.MaxListLimit + 3
	for range n {
		if _, err := s.classes.Create(t.Context(), class.New{Title: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := newClient(t, s, token).List(t.Context())
	seen := map[string]bool{}
	for _, c := range all {
		seen[c.ID] = true
	}
	if err != nil || len(all) != n || len(seen) != n {
		t.Errorf("list has %d classes, %d different, %v; want %d", len(all), len(seen), err, n)
	}
}

func TestClientFacesOtherServers(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"a web page", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "does not answer like a lectern"},
		{"a proxy's error", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "bad gateway", http.StatusBadGateway) }, "502 Bad Gateway, which is not lectern's API"},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/steal", http.StatusTemporaryRedirect)
		}, "307 Temporary Redirect"},
		{"an endless answer", func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, "larger than"},
		{"an answer cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{}"))
		}, "read answer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := newClient(t, tc.answer, token).Get(t.Context(), "maths")
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), token) {
				t.Errorf("err = %v, want %q in it", err, tc.want)
			}
		})
	}
	for _, bad := range []string{"", "live.example.edu", "ftp://x", "http://", "http://u:p@x", "http://%zz"} {
		if _, err := api.NewClient(bad, class.Secret{}, nil); err == nil {
			t.Errorf("address %q was taken", bad)
		}
	}
	ts := httptest.NewServer(http.NotFoundHandler())
	ts.Close()
	c, err := api.NewClient(ts.URL, class.NewSecret(token), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Get(t.Context(), "maths"); err == nil || !strings.HasPrefix(err.Error(), "reach lectern: ") {
		t.Errorf("nobody there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = c.Get(ctx, "maths"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestEnsureToken(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "api-token")
	var wg sync.WaitGroup
	tokens := make([]class.Secret, 4)
	for i := range tokens {
		wg.Go(func() {
			var err error
			if tokens[i], _, err = api.EnsureToken(path); err != nil {
				t.Errorf("ensure: %v", err)
			}
		})
	}
	wg.Wait()
	for _, tok := range tokens {
		if !tok.Equal(tokens[0]) || len(tok.Reveal()) != 64 {
			t.Errorf("tokens differ: %q, %q", tok.Reveal(), tokens[0].Reveal())
		}
	}
	again, created, err := api.EnsureToken(path)
	if err != nil || created || !again.Equal(tokens[0]) {
		t.Errorf("again = %v, %v, %v", again.Equal(tokens[0]), created, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	for name, tc := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"own token":          {"my-own-token-is-long\n# comment", 0o400, ""},
		"readable by others": {"my-own-token-is-long\n", 0o644, "chmod 600"},
		"too short":          {"short\n", 0o600, "at least 16 characters"},
		"empty":              {"", 0o600, "at least 16 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			p := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(p, []byte(tc.content), tc.mode); err != nil {
				t.Fatal(err)
			}
			got, _, err := api.EnsureToken(p)
			if tc.want == "" && (err != nil || got.Reveal() != "my-own-token-is-long") {
				t.Errorf("got %v, %v", got.Reveal(), err)
			}
			if tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("err = %v, want %q in it", err, tc.want)
			}
		})
	}
	if _, _, err := api.EnsureToken(filepath.Join(dir, "none", "token")); err == nil {
		t.Error("a token was made in a folder that does not exist")
	}
}
