package origin_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/hls/origin"
)

// What exists, with its headers (hls.md §3.1), and what does not.
func TestNames(t *testing.T) {
	f := started(t)
	const (
		playlist = "application/vnd.apple.mpegurl"
		text     = "text/plain; charset=utf-8"
	)
	audio := func(name string) string {
		return strings.Replace(f.path(name), "/source/", "/audio/", 1)
	}
	for _, tc := range []struct {
		name, url   string
		code        int
		contentType string
		cache       string
	}{
		{"multivariant", "/live/algebra-1/index.m3u8", 200, playlist, "max-age=2, s-maxage=2, stale-if-error=60"},
		{"playlist", playlistPath, 200, playlist, "max-age=1, stale-if-error=12"},
		{"delta", playlistPath + "?_HLS_skip=YES", 200, playlist, "max-age=1, stale-if-error=12"},
		{"blocking", playlistPath + "?_HLS_msn=9", 200, playlist, "max-age=24"},
		{"i-frames", "/live/algebra-1/source/iframes.m3u8", 200, playlist, "max-age=2, stale-if-error=12"},
		{"i-frames, blocking", "/live/algebra-1/source/iframes.m3u8?_HLS_msn=9&_HLS_part=0", 200, playlist, "max-age=24"},
		{"i-frames, too far ahead", "/live/algebra-1/source/iframes.m3u8?_HLS_msn=99", 400, text, "max-age=1"},
		{"no dvr", "/live/algebra-1/dvr.m3u8", 404, text, "max-age=1"},
		{"no dvr list", "/live/algebra-1/source/dvr.m3u8", 404, text, "max-age=1"},
		{"no recording yet", "/live/algebra-1/source/recording.m3u8", 404, text, "max-age=1"},
		{"no i-frames of it", "/live/algebra-1/source/recording-iframes.m3u8", 404, text, "max-age=1"},
		{"nowhere to steer", "/live/algebra-1/steering.json", 404, text, "max-age=1"},
		{"check without a token", "/live/algebra-1/check", 404, text, "max-age=1"},
		{"i-frames of sound", "/live/algebra-1/audio/iframes.m3u8", 404, text, "max-age=1"},
		{"i-frames of unknown rendition", "/live/algebra-1/1080p/iframes.m3u8", 404, text, "max-age=1"},
		{"init", f.path("init-0-%s.mp4"), 200, "video/mp4", "max-age=86400, immutable"},
		{"segment", f.path("s9-%s.m4s"), 200, "video/mp4", "max-age=3600, immutable"},
		{"part", f.path("p10.0-%s.m4s"), 200, "video/mp4", "max-age=24, immutable"},
		{"old part", f.path("p9.1-%s.m4s"), 200, "video/mp4", "max-age=24, immutable"},
		{"audio init", audio("init-0-%s.mp4"), 200, "audio/mp4", "max-age=86400, immutable"},
		{"audio segment", audio("s0-%s.m4s"), 200, "audio/mp4", "max-age=3600, immutable"},
		{"audio part", audio("p10.0-%s.m4s"), 200, "audio/mp4", "max-age=24, immutable"},

		{"bad directive", playlistPath + "?_HLS_msn=x", 400, text, "max-age=1"},
		{"unknown class", "/live/geometry/index.m3u8", 404, text, "max-age=1"},
		{"unknown rendition", "/live/algebra-1/1080p/index.m3u8", 404, text, "max-age=1"},
		{"media of unknown rendition", strings.Replace(f.path("s9-%s.m4s"), "source", "720p", 1), 404, text, "max-age=1"},
		{"other playlist name", "/live/algebra-1/master.m3u8", 404, text, "max-age=1"},
		{"growing segment", f.path("s10-%s.m4s"), 404, text, "max-age=1"},
		{"future segment", f.path("s11-%s.m4s"), 404, text, "max-age=1"},
		{"part beyond the hint", f.path("p10.2-%s.m4s"), 404, text, "max-age=1"},
		{"part of the next segment", f.path("p11.0-%s.m4s"), 404, text, "max-age=1"},
		{"part past the end", f.path("p9.2-%s.m4s"), 404, text, "max-age=1"},
		{"future init", f.path("init-1-%s.mp4"), 404, text, "max-age=1"},
		{"other epoch", f.path("s9-zzzz.m4s"), 404, text, "max-age=1"},
		{"leading zero", f.path("s09-%s.m4s"), 404, text, "max-age=1"},
		{"escape in the name", strings.Replace(f.path("s9-%s.m4s"), "/s9-", "/%739-", 1), 404, text, "max-age=1"},
		{"escaped slash", "/live/algebra-1%2findex.m3u8", 404, text, "max-age=1"},
		{"folder", "/live/algebra-1/", 404, text, "max-age=1"},
		{"class alone", "/live/algebra-1", 404, text, "max-age=1"},
		{"root", "/live/", 404, text, "max-age=1"},
		{"empty class", "/live//index.m3u8", 404, text, "max-age=1"},
		{"empty rendition", "/live/algebra-1//index.m3u8", 404, text, "max-age=1"},
		{"too deep", "/live/algebra-1/source/x/index.m3u8", 404, text, "max-age=1"},
		{"parent", "/live/algebra-1/../../index.m3u8", 404, text, "max-age=1"},
		{"elsewhere", "/lives/algebra-1/index.m3u8", 404, text, "max-age=1"},
		{"long class", "/live/" + strings.Repeat("a", 5000) + "/index.m3u8", 404, text, "max-age=1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			get := f.do(http.MethodGet, tc.url)
			if get.Code != tc.code {
				t.Fatalf("code = %d, want %d: %s", get.Code, tc.code, get.Body)
			}
			for key, want := range map[string]string{
				"Content-Type": tc.contentType, "Cache-Control": tc.cache, "Access-Control-Allow-Origin": "*",
			} {
				if got := get.Header().Get(key); got != want {
					t.Errorf("%s = %q, want %q", key, got, want)
				}
			}
			if exposed := get.Header().Get("Access-Control-Expose-Headers"); !strings.Contains(exposed, "Age, ") || !strings.Contains(exposed, "ETag") {
				t.Errorf("exposed headers: %q", exposed)
			}
			if get.Body.Len() == 0 {
				t.Error("empty body")
			}
			if get.Code == http.StatusOK && (len(get.Header().Get("ETag")) < 4 || get.Header().Get("ETag")[0] != '"') {
				t.Errorf("ETag = %q is not strong", get.Header().Get("ETag"))
			}

			head := f.do(http.MethodHead, tc.url)
			if head.Code != get.Code || head.Body.Len() != 0 {
				t.Errorf("HEAD: code %d, %d bytes", head.Code, head.Body.Len())
			}
			for key := range get.Header() {
				if got, want := head.Header().Get(key), get.Header().Get(key); got != want {
					t.Errorf("HEAD: %s = %q, want %q", key, got, want)
				}
			}
			if head.Header().Get("Content-Length") == "" {
				t.Error("no Content-Length")
			}
		})
	}
}

func TestMethods(t *testing.T) {
	f := started(t)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodTrace, "BREW"} {
		for _, url := range []string{playlistPath, "/live/none"} {
			w := f.do(method, url)
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD, OPTIONS" ||
				w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: %d %v", method, url, w.Code, w.Header())
			}
		}
	}
	w := f.do(http.MethodOptions, f.path("s9-%s.m4s"), "Origin", "https://lms.example", "Access-Control-Request-Method", "GET",
		"Access-Control-Request-Headers", "range,cmcd-session")
	allowed := w.Header().Get("Access-Control-Allow-Headers")
	if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Access-Control-Max-Age") == "" {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
	for _, h := range []string{"Range", "CMCD-Object", "CMCD-Request", "CMCD-Session", "CMCD-Status"} {
		if !strings.Contains(allowed, h) {
			t.Errorf("preflight does not allow %s: %q", h, allowed)
		}
	}
}

// A class that exists but has not begun is no different from none.
func TestBeforeTheFirstSegment(t *testing.T) {
	f := newFixture(t)
	for _, url := range []string{"/live/algebra-1/index.m3u8", playlistPath, playlistPath + "?_HLS_msn=0", f.path("p0.0-%s.m4s")} {
		if w := f.do(http.MethodGet, url); w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "max-age=1" {
			t.Errorf("%s: %d %v", url, w.Code, w.Header())
		}
	}
}

func TestWithoutLowLatency(t *testing.T) {
	f := started(t)
	f.parts = 0
	if got := f.do(http.MethodGet, playlistPath).Header().Get("Cache-Control"); got != "max-age=2, stale-if-error=12" {
		t.Errorf("Cache-Control = %q", got)
	}
	if w := f.do(http.MethodGet, f.path("p10.1-%s.m4s")); w.Code != http.StatusNotFound {
		t.Errorf("part: %d", w.Code)
	}
}

func TestMetrics(t *testing.T) {
	f := started(t)
	problems, err := testutil.GatherAndLint(f.reg)
	if err != nil || len(problems) != 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	f.do(http.MethodGet, f.path("s9-%s.m4s"))
	f.do(http.MethodGet, f.path("s9-%s.m4s"), "Range", "bytes=0-9")
	f.do(http.MethodHead, f.path("s9-%s.m4s"))
	f.do(http.MethodGet, "/live/secret-token/index.m3u8")
	f.do(http.MethodPost, playlistPath)
	for _, tc := range []struct {
		object, code string
		want         float64
	}{{"segment", "200", 2}, {"segment", "206", 1}, {"unknown", "404", 1}, {"unknown", "405", 1}} {
		if got := f.value(t, "lectern_origin_requests_total", tc.object, tc.code); got != tc.want {
			t.Errorf("%s %s = %v, want %v", tc.object, tc.code, got, tc.want)
		}
	}
	if got := f.value(t, "lectern_origin_response_bytes_total", "segment"); got != 2*partSize+10 {
		t.Errorf("bytes = %v", got)
	}
}

func TestConfigValidate(t *testing.T) {
	if err := origin.DefaultConfig().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	err := origin.Config{}.Validate()
	for _, key := range []string{"origin.max_waiters: ", "origin.hold_cap: ", "origin.write_timeout: "} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%q is not in %v", key, err)
		}
	}
	if _, err := origin.New(origin.Config{}, nil, slog.New(slog.DiscardHandler), prometheus.NewRegistry()); err == nil {
		t.Error("New takes a bad configuration")
	}
	if _, err := origin.New(origin.DefaultConfig(), nil, slog.New(slog.DiscardHandler), prometheus.NewRegistry()); err == nil {
		t.Error("New takes no library")
	}
}
