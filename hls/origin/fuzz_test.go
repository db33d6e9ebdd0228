package origin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzPlaylistQuery: whatever the query, the answer is a playlist, a refusal, or
// (because the client has left already) a 503.
func FuzzPlaylistQuery(f *testing.F) {
	for _, q := range []string{
		"", "_HLS_msn=9", "_HLS_msn=10&_HLS_part=1", "_HLS_msn=10&_HLS_part=1&_HLS_skip=YES", "_HLS_part=3",
		"_HLS_msn=-1", "_HLS_msn=18446744073709551616", "%5f%48LS_msn=9", "_HLS_skip=v2&_HLS_skip=v2", "CMCD=bl%3D1&;&%zz=%", "=&=",
	} {
		f.Add(q)
	}
	fix := started(f)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequestWithContext(gone, http.MethodGet, playlistPath, http.NoBody)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		fix.origin.ServeHTTP(w, r)
		body := w.Body.String()
		switch w.Code {
		case http.StatusOK:
			if body != text("full", 10, 1) && body != text("skip", 10, 1) {
				t.Fatalf("body %.80q", body)
			}
		case http.StatusBadRequest:
			if len(body) > 100 || w.Header().Get("Cache-Control") != "max-age=1" {
				t.Fatalf("400 with %q, %v", body, w.Header())
			}
		case http.StatusServiceUnavailable:
			if !strings.Contains(query, "=") || w.Header().Get("Cache-Control") != "no-store" {
				t.Fatalf("503 with %v", w.Header())
			}
		default:
			t.Fatalf("code %d", w.Code)
		}
	})
}

// FuzzPath: whatever the method, path and headers, the status is one of the
// contract, and a name that is not listed in it is a 404.
func FuzzPath(f *testing.F) {
	fix := started(f)
	for _, p := range []string{
		"/live/algebra-1/index.m3u8", playlistPath, fix.path("s9-%s.m4s"), fix.path("p10.0-%s.m4s"), fix.path("p10.1-%s.m4s"),
		fix.path("init-0-%s.mp4"), "/live/../etc/passwd", "/live/algebra-1//index.m3u8", "/live/a/b/c/d", "/live/%2e%2e/index.m3u8", "",
	} {
		f.Add(http.MethodGet, p, "bytes=0-3", "gzip;q=1")
	}
	f.Add("HEAD", playlistPath, "bytes=9-1,2-", "*;q=0.1")
	f.Add("OPTIONS", "*", "", "")
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	allowed := []int{200, 204, 206, 304, 400, 404, 405, 412, 416, 503}
	f.Fuzz(func(t *testing.T, method, path, ranges, encoding string) {
		r := &http.Request{
			Method: method, URL: &url.URL{Path: path}, ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Range": {ranges}, "Accept-Encoding": {encoding}, "If-None-Match": {ranges}},
			Body:   http.NoBody,
		}
		w := httptest.NewRecorder()
		fix.origin.ServeHTTP(w, r.WithContext(gone))
		if !slices.Contains(allowed, w.Code) {
			t.Fatalf("%s %q: code %d", method, path, w.Code)
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Fatalf("%s %q: no CORS header", method, path)
		}
		if w.Code != 204 && w.Header().Get("Cache-Control") == "" {
			t.Fatalf("%s %q: code %d without Cache-Control", method, path, w.Code)
		}
		if w.Code == 200 && !strings.HasPrefix(path, "/live/algebra-1/") {
			t.Fatalf("%s %q: 200", method, path)
		}
	})
}
