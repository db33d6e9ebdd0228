package conformance_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lectern/lectern/hls/conformance"
)

const goodMultivariant = `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",LANGUAGE="en",URI="audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1000000,AVERAGE-BANDWIDTH=900000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,AUDIO="audio",CLOSED-CAPTIONS=NONE
video.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=500000,AVERAGE-BANDWIDTH=400000,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360,AUDIO="audio",CLOSED-CAPTIONS=NONE
low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=250000,AVERAGE-BANDWIDTH=250000,CODECS="mp4a.40.2",CLOSED-CAPTIONS=NONE
audio.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,CODECS="avc1.64001f",RESOLUTION=1280x720,URI="iframes.m3u8"
`

const goodIFrames = `#EXTM3U
#EXT-X-VERSION:8
#EXT-X-TARGETDURATION:4
#EXT-X-I-FRAMES-ONLY
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-MAP:URI="init.mp4"
#EXTINF:4,
#EXT-X-BYTERANGE:1000@0
s0.m4s
#EXT-X-GAP
#EXTINF:4,
s1.m4s
#EXTINF:4,
#EXT-X-BYTERANGE:500@0
s2.m4s
#EXTINF:4,
#EXT-X-BYTERANGE:500@0
s3.m4s
`

// site is a small, correct server: three renditions whose playlists have a first
// state, a second and an end. A test spoils it by replacing text.
type site struct {
	spoil  func(path string, state int, body string) string
	header func(h http.Header)
	status func(r *http.Request) int // 0 goes on
	noGzip bool
	noETag bool
}

// state n of the playlist lists segments n to n+3 and one part of the next.
func (s *site) media(path string, state int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=2\n")
	b.WriteString("#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=6,HOLD-BACK=12,CAN-SKIP-UNTIL=24\n")
	fmt.Fprintf(&b, "#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-MAP:URI=\"init.mp4\"\n", state)
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := state; n < state+4; n++ {
		fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", epoch.Add(time.Duration(n)*4*time.Second).Format("2006-01-02T15:04:05.000Z"))
		fmt.Fprintf(&b, "#EXT-X-PART:DURATION=2,URI=\"p%d.0.m4s\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=2,URI=\"p%d.1.m4s\"\n#EXTINF:4,\ns%d.m4s\n", n, n, n)
	}
	if state >= 2 {
		b.WriteString("#EXT-X-ENDLIST\n")
		return b.String()
	}
	fmt.Fprintf(&b, "#EXT-X-PART:DURATION=2,URI=\"p%d.0.m4s\",INDEPENDENT=YES\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p%d.1.m4s\"\n", state+4, state+4)
	for _, other := range []string{"audio.m3u8", "low.m3u8", "video.m3u8"} {
		if path != "/"+other {
			fmt.Fprintf(&b, "#EXT-X-RENDITION-REPORT:URI=\"%s\",LAST-MSN=%d,LAST-PART=0\n", other, state+4)
		}
	}
	return b.String()
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Content-Type", "application/vnd.apple.mpegurl")
	h.Set("Vary", "Accept-Encoding")
	if !s.noETag {
		h.Set("ETag", `"x"`)
	}
	if s.header != nil {
		s.header(h)
	}
	if s.status != nil {
		if code := s.status(r); code != 0 {
			w.WriteHeader(code)
			return
		}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	state := 0
	var body string
	switch r.URL.Path {
	case "/index.m3u8":
		body = goodMultivariant
	case "/iframes.m3u8":
		body = goodIFrames
	case "/s0.m4s", "/s1.m4s", "/s2.m4s", "/s3.m4s", "/s4.m4s", "/s5.m4s":
		h.Set("Content-Type", "video/mp4")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(make([]byte, 100_000))) // 200 kbit/s
		return
	case "/video.m3u8", "/audio.m3u8", "/low.m3u8":
		q := r.URL.Query()
		if q.Has("_HLS_part") && !q.Has("_HLS_msn") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		// A blocking request for part 1 of segment n+4 brings state n+1.
		if msn, err := strconv.Atoi(q.Get("_HLS_msn")); err == nil {
			if msn > 50 {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			state = msn - 3
		}
		if q.Has("_HLS_skip") {
			state = 0
		}
		body = s.media(r.URL.Path, state)
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if s.spoil != nil {
		body = s.spoil(r.URL.Path, state, body)
	}
	if s.noGzip {
		_, _ = io.WriteString(w, body)
		return
	}
	h.Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	_, _ = io.WriteString(z, body)
	_ = z.Close()
}

func check(t *testing.T, s *site) conformance.Summary {
	t.Helper()
	srv := httptest.NewServer(s)
	defer srv.Close()
	sum, err := conformance.Check(t.Context(), conformance.Config{URL: srv.URL + "/index.m3u8", Duration: 5 * time.Second, Client: srv.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestGoodSiteIsClean(t *testing.T) {
	sum := check(t, &site{})
	if len(sum.Findings) != 0 {
		t.Errorf("findings on a good site: %v", sum.Findings)
	}
	if !sum.Ended || sum.Renditions != 3 || sum.Playlists < 9 || sum.LastMSN != 5 {
		t.Errorf("summary = %+v, want three renditions followed to their end at segment 5", sum)
	}
}

// A publisher whose sound comes a moment before its first picture is no fault.
func TestTracksNeedNotStartTogether(t *testing.T) {
	sum := check(t, &site{spoil: func(p string, _ int, b string) string {
		if p == "/audio.m3u8" {
			return strings.NewReplacer("00:00:00.000Z", "00:00:00.180Z", `2,URI="p0.0`, `1.82,URI="p0.0`, "EXTINF:4,\ns0", "EXTINF:3.82,\ns0").Replace(b)
		}
		return b
	}})
	if len(sum.Findings) != 0 {
		t.Errorf("findings: %v", sum.Findings)
	}
}

// Every rule must be seen to fail once, or it may be a rule that cannot fail.
func TestEveryRuleCanBreak(t *testing.T) {
	replace := func(pairs ...string) func(string, int, string) string {
		return func(_ string, _ int, body string) string { return strings.NewReplacer(pairs...).Replace(body) }
	}
	// in applies an edit to one playlist in one state only.
	in := func(path string, state int, pairs ...string) func(string, int, string) string {
		return func(p string, n int, body string) string {
			if p != path || n != state {
				return body
			}
			return strings.NewReplacer(pairs...).Replace(body)
		}
	}
	cases := []struct {
		rule int
		name string
		site *site
	}{
		{1, "not a playlist", &site{spoil: in("/video.m3u8", 0, "#EXTM3U\n", "")}},
		{2, "content type", &site{header: func(h http.Header) { h.Set("Content-Type", "text/plain") }}},
		{4, "no bandwidth", &site{spoil: replace(":BANDWIDTH=1000000,", ":")}},
		{4, "no bandwidth of I-frames", &site{spoil: replace("BANDWIDTH=90000,", "")}},
		{5, "no codecs", &site{spoil: replace(`CODECS="avc1.64001f,mp4a.40.2",`, "")}},
		{7, "no resolution", &site{spoil: replace("RESOLUTION=1280x720,", "")}},
		{9, "no average", &site{spoil: replace("AVERAGE-BANDWIDTH=900000,", "")}},
		{10, "bandwidth below the pictures' and the sound's", &site{spoil: replace(":BANDWIDTH=1000000,AVERAGE", ":BANDWIDTH=399999,AVERAGE")}},
		{13, "no such captions", &site{spoil: replace("CLOSED-CAPTIONS=NONE", `CLOSED-CAPTIONS="cc"`)}},
		{14, "none in quotes", &site{spoil: replace("CLOSED-CAPTIONS=NONE", `CLOSED-CAPTIONS="NONE"`)}},
		{14, "none on some", &site{spoil: replace(`CODECS="mp4a.40.2",CLOSED-CAPTIONS=NONE`, `CODECS="mp4a.40.2"`)}},
		{13, "no such group", &site{spoil: replace(`AUDIO="audio"`, `AUDIO="sound"`)}},
		{15, "no name", &site{spoil: replace(`NAME="Audio",`, "")}},
		{16, "no language", &site{spoil: replace(`LANGUAGE="en",`, "")}},
		{17, "one bit rate of video", &site{spoil: replace("BANDWIDTH=500000,", "BANDWIDTH=1000000,")}},
		{18, "not independent", &site{spoil: replace("#EXT-X-INDEPENDENT-SEGMENTS\n", "")}},
		{21, "no I-frame playlist", &site{spoil: replace("#EXT-X-I-FRAME-STREAM-INF", "#EXT-X-OTHER")}},
		{22, "no target duration", &site{spoil: replace("#EXT-X-TARGETDURATION:4\n", "")}},
		{23, "long segment", &site{spoil: replace("EXTINF:4,", "EXTINF:4.5,")}},
		{25, "no map", &site{spoil: replace("#EXT-X-MAP:URI=\"init.mp4\"\n", "")}},
		{26, "no dates", &site{spoil: replace("#EXT-X-PROGRAM-DATE-TIME", "#EXT-X-OTHER")}},
		{28, "dates repeat", &site{spoil: replace("00:00:08.000Z", "00:00:07.000Z")}},
		{31, "no discontinuity sequence", &site{spoil: replace("#EXT-X-DISCONTINUITY-SEQUENCE:0\n", "")}},
		{34, "target duration changes", &site{spoil: in("/video.m3u8", 1, "DURATION:4\n", "DURATION:5\n")}},
		{35, "media sequence goes back", &site{spoil: in("/video.m3u8", 1, "MEDIA-SEQUENCE:1", "MEDIA-SEQUENCE:-1")}},
		{36, "discontinuity sequence jumps", &site{spoil: in("/video.m3u8", 1, "DISCONTINUITY-SEQUENCE:0", "DISCONTINUITY-SEQUENCE:3")}},
		{37, "segment changes", &site{spoil: in("/video.m3u8", 1, "\ns2.m4s", "\nother2.m4s")}},
		{38, "segments skipped", &site{spoil: in("/video.m3u8", 1, "MEDIA-SEQUENCE:1", "MEDIA-SEQUENCE:9")}},
		{40, "removed segment gone", removedSite()},
		{42, "hint after the end", &site{spoil: in("/video.m3u8", 2, "#EXT-X-ENDLIST", "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p\"\n#EXT-X-ENDLIST")}},
		{44, "target durations differ", &site{spoil: in("/audio.m3u8", 0, "DURATION:4\n", "DURATION:6\n")}},
		{45, "server controls differ", &site{spoil: in("/audio.m3u8", 0, "HOLD-BACK=12", "HOLD-BACK=13")}},
		{46, "discontinuity numbers differ", &site{spoil: in("/audio.m3u8", 0, "DISCONTINUITY-SEQUENCE:0", "DISCONTINUITY-SEQUENCE:1")}},
		{47, "boundaries differ", &site{spoil: in("/audio.m3u8", 0, "EXTINF:4,\ns1.m4s", "EXTINF:3.8,\ns1.m4s")}},
		{49, "one rendition ends earlier", &site{spoil: in("/audio.m3u8", 2, "#EXTINF:4,\ns5.m4s\n", "")}},
		{48, "dates differ", &site{spoil: func(p string, _ int, b string) string {
			if p == "/audio.m3u8" {
				return strings.ReplaceAll(b, ".000Z", ".900Z")
			}
			return b
		}}},
		{60, "no part hold back", &site{spoil: replace("PART-HOLD-BACK=6,", "")}},
		{61, "short part hold back", &site{spoil: replace("PART-HOLD-BACK=6,", "PART-HOLD-BACK=5,")}},
		{62, "short hold back", &site{spoil: replace(",HOLD-BACK=12", ",HOLD-BACK=11")}},
		{62, "short skip boundary", &site{spoil: replace("CAN-SKIP-UNTIL=24", "CAN-SKIP-UNTIL=23")}},
		{63, "part target changes", &site{spoil: in("/video.m3u8", 1, "PART-TARGET=2", "PART-TARGET=2.1")}},
		{64, "long part", &site{spoil: replace("#EXT-X-PART:DURATION=2,", "#EXT-X-PART:DURATION=2.5,")}},
		{64, "short part", &site{spoil: replace("#EXT-X-PART:DURATION=2,", "#EXT-X-PART:DURATION=1.5,")}},
		{70, "no hint", &site{spoil: replace("#EXT-X-PRELOAD-HINT", "#EXT-X-OTHER")}},
		{72, "no report", &site{spoil: replace("#EXT-X-RENDITION-REPORT", "#EXT-X-OTHER")}},
		{72, "absolute report", &site{spoil: replace(`REPORT:URI="`, `REPORT:URI="http://x/`)}},
		{73, "old playlist", onlyOnce(&site{spoil: func(p string, _ int, _ string) string {
			return (&site{}).media(p, 0) // a reload that was not waited for
		}})},
		{76, "part without segment", &site{status: func(r *http.Request) int {
			if r.URL.RawQuery == "_HLS_part=0" {
				return http.StatusOK
			}
			return 0
		}}},
		{77, "far ahead", &site{status: func(r *http.Request) int {
			if msn, err := strconv.Atoi(r.URL.Query().Get("_HLS_msn")); err == nil && msn > 50 {
				return http.StatusOK
			}
			return 0
		}}},
		{80, "delta with other segments", deltaSite()},
		{83, "no gzip", &site{noGzip: true}},
		{85, "empty answer for unknown media", &site{status: func(r *http.Request) int {
			if strings.HasSuffix(r.URL.Path, ".m4s") {
				return http.StatusOK
			}
			return 0
		}}},
		{86, "any method", &site{status: func(r *http.Request) int {
			if r.Method == http.MethodDelete {
				return http.StatusOK
			}
			return 0
		}}},
		{87, "ranges ignored", &site{status: func(r *http.Request) int {
			if r.Header.Get("Range") != "" {
				return http.StatusOK
			}
			return 0
		}}},
		{87, "any range satisfied", &site{status: func(r *http.Request) int {
			if strings.HasPrefix(r.Header.Get("Range"), "bytes=1099") {
				return http.StatusPartialContent
			}
			return 0
		}}},
		{88, "no entity tag", &site{noETag: true}},
		{95, "listed segment missing", &site{status: func(r *http.Request) int {
			if r.URL.Path == "/s3.m4s" {
				return http.StatusNotFound
			}
			return 0
		}}},
		{96, "a gap everywhere", &site{spoil: replace("#EXTINF:4,\ns4.m4s", "#EXT-X-GAP\n#EXTINF:4,\ns4.m4s")}},
		{97, "not for I-frames only", &site{spoil: replace("#EXT-X-I-FRAMES-ONLY\n", "")}},
		{97, "no map for I-frames", &site{spoil: in("/iframes.m3u8", 0, "#EXT-X-MAP:URI=\"init.mp4\"\n", "")}},
		{97, "no such I-frame", &site{spoil: in("/iframes.m3u8", 0, "500@0\ns3", "500@0\ns9")}},
		{97, "no such I-frame playlist", &site{spoil: replace(`URI="iframes.m3u8"`, `URI="nothing.m3u8"`)}},
		{98, "no sound alone", &site{spoil: replace(`CODECS="mp4a.40.2",`, `CODECS="avc1.64000b,mp4a.40.2",RESOLUTION=256x144,`)}},
		{91, "no CORS", &site{header: func(h http.Header) { h.Del("Access-Control-Allow-Origin") }}},
	}
	broken := map[int]bool{}
	for _, tc := range cases {
		t.Run(fmt.Sprintf("rule %d: %s", tc.rule, tc.name), func(t *testing.T) {
			sum := check(t, tc.site)
			for _, f := range sum.Findings {
				if f.Rule == tc.rule {
					if f.Saw == "" || f.Want == "" || f.Section == "" || f.Where == "" || f.Times < 1 {
						t.Errorf("the finding does not say enough: %+v", f)
					}
					broken[tc.rule] = true
					return
				}
			}
			t.Errorf("not found; findings: %v", sum.Findings)
		})
	}
	if got, want := len(broken), conformance.Rules(); got != want {
		t.Errorf("%d of %d rules were seen to fail", got, want)
	}
}

// removedSite forgets a segment when it leaves the playlist.
func removedSite() *site {
	var gone atomic.Bool
	s := &site{}
	s.spoil = func(_ string, state int, b string) string {
		if state > 0 {
			gone.Store(true)
		}
		return b
	}
	s.status = func(r *http.Request) int {
		if gone.Load() && r.URL.Path == "/s0.m4s" {
			return http.StatusNotFound
		}
		return 0
	}
	return s
}

// deltaSite answers a delta request with segments that are not in the full playlist.
func deltaSite() *site {
	return &site{spoil: func(_ string, state int, b string) string {
		if state == 0 && strings.Contains(b, "MEDIA-SEQUENCE:0") {
			return strings.NewReplacer("\ns3.m4s", "\ns3.m4s", "#EXT-X-MAP", "#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXT-X-MAP").Replace(b)
		}
		return b
	}}
}

// onlyOnce lets s spoil one answer of each playlist.
func onlyOnce(s *site) *site {
	spoil := s.spoil
	var mu sync.Mutex
	done := map[string]bool{}
	return &site{spoil: func(p string, n int, b string) string {
		mu.Lock()
		defer mu.Unlock()
		if n != 1 || done[p] {
			return b
		}
		done[p] = true
		return spoil(p, n, b)
	}}
}

func TestUnreachable(t *testing.T) {
	for _, tc := range []struct{ name, url string }{
		{"not a URL", "live/class"},
		{"nobody listens", "http://127.0.0.1:1/index.m3u8"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := conformance.Check(t.Context(), conformance.Config{URL: tc.url, Duration: time.Second}); err == nil {
				t.Error("no error")
			}
		})
	}
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	_, err := conformance.Check(t.Context(), conformance.Config{URL: srv.URL, Duration: time.Second})
	if !errors.Is(err, conformance.ErrUnreachable) {
		t.Errorf("err = %v, want ErrUnreachable", err)
	}
}

func TestCancelledWatchReturns(t *testing.T) {
	srv := httptest.NewServer(&site{spoil: func(_ string, _ int, b string) string {
		return strings.ReplaceAll(b, "CAN-BLOCK-RELOAD=YES,", "")
	}})
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := conformance.Check(ctx, conformance.Config{URL: srv.URL + "/index.m3u8", Duration: time.Hour})
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want the context's", err)
	}
}
