package conformance_test

import (
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

func isList(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/index.m3u8") }

func isMedia(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, ".m4s") }

// asks reports whether a request for a media playlist has exactly these directives.
func asks(r *http.Request, names ...string) bool {
	q := r.URL.Query()
	for _, n := range names {
		if !q.Has(n) {
			return false
		}
	}
	return len(q) == len(names) && isList(r) && len(names) > 0
}

func brokenReloads() []brokenCase {
	// unheld answers every reload at once.
	unheld := func(hold time.Duration) *site {
		s := &site{watch: 40 * time.Second}
		s.answer = func(w http.ResponseWriter, r *http.Request, at time.Duration) bool {
			if at < 3*time.Second || !asks(r, "_HLS_msn", "_HLS_part") {
				return false
			}
			rendition := path.Base(path.Dir(r.URL.Path))
			old := s.list(rendition, false, false)
			if hold > 0 && s.wait(r.Context(), rendition, s.published(rendition)+int(hold/time.Second)) != nil {
				return true
			}
			s.send(w, r, old, "max-age=24")
			return true
		}
		return s
	}
	past := func(answer func(s *site, w http.ResponseWriter, r *http.Request, rendition string, msn int)) *site {
		s := &site{}
		s.answer = func(w http.ResponseWriter, r *http.Request, _ time.Duration) bool {
			q := r.URL.Query()
			msn, _ := strconv.Atoi(q.Get("_HLS_msn"))
			rendition := path.Base(path.Dir(r.URL.Path))
			if !asks(r, "_HLS_msn", "_HLS_part") || q.Get("_HLS_part") != "4" || 4*msn+4 > s.published(rendition) {
				return false
			}
			answer(s, w, r, rendition, msn)
			return true
		}
		return s
	}
	var count atomic.Int64
	return []brokenCase{
		{73, "old playlist", unheld(0)},
		{73, "refused", status(http.StatusNotFound, func(r *http.Request) bool { return asks(r, "_HLS_msn", "_HLS_part") })},
		{73, "a segment that is not whole", answering(func(_ http.ResponseWriter, r *http.Request, _ time.Duration) bool {
			if asks(r, "_HLS_msn") {
				r.URL.RawQuery += "&_HLS_part=0"
			}
			return false
		})},
		{74, "past the last part refused", past(func(_ *site, w http.ResponseWriter, _ *http.Request, _ string, _ int) {
			w.WriteHeader(http.StatusBadRequest)
		})},
		{74, "past the last part held for a segment", past(func(s *site, w http.ResponseWriter, r *http.Request, rendition string, msn int) {
			if s.wait(r.Context(), rendition, 4*msn+8) == nil {
				s.send(w, r, s.list(rendition, false, false), "max-age=24")
			}
		})},
		{75, "old segment refused", answering(func(w http.ResponseWriter, r *http.Request, _ time.Duration) bool {
			msn, _ := strconv.Atoi(r.URL.Query().Get("_HLS_msn"))
			if asks(r, "_HLS_msn") && msn < 10 {
				w.WriteHeader(http.StatusBadRequest)
				return true
			}
			return false
		})},
		{76, "part without segment", answering(func(_ http.ResponseWriter, r *http.Request, _ time.Duration) bool {
			if asks(r, "_HLS_part") {
				r.URL.RawQuery = ""
			}
			return false
		})},
		{77, "far ahead", status(http.StatusOK, func(r *http.Request) bool {
			msn, err := strconv.Atoi(r.URL.Query().Get("_HLS_msn"))
			return err == nil && msn > 90
		})},
		{77, "parts ahead", answering(func(_ http.ResponseWriter, r *http.Request, _ time.Duration) bool {
			if q := r.URL.Query(); asks(r, "_HLS_msn", "_HLS_part") && len(q.Get("_HLS_part")) > 1 {
				r.URL.RawQuery = "_HLS_msn=" + q.Get("_HLS_msn") // held for the segment
			}
			return false
		})},
		{78, "old playlist after a long time", unheld(13 * time.Second)},
		{78, "no answer at all", (&site{watch: 40 * time.Second}).with(func(s *site) {
			s.answer = func(_ http.ResponseWriter, r *http.Request, at time.Duration) bool {
				if at < 3*time.Second || !asks(r, "_HLS_msn", "_HLS_part") {
					return false
				}
				<-r.Context().Done()
				return true
			}
		})},
		{79, "refused after the end", status(http.StatusBadRequest, func(r *http.Request) bool { return r.URL.Query().Has("_HLS_msn") }).with(func(s *site) { s.ended = true })},
		{79, "delta after the end", answering(func(_ http.ResponseWriter, _ *http.Request, _ time.Duration) bool { return false }).with(func(s *site) {
			s.ended = true
			s.answer = func(w http.ResponseWriter, r *http.Request, _ time.Duration) bool {
				if r.URL.Query().Has("_HLS_skip") {
					s.send(w, r, strings.Replace(s.list("high", false, false), "#EXT-X-MAP", "#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXT-X-MAP", 1), "max-age=2")
					return true
				}
				return false
			}
		})},
		{80, "delta with other segments", rewritten("high/index.m3u8", 0, func(b string) string {
			if strings.Contains(b, "#EXT-X-SKIP") {
				return strings.ReplaceAll(b, "\ns", "\nother/s")
			}
			return b
		})},
		{80, "delta within the boundary", replace("CAN-SKIP-UNTIL=24", "CAN-SKIP-UNTIL=28")},
		{80, "no delta", (&site{window: 30, since: 200 * time.Second}).with(func(s *site) {
			s.answer = func(_ http.ResponseWriter, r *http.Request, _ time.Duration) bool {
				if asks(r, "_HLS_skip") {
					r.URL.RawQuery = ""
				}
				return false
			}
		})},
		{80, "delta of an old version", rewritten("high/index.m3u8", 0, func(b string) string {
			if strings.Contains(b, "#EXT-X-SKIP") {
				return strings.ReplaceAll(b, "VERSION:9", "VERSION:6")
			}
			return b
		})},
		{81, "waiters that stay", answering(func(w http.ResponseWriter, r *http.Request, _ time.Duration) bool {
			switch {
			case r.URL.Path == "/metrics":
				_, _ = fmt.Fprintf(w, "# HELP lectern_origin_waiters Requests.\nlectern_origin_waiters %d\n", count.Load())
				return true
			case asks(r, "_HLS_msn"):
				count.Add(1)
			}
			return false
		}).with(func(s *site) { s.metrics = true })},
		{82, "a number in every answer", rewritten("index.m3u8", 0, func(b string) string { return fmt.Sprintf("%s# %d\n", b, count.Add(1)) })},
	}
}

func brokenAnswers() []brokenCase {
	const high = "high/index.m3u8"
	set := func(suffix, name, value string) *site {
		return header(suffix, func(h http.Header) { h.Set(name, value) })
	}
	return []brokenCase{
		{83, "no gzip", answering(func(_ http.ResponseWriter, r *http.Request, _ time.Duration) bool {
			r.Header.Del("Accept-Encoding")
			return false
		})},
		{83, "no Vary", set(high, "Vary", "Origin")},
		{84, "type of a playlist", set(high, "Content-Type", "text/plain")},
		{84, "type of a segment", set(".m4s", "Content-Type", "application/octet-stream")},
		{85, "empty answer for unknown media", status(http.StatusOK, func(r *http.Request) bool { return strings.Contains(r.URL.Path, "no-such") })},
		{85, "404 for an hour", answering(func(w http.ResponseWriter, r *http.Request, _ time.Duration) bool {
			if !strings.Contains(r.URL.Path, "no-such") {
				return false
			}
			w.Header().Set("Cache-Control", "max-age=3600")
			w.WriteHeader(http.StatusNotFound)
			return true
		})},
		{86, "any method", status(http.StatusOK, func(r *http.Request) bool { return r.Method == http.MethodDelete })},
		{86, "no HEAD", status(http.StatusNotFound, func(r *http.Request) bool { return r.Method == http.MethodHead && isMedia(r) })},
		{86, "no HEAD of a playlist", status(http.StatusMethodNotAllowed, func(r *http.Request) bool { return r.Method == http.MethodHead && isList(r) })},
		{87, "ranges ignored", answering(func(_ http.ResponseWriter, r *http.Request, _ time.Duration) bool {
			r.Header.Del("Range")
			return false
		})},
		{87, "any range satisfied", status(http.StatusPartialContent, func(r *http.Request) bool {
			return strings.HasPrefix(r.Header.Get("Range"), "bytes=1099")
		})},
		{88, "a weak entity tag", set(high, "ETag", `W/"x"`)},
		{88, "one tag for both encodings", set(high, "ETag", `"x"`)},
		{88, "If-None-Match ignored", answering(func(_ http.ResponseWriter, r *http.Request, _ time.Duration) bool {
			r.Header.Del("If-None-Match")
			return false
		})},
		{89, "playlist for an hour", set(high, "Cache-Control", "max-age=3600")},
		{89, "playlist for no time", set(high, "Cache-Control", "no-cache")},
		{89, "nothing on segments", set(".m4s", "Cache-Control", "no-store")},
		{89, "multivariant playlist for ever", set("/live/index.m3u8", "Cache-Control", "max-age=31536000")},
		{91, "no CORS", header("", func(h http.Header) { h.Del("Access-Control-Allow-Origin") })},
		{91, "no CORS on errors", answering(func(w http.ResponseWriter, r *http.Request, _ time.Duration) bool {
			if strings.Contains(r.URL.Path, "no-such") {
				w.Header().Del("Access-Control-Allow-Origin")
			}
			return false
		})},
		{91, "no preflight", status(http.StatusMethodNotAllowed, func(r *http.Request) bool { return r.Method == http.MethodOptions })},
		{91, "Age hidden", set(high, "Access-Control-Expose-Headers", "Date")},
		{92, "redirected media", answering(func(w http.ResponseWriter, r *http.Request, _ time.Duration) bool {
			if !isMedia(r) || r.URL.RawQuery != "" {
				return false
			}
			http.Redirect(w, r, r.URL.Path+"?again", http.StatusFound)
			return true
		})},
		{93, "no length", answering(func(w http.ResponseWriter, r *http.Request, _ time.Duration) bool {
			if isMedia(r) && r.Method == http.MethodGet && r.Header.Get("Range") == "" {
				w.WriteHeader(http.StatusOK) // before the length is known
			}
			return false
		})},
		{94, "without TLS", &site{plain: true}},
	}
}
