package origin_test

import (
	"context"
	"fmt"
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
		"/live/algebra-1/dvr.m3u8", "/live/algebra-1/source/dvr.m3u8", "/live/algebra-1/source/recording.m3u8", "/live/algebra-1/steering.json",
		"/t/x/live/algebra-1/check", "/t/" + goodToken + "/live/algebra-1/check",
	} {
		f.Add(http.MethodGet, p, "bytes=0-3", "gzip;q=1")
	}
	f.Add("HEAD", playlistPath, "bytes=9-1,2-", "*;q=0.1")
	f.Add("OPTIONS", "*", "", "")
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	allowed := []int{200, 204, 206, 304, 400, 403, 404, 405, 412, 416, 503}
	f.Fuzz(func(t *testing.T, method, path, ranges, encoding string) {
		r := &http.Request{
			Method: method, URL: &url.URL{Path: path}, ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Range": {ranges}, "Accept-Encoding": {encoding}, "If-None-Match": {ranges}, "If-Range": {encoding}},
			Body:   http.NoBody,
		}
		w := fix.serve(r.WithContext(gone))
		if !slices.Contains(allowed, w.Code) {
			t.Fatalf("%s %q: code %d", method, path, w.Code)
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Fatalf("%s %q: no CORS header", method, path)
		}
		if w.Header().Get("Cache-Control") == "" && method != http.MethodOptions {
			t.Fatalf("%s %q: code %d without Cache-Control", method, path, w.Code)
		}
		if w.Code == 200 && !strings.HasPrefix(strings.TrimPrefix(path, "/t/"+goodToken), "/live/algebra-1/") {
			t.Fatalf("%s %q: 200", method, path)
		}
	})
}

// FuzzToken: only the one good token opens anything, and no answer says what the
// token was.
func FuzzToken(f *testing.F) {
	for _, token := range []string{
		"", goodToken, expiredToken, revokedToken, goodToken + "x", "v1.k1", "..", "%2e%2e", strings.Repeat("t", 513), "a/b", goodToken + "/", "\x00", "é",
	} {
		f.Add(token, "/live/algebra-1/index.m3u8")
		f.Add(token, "/live/algebra-1/check")
		f.Add(token, "/live/algebra-1/source/index.m3u8")
	}
	fix := started(f)
	fix.protected = true
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	f.Fuzz(func(t *testing.T, token, rest string) {
		for _, escaped := range []bool{false, true} {
			u := &url.URL{Path: "/t/" + token + rest}
			if escaped {
				u.RawPath = u.EscapedPath()
			}
			r := &http.Request{Method: http.MethodGet, URL: u, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody}
			w := fix.serve(r.WithContext(gone))
			switch w.Code {
			case 200, 204, 206, 400, 503:
				if !strings.HasPrefix(u.Path, "/t/"+goodToken+"/live/") {
					t.Fatalf("%q: %d", u.Path, w.Code)
				}
			case 403:
				if w.Header().Get("Cache-Control") != "no-store" {
					t.Fatalf("%q: 403 with %v", u.Path, w.Header())
				}
			case 404:
			default:
				t.Fatalf("%q: %d", u.Path, w.Code)
			}
			if len(token) > 20 && !strings.Contains(text("full", 10, 1), token) && strings.Contains(fmt.Sprint(w.Header(), w.Body), token) {
				t.Fatalf("the answer repeats the token: %v %s", w.Header(), w.Body)
			}
		}
		if fix.logged.Len() != 0 {
			t.Fatalf("log: %s", fix.logged)
		}
	})
}
