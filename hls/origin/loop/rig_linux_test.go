package loop_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lectern/lectern/hls/origin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stub is a handler that answers in all the ways that the origin does, and some more.
// It is the same behind net/http and behind loops.
type stub struct {
	folder string

	mu      sync.Mutex // guards the fields below
	changed chan struct{}
	ready   bool
	ended   map[string]int // held requests, by how they ended
}

const fileSize = 3 << 20

func newStub(tb testing.TB) *stub {
	tb.Helper()
	s := &stub{folder: tb.TempDir(), changed: make(chan struct{}), ended: map[string]int{}}
	s.file(tb, "s1", fileSize)
	return s
}

// file makes a file whose bytes tell where they are.
func (s *stub) file(tb testing.TB, name string, size int) {
	tb.Helper()
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i>>12 ^ i)
	}
	if err := os.WriteFile(filepath.Join(s.folder, name), b, 0o600); err != nil {
		tb.Fatal(err)
	}
}

// change makes what is waited for exist, or only looks as if.
func (s *stub) change(ready bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed, s.ready = make(chan struct{}), ready
}

func (s *stub) state() (<-chan struct{}, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed, s.ready
}

func (s *stub) ends(how string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended[how]
}

func isMedia(path string) bool {
	return strings.HasPrefix(path, "/live/") || strings.HasPrefix(path, "/t/")
}

// ServeHTTP implements http.Handler.
func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !isMedia(r.URL.Path) {
		s.servePage(w, r)
		return
	}
	h := w.Header()
	h["Content-Type"] = []string{"text/plain"}
	switch what := strings.TrimPrefix(r.URL.Path, "/live/"); what {
	case "shared":
		body(w, http.StatusOK, "one", "two", "", "three")
	case "nothing":
		body(w, http.StatusOK)
	case "copied":
		h["Date"] = []string{"today"}
		text := []byte("hello")
		h["Content-Length"] = []string{"10"}
		_, _ = w.Write(text)
		copy(text, "olleh")
		_, _ = w.Write(text)
	case "unsized":
		_, _ = io.WriteString(w, "no length")
	case "file", "section":
		s.serveFile(w, r, what == "section")
	case "mixed":
		h["Content-Length"] = []string{strconv.Itoa(fileSize + 6)}
		_, _ = io.WriteString(w, "abc")
		s.sendFile(w, "s1", 0, fileSize/2)
		s.sendFile(w, "s1", fileSize/2, fileSize-fileSize/2)
		_, _ = io.WriteString(w, "def")
	case "none":
		h["Content-Length"] = []string{"5"}
		w.WriteHeader(http.StatusNoContent)
	case "unchanged":
		h["Etag"], h["Content-Length"] = []string{`"x"`}, []string{"5"}
		w.WriteHeader(http.StatusNotModified)
		if _, err := w.Write([]byte("hello")); !errors.Is(err, http.ErrBodyNotAllowed) {
			panic(err)
		}
	case "missing":
		body(w, http.StatusNotFound, "missing\n")
	case "short":
		h["Content-Length"] = []string{"100"}
		_, _ = io.WriteString(w, "less")
	case "long":
		h["Content-Length"] = []string{"4"}
		if _, err := w.Write([]byte("more than that")); !errors.Is(err, http.ErrContentLength) && r.Method == http.MethodGet {
			panic(err)
		}
		_, _ = io.WriteString(w, "four")
	case "closing":
		h["Connection"] = []string{"close"}
		body(w, http.StatusOK, "bye")
	case "panic":
		panic(http.ErrAbortHandler)
	case "held":
		s.serveHeld(w, r)
	default:
		body(w, http.StatusOK, dump(r))
	}
}

// dump is all of a request that a handler may look at, but for addresses.
func dump(r *http.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s host=%s uri=%s close=%v length=%d escaped=%s force=%v\n", r.Method, r.URL, r.Proto, r.Host, r.RequestURI, r.Close, r.ContentLength, r.URL.RawPath, r.URL.ForceQuery)
	var keys []string
	for k := range r.Header {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fmt.Fprintf(&b, "%s: %q\n", k, r.Header[k])
	}
	return b.String()
}

func (s *stub) servePage(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/upgrade" {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer c.Close() //nolint:errcheck // a test
		if under, ok := c.(interface{ NetConn() net.Conn }); ok {
			if _, ok = under.NetConn().(*net.TCPConn); !ok {
				panic(fmt.Sprintf("below is a %T", under.NetConn()))
			}
		} else if _, ok = c.(*net.TCPConn); !ok {
			panic(fmt.Sprintf("nothing is known of what is below a %T", c))
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(c, rw)
		return
	}
	b, _ := io.ReadAll(r.Body)
	body(w, http.StatusOK, "page: ", dump(r), string(b))
}

func body(w http.ResponseWriter, code int, chunks ...string) {
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(strings.Join(chunks, "")))}
	w.WriteHeader(code)
	for _, c := range chunks {
		if s, ok := w.(origin.Sharer); ok {
			_, _ = s.WriteShared([]byte(c))
		} else {
			_, _ = io.WriteString(w, c)
		}
	}
}

func (s *stub) serveFile(w http.ResponseWriter, r *http.Request, section bool) {
	from, _ := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
	from = min(max(from, 0), fileSize)
	w.Header()["Content-Length"] = []string{strconv.FormatInt(fileSize-from, 10)}
	if !section {
		s.sendFile(w, "s1", from, fileSize-from)
		return
	}
	f, err := os.Open(filepath.Join(s.folder, "s1"))
	if err != nil {
		panic(err)
	}
	defer f.Close() //nolint:errcheck // read-only
	in := struct {
		*io.SectionReader
		io.Closer
	}{io.NewSectionReader(f, 0, fileSize), f}
	_, _ = in.Seek(from, io.SeekStart)
	_, _ = io.Copy(w, &io.LimitedReader{R: in, N: fileSize - from})
}

// sendFile sends n bytes of a file as the origin does, in two steps.
func (s *stub) sendFile(w http.ResponseWriter, name string, from, n int64) {
	f, err := os.Open(filepath.Join(s.folder, name))
	if err != nil {
		panic(err)
	}
	defer f.Close() //nolint:errcheck // read-only
	_, _ = f.Seek(from, io.SeekStart)
	_, _ = io.Copy(w, &io.LimitedReader{R: f, N: n / 2})
	_, _ = io.Copy(w, &io.LimitedReader{R: f, N: n - n/2})
}

// serveHeld answers when change(true) was called, or after the time that the query has.
func (s *stub) serveHeld(w http.ResponseWriter, r *http.Request) {
	hold := time.Minute
	if d, err := time.ParseDuration(r.URL.Query().Get("for")); err == nil {
		hold = d
	}
	until := time.Now().Add(hold)
	resume := func(gone bool) <-chan struct{} {
		changed, ready := s.state()
		how, code := "served", http.StatusOK
		switch {
		case gone:
			how, code = "gone", http.StatusServiceUnavailable
		case ready:
		case time.Now().Before(until):
			return changed
		default:
			how, code = "timeout", http.StatusServiceUnavailable
		}
		s.mu.Lock()
		s.ended[how]++
		s.mu.Unlock()
		body(w, code, how)
		return nil
	}
	changed, ready := s.state()
	if ready {
		resume(false)
		return
	}
	if h, ok := w.(origin.Holder); ok {
		h.Hold(changed, until, resume)
		return
	}
	timer := time.NewTimer(hold)
	defer timer.Stop()
	for changed != nil {
		select {
		case <-changed:
			changed = resume(false)
		case <-r.Context().Done():
			changed = resume(true)
		case <-timer.C:
			changed = resume(false)
		}
	}
}
