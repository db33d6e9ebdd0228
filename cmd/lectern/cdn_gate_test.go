//go:build e2e

package main_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	cdnKeyOne = "Yh0lWmPqZ3-first-token-key-of-the-cdn-test"
	cdnKeyTwo = "Xk8sVnQrB4_second-token-key-of-the-cdn-test"
	cdnShield = "shield-secret-of-the-cdn-test"
	cdnClass  = "algebra"
)

// mintToken returns a viewer's token as README.md in configs/cdn describes it.
func mintToken(kid, key, class string, expires time.Time) string {
	jti := make([]byte, 8)
	_, _ = rand.Read(jti) // never fails
	signed := fmt.Sprintf("v1.%s.%d.%d.%s.%s", kid, expires.Add(-7*time.Hour).Unix(), expires.Unix(), hex.EncodeToString(jti), class)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func newToken() string {
	return mintToken("k1", cdnKeyOne, cdnClass, time.Now().Add(time.Hour))
}

// pull is one request that a cache made to the origin.
type pull struct {
	key     string // viewer, path and query: one object
	status  int
	cache   string    // Cache-Control of the answer
	written time.Time // when the answer's header was there
}

// gate stands between one cache and the origin: it lets in who has the shield
// secret, keeps a class with tokens from those who have none, and writes down
// every request. It can be told to answer 503.
type gate struct {
	*httptest.Server
	direct string // the origin itself

	mu       sync.Mutex // guards the fields below
	pulls    []pull
	faults   []string
	broken   map[string]bool      // paths with query that are answered 503
	anybody  bool                 // the class is public
	dead     bool                 // connections are cut
	answered map[string]time.Time // when an object was first there
	asked    map[string]int       // how often a path with query was asked for, answered or not
}

func startGate(t *testing.T, origin string) *gate {
	t.Helper()
	to, err := url.Parse("http://" + origin)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{direct: to.String(), broken: map[string]bool{}, answered: map[string]time.Time{}, asked: map[string]int{}}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		FlushInterval: -1,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
		ErrorLog:      slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // who goes away before the answer is not a fault
		ModifyResponse: func(r *http.Response) error {
			g.note(r.Request.Header.Get("X-Gate-Key"), r.StatusCode, r.Header)
			return nil
		},
	}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Lectern-Viewer") + " " + r.URL.RequestURI()
		if part := r.Header.Get("Range"); part != "" {
			key += " " + part // Traffic Server fetches and keeps nothing but the range
		}
		if r.Method != http.MethodGet {
			key = r.Method + " " + key
		}
		refusal := g.admit(r)
		if refusal == refusedDead {
			panic(http.ErrAbortHandler) // the connection is cut
		}
		if refusal != 0 {
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
			g.note(key, refusal, w.Header())
			http.Error(w, http.StatusText(refusal), refusal)
			return
		}
		r.Header.Set("X-Gate-Key", key)
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

// refusedDead is no status: the origin is away.
const refusedDead = -1

// admit returns the status with which r is refused, or 0.
func (g *gate) admit(r *http.Request) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	viewer := r.Header.Get("Lectern-Viewer")
	g.asked[r.URL.RequestURI()]++
	switch {
	case g.dead:
		return refusedDead
	case r.Header.Get("Lectern-Shield") != cdnShield:
		g.fault("%s without the shield secret", r.URL)
		return http.StatusForbidden
	case viewer != "token" && viewer != "anonymous":
		g.fault("%s for a viewer %q", r.URL, viewer)
		return http.StatusForbidden
	case viewer == "anonymous" && !g.anybody:
		return http.StatusForbidden
	case g.broken[r.URL.RequestURI()]:
		return http.StatusServiceUnavailable
	}
	if !strings.HasPrefix(r.URL.Path, "/live/") {
		g.fault("a path of %q", r.URL)
	}
	var all strings.Builder
	_ = r.Header.Write(&all) // a strings.Builder takes everything
	if text := r.URL.String() + all.String(); strings.Contains(text, "v1.k") {
		g.fault("a token came to the origin: %s", text)
	}
	for _, name := range []string{"Cookie", "Referer", "Authorization", "Cmcd-Session"} {
		if r.Header.Get(name) != "" {
			g.fault("the viewer's %s came to the origin", name)
		}
	}
	return 0
}

func (g *gate) fault(format string, args ...any) {
	if len(g.faults) < 20 {
		g.faults = append(g.faults, fmt.Sprintf(format, args...))
	}
}

func (g *gate) note(key string, status int, h http.Header) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.pulls = append(g.pulls, pull{key: key, status: status, cache: h.Get("Cache-Control"), written: now})
	if _, ok := g.answered[key]; !ok {
		g.answered[key] = now
	}
}

// set changes what the gate does with a path and query.
func (g *gate) set(uri string, broken bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.broken[uri] = broken
}

func (g *gate) open(toAnybody bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.anybody = toAnybody
}

// seen returns what came so far.
func (g *gate) seen() (pulls []pull, faults []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append(pulls, g.pulls...), append(faults, g.faults...)
}

func (g *gate) die(dead bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dead = dead
}

// came returns how often the cache asked for uri.
func (g *gate) came(uri string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked[uri]
}

// firstAnswer returns when the origin first answered for an object of a viewer with a token.
func (g *gate) firstAnswer(uri string) (time.Time, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at, ok := g.answered["token "+uri]
	return at, ok
}
