//go:build e2e

package main_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// ask makes one request, with all of its header at hand.
func ask(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

// refuses: only a good token for this very class comes through, and none at all
// only as far as the origin says.
func refuses(t *testing.T, e *edge, g *gate) {
	t.Helper()
	good := newToken()
	soon := time.Now().Add(time.Hour)
	uri := "/live/" + cdnClass + "/source/index.m3u8"
	flipped := good[:len(good)-3] + map[bool]string{true: "B", false: "A"}[good[len(good)-3] == 'A'] + good[len(good)-2:]
	for _, tc := range []struct {
		name, path string
		want       int
	}{
		{"good", "/t/" + good + uri, http.StatusOK},
		{"good, second key", "/t/" + mintToken("k2", cdnKeyTwo, cdnClass, soon) + uri, http.StatusOK},
		{"none", uri, http.StatusForbidden},
		{"empty", "/t/" + uri, http.StatusNotFound},
		{"garbage", "/t/v1.k1" + uri, http.StatusForbidden},
		{"one bit of the MAC", "/t/" + flipped + uri, http.StatusForbidden},
		{"expired", "/t/" + mintToken("k1", cdnKeyOne, cdnClass, time.Now().Add(-time.Second)) + uri, http.StatusForbidden},
		{"another class", "/t/" + mintToken("k1", cdnKeyOne, "geometry", soon) + uri, http.StatusForbidden},
		{"the other key", "/t/" + mintToken("k2", cdnKeyOne, cdnClass, soon) + uri, http.StatusForbidden},
		{"a key that is not known", "/t/" + mintToken("k3", "", cdnClass, soon) + uri, http.StatusForbidden},
		{"longer expiry", "/t/" + strings.Replace(good, fmt.Sprint(time.Now().Year()), "9", 1) + "x" + uri, http.StatusForbidden},
		{"not a class", "/t/" + good + "/live/../api/v1/classes", http.StatusNotFound},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res, body := ask(t, http.MethodGet, e.base+tc.path)
			if res.StatusCode != tc.want {
				t.Errorf("%s answers %d %.200q, want %d", tc.path, res.StatusCode, body, tc.want)
			}
			if res.StatusCode == http.StatusForbidden && res.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Error("a page cannot read the refusal")
			}
		})
	}

	res, _ := ask(t, http.MethodOptions, e.base+"/t/"+good+uri, "Origin", "https://lms.invalid", "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "range")
	if res.StatusCode != http.StatusNoContent || !strings.Contains(res.Header.Get("Access-Control-Allow-Headers"), "Range") {
		t.Errorf("a preflight is answered %s, %v", res.Status, res.Header)
	}
	res, _ = ask(t, http.MethodPost, e.base+"/t/"+good+uri)
	if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") == "" {
		t.Errorf("POST is answered %s, %v", res.Status, res.Header)
	}

	// Compressed for who likes it, plain for who does not, from one request.
	for _, coding := range []string{"gzip, deflate, br", "gzip", "identity", ""} {
		res, body := ask(t, http.MethodGet, e.base+"/t/"+newToken()+uri, "Accept-Encoding", coding)
		zipped := strings.HasPrefix(body, "\x1f\x8b")
		if zipped != strings.Contains(coding, "gzip") || zipped != (res.Header.Get("Content-Encoding") == "gzip") {
			t.Errorf("Accept-Encoding %q: Content-Encoding %q of %.10q", coding, res.Header.Get("Content-Encoding"), body)
		}
		if res.Header.Get("Age") == "" {
			t.Error("no Age, which players tune in with")
		}
		if res.Header.Get("Surrogate-Key") != "" || res.Header.Get("Cache-Tag") != "" {
			t.Error("the viewer sees the cache's tags")
		}
	}

	// Other words in the query are not part of the key, and the order is one.
	queries := []string{
		"_HLS_msn=0&_HLS_part=0", "_HLS_part=0&_HLS_msn=0", "CMCD=bl%3D100&_HLS_msn=0&_HLS_part=0", "_HLS_msn=0&session=7&_HLS_part=0&utm=x",
	}
	for _, query := range queries {
		if res, body := ask(t, http.MethodGet, e.base+"/t/"+newToken()+uri+"?"+query); res.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d %s", query, res.StatusCode, body)
		}
	}
	pulls, _ := g.seen()
	count := 0
	for _, p := range pulls {
		if strings.Contains(p.key, "_HLS_msn=0") {
			count++
			if want := "token " + uri + "?_HLS_msn=0&_HLS_part=0"; p.key != want {
				t.Errorf("the origin was asked for %q, want %q", p.key, want)
			}
		}
	}
	if count != 1 {
		t.Errorf("four spellings of one playlist made %d requests to the origin", count)
	}
	for _, query := range []string{"_HLS_part=0", "_HLS_msn=abc", "_HLS_msn=-1", "_HLS_msn=0&_HLS_skip=maybe"} {
		if res, _ := ask(t, http.MethodGet, e.base+"/t/"+good+uri+"?"+query); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s answers %d, want 400", query, res.StatusCode)
		}
	}
}

// earlyPart asks for a part before the playlist hints at it: its 404 must be
// forgotten a second later.
func earlyPart(t *testing.T, e *edge, g *gate) {
	t.Helper()
	dir := "/live/" + cdnClass + "/source/"
	_, body := ask(t, http.MethodGet, g.direct+dir+"index.m3u8")
	l, err := parseList(body)
	if err != nil || len(l.parts) == 0 {
		t.Fatalf("no parts: %v in\n%s", err, body)
	}
	// The second part of the segment after the next.
	newest := l.parts[len(l.parts)-1]
	_, epoch, _ := strings.Cut(newest, "-")
	uri := fmt.Sprintf("%sp%d.1-%s", dir, l.msn+1, epoch)
	viewer := e.base + "/t/" + newToken() + uri
	if res, _ := ask(t, http.MethodGet, viewer); res.StatusCode != http.StatusNotFound {
		t.Fatalf("%s is there already: %s", uri, res.Status)
	}
	var there time.Time
	until(t, func() string {
		asked := time.Now()
		res, _ := ask(t, http.MethodGet, viewer)
		switch {
		case res.StatusCode == http.StatusOK:
			return ""
		case !there.IsZero() && asked.Sub(there) > 3*time.Second:
			t.Fatalf("%s: still %s, three seconds after the part came", e.name, res.Status)
		case there.IsZero():
			if res, _ = ask(t, http.MethodHead, g.direct+uri); res.StatusCode == http.StatusOK {
				there = time.Now()
			}
		}
		return "no such part"
	})
}

// stall: a 503 reaches who asked, and nobody who asks later.
func stall(t *testing.T, e *edge, g *gate) {
	t.Helper()
	for _, uri := range []string{
		"/live/" + cdnClass + "/source/index.m3u8?_HLS_msn=1&_HLS_part=1", // a blocking reload, so old that nobody has asked for it
		"/live/" + cdnClass + "/audio/index.m3u8?_HLS_skip=YES",           // a plain one, which nobody has in cache
	} {
		g.set(uri, true)
		url := e.base + "/t/" + newToken() + uri
		res, _ := ask(t, http.MethodGet, url)
		if res.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("%s answers %s, want 503", uri, res.Status)
		}
		g.set(uri, false)
		mended := time.Now()
		until(t, func() string {
			asked := time.Now()
			res, _ := ask(t, http.MethodGet, url)
			if res.StatusCode == http.StatusOK {
				return ""
			}
			if asked.Sub(mended) > 2*time.Second {
				t.Fatalf("%s keeps %s of %s", e.name, res.Status, uri)
			}
			return res.Status
		})
	}
	// Those who wait for one answer get that answer, or ask again themselves.
	uri := "/live/" + cdnClass + "/audio/index.m3u8?_HLS_msn=1&_HLS_part=1"
	g.set(uri, true)
	before, _ := g.seen()
	const herd = 20
	codes := make([]int, herd)
	var wg sync.WaitGroup
	for i := range codes {
		wg.Go(func() { codes[i] = status(t.Context(), t, e.base+"/t/"+newToken()+uri) })
	}
	wg.Wait()
	for _, code := range codes {
		if code != http.StatusServiceUnavailable {
			t.Errorf("one of the herd got %d", code)
		}
	}
	g.set(uri, false)
	after, _ := g.seen()
	t.Logf("%s: %d viewers of a stalled playlist made %d requests to the origin", e.name, herd, len(after)-len(before))
}

// status asks for url as a viewer who may leave, and returns 0 if it did.
func status(ctx context.Context, t *testing.T, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Error(err)
		return 0
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// leaver: the first of many who wait for a playlist close the page. The others get
// it all the same, for one more request at most.
func leaver(t *testing.T, e *edge, g *gate) {
	t.Helper()
	_, body := ask(t, http.MethodGet, g.direct+"/live/"+cdnClass+"/audio/index.m3u8")
	l, err := parseList(body)
	if err != nil {
		t.Fatal(err)
	}
	uri := fmt.Sprintf("/live/%s/audio/index.m3u8?_HLS_msn=%d", cdnClass, l.msn+1)
	first, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { status(first, t, e.base+"/t/"+newToken()+uri) })
	}
	until(t, func() string {
		if g.came(uri) == 0 {
			return "the origin was not asked yet"
		}
		return ""
	})
	codes := make([]int, 10)
	for i := range codes {
		wg.Go(func() { codes[i] = status(t.Context(), t, e.base+"/t/"+newToken()+uri) })
	}
	leave()
	wg.Wait()
	for _, code := range codes {
		if code != http.StatusOK {
			t.Errorf("one who stayed got %d", code)
		}
	}
	if n := g.came(uri); n > 2 {
		t.Errorf("%s asked %d times after some viewers left", e.name, n)
	} else {
		t.Logf("%s: ten viewers left, ten stayed, %d requests", e.name, n)
	}
}

// away: without the origin the playlists last a little longer, what cannot be
// answered is a 5xx that a page can read and no cache keeps, and the first request
// after its return is served.
func away(t *testing.T, e *edge, g *gate) {
	t.Helper()
	dir := e.base + "/t/" + newToken() + "/live/" + cdnClass + "/source/"
	if res, body := ask(t, http.MethodGet, dir+"index.m3u8"); res.StatusCode != http.StatusOK {
		t.Fatalf("answers %d %s", res.StatusCode, body)
	}
	g.die(true)
	died := time.Now()
	until(t, func() string {
		asked := time.Now()
		res, body := ask(t, http.MethodGet, dir+"index.m3u8")
		// stale-if-error is three target durations.
		if res.StatusCode != http.StatusOK && time.Since(died) < 6*time.Second {
			t.Fatalf("%s: %d %s, %s after the origin went away", e.name, res.StatusCode, body, time.Since(died))
		}
		if asked.Sub(died) < 3*time.Second {
			return "it may be fresh"
		}
		return ""
	})
	res, _ := ask(t, http.MethodGet, dir+"index.m3u8?_HLS_msn=0&_HLS_skip=v2")
	if res.StatusCode < 500 || res.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(res.Header.Get("Cache-Control"), "no-store") {
		t.Errorf("what is not in cache is answered %s, %v", res.Status, res.Header)
	}
	g.die(false)
	until(t, func() string {
		res, _ := ask(t, http.MethodGet, dir+"index.m3u8?_HLS_msn=0&_HLS_skip=v2")
		if res.StatusCode != http.StatusOK {
			return res.Status
		}
		return ""
	})
}

// public: a class that needs no token is cached for those without one, too, and
// what a token paid for never is.
func public(t *testing.T, e *edge, g *gate) {
	t.Helper()
	uri := "/live/" + cdnClass + "/source/index.m3u8?_HLS_msn=1"
	ask(t, http.MethodGet, e.base+"/t/"+newToken()+uri) // is in the cache now
	if res, _ := ask(t, http.MethodGet, e.base+uri); res.StatusCode != http.StatusForbidden {
		t.Errorf("who has no token gets %s of what others paid for", res.Status)
	}
	g.open(true)
	until(t, func() string { // a refusal may live for a moment, too
		res, body := ask(t, http.MethodGet, e.base+uri)
		if res.StatusCode != http.StatusOK {
			return fmt.Sprintf("a public class answers %d %s", res.StatusCode, body)
		}
		return ""
	})
	for range 3 {
		if res, body := ask(t, http.MethodGet, e.base+uri); res.StatusCode != http.StatusOK {
			t.Errorf("a public class answers %d %s", res.StatusCode, body)
		}
	}
	pulls, _ := g.seen()
	count := 0
	for _, p := range pulls {
		if p.key == "anonymous "+uri && p.status == http.StatusOK {
			count++
		}
	}
	if count != 1 {
		t.Errorf("three viewers without a token made %d requests", count)
	}
}
