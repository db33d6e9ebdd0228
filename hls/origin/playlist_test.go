package origin_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lectern/lectern/hls/origin"
	"github.com/lectern/lectern/media/mediatest"
)

func TestPlaylistEncoding(t *testing.T) {
	f := started(t)
	for _, tc := range []struct {
		accept []string
		gzip   bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"gzip"}, true},
		{[]string{"GZip"}, true},
		{[]string{"x-gzip"}, true},
		{[]string{"br, deflate"}, false},
		{[]string{"deflate, gzip;q=0.5"}, true},
		{[]string{"gzip;q=0"}, false},
		{[]string{"gzip;q=0.000, *"}, false},
		{[]string{"gzip ; q=0.8 , identity;q=0.2"}, true},
		{[]string{"gzip;q=0.2, identity;q=0.8"}, false},
		{[]string{"*"}, true},
		{[]string{"*;q=0"}, false},
		{[]string{"br", "gzip"}, true},
		{[]string{"gzip;q=nonsense"}, false},
		{[]string{"gzip;q=7"}, false},
		{[]string{"gzip;q=NaN"}, false},
		{[]string{"gzipped"}, false},
	} {
		t.Run(strings.Join(tc.accept, "|"), func(t *testing.T) {
			var headers []string
			for _, a := range tc.accept {
				headers = append(headers, "Accept-Encoding", a)
			}
			w := f.do(http.MethodGet, playlistPath, headers...)
			if got := w.Header().Get("Content-Encoding") == "gzip"; got != tc.gzip {
				t.Errorf("gzip = %v, want %v", got, tc.gzip)
			}
			if w.Header().Get("Vary") != "Accept-Encoding" {
				t.Errorf("Vary = %q", w.Header().Get("Vary"))
			}
			if got := w.Header().Get("Content-Length"); got != fmt.Sprint(w.Body.Len()) {
				t.Errorf("Content-Length = %s of %d bytes", got, w.Body.Len())
			}
			if got := body(t, w); got != text("full", 10, 1) {
				t.Errorf("body = %.60q", got)
			}
		})
	}
}

func body(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Header().Get("Content-Encoding") != "gzip" {
		return w.Body.String()
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPlaylistNotModified(t *testing.T) {
	f := started(t)
	plain := f.do(http.MethodGet, playlistPath).Header().Get("ETag")
	zipped := f.do(http.MethodGet, playlistPath, "Accept-Encoding", "gzip").Header().Get("ETag")
	if plain == zipped {
		t.Fatalf("both encodings have the ETag %s", plain)
	}
	for _, tc := range []struct {
		name, match, accept string
		code                int
	}{
		{"same", plain, "", 304},
		{"weak", "W/" + plain, "", 304},
		{"in a list", `"a,b" , W/"c",` + plain, "", 304},
		{"any", "*", "", 304},
		{"other encoding", plain, "gzip", 200},
		{"gzip", zipped, "gzip", 304},
		{"gzip, asked plain", zipped, "", 200},
		{"other", `"other"`, "", 200},
		{"unquoted", strings.Trim(plain, `"`), "", 200},
		{"unclosed", plain[:len(plain)-1], "", 200},
		{"junk", `W/,"",,x` + plain, "", 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				w := f.do(method, playlistPath, "If-None-Match", tc.match, "Accept-Encoding", tc.accept)
				if w.Code != tc.code {
					t.Errorf("%s: code = %d, want %d", method, w.Code, tc.code)
				}
				if w.Code == http.StatusNotModified && (w.Body.Len() != 0 || w.Header().Get("ETag") == "" ||
					w.Header().Get("Vary") == "" || w.Header().Get("Cache-Control") == "") {
					t.Errorf("%s: 304 has %d bytes, headers %v", method, w.Body.Len(), w.Header())
				}
			}
		})
	}
}

// Requests that are answered at once. The playlist ends with part 10.0; the
// part target is 0.5 s, so the Advance Part Limit is 6.
func TestDirectives(t *testing.T) {
	f := started(t)
	full, delta := text("full", 10, 1), text("skip", 10, 1)
	for _, tc := range []struct {
		query string
		code  int
		want  string // the body, or a word of it
	}{
		{"_HLS_msn=9", 200, full},
		{"_HLS_msn=10&_HLS_part=0", 200, full},
		{"_HLS_msn=9&_HLS_part=1", 200, full},
		{"_HLS_msn=9&_HLS_part=2", 200, full},   // past the end: part 10.0
		{"_HLS_msn=9&_HLS_part=500", 200, full}, // the same
		{"_HLS_msn=0", 200, full},               // long gone, but never a 400
		{"_HLS_msn=1&_HLS_part=77", 200, full},
		{"%5FHLS_msn=9", 200, full},
		{"_HLS_skip=YES", 200, delta},
		{"_HLS_skip=v2", 200, delta},
		{"_HLS_msn=9&_HLS_skip=YES", 200, delta},
		{"", 200, full},
		{"&&=&", 200, full},
		{"CMCD=bl%3D2100&sid=%ZZ&%=1&a;b=2", 200, full},
		{"_HLS_push=1&_hls_msn=x&_HLS_report=/a", 200, full},
		{"session=1&_HLS_msn=9&session=2", 200, full},

		{"_HLS_part=0", 400, "_HLS_msn"},
		{"_HLS_msn=", 400, "_HLS_msn"},
		{"_HLS_msn", 400, "_HLS_msn"},
		{"_HLS_msn=-1", 400, "_HLS_msn"},
		{"_HLS_msn=%2B1", 400, "_HLS_msn"},
		{"_HLS_msn=1.5", 400, "_HLS_msn"},
		{"_HLS_msn=0x1", 400, "_HLS_msn"},
		{"_HLS_msn=٣", 400, "_HLS_msn"},
		{"_HLS_msn=9&_HLS_part=x", 400, "_HLS_part"},
		{"_HLS_msn=9&_HLS_part=", 400, "_HLS_part"},
		{"_HLS_msn=9&_HLS_msn=9", 400, "repeated"},
		{"_HLS_msn=9&_HLS_part=0&_HLS_part=0", 400, "repeated"},
		{"_HLS_skip=YES&_HLS_skip=YES", 400, "repeated"},
		{"_HLS_skip=no", 400, "_HLS_skip"},
		{"_HLS_msn=12", 400, "_HLS_msn is too far"}, // the last complete segment is 9
		{"_HLS_msn=99999999999999999999", 400, "_HLS_msn is too far"},
		{"_HLS_msn=999999999999999999999999", 400, "_HLS_msn"},
		{"_HLS_msn=10&_HLS_part=7", 400, "_HLS_part is too far"},
		{"_HLS_msn=11&_HLS_part=6", 400, "_HLS_part is too far"},
		{"_HLS_msn=10&_HLS_part=500", 400, "_HLS_part is too far"},
		{"x=" + strings.Repeat("y", 9000), 400, "too long"},
	} {
		t.Run(tc.query[:min(len(tc.query), 50)], func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, playlistPath, http.NoBody)
			r.URL.RawQuery = tc.query
			w := httptest.NewRecorder()
			f.origin.ServeHTTP(w, r)
			got := w.Body.String()
			if w.Code != tc.code || (tc.code == 200 && got != tc.want) || !strings.Contains(got, tc.want) {
				t.Errorf("%d %.90q, want %d %.90q", w.Code, got, tc.code, tc.want)
			}
		})
	}
}

// Requests that wait, and what it takes to free them.
func TestBlockingReload(t *testing.T) {
	part := func(t *testing.T, f *fixture) { t.Helper(); f.addPart(t, rendition) }
	segm := func(t *testing.T, f *fixture) { t.Helper(); f.finish(t, rendition) }
	for _, tc := range []struct {
		name, query string
		steps       []func(*testing.T, *fixture)
		want        string
	}{
		{"next part", "_HLS_msn=10&_HLS_part=1", []func(*testing.T, *fixture){part}, text("full", 10, 2)},
		{"part after that", "_HLS_msn=10&_HLS_part=2", []func(*testing.T, *fixture){part, part}, text("full", 10, 3)},
		{"whole segment", "_HLS_msn=10", []func(*testing.T, *fixture){part, part, segm}, text("full", 11, 0)},
		{"next segment", "_HLS_msn=11", []func(*testing.T, *fixture){part, segm, part, segm}, text("full", 12, 0)},
		{"first part of the next segment", "_HLS_msn=11&_HLS_part=0", []func(*testing.T, *fixture){part, segm, part}, text("full", 11, 1)},
		{"part past the end of its segment", "_HLS_msn=10&_HLS_part=6", []func(*testing.T, *fixture){part, segm, part}, text("full", 11, 1)},
		{"delta", "_HLS_msn=10&_HLS_part=1&_HLS_skip=YES", []func(*testing.T, *fixture){part}, text("skip", 10, 2)},
		{"limit of segments", "_HLS_msn=11&_HLS_part=5", []func(*testing.T, *fixture){segm, part, segm, part}, text("full", 12, 1)},
		{"end of the class", "_HLS_msn=11", []func(*testing.T, *fixture){func(_ *testing.T, f *fixture) { f.end(rendition) }}, text("full", 10, 1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := started(t)
			h := f.hold(t.Context(), t, playlistPath+"?"+tc.query)
			for i, step := range tc.steps {
				if !h.stillHeld() {
					t.Fatalf("answered after %d of %d steps: %d %s", i, len(tc.steps), h.w.Code, h.w.Body)
				}
				step(t, f)
			}
			w := h.wait(t)
			if w.Code != http.StatusOK || w.Body.String() != tc.want {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if w.Header().Get("Cache-Control") != "max-age=24" {
				t.Errorf("Cache-Control = %q", w.Header().Get("Cache-Control"))
			}
			if got := f.value(t, "lectern_origin_blocked_reload_seconds", "served"); got != 1 {
				t.Errorf("served = %v", got)
			}
		})
	}
}

// The part index of a hint in the playlist's last position, when the segment
// that it would belong to has not begun.
func TestBlockingAtSegmentStart(t *testing.T) {
	f := started(t)
	f.finish(t, rendition) // the playlist ends with the whole segment 10, of one part
	for query, code := range map[string]int{
		"_HLS_msn=11&_HLS_part=6": 400,
		"_HLS_msn=12&_HLS_part=5": 400,
		"_HLS_msn=13":             400,
	} {
		if w := f.do(http.MethodGet, playlistPath+"?"+query); w.Code != code {
			t.Errorf("%s: %d, want %d", query, w.Code, code)
		}
	}
	h := f.hold(t.Context(), t, playlistPath+"?_HLS_msn=10&_HLS_part=1") // means part 11.0
	f.addPart(t, rendition)
	if w := h.wait(t); w.Code != 200 || w.Body.String() != text("full", 11, 1) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAdvancePartLimitOfLongParts(t *testing.T) {
	f := started(t)
	f.parts = 1200 * time.Millisecond
	if w := f.do(http.MethodGet, playlistPath+"?_HLS_msn=10&_HLS_part=4"); w.Code != 400 {
		t.Errorf("4 parts ahead: %d", w.Code)
	}
	h := f.hold(t.Context(), t, playlistPath+"?_HLS_msn=10&_HLS_part=3")
	f.end(rendition)
	h.wait(t)
}

// After ENDLIST nothing is waited for, and no directive is looked at.
func TestDirectivesAfterTheEnd(t *testing.T) {
	f := started(t)
	f.end(rendition)
	for _, query := range []string{"_HLS_msn=500", "_HLS_msn=x", "_HLS_part=1", "_HLS_skip=YES", "_HLS_skip=YES&_HLS_msn=10&_HLS_part=1"} {
		w := f.do(http.MethodGet, playlistPath+"?"+query)
		if w.Code != 200 || w.Body.String() != text("full", 10, 1) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	if w := f.do(http.MethodGet, f.path("p10.1-%s.m4s")); w.Code != 404 {
		t.Errorf("former hint: %d", w.Code)
	}
}

// An unmet request becomes 503 after min(3 x target duration, 8 s), and an old
// playlist is never sent.
func TestHoldCap(t *testing.T) {
	for _, tc := range []struct{ target, want time.Duration }{
		{4 * time.Second, 8 * time.Second},
		{2 * time.Second, 6 * time.Second},
	} {
		f := started(t)
		f.target = tc.target
		synctest.Test(t, func(t *testing.T) {
			// Channels of the bubble, not of the fixture.
			f.publish(rendition, f.current(rendition))
			begin := time.Now()
			w := f.do(http.MethodGet, playlistPath+"?_HLS_msn=10")
			if got := time.Since(begin); got != tc.want {
				t.Errorf("held for %s, want %s", got, tc.want)
			}
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Cache-Control") != "no-store" ||
				w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Content-Encoding") != "" {
				t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
			}
		})
		if got := f.value(t, "lectern_origin_blocked_reload_seconds", "timeout"); got != 1 {
			t.Errorf("timeouts = %v", got)
		}
	}
}

func TestWaitersAreBounded(t *testing.T) {
	f := started(t, func(c *origin.Config) { c.MaxWaiters = 2 })
	a := f.hold(t.Context(), t, playlistPath+"?_HLS_msn=10&_HLS_part=1")
	b := f.hold(t.Context(), t, f.path("p10.1-%s.m4s"))
	for _, url := range []string{playlistPath + "?_HLS_msn=10", f.path("p10.1-%s.m4s")} {
		w := f.do(http.MethodGet, url)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %v", url, w.Code, w.Header())
		}
	}
	if w := f.do(http.MethodGet, playlistPath+"?_HLS_msn=9"); w.Code != 200 {
		t.Errorf("a request that need not wait: %d", w.Code)
	}
	f.addPart(t, rendition)
	if a.wait(t).Code != 200 || b.wait(t).Code != 200 {
		t.Error("those who waited were not served")
	}
	if got := f.value(t, "lectern_origin_blocked_reload_seconds", "overload"); got != 2 {
		t.Errorf("overloads = %v", got)
	}
	f.hold(t.Context(), t, playlistPath+"?_HLS_msn=10&_HLS_part=2")
	f.addPart(t, rendition)
}

// Check 81: clients that leave cost nothing, even when nothing is ever
// published again.
func TestClientLeaves(t *testing.T) {
	f := started(t)
	server := httptest.NewServer(f.origin)
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	before := runtime.NumGoroutine()

	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	const n = 50
	for i := range n {
		url := server.URL + playlistPath + "?_HLS_msn=10"
		if i%2 == 0 {
			url = server.URL + f.path("p10.1-%s.m4s")
		}
		clients.Go(func() {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
			if err != nil {
				t.Error(err)
				return
			}
			if res, err := client.Do(r); err == nil {
				t.Errorf("answered with %s", res.Status)
				_ = res.Body.Close()
			}
		})
	}
	mediatest.Eventually(t, func() string {
		if got := f.waiters(t); got != n {
			return fmt.Sprintf("%v of %d wait", got, n)
		}
		return ""
	})
	cancel()
	clients.Wait()
	mediatest.Eventually(t, func() string {
		if got := f.waiters(t); got != 0 {
			return fmt.Sprintf("%v still wait", got)
		}
		if got := runtime.NumGoroutine(); got > before+2 {
			return fmt.Sprintf("%d goroutines, %d before", got, before)
		}
		return ""
	})
	mediatest.Eventually(t, func() string {
		if got := f.value(t, "lectern_origin_requests_total", "499"); got != n {
			return fmt.Sprintf("counted %v clients that left", got)
		}
		return ""
	})
	if got := f.value(t, "lectern_origin_blocked_reload_seconds", "client_gone"); got != n {
		t.Errorf("observed %v clients that left", got)
	}
}

// A snapshot that is not the one waited for wakes and changes nothing.
func TestWakingForNothing(t *testing.T) {
	f := started(t)
	h := f.hold(t.Context(), t, playlistPath+"?_HLS_msn=11&_HLS_part=0")
	for range 100 {
		f.publish(rendition, f.current(rendition)) // nothing new
	}
	if !h.stillHeld() {
		t.Fatal("answered by a snapshot without news")
	}
	f.finish(t, rendition)
	f.addPart(t, rendition)
	if w := h.wait(t); w.Code != 200 || !bytes.Contains(w.Body.Bytes(), []byte("next 0011.001")) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
