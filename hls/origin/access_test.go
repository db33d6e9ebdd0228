package origin_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/hls/origin"
)

const (
	secretA = "first-shield-secret"
	secretB = "second-shield-secret"
)

func shielded(c *origin.Config) { c.ShieldSecrets = []origin.Secret{secretA, secretB} }

// behind returns the path under a viewer token.
func behind(token, path string) string { return "/t/" + token + path }

// Who may see what, and what they are told.
func TestAccess(t *testing.T) {
	fixtures := map[bool]*fixture{false: started(t), true: started(t, shielded)}
	const multivariant, check = "/live/" + class + "/index.m3u8", "/live/" + class + "/check"
	for _, tc := range []struct {
		name                string
		protected, shielded bool
		path, secret        string
		code                int
		reason              string // label, if denied
		text                string // in the body, if denied
	}{
		{"public class", false, false, multivariant, "", 200, "", ""},
		{"public class, good token", false, false, behind(goodToken, multivariant), "", 200, "", ""},
		{"public class, forged token", false, false, behind("x", multivariant), "", 403, "invalid", "not valid"},
		{"protected class", true, false, multivariant, "", 403, "missing", "needs a viewer token"},
		{"protected class, steering", true, false, "/live/" + class + "/steering.json", "", 403, "missing", "needs"},
		{"protected class, absent file", true, false, "/live/" + class + "/source/s1-x.m4s", "", 403, "missing", "needs"},
		{"protected class, empty token", true, false, behind("", multivariant), "", 403, "missing", "needs"},
		{"protected class, good token", true, false, behind(goodToken, multivariant), "", 200, "", ""},
		{"protected class, good token, playlist", true, false, behind(goodToken, playlistPath), "", 200, "", ""},
		{"protected class, expired token", true, false, behind(expiredToken, multivariant), "", 403, "expired", "has expired"},
		{"protected class, revoked token", true, false, behind(revokedToken, multivariant), "", 403, "revoked", "was revoked"},
		{"protected class, forged token", true, false, behind(goodToken+"x", multivariant), "", 403, "invalid", "not valid"},
		{"protected class, endless token", true, false, behind(strings.Repeat("x", 5000), multivariant), "", 403, "invalid", "not valid"},
		{"protected class, secret where none is known", true, false, multivariant, secretA, 403, "missing", "needs"},
		{"token of another class", true, false, behind(goodToken, "/live/geometry/index.m3u8"), "", 403, "invalid", "not valid"},
		{"unknown class", true, false, "/live/geometry/index.m3u8", "", 404, "", ""},
		{"check", true, false, behind(goodToken, check), "", 204, "", ""},
		{"check of a forged token", true, false, behind("x", check), "", 403, "invalid", "not valid"},
		{"check of an expired token", true, false, behind(expiredToken, check), "", 403, "expired", "has expired"},
		{"two tokens", true, false, behind(goodToken, behind(goodToken, multivariant)), "", 404, "", ""},
		{"token and no more", true, false, behind(goodToken, ""), "", 404, "", ""},
		{"token and another place", true, false, behind(goodToken, "/watch/x"), "", 404, "", ""},

		{"shield, no secret", false, true, multivariant, "", 403, "shield", "CDN only"},
		{"shield, wrong secret", false, true, multivariant, secretA + "x", 403, "shield", "CDN only"},
		{"shield, part of a secret", false, true, multivariant, secretA[:len(secretA)-1], 403, "shield", "CDN only"},
		{"shield, endless secret", false, true, multivariant, strings.Repeat("x", 9000), 403, "shield", "CDN only"},
		{"shield, both secrets in one", false, true, multivariant, secretA + secretB, 403, "shield", "CDN only"},
		{"shield, no secret, good token", true, true, behind(goodToken, multivariant), "", 403, "shield", "CDN only"},
		{"shield, no secret, no such name", true, true, "/live/x", "", 403, "shield", "CDN only"},
		{"shield, first secret", false, true, multivariant, secretA, 200, "", ""},
		{"shield, second secret", false, true, multivariant, secretB, 200, "", ""},
		{"shield, protected class", true, true, multivariant, secretB, 403, "missing", "needs a viewer token"},
		{"shield, protected class, forged token", true, true, behind("x", multivariant), secretB, 403, "invalid", "not valid"},
		{"shield, protected class, good token", true, true, behind(goodToken, multivariant), secretB, 200, "", ""},
		{"shield, check", true, true, behind(goodToken, check), secretB, 204, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := fixtures[tc.shielded]
			f.protected = tc.protected
			all, before := f.value(t, "lectern_origin_denied_total"), f.value(t, "lectern_origin_denied_total", tc.reason)
			var headers []string
			if tc.secret != "" {
				headers = []string{origin.HeaderShield, tc.secret}
			}
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				w := f.do(method, tc.path, headers...)
				if w.Code != tc.code {
					t.Fatalf("%s: code = %d, want %d: %s", method, w.Code, tc.code, w.Body)
				}
				h := w.Header()
				if h.Get("Access-Control-Allow-Origin") != "*" {
					t.Error("no CORS header")
				}
				if tc.code == http.StatusForbidden && (h.Get("Cache-Control") != "no-store" || h.Get("Surrogate-Key")+h.Get("Cache-Tag")+h.Get("ETag") != "") {
					t.Errorf("%s: headers %v", method, h)
				}
				if tc.code == http.StatusNoContent && (h.Get("Cache-Control") != "max-age=10" || w.Body.Len() != 0) {
					t.Errorf("%s: headers %v", method, h)
				}
				if method == http.MethodGet && !strings.Contains(w.Body.String(), tc.text) {
					t.Errorf("body = %q, want %q in it", w.Body, tc.text)
				}
				everything := fmt.Sprint(h, w.Body.String())
				for _, private := range []string{goodToken, expiredToken, revokedToken, secretA, secretB, "abcdefgh", "c2lnbmF0dXJl"} {
					if strings.Contains(everything, private) {
						t.Errorf("%s: the answer repeats %q: %s", method, private, everything)
					}
				}
			}
			all, before = f.value(t, "lectern_origin_denied_total")-all, f.value(t, "lectern_origin_denied_total", tc.reason)-before
			if want := map[bool]float64{true: 2}[tc.reason != ""]; all != want || before != want {
				t.Errorf("denied = %v, for %s = %v, want %v", all, tc.reason, before, want)
			}
			if f.logged.Len() != 0 {
				t.Errorf("log: %s", f.logged)
			}
		})
	}
}

// What the CDN says of the viewer counts if it proves that it is the CDN, and says it
// once: a client may have sent the header, too.
func TestVouchedViewers(t *testing.T) {
	const multivariant = "/live/" + class + "/index.m3u8"
	for _, tc := range []struct {
		name     string
		shielded bool
		headers  []string
		code     int
	}{
		{"vouched", true, []string{origin.HeaderShield, secretA, origin.HeaderViewer, origin.ViewerToken}, 200},
		{"anonymous", true, []string{origin.HeaderShield, secretA, origin.HeaderViewer, "anonymous"}, 403},
		{"another spelling", true, []string{origin.HeaderShield, secretA, origin.HeaderViewer, "Token"}, 403},
		{"contradiction", true, []string{origin.HeaderShield, secretA, origin.HeaderViewer, origin.ViewerToken, origin.HeaderViewer, "anonymous"}, 403},
		{"wrong secret", true, []string{origin.HeaderShield, "guess", origin.HeaderViewer, origin.ViewerToken}, 403},
		{"no secret", true, []string{origin.HeaderViewer, origin.ViewerToken}, 403},
		{"no shield", false, []string{origin.HeaderShield, secretA, origin.HeaderViewer, origin.ViewerToken}, 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := started(t)
			if tc.shielded {
				f = started(t, shielded)
			}
			f.protected = true
			if w := f.do(http.MethodGet, multivariant, tc.headers...); w.Code != tc.code {
				t.Errorf("%d, want %d", w.Code, tc.code)
			}
		})
	}
}

// stills is a Pictures that says what it was asked for.
type stills struct{}

func (stills) ServePicture(w http.ResponseWriter, _ *http.Request, class, file string) {
	_, _ = fmt.Fprint(w, class, " ", file)
}

// Pictures are behind the same doors as media.
func TestPicturesAreProtected(t *testing.T) {
	f := started(t)
	const path = "/live/" + class + "/thumbnail.jpg"
	if w := f.do(http.MethodGet, path); w.Code != http.StatusNotFound {
		t.Errorf("without pictures: %d", w.Code)
	}
	origin.WithPictures(stills{})(f.origin)
	for _, tc := range []struct {
		protected bool
		path      string
		code      int
		body      string
	}{
		{false, path, 200, class + " thumbnail.jpg"},
		{false, "/live/" + class + "/storyboard.vtt", 200, class + " storyboard.vtt"},
		{false, "/live/" + class + "/a/thumbnail.jpg", 404, "not found\n"},
		{false, "/live/" + class + "/lectern.db", 404, "not found\n"},
		{true, path, 403, "the class needs a viewer token\n"},
		{true, behind(goodToken, path), 200, class + " thumbnail.jpg"},
		{true, behind(expiredToken, path), 403, "the viewer token has expired\n"},
	} {
		f.protected = tc.protected
		if w := f.do(http.MethodGet, tc.path); w.Code != tc.code || w.Body.String() != tc.body {
			t.Errorf("%s, protected %v: %d %q", tc.path, tc.protected, w.Code, w.Body)
		}
	}
}

// Behind a token everything is as it is without, to the last header.
func TestTokenChangesNothing(t *testing.T) {
	f := started(t, func(c *origin.Config) { c.CDN = cdns })
	for _, path := range []string{
		"/live/" + class + "/index.m3u8", "/live/" + class + "/steering.json", playlistPath, playlistPath + "?_HLS_msn=9&_HLS_skip=YES",
		"/live/" + class + "/source/iframes.m3u8", f.path("init-0-%s.mp4"), f.path("s9-%s.m4s"), f.path("p10.0-%s.m4s"), f.path("s77-%s.m4s"),
		playlistPath + "?_HLS_part=1",
	} {
		without := f.do(http.MethodGet, path)
		f.protected = true
		with := f.do(http.MethodGet, behind(goodToken, path))
		f.protected = false
		if with.Code != without.Code || with.Body.String() != without.Body.String() {
			t.Errorf("%s: %d with %d bytes, want %d with %d", path, with.Code, with.Body.Len(), without.Code, without.Body.Len())
		}
		if strings.HasPrefix(path[strings.LastIndex(path, "/")+1:], "p10") {
			without.Header().Del("Cache-Control") // counts down
			with.Header().Del("Cache-Control")
		}
		if got, want := fmt.Sprint(with.Header()), fmt.Sprint(without.Header()); got != want {
			t.Errorf("%s: headers\n%s, want\n%s", path, got, want)
		}
	}
}

// A request that is held has been let in: it is not asked again.
func TestTokenExpiresWhileHeld(t *testing.T) {
	f := started(t)
	f.protected = true
	h := f.hold(t.Context(), t, behind(goodToken, playlistPath+"?_HLS_msn=10&_HLS_part=1"))
	f.addPart(t, rendition)
	if w := h.wait(t); w.Code != http.StatusOK || w.Body.String() != text("full", 10, 2) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Without a gate there are no tokens.
func TestNoGate(t *testing.T) {
	f := started(t)
	o, err := origin.New(origin.DefaultConfig(), f, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	f.origin = o
	for _, path := range []string{"/live/" + class + "/index.m3u8", "/live/" + class + "/check"} {
		if w := f.do(http.MethodGet, behind(goodToken, path)); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := f.do(http.MethodGet, "/live/"+class+"/index.m3u8"); w.Code != http.StatusOK {
		t.Errorf("without token: %d", w.Code)
	}
}

// A preflight says nothing about a class, so it needs no token; but it is for the
// CDN, if there is a shield.
func TestPreflightAccess(t *testing.T) {
	f := started(t)
	f.protected = true
	if w := f.do(http.MethodOptions, behind("x", playlistPath)); w.Code != http.StatusNoContent {
		t.Errorf("preflight: %d", w.Code)
	}
	f = started(t, shielded)
	if w := f.do(http.MethodOptions, playlistPath); w.Code != http.StatusForbidden {
		t.Errorf("preflight past the CDN: %d", w.Code)
	}
	if w := f.do(http.MethodOptions, playlistPath, origin.HeaderShield, secretA); w.Code != http.StatusNoContent {
		t.Errorf("preflight from the CDN: %d", w.Code)
	}
}

// A CDN that adds its secret to what the client sent.
func TestShieldHeaderTwice(t *testing.T) {
	f := started(t, shielded)
	if w := f.do(http.MethodGet, playlistPath, origin.HeaderShield, "guess", origin.HeaderShield, secretB); w.Code != http.StatusOK {
		t.Errorf("%d", w.Code)
	}
	if w := f.do(http.MethodGet, playlistPath, origin.HeaderShield, "guess", origin.HeaderShield, "guess"); w.Code != http.StatusForbidden {
		t.Errorf("%d", w.Code)
	}
}

func TestSecretDoesNotPrint(t *testing.T) {
	cfg := origin.DefaultConfig()
	shielded(&cfg)
	asJSON, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", cfg.ShieldSecrets[0], "all", cfg)
	outputs := []string{string(asJSON), log.String(), fmt.Sprint(cfg)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T"} {
		outputs = append(outputs, fmt.Sprintf(verb, cfg), fmt.Sprintf(verb, cfg.ShieldSecrets), fmt.Sprintf(verb, cfg.ShieldSecrets[0]))
	}
	for _, out := range outputs {
		if strings.Contains(out, "shield-secret") || strings.Contains(strings.ToLower(out), fmt.Sprintf("%x", "shield-secret")) {
			t.Errorf("the secret is in %s", out)
		}
	}
	if origin.Secret("").String() != "" {
		t.Error("the empty secret does not show")
	}
	f := started(t, shielded)
	if out := fmt.Sprintf("%+v %#v", f.origin, f.origin); strings.Contains(out, "shield-secret") {
		t.Error("the origin holds the secret")
	}
}
