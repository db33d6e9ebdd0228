package origin_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/hls/origin"
)

// talk is a Transcripts that has three documents.
type talk struct{ f *fakeClass }

func (k talk) Transcript(ctx context.Context, name, file string) (*hls.Document, origin.Settlement, error) {
	doc := k.f.document("what was said in " + name + ": " + file)
	switch file {
	case "index.json":
		return &doc, origin.Growing, ctx.Err()
	case "29529600.json":
		return &doc, origin.Settled, ctx.Err()
	case "29529601.json":
		return &doc, origin.Final, ctx.Err()
	case "29529602.json":
		return nil, 0, errors.New("disk on fire")
	default:
		return nil, 0, ctx.Err()
	}
}

const transcriptPath = "/live/" + class + "/room/index.json"

// Transcripts are behind the same doors as playlists.
func TestTranscripts(t *testing.T) {
	f := started(t)
	if w := f.do(http.MethodGet, transcriptPath); w.Code != http.StatusNotFound {
		t.Errorf("without transcripts: %d", w.Code)
	}
	origin.WithTranscripts(talk{f.fakeClass})(f.origin)
	const body = "what was said in algebra-1: index.json"
	for _, tc := range []struct {
		protected bool
		path      string
		code      int
		cache     string
		body      string
	}{
		{false, transcriptPath, 200, "max-age=2", body},
		{false, "/live/" + class + "/room/29529600.json", 200, "max-age=30", "what was said in algebra-1: 29529600.json"},
		{false, "/live/" + class + "/room/29529601.json", 200, "max-age=300, stale-if-error=3600", "what was said in algebra-1: 29529601.json"},
		{false, "/live/" + class + "/room/29529602.json", 500, "no-store", "the transcript cannot be read\n"},
		{false, "/live/" + class + "/room/29529603.json", 404, "max-age=1", "not found\n"},
		{false, "/live/" + class + "/room/index.m3u8", 404, "max-age=1", "not found\n"},
		{false, "/live/" + class + "/room/x/index.json", 404, "max-age=1", "not found\n"},
		{false, "/live/" + class + "/source/index.json", 404, "max-age=1", "not found\n"},
		{false, "/live/geometry/room/index.json", 404, "max-age=1", "not found\n"},
		{true, transcriptPath, 403, "no-store", "the class needs a viewer token\n"},
		{true, behind(goodToken, transcriptPath), 200, "max-age=2", body},
		{true, behind(expiredToken, transcriptPath), 403, "no-store", "the viewer token has expired\n"},
	} {
		f.protected = tc.protected
		w := f.do(http.MethodGet, tc.path)
		if w.Code != tc.code || w.Body.String() != tc.body || w.Header().Get("Cache-Control") != tc.cache {
			t.Errorf("%s, protected %v: %d, %s, %q", tc.path, tc.protected, w.Code, w.Header().Get("Cache-Control"), w.Body)
		}
		if w.Code == 200 && (w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Access-Control-Allow-Origin") != "*") {
			t.Errorf("%s: %v", tc.path, w.Header())
		}
	}
	f.protected = false
	w := f.do(http.MethodGet, transcriptPath, "Accept-Encoding", "gzip")
	if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("compressed: %v", w.Header())
	}
	if again := f.do(http.MethodGet, transcriptPath, "Accept-Encoding", "gzip", "If-None-Match", w.Header().Get("Etag")); again.Code != http.StatusNotModified {
		t.Errorf("what one has already: %d", again.Code)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if w := f.doContext(gone, http.MethodGet, transcriptPath); w.Code != http.StatusServiceUnavailable {
		t.Errorf("for somebody who left: %d", w.Code)
	}
}

func TestIsTranscript(t *testing.T) {
	for path, want := range map[string]bool{
		transcriptPath: true, "/t/x/live/a/room/29529600.json": true, "/live/a/steering.json": false, "/live/a/index.m3u8": false, "/live/a/room/index.m3u8": false,
	} {
		if origin.IsTranscript(path) != want {
			t.Errorf("%s: %v", path, !want)
		}
	}
}
