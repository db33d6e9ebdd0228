package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lectern/lectern/hls/conformance"
)

func numbers(sum conformance.Summary) (out []int) {
	for _, f := range sum.Findings {
		out = append(out, f.Number)
	}
	return slices.Compact(out)
}

func TestUnreachable(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	for _, tc := range []struct {
		name, url string
		duration  time.Duration
	}{
		{"not a URL", "live/class", time.Second},
		{"another scheme", "file:///etc/passwd", time.Second},
		{"nobody listens", "http://127.0.0.1:1/index.m3u8", time.Second},
		{"nothing there", srv.URL, time.Second},
		{"no time", srv.URL, 0},
		{"too much time", srv.URL, 25 * time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := conformance.Check(t.Context(), conformance.Config{URL: tc.url, Duration: tc.duration})
			if !errors.Is(err, conformance.ErrUnreachable) {
				t.Errorf("err = %v, want ErrUnreachable", err)
			}
		})
	}
}

func TestCancelledWatchReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{clip: shared(t), start: time.Now()}
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, context.Canceled)
		defer cancel()
		_, err := conformance.Check(ctx, conformance.Config{URL: siteURL + "/live/index.m3u8", Duration: time.Hour, Client: inProcess{handler: s}.client()})
		if err == nil || ctx.Err() == nil {
			t.Errorf("err = %v, want the context's", err)
		}
	})
}

// What has ended is read, not watched.
func TestWatchEndsWithThePresentation(t *testing.T) {
	for name, s := range map[string]*site{"long ago": {ended: true}, "while we watch": {ends: 9 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s.watch = time.Hour
				began := time.Now()
				sum := s.check(t.Context(), t)
				if took := time.Since(began); took > 15*time.Second || !sum.Ended || sum.Segments < 9 {
					t.Errorf("%d segments read in %v, ended: %v", sum.Segments, took, sum.Ended)
				}
			})
		})
	}
}

// A viewer's token is in the path, and for good measure in the query. It stands in
// no finding and no error, even where the server repeats it.
func TestTokenIsNotRepeated(t *testing.T) {
	const token, key = "v1.a.1893456000.abcdefgh.x.sEcReTsEcReT", "0123456789abcdef"
	s := &site{entry: "/t/" + token + "/live/index.m3u8"}
	s.header = func(_ *http.Request, h http.Header) { h.Set("Content-Type", "text/"+token) }
	s.text = func(p string, _ time.Duration, b string) string {
		return strings.ReplaceAll(strings.ReplaceAll(b, "\ns1", "\n/t/"+token+"/s1"), `URI="`, `URI="/t/`+token+`/`+strings.TrimSuffix(p[len("/t/"+token):], "index.m3u8")+"?k="+key)
	}
	synctest.Test(t, func(t *testing.T) {
		s.clip, s.start = shared(t), time.Now()
		sum, err := conformance.Check(t.Context(), conformance.Config{URL: siteURL + s.entry + "?k=" + key, Duration: 10 * time.Second, Client: inProcess{handler: s}.client()})
		b, jerr := json.Marshal(sum)
		if err != nil || jerr != nil {
			t.Fatal(err, jerr)
		}
		if strings.Contains(string(b), token) || strings.Contains(string(b), key) || len(sum.Findings) == 0 {
			t.Errorf("summary with the token, or without findings: %s", b)
		}
	})
	_, err := conformance.Check(t.Context(), conformance.Config{URL: "http://127.0.0.1:1/t/" + token + "/live/x/index.m3u8?k=" + key, Duration: time.Second})
	if err == nil || strings.Contains(err.Error(), token) || strings.Contains(err.Error(), key) {
		t.Errorf("err = %v, want one without the token", err)
	}
}

// A publisher whose sound comes a moment before its first picture is no fault.
func TestTracksNeedNotStartTogether(t *testing.T) {
	s := (&site{since: 5 * time.Second, window: 300}).with(func(s *site) {
		s.text = func(p string, _ time.Duration, b string) string {
			if !strings.HasSuffix(p, "audio/index.m3u8") {
				return b
			}
			// The first frames of sound are missing, so it begins 171 ms later.
			return strings.NewReplacer("PROGRAM-DATE-TIME:"+s.began().UTC().Format("2006-01-02T15:04:05.000Z"), "PROGRAM-DATE-TIME:"+s.began().Add(171*time.Millisecond).UTC().Format("2006-01-02T15:04:05.000Z"),
				"EXTINF:4.010667,\ns0", "EXTINF:3.840000,\ns0").Replace(b)
		}
	})
	for _, n := range numbers(check(t, s)) {
		if n == 28 || n >= 46 && n <= 48 {
			t.Errorf("rule %d is said to be broken", n)
		}
	}
}

// A cache may answer with what was true a moment ago.
func TestStaleCopiesOfACacheAreNoFault(t *testing.T) {
	var mu sync.Mutex // guards kept
	kept := map[string]string{}
	s := &site{noParts: true, watch: 30 * time.Second, window: 230, since: 1000 * time.Second}
	s.text = func(p string, at time.Duration, b string) string {
		mu.Lock()
		defer mu.Unlock()
		// Two caches, one of which is two seconds behind for ever.
		key := p + (at / (2 * time.Second)).String()
		if _, has := kept[key]; !has {
			kept[key] = b
		}
		if int(at/(500*time.Millisecond))%2 == 1 {
			return kept[key]
		}
		return b
	}
	s.text = plainly(s.text)
	sum := check(t, s)
	for _, f := range sum.Findings {
		t.Errorf("through a cache: %s", f)
	}
}

// plainly takes blocking reloads out of playlists, so that they are polled for.
func plainly(then func(string, time.Duration, string) string) func(string, time.Duration, string) string {
	return func(p string, at time.Duration, b string) string {
		return then(p, at, strings.ReplaceAll(b, "CAN-BLOCK-RELOAD=YES,", ""))
	}
}

// A server that says it is overloaded, or without a publisher, is not broken.
func TestUnavailableIsNoFault(t *testing.T) {
	s := &site{watch: 40 * time.Second, window: 230, since: 1000 * time.Second}
	s.late = func(_ string, n int) time.Duration {
		if n >= 1010 {
			return 20 * time.Second // the publisher is away
		}
		return 0
	}
	s.answer = func(w http.ResponseWriter, r *http.Request, at time.Duration) bool {
		if at < 9*time.Second || at > 29*time.Second || !r.URL.Query().Has("_HLS_msn") {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	for _, f := range check(t, s).Findings {
		if f.Number == 39 || f.Number == 65 || f.Number == 73 || f.Number == 78 {
			t.Errorf("with 503: %s", f)
		}
	}
}

// The checker does not make a bad server worse: one that answers every reload at once
// with the same is asked as seldom as one without blocking reloads.
func TestServerThatDoesNotBlockIsNotFlooded(t *testing.T) {
	var asked atomic.Int64
	s := &site{}
	s.answer = func(w http.ResponseWriter, r *http.Request, _ time.Duration) bool {
		asked.Add(1)
		if r.URL.Query().Has("_HLS_msn") {
			s.send(w, r, s.list("high", false, false), "max-age=2")
			return true
		}
		return false
	}
	sum := check(t, s)
	if !slices.Contains(numbers(sum), 73) {
		t.Errorf("findings: %v, want rule 73", sum.Findings)
	}
	if n := asked.Load(); n > 1000 {
		t.Errorf("%d requests in 10 s", n)
	}
}
