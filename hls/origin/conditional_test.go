package origin_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/media/mediatest"
)

// Conditions and ranges of media (RFC 9110 §13, §14), asked of a segment of 2000
// bytes.
func TestMediaConditions(t *testing.T) {
	f := started(t)
	url := f.path("s9-%s.m4s")
	whole := segmentData(9, 2)
	first := f.do(http.MethodGet, url).Header()
	etag, modified := first.Get("ETag"), first.Get("Last-Modified")
	at, err := http.ParseTime(modified)
	if err != nil {
		t.Fatal(err)
	}
	before, after := at.Add(-time.Hour).Format(http.TimeFormat), at.Add(time.Hour).Format(http.TimeFormat)
	const some = "bytes=10-19"
	for _, tc := range []struct {
		name    string
		headers []string
		code    int
		want    []byte // of GET
	}{
		{"if none match", []string{"If-None-Match", etag}, 304, nil},
		{"if none match, weak, in a list", []string{"If-None-Match", `"x", W/` + etag}, 304, nil},
		{"if none match, other", []string{"If-None-Match", `"x"`}, 200, whole},
		{"if modified since then", []string{"If-Modified-Since", modified}, 304, nil},
		{"if modified since later", []string{"If-Modified-Since", after}, 304, nil},
		{"if modified since before", []string{"If-Modified-Since", before}, 200, whole},
		{"if modified since nonsense", []string{"If-Modified-Since", "yesterday"}, 200, whole},
		{"the tag counts more than the date", []string{"If-None-Match", `"x"`, "If-Modified-Since", modified}, 200, whole},
		{"if match", []string{"If-Match", etag}, 200, whole},
		{"if match, anything", []string{"If-Match", "*"}, 200, whole},
		{"if match, weak", []string{"If-Match", "W/" + etag}, 412, nil},
		{"if match, other", []string{"If-Match", `"x"`, "If-None-Match", etag}, 412, nil},
		{"if unmodified since then", []string{"If-Unmodified-Since", modified}, 200, whole},
		{"if unmodified since before", []string{"If-Unmodified-Since", before}, 412, nil},
		{"not modified comes before ranges", []string{"If-None-Match", etag, "Range", some}, 304, nil},

		{"if range", []string{"Range", some, "If-Range", etag}, 206, whole[10:20]},
		{"if range, other", []string{"Range", some, "If-Range", `"x"`}, 200, whole},
		{"if range, weak", []string{"Range", some, "If-Range", "W/" + etag}, 200, whole},
		{"if range, date", []string{"Range", some, "If-Range", modified}, 206, whole[10:20]},
		{"if range, other date", []string{"Range", some, "If-Range", after}, 200, whole},
		{"if range, nonsense", []string{"Range", some, "If-Range", "x"}, 200, whole},

		{"all of it", []string{"Range", "bytes=0-"}, 206, whole},
		{"one byte", []string{"Range", "bytes=1999-1999"}, 206, whole[1999:]},
		{"suffix of more than there is", []string{"Range", "bytes=-99999999999999999999999"}, 206, whole},
		{"no suffix", []string{"Range", "bytes=-0"}, 416, nil},
		{"past the end", []string{"Range", "bytes=99999999999999999999999-"}, 416, nil},
		{"backwards", []string{"Range", "bytes=9-1"}, 200, whole},
		{"no numbers", []string{"Range", "bytes=-"}, 200, whole},
		{"signs", []string{"Range", "bytes=+1-+2"}, 200, whole},
		{"two ranges", []string{"Range", "bytes=0-1,4-5"}, 200, whole},
		{"many ranges", []string{"Range", "bytes=" + strings.Repeat("0-,", 5000) + "0-"}, 200, whole},
		{"two headers", []string{"Range", "bytes=0-1", "Range", "bytes=4-5"}, 200, whole},
		{"endless number", []string{"Range", "bytes=" + strings.Repeat("1", 9000) + "-"}, 200, whole},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := f.do(http.MethodGet, url, tc.headers...)
			if w.Code != tc.code || (tc.want != nil && !bytes.Equal(w.Body.Bytes(), tc.want)) {
				t.Fatalf("%d with %d bytes", w.Code, w.Body.Len())
			}
			if tc.want != nil && w.Header().Get("Content-Length") != fmt.Sprint(len(tc.want)) {
				t.Errorf("Content-Length = %q", w.Header().Get("Content-Length"))
			}
			if tc.code == 304 && (w.Header().Get("ETag") != etag || w.Header().Get("Cache-Control") == "" || w.Body.Len() != 0 ||
				w.Header().Get("Content-Type") != "") {
				t.Errorf("304 with %v", w.Header())
			}
			// HEAD knows conditions, but no ranges (RFC 9110 §14.2).
			want := tc.code
			if want == 206 || want == 416 {
				want = 200
			}
			head := f.do(http.MethodHead, url, tc.headers...)
			if head.Code != want || head.Body.Len() != 0 || want == 200 && head.Header().Get("Content-Length") != "2000" {
				t.Errorf("HEAD: %d %v", head.Code, head.Header())
			}
		})
	}
}

// What needs no bytes is answered without the file.
func TestConditionsNeedNoFile(t *testing.T) {
	f := started(t)
	f.toDisk(t)
	url := f.path("s9-%s.m4s")
	etag := f.do(http.MethodGet, url).Header().Get("ETag")
	files, err := filepath.Glob(filepath.Join(f.dir, rendition, "s9*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no file of the segment: %v", err)
	}
	for _, name := range files {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name, method, key, value string
		code                     int
	}{
		{"head", http.MethodHead, "", "", 200},
		{"not modified", http.MethodGet, "If-None-Match", etag, 304},
		{"unsatisfiable", http.MethodGet, "Range", "bytes=5000-", 416},
		{"precondition", http.MethodGet, "If-Match", `"x"`, 412},
		{"the bytes", http.MethodGet, "Accept", "*/*", 404},
		{"some bytes", http.MethodGet, "Range", "bytes=1-2", 404},
	} {
		w := f.do(tc.method, url, tc.key, tc.value)
		if w.Code != tc.code {
			t.Errorf("%s: %d, want %d", tc.name, w.Code, tc.code)
		}
		if w.Code == 404 && (w.Header().Get("ETag")+w.Header().Get("Last-Modified")+w.Header().Get("Content-Range") != "" ||
			w.Header().Get("Cache-Control") != "max-age=1") {
			t.Errorf("%s: 404 with %v", tc.name, w.Header())
		}
	}
	// A file that is there and cannot be opened.
	if err := os.Symlink(filepath.Base(files[0]), files[0]); err != nil {
		t.Fatal(err)
	}
	w := f.do(http.MethodGet, url)
	if w.Code != 500 || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("ETag") != "" || strings.Contains(w.Body.String(), f.dir) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if strings.Contains(f.logged.String(), f.dir) || !strings.Contains(f.logged.String(), "media cannot be read") {
		t.Errorf("log: %s", f.logged)
	}
}

// HEAD of what comes next waits like GET.
func TestHeadWaits(t *testing.T) {
	f := started(t)
	urls := []string{playlistPath + "?_HLS_msn=10&_HLS_part=1", f.path("p10.1-%s.m4s")}
	answers := make([]*httptest.ResponseRecorder, len(urls))
	var wg sync.WaitGroup
	for i, url := range urls {
		wg.Go(func() { answers[i] = f.do(http.MethodHead, url) })
	}
	mediatest.Eventually(t, func() string {
		if n := f.waiters(t); n != float64(len(urls)) {
			return fmt.Sprintf("%v requests wait", n)
		}
		return ""
	})
	f.addPart(t, rendition)
	wg.Wait()
	for i, url := range urls {
		get := f.do(http.MethodGet, url)
		head := answers[i]
		if head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Content-Length") != get.Header().Get("Content-Length") ||
			head.Header().Get("ETag") != get.Header().Get("ETag") {
			t.Errorf("%s: %d %v, GET has %v", url, head.Code, head.Header(), get.Header())
		}
	}
}
