package web_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/realtime/web"
)

var (
	startsAt = time.Date(2026, 11, 24, 9, 30, 0, 0, time.FixedZone("CET", 3600))
	now      = time.Date(2026, 11, 24, 8, 0, 0, 123456789, time.UTC)
)

type directory map[string]web.PublicClass

func (d directory) PublicClass(id string) (web.PublicClass, bool) {
	class, ok := d[id]
	return class, ok
}

func testClasses() directory {
	return directory{
		"bio": {ID: "bio", Title: "Biology 2", State: web.StateScheduled, StartsAt: startsAt, HLS: "/live/bio/index.m3u8"},
		"xss": {ID: "xss", Title: `"><script>alert(1)</script>`, State: web.StateLive, HLS: "javascript:alert(1)"},
		"end": {ID: "end", State: web.StateEnded},
	}
}

func newHandler(t *testing.T, cfg web.Config, deps web.Deps) *web.Handler {
	t.Helper()
	if deps.Classes == nil {
		deps.Classes = testClasses()
	}
	deps.Now = func() time.Time { return now }
	h, err := web.New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(t *testing.T, h http.Handler, method, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRoutes(t *testing.T) {
	h := newHandler(t, web.DefaultConfig(), web.Deps{})
	const html, jsonType, text = "text/html; charset=utf-8", "application/json; charset=utf-8", "text/plain; charset=utf-8"
	for _, tt := range []struct {
		name, method, target string
		status               int
		contentType, cache   string
	}{
		{"watch", "GET", "/watch/bio", 200, html, "no-cache"},
		{"watch head", "HEAD", "/watch/bio", 200, html, "no-cache"},
		{"unknown class", "GET", "/watch/chemistry", 404, html, "no-cache"},
		{"odd class", "GET", "/watch/%2e%2e%2fetc", 404, html, "no-cache"},
		{"class json", "GET", "/watch/bio/class.json", 200, jsonType, "max-age=1"},
		{"unknown class json", "GET", "/watch/chemistry/class.json", 404, jsonType, "max-age=1"},
		{"below class", "GET", "/watch/bio/other", 404, html, "no-cache"},
		{"no class", "GET", "/watch/", 404, html, "no-cache"},
		{"elsewhere", "GET", "/", 404, html, "no-cache"},
		{"unknown asset", "GET", "/assets/0/watch/main.mjs", 404, html, "no-cache"},
		{"asset folder", "GET", "/assets/hls.js-1.7.4/", 404, html, "no-cache"},
		{"hls.js", "GET", "/assets/hls.js-1.7.4/hls.min.mjs", 200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"hls.js license", "GET", "/assets/hls.js-1.7.4/LICENSE", 200, text, "public, max-age=31536000, immutable"},
		{"post watch", "POST", "/watch/bio", 405, text, ""},
		{"put json", "PUT", "/watch/bio/class.json", 405, text, ""},
		{"delete asset", "DELETE", "/assets/hls.js-1.7.4/hls.min.mjs", 405, text, ""},
		{"options elsewhere", "OPTIONS", "/nothing", 405, text, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := get(t, h, tt.method, tt.target)
			if resp.StatusCode != tt.status {
				t.Errorf("status %d, want %d", resp.StatusCode, tt.status)
			}
			if got := resp.Header.Get("Content-Type"); got != tt.contentType {
				t.Errorf("Content-Type %q, want %q", got, tt.contentType)
			}
			if got := resp.Header.Get("Cache-Control"); got != tt.cache {
				t.Errorf("Cache-Control %q, want %q", got, tt.cache)
			}
			if allow := resp.Header.Get("Allow"); (allow == "GET, HEAD") != (tt.status == 405) {
				t.Errorf("Allow is %q", allow)
			}
			if text := body(t, resp); (text == "") != (tt.method == "HEAD") {
				t.Errorf("body of %d bytes", len(text))
			}
			for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Content-Length"} {
				if resp.Header.Get(name) == "" {
					t.Errorf("no %s", name)
				}
			}
		})
	}
}

func TestContentSecurityPolicy(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  web.Config
		want []string
	}{
		{"default", web.DefaultConfig(), []string{"connect-src 'self';", "media-src 'self' blob: data:;", "frame-ancestors 'self'"}},
		{"nobody", web.Config{}, []string{"frame-ancestors 'none'"}},
		{
			"lms and cdn",
			web.Config{FrameAncestors: []string{"'self'", "https://*.example.edu"}, MediaOrigins: []string{"https://cdn.example.net:8443"}},
			[]string{
				"frame-ancestors 'self' https://*.example.edu", "connect-src 'self' https://cdn.example.net:8443;", "img-src 'self' https://cdn.example.net:8443;",
				"media-src 'self' blob: data: https://cdn.example.net:8443;",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			policy := get(t, newHandler(t, tt.cfg, web.Deps{}), "GET", "/watch/bio").Header.Get("Content-Security-Policy")
			for _, want := range append(tt.want, "default-src 'none'", "script-src 'self';", "style-src 'self';") {
				if !strings.Contains(policy, want) {
					t.Errorf("%q is not in %q", want, policy)
				}
			}
			if strings.Contains(policy, "unsafe") {
				t.Errorf("unsafe: %q", policy)
			}
		})
	}
}

func TestConfigValidate(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  web.Config
		want []string // one for each problem
	}{
		{"default", web.DefaultConfig(), nil},
		{"none with others", web.Config{FrameAncestors: []string{"'self'", "'none'"}}, []string{"web.frame_ancestors[1]: 'none' must stand alone"}},
		{"no scheme", web.Config{FrameAncestors: []string{"moodle.example.edu"}}, []string{"web.frame_ancestors[0]: "}},
		{"path", web.Config{MediaOrigins: []string{"https://a.example/x"}}, []string{"web.media_origins[0]: "}},
		{"injection", web.Config{MediaOrigins: []string{"https://a.example;script-src *", "https://a b", "*"}}, []string{
			"web.media_origins[0]: ", "web.media_origins[1]: ", "web.media_origins[2]: ",
		}},
		{"self is no media origin", web.Config{MediaOrigins: []string{"'self'"}}, []string{"web.media_origins[0]: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.cfg.Validate()
			if (err == nil) != (len(tt.want) == 0) {
				t.Fatalf("got %v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %q", want, err)
				}
			}
			if _, newErr := web.New(tt.cfg, web.Deps{Classes: testClasses()}); (newErr == nil) != (err == nil) {
				t.Errorf("New says %v", newErr)
			}
		})
	}
}

func TestNewNeedsClasses(t *testing.T) {
	if _, err := web.New(web.DefaultConfig(), web.Deps{}); !errors.Is(err, web.ErrNoClasses) {
		t.Errorf("got %v", err)
	}
}

func TestClassDocument(t *testing.T) {
	h := newHandler(t, web.DefaultConfig(), web.Deps{})
	resp := get(t, h, "GET", "/watch/bio/class.json")
	var got map[string]any
	if err := json.Unmarshal([]byte(body(t, resp)), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"id": "bio", "title": "Biology 2", "state": "scheduled", "starts_at": "2026-11-24T08:30:00Z",
		"server_time": "2026-11-24T08:00:00.123Z", "hls": "/live/bio/index.m3u8",
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s is %v, want %v", key, got[key], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("unexpected members: %v", got)
	}

	unannounced := body(t, get(t, h, "GET", "/watch/end/class.json"))
	for _, absent := range []string{"starts_at", "hls"} {
		if strings.Contains(unannounced, absent) {
			t.Errorf("%s in %s", absent, unannounced)
		}
	}

	var missing struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal([]byte(body(t, get(t, h, "GET", "/watch/none/class.json"))), &missing); err != nil {
		t.Fatal(err)
	}
	if missing.Error.Code != "class_not_found" || missing.Error.Message == "" {
		t.Errorf("got %+v", missing)
	}
}

// TestClassTagIgnoresTime: the entity tag stands for the class, not for the moment
// of asking, or no cache could ever revalidate.
func TestClassTagIgnoresTime(t *testing.T) {
	classes, clock := testClasses(), now
	h, err := web.New(web.DefaultConfig(), web.Deps{Classes: classes, Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	const target = "/watch/bio/class.json"
	tag := get(t, h, "GET", target).Header.Get("ETag")
	clock = clock.Add(time.Minute)
	resp := get(t, h, "GET", target, "If-None-Match", tag)
	if resp.StatusCode != http.StatusNotModified || body(t, resp) != "" {
		t.Errorf("later: status %d", resp.StatusCode)
	}
	live := classes["bio"]
	live.State = web.StateLive
	classes["bio"] = live
	if resp := get(t, h, "GET", target, "If-None-Match", tag); resp.StatusCode != http.StatusOK {
		t.Errorf("after a change: status %d", resp.StatusCode)
	}
}

func TestConditionalRequests(t *testing.T) {
	h := newHandler(t, web.DefaultConfig(), web.Deps{})
	for _, target := range []string{"/watch/bio", "/watch/bio/class.json", "/assets/hls.js-1.7.4/hls.min.mjs"} {
		tag := get(t, h, "GET", target).Header.Get("ETag")
		if tag == "" {
			t.Errorf("%s has no ETag", target)
		}
		for _, tt := range []struct {
			name, value string
			status      int
		}{
			{"same", tag, 304},
			{"weak", "W/" + strings.TrimPrefix(tag, "W/"), 304},
			{"in a list", `"a", ` + tag, 304},
			{"any", "*", 304},
			{"another", `"a"`, 200},
			{"empty", "", 200},
		} {
			t.Run(target+" "+tt.name, func(t *testing.T) {
				resp := get(t, h, "GET", target, "If-None-Match", tt.value)
				if resp.StatusCode != tt.status {
					t.Errorf("status %d, want %d", resp.StatusCode, tt.status)
				}
				if resp.Header.Get("ETag") != tag {
					t.Errorf("ETag %q", resp.Header.Get("ETag"))
				}
			})
		}
	}
	if tag := get(t, h, "GET", "/watch/none").Header.Get("ETag"); tag != "" {
		t.Errorf("404 has ETag %s", tag)
	}
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	h := newHandler(t, web.DefaultConfig(), web.Deps{Registerer: reg})
	for _, target := range []string{"/watch/bio", "/watch/none", "/watch/bio/class.json", "/favicon.ico"} {
		get(t, h, "GET", target)
	}
	want := `
# HELP lectern_web_requests_total Requests for pages and their files, by route and status code.
# TYPE lectern_web_requests_total counter
lectern_web_requests_total{code="200",route="class"} 1
lectern_web_requests_total{code="200",route="watch"} 1
lectern_web_requests_total{code="404",route="none"} 1
lectern_web_requests_total{code="404",route="watch"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}
