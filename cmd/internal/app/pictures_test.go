package app

import (
	"log/slog"
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
	for _, name := range []string{"thumbnail.jpg", "storyboard.vtt", "sheet-000001.jpg", "sheet-000002-07.jpg", "secret.jpg"} {
		if err := os.WriteFile(filepath.Join(board, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := &pictures{folder: dir, logger: slog.New(slog.DiscardHandler)}
	for _, tc := range []struct {
		method, class, file string
		status              int
		cache, kind         string
	}{
		{"GET", "algebra", "thumbnail.jpg", 200, "max-age=10", "image/jpeg"},
		{"HEAD", "algebra", "thumbnail.jpg", 200, "max-age=10", "image/jpeg"},
		{"GET", "algebra", "storyboard.vtt", 200, "max-age=10", "text/vtt"},
		{"GET", "algebra", "sheet-000001.jpg", 200, "immutable", "image/jpeg"},
		{"GET", "algebra", "sheet-000002-07.jpg", 200, "immutable", "image/jpeg"},
		{"GET", "algebra", "sheet-000003.jpg", 404, "max-age=1", "text/plain"},
		{"GET", "physics", "thumbnail.jpg", 404, "max-age=1", "text/plain"},
		{"GET", "algebra", "secret.jpg", 404, "max-age=1", "text/plain"},
		{"GET", "..", "thumbnail.jpg", 404, "max-age=1", "text/plain"},
	} {
		t.Run(tc.method+" "+tc.class+" "+tc.file, func(t *testing.T) {
			w := httptest.NewRecorder()
			p.ServePicture(w, httptest.NewRequestWithContext(t.Context(), tc.method, "/", nil), tc.class, tc.file)
			if w.Code != tc.status || !strings.Contains(w.Header().Get("Cache-Control"), tc.cache) || !strings.HasPrefix(w.Header().Get("Content-Type"), tc.kind) {
				t.Errorf("%d, %v", w.Code, w.Header())
			}
		})
	}
	if !p.has("algebra", "thumbnail.jpg") || p.has("physics", "thumbnail.jpg") {
		t.Error("has does not tell what is there")
	}
}
