package origin_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lectern/lectern/hls/origin"
	"github.com/lectern/lectern/media/mediatest"
)

const (
	hostileRequests = 10000
	hostileClients  = 4
	idleConnections = 200
	stuckReaders    = 20
	deserters       = 100 // ask for what comes next, and leave
	liveViewers     = 20
	// bait is in every token and in many other places; nothing of it may come back.
	bait = "BAITbaitBAIT"
)

// hostile makes up requests.
type hostile struct {
	*rand.Rand
	f *fixture
}

func (h *hostile) one(of ...string) string { return of[h.IntN(len(of))] }

// junk is up to n bytes that HTTP lets pass in a request line or a header value.
func (h *hostile) junk(n int) string {
	const alphabet = `abcXYZ019-._~!$&'()*+,;=:@/?%"<>[]{}|\^` + "`"
	b := make([]byte, h.IntN(n+1))
	for i := range b {
		b[i] = alphabet[h.IntN(len(alphabet))]
	}
	return string(b)
}

func (h *hostile) path() string {
	f := h.f
	good := h.one(
		"/live/"+class+"/index.m3u8", playlistPath, f.path("s9-%s.m4s"), f.path("init-0-%s.mp4"), f.path("p10.0-%s.m4s"), f.path("p9.1-%s.m4s"),
		"/live/"+class+"/dvr.m3u8", "/live/"+class+"/steering.json", "/live/"+class+"/source/iframes.m3u8", "/live/"+class+"/source/recording.m3u8",
		"/live/"+class+"/check",
	)
	switch h.IntN(12) {
	case 0, 1, 2:
		return good
	case 3:
		return "/t/" + bait + h.junk(40) + good
	case 4:
		return "/t/" + strings.Repeat(bait, h.IntN(300)) + good
	case 5:
		return "/t/" + h.one(goodToken, expiredToken, revokedToken, "", ".", "%2e%2e") + good
	case 6:
		return strings.Replace(good, "/", h.one("//", "%2f", "/./", "/../", "%5c", "/%2e%2e/", "%00", ";/", "/%c0%ae%c0%ae/"), h.IntN(4)+1)
	case 7:
		at := h.IntN(len(good)) + 1
		return good[:at] + fmt.Sprintf("%%%02x", h.IntN(256)) + good[at:]
	case 8:
		return "/live/" + h.junk(300)
	case 9:
		return "/live/" + class + "/source/" + h.one("s", "p", "init-") + strings.Repeat("9", h.IntN(80)) + h.one("", ".", "-", ".1-") + h.junk(10) + ".m4s"
	case 10:
		return good + h.one("/", ".gz", "%20", "..", "\\", "~", "%00.mp4")
	default:
		return "/" + strings.Repeat(h.one("t/", "live/", "../", "a/"), h.IntN(500))
	}
}

// query never asks for what is about to come: that is held, and others do it.
func (h *hostile) query() string {
	var parts []string
	for range h.IntN(4) {
		parts = append(parts, h.one(
			"_HLS_msn=", "_HLS_msn=9", "_HLS_msn=-1", "_HLS_msn=99999999999999999999", "_HLS_msn=0x9", "_HLS_msn=%39", "_HLS_msn="+bait,
			"_HLS_part=0", "_HLS_part="+strings.Repeat("1", 30), "_HLS_skip=YES", "_HLS_skip="+bait, "_HLS_skip=v2", "%5fHLS_skip=YES",
			"CMCD="+bait, "token="+bait, "&&&;;;", "=", "%", "%zz=%zz", h.junk(100), strings.Repeat("a=b&", h.IntN(3000)),
		))
	}
	if len(parts) == 0 {
		return ""
	}
	return "?" + strings.Join(parts, "&")
}

func (h *hostile) header() string {
	switch h.IntN(14) {
	case 0:
		return "Range: bytes=" + h.one("0-", "-1", "-0", "9-1", "5000-", "0-0", "-", "x", strings.Repeat("9", 100)+"-")
	case 1:
		return "Range: bytes=" + strings.Repeat("0-1,", h.IntN(1500)) + "-1"
	case 2:
		return "Range: " + h.junk(50)
	case 3:
		return "Range: bytes=0-1\r\nRange: bytes=2-3"
	case 4:
		return "Accept-Encoding: " + h.one("gzip", "*", "gzip;q=", "gzip;q=NaN", "gzip;q=-1", strings.Repeat("gzip,", h.IntN(1500)), ";;;,,,", h.junk(60))
	case 5:
		return "If-None-Match: " + h.one("*", `"`, `W/"`, strings.Repeat(`"x",`, h.IntN(1500)), h.junk(60))
	case 6:
		return h.one("If-Modified-Since", "If-Unmodified-Since", "If-Range") + ": " + h.one("0", "Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", h.junk(40))
	case 7:
		return "If-Match: " + h.one(`"x"`, "*", h.junk(40))
	case 8:
		return origin.HeaderShield + ": " + bait + h.junk(200)
	case 9:
		return "Cookie: " + bait
	case 10:
		return "Origin: https://" + bait + ".example\r\nAccess-Control-Request-Method: DELETE"
	case 11:
		return "X-Forwarded-Host: " + bait + "\r\nX-Original-URL: /" + bait
	case 12:
		return "X-" + strings.Repeat("a", h.IntN(2000)) + ": " + h.junk(200)
	default:
		return "Accept: */*"
	}
}

// request is one whole request, and its method.
func (h *hostile) request() (text, method string) {
	method = h.one("GET", "GET", "GET", "GET", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE", "BREW", "get")
	target := strings.Map(func(c rune) rune { // what would end the request line
		if c <= ' ' || c > '~' {
			return -1
		}
		return c
	}, h.path()+h.query())
	text = method + " " + target + " HTTP/1.1\r\nHost: x\r\n"
	for range h.IntN(4) {
		text += h.header() + "\r\n"
	}
	body := ""
	if h.IntN(10) == 0 {
		body = strings.Repeat(bait, h.IntN(100))
		text += "Content-Length: " + strconv.Itoa(len(body)) + "\r\n"
	}
	return text + "\r\n" + body, method
}

// attack sends n requests and says what was wrong with an answer.
func (h *hostile) attack(addr string, n int, answers *[600]atomic.Int64) error {
	var c net.Conn
	var in *bufio.Reader
	defer func() {
		if c != nil {
			_ = c.Close()
		}
	}()
	for range n {
		if c == nil {
			var err error
			if c, err = net.Dial("tcp", addr); err != nil { //nolint:noctx // on loopback
				return err
			}
			in = bufio.NewReader(c)
		}
		text, method := h.request()
		_, _ = io.WriteString(c, text) // what becomes of it is seen below
		res, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			// net/http has cut the connection over something it could not read.
			answers[0].Add(1)
			_ = c.Close()
			c = nil
			continue
		}
		body, err := io.ReadAll(res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil && !res.Close {
			return fmt.Errorf("%s: %w after %.200q", res.Status, err, text)
		}
		answers[res.StatusCode].Add(1)
		if res.StatusCode >= 500 && res.StatusCode != http.StatusServiceUnavailable {
			return fmt.Errorf("%s %s after %.200q", res.Status, body, text)
		}
		if all := fmt.Sprint(res.Header, string(body)); strings.Contains(all, bait) || strings.Contains(all, goodToken) {
			return fmt.Errorf("the answer to %.200q repeats it: %.500s", text, all)
		}
		if len(body) > 2*partSize {
			return fmt.Errorf("%d bytes after %.200q", len(body), text)
		}
		if res.Close {
			_ = c.Close()
			c = nil
		}
	}
	return nil
}

// Whatever is thrown at the origin, it answers with the codes of its contract,
// keeps nothing, repeats nothing, and those who wait for the next part get it.
func TestHostileRequests(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	f := started(t, func(c *origin.Config) { c.CDN = cdns })
	server := httptest.NewUnstartedServer(f.origin)
	server.Config.WriteTimeout, server.Config.ReadHeaderTimeout, server.Config.MaxHeaderBytes = time.Minute, time.Minute, 16<<10
	server.Start()
	addr := server.Listener.Addr().String()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", addr) //nolint:noctx // on loopback
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	var wg sync.WaitGroup
	var kept []net.Conn
	for range idleConnections {
		kept = append(kept, dial())
	}
	for i := range stuckReaders { // ask for a lot, read nothing
		c := dial()
		kept = append(kept, c)
		wg.Go(func() {
			_, _ = io.WriteString(c, strings.Repeat("GET "+f.path("s9-%s.m4s")+" HTTP/1.1\r\nHost: x\r\n\r\n", 10*(i+1)))
		})
	}

	// The viewers wait for the next part, and ask again when they have waited for too
	// long, for as long as it takes.
	var viewers sync.WaitGroup
	var missed [liveViewers]error
	for i := range missed {
		url := []string{playlistPath + "?_HLS_msn=10&_HLS_part=1", f.path("p10.1-%s.m4s"), behind(goodToken, playlistPath+"?_HLS_msn=10&_HLS_part=1")}[i%3]
		want := []string{text("full", 10, 2), string(partData(10, 1)), text("full", 10, 2)}[i%3]
		viewers.Go(func() {
			for {
				w := f.do(http.MethodGet, url)
				if late := w.Header().Get("Cache-Control") == "no-store"; late && (w.Code == http.StatusServiceUnavailable || w.Code == http.StatusNotFound) {
					continue
				}
				if w.Code != http.StatusOK || w.Body.String() != want {
					missed[i] = fmt.Errorf("viewer %d: %d with %d bytes", i, w.Code, w.Body.Len())
				}
				return
			}
		})
	}

	var answers [600]atomic.Int64
	var faults [hostileClients]error
	attackers := sync.WaitGroup{}
	for i := range hostileClients {
		h := &hostile{Rand: rand.New(rand.NewPCG(4, uint64(i))), f: f} //nolint:gosec // the same each time
		attackers.Go(func() { faults[i] = h.attack(addr, hostileRequests/hostileClients, &answers) })
	}
	for range deserters {
		c := dial()
		if _, err := fmt.Fprintf(c, "GET %s?_HLS_msn=11 HTTP/1.1\r\nHost: x\r\n\r\n", playlistPath); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
	attackers.Wait()
	for _, err := range faults {
		if err != nil {
			t.Error(err)
		}
	}
	sum := int64(0)
	for code := range answers {
		sum += answers[code].Load()
	}
	if cut := answers[0].Load(); sum != hostileRequests || cut > hostileRequests/10 {
		t.Errorf("%d answers, %d requests were cut off", sum, cut)
	}
	for _, code := range []int{200, 204, 206, 304, 400, 403, 404, 405, 412, 416} {
		if answers[code].Load() == 0 {
			t.Errorf("no hostile request was answered with %d: the test has lost its variety", code)
		}
	}
	mediatest.Eventually(t, func() string {
		if n := f.waiters(t); n != liveViewers {
			return fmt.Sprintf("%v requests are held, %d viewers wait", n, liveViewers)
		}
		return ""
	})

	f.addPart(t, rendition)
	viewers.Wait()
	for _, err := range missed {
		if err != nil {
			t.Error(err)
		}
	}
	for _, c := range kept {
		_ = c.Close()
	}
	wg.Wait()
	server.Close()
	mediatest.Eventually(t, func() string {
		if n := runtime.NumGoroutine(); n > goroutines {
			return fmt.Sprintf("%d goroutines, %d before", n, goroutines)
		}
		return ""
	})
	if f.logged.Len() != 0 {
		t.Errorf("log: %s", f.logged)
	}
}
