package conformance_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// site is a small, correct low-latency server in fake time: two renditions of video
// and one of sound, in segments of four parts of a second. A test spoils it.
type site struct {
	scale   int           // of all durations; 0 is 1
	window  int           // segments in the list; 0 is 7
	since   time.Duration // for how long it has been on; 0 is a minute
	ends    time.Duration // after the start of the watch; 0 is never
	ended   bool          // from the beginning
	noParts bool
	plain   bool   // not over TLS
	entry   string // path of the multivariant playlist; /live/index.m3u8 by default
	metrics bool   // the checker is told of /metrics
	watch   time.Duration

	text   func(path string, at time.Duration, body string) string
	media  func(path string, b []byte) []byte
	header func(r *http.Request, h http.Header)
	answer func(w http.ResponseWriter, r *http.Request, at time.Duration) bool
	late   func(rendition string, n int) time.Duration // of the n-th part

	clip  *clip
	start time.Time // of the watch
}

const siteURL = "https://live.test"

func (s *site) unit() time.Duration { return time.Duration(max(1, s.scale)) * time.Second }

// began is when the first part began.
func (s *site) began() time.Time {
	since := s.since
	if since == 0 {
		since = time.Minute * time.Duration(max(1, s.scale))
	}
	return s.start.Add(-since)
}

func (s *site) at() time.Duration { return time.Since(s.start) }

// over reports whether the lesson is.
func (s *site) over() bool { return s.ended || s.ends > 0 && s.at() >= s.ends }

// published is how many parts of a rendition there are.
func (s *site) published(rendition string) int {
	now := time.Now()
	if s.ended {
		now = s.start
	} else if s.over() {
		now = s.start.Add(s.ends)
	}
	n := int(now.Sub(s.began()) / s.unit())
	if s.over() {
		return n / 4 * 4
	}
	for s.late != nil && n > 0 && s.began().Add(time.Duration(n)*s.unit()+s.late(rendition, n-1)).After(now) {
		n--
	}
	return n
}

// wait holds until rendition has n parts, or the lesson is over.
func (s *site) wait(ctx context.Context, rendition string, n int) error {
	for s.published(rendition) < n && !s.over() {
		due := s.began().Add(time.Duration(n) * s.unit())
		if s.late != nil {
			due = due.Add(s.late(rendition, n-1))
		}
		if end := s.start.Add(s.ends); s.ends > 0 && end.Before(due) {
			due = end
		}
		t := time.NewTimer(time.Until(due))
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
	return nil
}

func (s *site) multivariant() string {
	c := s.clip
	return fmt.Sprintf(`#EXTM3U
#EXT-X-VERSION:1
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,URI="audio/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=2000000,AVERAGE-BANDWIDTH=1900000,CODECS="%[1]s,mp4a.40.2",RESOLUTION=128x72,FRAME-RATE=10.000,AUDIO="audio",CLOSED-CAPTIONS=NONE
high/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=500000,AVERAGE-BANDWIDTH=400000,CODECS="%[2]s,mp4a.40.2",RESOLUTION=64x36,FRAME-RATE=10.000,AUDIO="audio",CLOSED-CAPTIONS=NONE
low/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=250000,AVERAGE-BANDWIDTH=240000,CODECS="mp4a.40.2",CLOSED-CAPTIONS=NONE
audio/index.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,CODECS="%[1]s",RESOLUTION=128x72,URI="high/iframes.m3u8"
`, c.codecs["high"], c.codecs["low"])
}

func num(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 6, 64) }

// list writes a media playlist; skip segments at the front are left out.
func (s *site) list(rendition string, iFrames, delta bool) string {
	var b strings.Builder
	n, u := s.published(rendition), s.unit()
	end := n / 4
	window := s.window
	if window == 0 {
		window = 7
	}
	first := max(0, end-window)
	if s.over() && s.ended {
		first = 0
	}
	skip := 0
	if delta && end-first > 6 {
		skip = end - first - 6
	}
	if iFrames {
		b.WriteString("#EXTM3U\n#EXT-X-VERSION:5\n#EXT-X-I-FRAMES-ONLY\n")
	} else {
		b.WriteString("#EXTM3U\n#EXT-X-VERSION:9\n")
	}
	fmt.Fprintf(&b, "#EXT-X-TARGETDURATION:%d\n", int((4 * u).Seconds()))
	if !iFrames {
		control := "CAN-BLOCK-RELOAD=YES,"
		if !s.noParts {
			fmt.Fprintf(&b, "#EXT-X-PART-INF:PART-TARGET=%s\n", num(u+u/100))
			control += "PART-HOLD-BACK=" + num(3*(u+u/100)) + ","
		}
		fmt.Fprintf(&b, "#EXT-X-SERVER-CONTROL:%sHOLD-BACK=%s,CAN-SKIP-UNTIL=%s\n", control, num(12*u), num(24*u))
	}
	fmt.Fprintf(&b, "#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n", first)
	fmt.Fprintf(&b, "#EXT-X-DATERANGE:ID=\"lesson\",CLASS=\"test\",START-DATE=\"%s\",X-N=\"1\"\n", s.began().UTC().Format("2006-01-02T15:04:05.000Z"))
	if skip > 0 {
		fmt.Fprintf(&b, "#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n", skip)
	} else {
		b.WriteString("#EXT-X-MAP:URI=\"init.mp4\"\n")
	}
	for msn := first + skip; msn <= end; msn++ {
		parts := 4
		if msn == end {
			parts = n % 4
		}
		if msn == end && (parts == 0 || iFrames || s.noParts) {
			break
		}
		fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", s.began().Add(s.clip.at(rendition, 4*msn)*time.Duration(max(1, s.scale))).UTC().Format("2006-01-02T15:04:05.000Z"))
		for p := range parts {
			if msn < end-3 || iFrames || s.noParts || s.over() {
				break
			}
			fmt.Fprintf(&b, "#EXT-X-PART:DURATION=%s,URI=\"p%d.%d.m4s\"", num(s.length(rendition, 4*msn+p, 1)), msn, p)
			if p%2 == 0 {
				b.WriteString(",INDEPENDENT=YES")
			}
			b.WriteByte('\n')
		}
		if msn < end {
			fmt.Fprintf(&b, "#EXTINF:%s,\n", num(s.length(rendition, 4*msn, 4)))
			if iFrames {
				fmt.Fprintf(&b, "#EXT-X-BYTERANGE:%d@0\n", s.clip.iFrame)
			}
			fmt.Fprintf(&b, "s%d.m4s\n", msn)
		}
	}
	switch {
	case s.over():
		b.WriteString("#EXT-X-ENDLIST\n")
	case !iFrames && !s.noParts:
		fmt.Fprintf(&b, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p%d.%d.m4s\"\n", end, n%4)
		for _, other := range []string{"audio", "high", "low"} {
			if other != rendition {
				last := s.published(other) - 1
				fmt.Fprintf(&b, "#EXT-X-RENDITION-REPORT:URI=\"../%s/index.m3u8\",LAST-MSN=%d,LAST-PART=%d\n", other, last/4, last%4)
			}
		}
	}
	return b.String()
}

// length is the duration of count parts from the n-th on.
func (s *site) length(rendition string, n, count int) time.Duration {
	return (s.clip.at(rendition, n+count) - s.clip.at(rendition, n)) * time.Duration(max(1, s.scale))
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Age, Date, Content-Length")
	if s.header != nil {
		s.header(r, h)
	}
	if s.answer != nil && s.answer(w, r, s.at()) {
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	rendition, file := path.Base(path.Dir(r.URL.Path)), path.Base(r.URL.Path)
	known := rendition == "high" || rendition == "low" || rendition == "audio"
	switch {
	case !known && r.URL.Path == s.entryPath():
		s.send(w, r, s.multivariant(), "max-age=2")
	case known && file == "index.m3u8":
		s.playlist(w, r, rendition)
	case rendition == "high" && file == "iframes.m3u8":
		s.send(w, r, s.list(rendition, true, false), "max-age=2")
	case known:
		s.file(w, r, rendition, file)
	default:
		s.notFound(w)
	}
}

func (s *site) entryPath() string {
	if s.entry != "" {
		return s.entry
	}
	return "/live/index.m3u8"
}

func (s *site) notFound(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "max-age=1")
	w.WriteHeader(http.StatusNotFound)
}

// playlist answers with a media playlist, when it has what the directives ask for.
func (s *site) playlist(w http.ResponseWriter, r *http.Request, rendition string) {
	q := r.URL.Query()
	cache := "max-age=2"
	if !s.over() {
		n := s.published(rendition)
		switch {
		case q.Has("_HLS_part") && !q.Has("_HLS_msn"):
			w.WriteHeader(http.StatusBadRequest)
			return
		case q.Has("_HLS_msn"):
			cache = "max-age=24"
			msn, _ := strconv.Atoi(q.Get("_HLS_msn"))
			want := 4*msn + 4
			if p, err := strconv.Atoi(q.Get("_HLS_part")); err == nil {
				if want = 4*msn + min(p, 4) + 1; 4*msn <= n && n < 4*msn+4 && p > n%4+3 {
					w.WriteHeader(http.StatusBadRequest)
					return
				}
			}
			if msn > n/4+2 {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			if s.wait(r.Context(), rendition, want) != nil {
				return
			}
		}
	}
	s.send(w, r, s.list(rendition, false, q.Get("_HLS_skip") != "" && !s.over()), cache)
}

func (s *site) send(w http.ResponseWriter, r *http.Request, body, cache string) {
	if s.text != nil {
		body = s.text(r.URL.Path, s.at(), body)
	}
	h := w.Header()
	set := func(name, value string) {
		if h.Get(name) == "" {
			h.Set(name, value)
		}
	}
	set("Content-Type", "application/vnd.apple.mpegurl")
	set("Vary", "Accept-Encoding")
	set("Cache-Control", cache)
	sum := sha256.Sum256([]byte(body))
	tag := fmt.Sprintf("%x", sum[:6])
	if r.Header.Get("Accept-Encoding") == "gzip" {
		h.Set("Content-Encoding", "gzip")
		tag += "-gz"
		body = string(stored(body))
	}
	set("ETag", `"`+tag+`"`)
	if r.Header.Get("If-None-Match") == h.Get("ETag") {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write([]byte(body))
	}
}

// file answers with an initialization section, a segment or a part.
func (s *site) file(w http.ResponseWriter, r *http.Request, rendition, name string) {
	var b []byte
	var msn, part int
	h := w.Header()
	set := func(name, value string) {
		if h.Get(name) == "" {
			h.Set(name, value)
		}
	}
	set("Cache-Control", "max-age=60")
	published := s.published(rendition)
	switch {
	case name == "init.mp4":
		b = s.clip.inits[rendition]
	case scan(name, "s%d.m4s", &msn) && 4*msn+4 <= published:
		b = s.clip.segment(rendition, msn)
	case scan(name, "p%d.%d.m4s", &msn, &part) && part < 4 && 4*msn+part <= published:
		if s.wait(r.Context(), rendition, 4*msn+part+1) != nil {
			return
		}
		b = s.clip.part(rendition, msn, part)
	default:
		h.Del("Cache-Control")
		s.notFound(w)
		return
	}
	if s.media != nil {
		b = s.media(r.URL.Path, bytes.Clone(b))
	}
	kind := "video/mp4"
	if rendition == "audio" {
		kind = "audio/mp4"
	}
	set("Content-Type", kind)
	set("ETag", fmt.Sprintf(`"%s-%s"`, rendition, name))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

// scan is Sscanf for names that must be written so.
func scan(s, format string, to ...any) bool {
	n, err := fmt.Sscanf(s, format, to...)
	if err != nil || n != len(to) {
		return false
	}
	var values []any
	for _, v := range to {
		values = append(values, *v.(*int)) //nolint:errcheck,forcetypeassert // the callers give these
	}
	return fmt.Sprintf(format, values...) == s
}
