package app

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPictures(t *testing.T) {
	dir := t.TempDir()
	board := filepath.Join(dir, "algebra", boardFolder)
	if err := os.MkdirAll(board, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"thumbnail.jpg", "storyboard.vtt", "sheet-000001.jpg", "sheet-000002-07.jpg", "secret.txt"} {
		if err := os.WriteFile(filepath.Join(board, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := &pictures{folder: dir, logger: slog.New(slog.DiscardHandler), next: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
	})}
	for _, tc := range []struct {
		method, path string
		status       int
		cache, kind  string
	}{
		{"GET", "/live/algebra/thumbnail.jpg", 200, "max-age=10", "image/jpeg"},
		{"HEAD", "/live/algebra/thumbnail.jpg", 200, "max-age=10", "image/jpeg"},
		{"GET", "/live/algebra/storyboard.vtt", 200, "max-age=10", "text/vtt"},
		{"GET", "/live/algebra/sheet-000001.jpg", 200, "immutable", "image/jpeg"},
		{"GET", "/live/algebra/sheet-000002-07.jpg", 200, "immutable", "image/jpeg"},
		{"GET", "/live/algebra/sheet-000003.jpg", 404, "max-age=1", "text/plain"},
		{"GET", "/live/physics/thumbnail.jpg", 404, "max-age=1", "text/plain"},
		{"POST", "/live/algebra/thumbnail.jpg", 405, "max-age=1", "text/plain"},
		{"GET", "/live/algebra/secret.txt", 418, "", ""},
		{"GET", "/live/algebra/index.m3u8", 418, "", ""},
		{"GET", "/live/../thumbnail.jpg", 418, "", ""},
	} {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			w := httptest.NewRecorder()
			p.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), tc.method, tc.path, nil))
			if w.Code != tc.status || !strings.Contains(w.Header().Get("Cache-Control"), tc.cache) || !strings.HasPrefix(w.Header().Get("Content-Type"), tc.kind) {
				t.Errorf("%d, %v", w.Code, w.Header())
			}
			if tc.status != 418 && w.Header().Get("Access-Control-Allow-Origin") != "*" {
				t.Error("no page elsewhere may show it")
			}
		})
	}
	if !p.has("algebra", "thumbnail.jpg") || p.has("physics", "thumbnail.jpg") {
		t.Error("has does not tell what is there")
	}
}
