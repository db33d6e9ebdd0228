package web_test

import (
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/lectern/lectern/realtime/web"
)

func TestPageEscapesTitle(t *testing.T) {
	h := newHandler(t, web.DefaultConfig(), web.Deps{})
	page := body(t, get(t, h, "GET", "/watch/xss"))
	if strings.Contains(page, "<script>alert") {
		t.Error("title is markup")
	}
	if !strings.Contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("title is missing")
	}
	document := body(t, get(t, h, "GET", "/watch/xss/class.json"))
	if strings.Contains(document, "<script>") {
		t.Errorf("markup in %s", document)
	}
}

func TestPageCarriesState(t *testing.T) {
	h := newHandler(t, web.DefaultConfig(), web.Deps{})
	page := body(t, get(t, h, "GET", "/watch/bio"))
	for _, want := range []string{
		"<title>Biology 2 · Lectern</title>", `data-state="scheduled"`, `data-starts-at="2026-11-24T08:30:00Z"`,
		`data-hls="/live/bio/index.m3u8"`, `data-class-url="/watch/bio/class.json"`, `lang="en"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if page := body(t, get(t, h, "GET", "/watch/end")); !strings.Contains(page, "<title>Untitled class · Lectern</title>") || strings.Contains(page, "modulepreload\" href=\"/assets/hls.js") {
		t.Error("ended class: no title, or hls.js fetched for nothing")
	}
}

// TestPageIsSelfContained follows every URL of the pages and of the scripts, and
// finds nothing that the content security policy would refuse.
func TestPageIsSelfContained(t *testing.T) {
	h := newHandler(t, web.DefaultConfig(), web.Deps{Rooms: doorman{}, Studio: hostess{}})
	link := regexp.MustCompile(`(?:src|href)="([^"#]+)"`)
	imported := regexp.MustCompile(`from '(\.\.?/[^']+)'`)
	seen := map[string]bool{}
	for _, page := range []string{"/watch/bio", "/watch/none", "/studio/bio"} {
		text := body(t, get(t, h, "GET", page))
		for _, inline := range []string{"<style", " style=", " onclick=", "<script>"} {
			if strings.Contains(text, inline) {
				t.Errorf("%s has inline %s", page, inline)
			}
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			seen[m[1]] = true
		}
	}
	scripts := 0
	for url := range seen {
		resp := get(t, h, "GET", url)
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", url, resp.StatusCode)
		}
		text := body(t, resp)
		if strings.Contains(text, "sourceMappingURL") {
			t.Errorf("%s wants a source map", url)
		}
		if !strings.HasSuffix(url, ".mjs") || strings.Contains(url, "hls.min") {
			continue
		}
		scripts++
		for _, m := range imported.FindAllStringSubmatch(text, -1) {
			if next := path.Join(path.Dir(url), m[1]); !seen[next] {
				t.Errorf("%s imports %s, which the page does not preload", url, m[1])
			}
		}
	}
	if scripts < 10 {
		t.Errorf("only %d scripts", scripts)
	}
}

func TestThumbnail(t *testing.T) {
	classes := directory{
		"none":     {ID: "none", Title: "Biology 2", State: web.StateLive},
		"here":     {ID: "here", Title: `A "quoted" title`, State: web.StateLive, Thumbnail: "/live/here/thumbnail.jpg"},
		"cdn":      {ID: "cdn", State: web.StateLive, Thumbnail: "https://cdn.example.net/live/cdn/thumbnail.jpg"},
		"wrong":    {ID: "wrong", State: web.StateLive, Thumbnail: "javascript:alert(1)"},
		"inviting": {ID: "inviting", State: web.StateLive, Thumbnail: `"><script>`},
	}
	origin := func(r *http.Request) string { return "https://" + r.Host }
	for _, tc := range []struct {
		name, class string
		origin      func(*http.Request) string
		want, not   []string
	}{
		{"none", "none", origin, []string{`og:title" content="Biology 2"`}, []string{"poster", "og:image"}},
		{"here", "here", origin, []string{
			`poster="/live/here/thumbnail.jpg"`, `og:image" content="https://example.com/live/here/thumbnail.jpg"`, `og:title" content="A &#34;quoted&#34; title"`,
		}, nil},
		{"origin unknown", "here", nil, []string{`poster="/live/here/thumbnail.jpg"`}, []string{"og:image"}},
		{"origin broken", "here", func(*http.Request) string { return "::" }, []string{"poster"}, []string{"og:image"}},
		{"elsewhere", "cdn", origin, []string{`poster="https://cdn.example.net/live/cdn/thumbnail.jpg"`, `content="https://cdn.example.net/live/cdn/thumbnail.jpg"`}, nil},
		{"no picture", "wrong", origin, nil, []string{"og:image", `poster="javascript:`}},
		{"markup", "inviting", origin, nil, []string{"<script>\""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			page := body(t, get(t, newHandler(t, web.DefaultConfig(), web.Deps{Classes: classes, Origin: tc.origin}), "GET", "/watch/"+tc.class))
			for _, want := range tc.want {
				if !strings.Contains(page, want) {
					t.Errorf("%s is missing", want)
				}
			}
			for _, not := range tc.not {
				if strings.Contains(page, not) {
					t.Errorf("%s is there", not)
				}
			}
		})
	}
}
