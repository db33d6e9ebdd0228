package origin_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lectern/lectern/hls/origin"
	"github.com/lectern/lectern/storage/segment"
)

// Ranges and conditions, with the media in memory and on disk.
func TestRanges(t *testing.T) {
	for _, where := range []string{"memory", "disk"} {
		f := started(t)
		if where == "disk" {
			f.toDisk(t)
		}
		o, err := f.log.OpenSegment(rendition, f.log.Epoch(), 9)
		if err != nil {
			t.Fatal(err)
		}
		if _, file := o.ReadSeekCloser.(*os.File); file != (where == "disk") {
			t.Fatalf("%s: reader is %T", where, o.ReadSeekCloser)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(f.origin)
		defer server.Close()
		whole := segmentData(9, 2)
		url := f.path("s9-%s.m4s")
		etag := f.do(http.MethodGet, url).Header().Get("ETag")
		for _, tc := range []struct {
			name, key, value string
			code             int
			want             []byte
			contentRange     string
		}{
			{"whole", "", "", 200, whole, ""},
			{"first bytes", "Range", "bytes=0-9", 206, whole[:10], "bytes 0-9/2000"},
			{"over a part boundary", "Range", "bytes=990-1009", 206, whole[990:1010], "bytes 990-1009/2000"},
			{"to the end", "Range", "bytes=1500-", 206, whole[1500:], "bytes 1500-1999/2000"},
			{"past the end", "Range", "bytes=1990-5000", 206, whole[1990:], "bytes 1990-1999/2000"},
			{"suffix", "Range", "bytes=-5", 206, whole[1995:], "bytes 1995-1999/2000"},
			{"unsatisfiable", "Range", "bytes=2000-", 416, nil, "bytes */2000"},
			{"other unit", "Range", "parts=0-1", 200, whole, ""},
			{"not modified", "If-None-Match", etag, 304, nil, ""},
			{"modified", "If-None-Match", `"other"`, 200, whole, ""},
			{"condition fails", "If-Match", `"other"`, 412, nil, ""},
		} {
			t.Run(where+"/"+tc.name, func(t *testing.T) {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+url, http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				if tc.key != "" {
					r.Header.Set(tc.key, tc.value)
				}
				res, err := server.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(res.Body)
				if err = errors.Join(err, res.Body.Close()); err != nil {
					t.Fatal(err)
				}
				if res.StatusCode != tc.code || (tc.want != nil && !bytes.Equal(got, tc.want)) {
					t.Errorf("%d with %d bytes", res.StatusCode, len(got))
				}
				if h := res.Header.Get("Content-Range"); h != tc.contentRange {
					t.Errorf("Content-Range = %q, want %q", h, tc.contentRange)
				}
				if tc.want != nil && (res.ContentLength != int64(len(tc.want)) || res.Header.Get("Accept-Ranges") != "bytes") {
					t.Errorf("Content-Length = %d, headers %v", res.ContentLength, res.Header)
				}
				if res.Header.Get("Access-Control-Allow-Origin") != "*" || res.Header.Get("Cache-Control") == "" {
					t.Errorf("headers %v", res.Header)
				}
				if tc.code >= 400 && res.Header.Get("Cache-Control") != "max-age=1" {
					t.Errorf("Cache-Control = %q", res.Header.Get("Cache-Control"))
				}
			})
		}
	}
}

func TestETagsDiffer(t *testing.T) {
	f := started(t)
	seen := make(map[string]string)
	for _, name := range []string{"s8-%s.m4s", "s9-%s.m4s", "p9.0-%s.m4s", "p9.1-%s.m4s", "p10.0-%s.m4s", "init-0-%s.mp4"} {
		etag := f.do(http.MethodGet, f.path(name)).Header().Get("ETag")
		if other, ok := seen[etag]; ok || etag == "" {
			t.Errorf("%s and %q have the ETag %q", name, other, etag)
		}
		seen[etag] = name
	}
}

// Check 71: not one byte before the part is complete.
func TestHintedPart(t *testing.T) {
	f := started(t)
	h := f.hold(t.Context(), t, f.path("p10.1-%s.m4s"))
	if h.w != nil {
		t.Fatal("answered early")
	}
	f.publish(rendition, f.current(rendition)) // wakes for nothing
	f.addPart(t, rendition)
	w := h.wait(t)
	if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), partData(10, 1)) {
		t.Errorf("%d with %d bytes", w.Code, w.Body.Len())
	}
	if w.Header().Get("Content-Length") != "1000" || w.Header().Get("Cache-Control") != "max-age=24, immutable" {
		t.Errorf("headers %v", w.Header())
	}
}

func TestHintOfTheNextSegment(t *testing.T) {
	f := started(t)
	f.finish(t, rendition)
	h := f.hold(t.Context(), t, f.path("p11.0-%s.m4s"))
	f.addPart(t, rendition)
	if w := h.wait(t); w.Code != 200 || !bytes.Equal(w.Body.Bytes(), partData(11, 0)) {
		t.Errorf("%d with %d bytes", w.Code, w.Body.Len())
	}
}

// The segment ended before the hinted part, which then never exists.
func TestVoidHint(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, f *fixture){
		"segment ends": func(t *testing.T, f *fixture) { t.Helper(); f.finish(t, rendition) },
		"class ends":   func(_ *testing.T, f *fixture) { f.end(rendition) },
	} {
		t.Run(name, func(t *testing.T) {
			f := started(t)
			h := f.hold(t.Context(), t, f.path("p10.1-%s.m4s"))
			end(t, f)
			if w := h.wait(t); w.Code != 404 || w.Header().Get("Cache-Control") != "max-age=1" {
				t.Errorf("%d %v", w.Code, w.Header())
			}
		})
	}
}

// A late part is a 404 that no cache may keep: the part can come any moment.
func TestHintedPartIsLate(t *testing.T) {
	f := started(t)
	url := f.path("p10.1-%s.m4s")
	synctest.Test(t, func(t *testing.T) {
		f.publish(rendition, f.current(rendition)) // with a channel of the bubble
		begin := time.Now()
		w := f.do(http.MethodGet, url)
		if got := time.Since(begin); got != 8*time.Second {
			t.Errorf("held for %s", got)
		}
		if w.Code != 404 || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	})
}

// brokenMedia is a disk that cannot be read.
type brokenMedia struct{ origin.Media }

func (brokenMedia) FindSegment(string, string, int) (segment.Item, error) {
	return segment.Item{}, &os.PathError{Op: "open", Path: "/data/classes/secret/source/s9.m4s", Err: errors.New("input/output error")}
}

type brokenLibrary struct{ *fakeClass }

func (l brokenLibrary) Presentation(string) (origin.Presentation, bool) {
	return origin.Presentation{Playlists: l.fakeClass, Media: brokenMedia{l.log}}, true
}

func TestDiskFault(t *testing.T) {
	f := started(t)
	var out bytes.Buffer
	o := newOrigin(t, brokenLibrary{f.fakeClass}, &out)
	for range 3 {
		w := httptest.NewRecorder()
		o.ServeHTTP(w, httptest.NewRequest(http.MethodGet, f.path("s9-%s.m4s"), http.NoBody))
		if w.Code != 500 || w.Header().Get("Cache-Control") != "no-store" || strings.Contains(w.Body.String(), "/data") {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
	}
	if got := out.String(); !strings.Contains(got, "input/output error") || strings.Contains(got, "secret") {
		t.Errorf("log: %s", got)
	}
}

// pipeListener is a listener of net.Pipe connections, for fake time.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}
