package origin_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lectern/lectern/hls/origin"
)

// A part may be kept until its planned removal, not for as long from whenever it
// is asked for (RFC 8216bis §6.2.2).
func TestPartLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := started(t)
		url := f.path("p10.0-%s.m4s")
		for _, tc := range []struct {
			wait time.Duration
			want string
		}{
			{0, "max-age=24, immutable"},
			{1500 * time.Millisecond, "max-age=23, immutable"},
			{10 * time.Second, "max-age=13, immutable"},
			{12 * time.Second, "max-age=1, immutable"},
			{time.Minute, "max-age=1, immutable"},
		} {
			advance(tc.wait)
			if got := f.do(http.MethodGet, url).Header().Get("Cache-Control"); got != tc.want {
				t.Errorf("%s later: %q, want %q", tc.wait, got, tc.want)
			}
		}
	})
}

// The surrogate keys of everything that may be cached, and of nothing else.
func TestSurrogateKeys(t *testing.T) {
	cdn := func(c *origin.Config) { c.CDN = cdns }
	f := started(t, cdn)
	off := started(t, cdn, func(c *origin.Config) { c.SurrogateKeys = false })
	for _, tc := range []struct {
		path string
		code int
		kind string // none if there is to be no key
	}{
		{"/live/algebra-1/index.m3u8", 200, "multivariant"},
		{"/live/algebra-1/dvr.m3u8", 404, "dvr_multivariant"},
		{"/live/algebra-1/steering.json", 200, "steering"},
		{playlistPath, 200, "playlist"},
		{playlistPath + "?_HLS_msn=9&_HLS_part=1", 200, "playlist"},
		{playlistPath + "?_HLS_part=1", 400, "playlist"},
		{"/live/algebra-1/source/iframes.m3u8", 200, "i_frames"},
		{"/live/algebra-1/source/recording.m3u8", 404, "recording"},
		{f.path("init-0-%s.mp4"), 200, "init"},
		{f.path("s9-%s.m4s"), 200, "segment"},
		{f.path("s99-%s.m4s"), 404, "segment"},
		{f.path("p10.0-%s.m4s"), 200, "part"},
		{behind(goodToken, "/live/algebra-1/check"), 204, "check"},
		{behind(goodToken, "/live/algebra-1/index.m3u8"), 200, "multivariant"},
		{behind("x", "/live/algebra-1/index.m3u8"), 403, ""},
		{"/live/geometry/index.m3u8", 404, ""},
		{"/live/algebra-1/nothing", 404, ""},
	} {
		w := f.do(http.MethodGet, tc.path)
		key, tag := "", ""
		if tc.kind != "" {
			key, tag = "class-algebra-1 kind-"+tc.kind, "class-algebra-1,kind-"+tc.kind
		}
		if w.Code != tc.code || w.Header().Get("Surrogate-Key") != key || w.Header().Get("Cache-Tag") != tag {
			t.Errorf("%s: %d %v", tc.path, w.Code, w.Header())
		}
		if w = off.do(http.MethodGet, tc.path); w.Header().Get("Surrogate-Key")+w.Header().Get("Cache-Tag") != "" {
			t.Errorf("%s: tagged without being told to: %v", tc.path, w.Header())
		}
	}
	etag := f.do(http.MethodGet, playlistPath).Header().Get("ETag")
	if w := f.do(http.MethodGet, playlistPath, "If-None-Match", etag); w.Code != 304 || w.Header().Get("Surrogate-Key") == "" {
		t.Errorf("304: %d %v", w.Code, w.Header())
	}
}

// Names of classes stand in headers, so they have few characters.
func TestNamesOfClasses(t *testing.T) {
	f := started(t)
	f.origin = newOrigin(t, brokenLibrary{f.fakeClass}, io.Discard) // knows every class
	if w := f.do(http.MethodGet, "/live/Some_class-1.x/index.m3u8"); w.Code != 200 || w.Header().Get("Cache-Tag") != "class-Some_class-1.x,kind-multivariant" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	for _, name := range []string{"a b", "a,b", "a\nb", "a\"b", "ä", "a%b", "a;b", strings.Repeat("a", 129)} {
		r := httptest.NewRequest(http.MethodGet, "/live/x/index.m3u8", http.NoBody)
		r.URL.Path = "/live/" + name + "/index.m3u8"
		if w := f.serve(r); w.Code != 404 || w.Header().Get("Cache-Control") != "max-age=1" || w.Header().Get("Cache-Tag") != "" {
			t.Errorf("%q: %d %v", name, w.Code, w.Header())
		}
	}
}

// What has ended is kept longer, and can be asked for again.
func TestCacheAfterTheEnd(t *testing.T) {
	f := started(t)
	f.end(rendition)
	for path, want := range map[string]string{
		playlistPath:                           "max-age=24, stale-if-error=3600",
		playlistPath + "?_HLS_msn=99":          "max-age=24, stale-if-error=3600",
		"/live/algebra-1/source/iframes.m3u8":  "max-age=24, stale-if-error=3600",
		"/live/algebra-1/audio/index.m3u8":     "max-age=1, stale-if-error=12", // it has not
		"/live/algebra-1/index.m3u8":           "max-age=2, s-maxage=2, stale-if-error=60",
		"/live/algebra-1/source/index.m3u8?x=": "max-age=24, stale-if-error=3600",
	} {
		w := f.do(http.MethodGet, path)
		if got := w.Header().Get("Cache-Control"); w.Code != 200 || got != want {
			t.Errorf("%s: %d %q, want %q", path, w.Code, got, want)
		}
		if again := f.do(http.MethodGet, path, "If-None-Match", w.Header().Get("ETag")); again.Code != 304 || again.Header().Get("Cache-Control") != want {
			t.Errorf("%s: asked again: %d %v", path, again.Code, again.Header())
		}
	}
}

// Age is the caches' word; one answer is like another for every viewer.
func TestHeadersThatAreNotSent(t *testing.T) {
	f := started(t)
	for _, path := range []string{"/live/algebra-1/index.m3u8", playlistPath, f.path("s9-%s.m4s"), f.path("p10.0-%s.m4s"), "/live/x"} {
		w := f.do(http.MethodGet, path, "Origin", "https://lms.example", "Cookie", "a=b", "User-Agent", "x")
		for _, key := range []string{"Age", "Expires", "Pragma", "Set-Cookie", "Location", "Access-Control-Allow-Credentials"} {
			if w.Header().Get(key) != "" {
				t.Errorf("%s: %s = %q", path, key, w.Header().Get(key))
			}
		}
		if got, want := fmt.Sprint(w.Header()), fmt.Sprint(f.do(http.MethodGet, path).Header()); got != want {
			t.Errorf("%s: headers\n%s\nwithout cookie\n%s", path, got, want)
		}
	}
}
