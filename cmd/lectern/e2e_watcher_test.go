//go:build e2e

package main_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// place is a segment of a rendition.
type place struct {
	rendition string
	msn       int
}

// row is what a list says of a segment.
type row struct {
	uri, duration, date string
	gap                 bool
	breaks              int // its Discontinuity Sequence Number
	parts               []string
}

// watchedList is a media playlist.
type watchedList struct {
	first, breaks int   // Media Sequence Number, Discontinuity Sequence Number
	rows          []row // the last one is the open segment, without URI, if there is one
	ended         bool
}

// parseWatched reads what the test is about.
func parseWatched(text string) (watchedList, error) {
	var l watchedList
	var next row
	count := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		tag, value, _ := strings.Cut(line, ":")
		var err error
		switch {
		case tag == "#EXT-X-MEDIA-SEQUENCE":
			l.first, err = strconv.Atoi(value)
		case tag == "#EXT-X-DISCONTINUITY-SEQUENCE":
			l.breaks, err = strconv.Atoi(value)
			count = l.breaks
		case tag == "#EXT-X-DISCONTINUITY":
			count++
		case tag == "#EXT-X-PROGRAM-DATE-TIME":
			next.date = value
		case tag == "#EXT-X-GAP":
			next.gap = true
		case tag == "#EXT-X-PART":
			next.parts = append(next.parts, value)
		case tag == "#EXTINF":
			next.duration = strings.TrimSuffix(value, ",")
		case tag == "#EXT-X-ENDLIST":
			l.ended = true
		case line != "" && !strings.HasPrefix(line, "#"):
			next.uri, next.breaks = line, count
			l.rows = append(l.rows, next)
			next = row{}
		}
		if err != nil {
			return l, fmt.Errorf("%s: %w", line, err)
		}
	}
	if len(next.parts) > 0 {
		next.breaks = count
		l.rows = append(l.rows, next)
	}
	return l, nil
}

// watcher is a client that forgets nothing.
type watcher struct {
	t    *testing.T
	base string

	mu    sync.Mutex // guards the fields below
	lists map[string]watchedList
	known map[place]row                // whole segments
	parts map[place][]string           // EXT-X-PART, in order
	bytes map[string][]byte            // what a part's URI answered
	sums  map[string][sha256.Size]byte // what a segment's URI answered
}

func newWatcher(t *testing.T, base string) *watcher {
	t.Helper()
	return &watcher{
		t: t, base: base, lists: map[string]watchedList{}, known: map[place]row{}, parts: map[place][]string{},
		bytes: map[string][]byte{}, sums: map[string][sha256.Size]byte{},
	}
}

// fetch returns the answer, or false if the server is not there.
func (w *watcher) fetch(name string) (code int, body []byte, ok bool) {
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.base+name, http.NoBody)
	if err != nil {
		w.t.Error(err)
		return 0, nil, false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, false
	}
	defer func() { _ = res.Body.Close() }()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err == nil
}

// watch looks at all playlists, again and again.
func (w *watcher) watch(ctx context.Context) {
	seen := map[string]bool{}
	for ctx.Err() == nil {
		names := []string{"index.m3u8", "dvr.m3u8"}
		for _, rendition := range survivors {
			names = append(names, rendition+"/index.m3u8", rendition+"/dvr.m3u8")
		}
		for _, name := range names {
			code, body, ok := w.fetch(name)
			switch {
			case !ok || code == http.StatusNotFound && !seen[name]:
			case code != http.StatusOK:
				w.t.Errorf("%s answers %d %s", name, code, body)
			default:
				seen[name] = true
				if strings.Contains(name, "/") {
					w.look(name, string(body))
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// look compares a media playlist with everything that is known, and fetches what is
// new in it.
func (w *watcher) look(name, text string) {
	l, err := parseWatched(text)
	if err != nil {
		w.t.Errorf("%s: %v", name, err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	last, ok := w.lists[name]
	if ok && (l.first < last.first || l.breaks < last.breaks || l.end() < last.end() || last.ended && !l.ended) {
		w.t.Errorf("%s went back from %d, %d, end %d to\n%s", name, last.first, last.breaks, last.end(), text)
	}
	w.lists[name] = l
	rendition := path.Dir(name)
	for i, r := range l.rows {
		at := place{rendition, l.first + i}
		w.lookAtParts(at, r)
		if r.uri == "" {
			continue
		}
		whole := r
		whole.parts = nil
		before, ok := w.known[at]
		if !ok {
			w.known[at] = whole
			if r.gap && len(w.parts[at]) > 0 && rendition != encoded {
				w.t.Errorf("%s: %v had the parts %v and is a gap", name, at, w.parts[at])
			}
			if prev, ok := w.known[place{rendition, at.msn - 1}]; ok {
				w.follows(at, prev, whole)
			}
		} else if !same(before, whole) {
			w.t.Errorf("%s: %v was %+v, is %+v", name, at, before, whole)
		}
		if _, ok := w.sums[rendition+"/"+r.uri]; !ok && !r.gap {
			w.lookAtSegment(at, r)
		}
	}
}

func same(a, b row) bool {
	return a.uri == b.uri && a.duration == b.duration && a.date == b.date && a.gap == b.gap && a.breaks == b.breaks
}

// end tells how far a list goes: a thousand for a segment, one for a part.
func (l watchedList) end() int {
	n := 1000 * (l.first + len(l.rows))
	if k := len(l.rows); k > 0 && l.rows[k-1].uri == "" {
		return n - 1000 + len(l.rows[k-1].parts)
	}
	return n
}

// follows checks a segment against the one before it.
func (w *watcher) follows(at place, before, r row) {
	a, err := time.Parse(time.RFC3339, before.date)
	b, berr := time.Parse(time.RFC3339, r.date)
	lasts, derr := time.ParseDuration(before.duration + "s")
	// Dates follow the wall clock of the media, which need not run exactly like it.
	if err = errors.Join(err, berr, derr); err != nil || b.Before(a) || b.Before(a.Add(lasts-500*time.Millisecond)) {
		w.t.Errorf("%v: date %s after %s and %s, %v", at, r.date, before.date, before.duration, err)
	}
	// A gap is named by the run that found it.
	if epoch(before.uri) != epoch(r.uri) && before.breaks == r.breaks && !before.gap && !r.gap {
		w.t.Errorf("%v: %s after %s without a discontinuity", at, r.uri, before.uri)
	}
}

// epoch is the part of a name that tells the run of the server.
func epoch(uri string) string {
	_, e, _ := strings.Cut(uri, "-")
	return e
}

// lookAtParts compares the parts of a segment with those known, and fetches new ones.
func (w *watcher) lookAtParts(at place, r row) {
	known := w.parts[at]
	for i, p := range r.parts {
		if i < len(known) && known[i] != p {
			w.t.Errorf("%v: part %d was %s, is %s", at, i, known[i], p)
		}
	}
	if len(r.parts) > len(known) {
		w.parts[at] = r.parts
	} else if r.uri != "" && len(r.parts) > 0 && len(r.parts) < len(known) {
		w.t.Errorf("%v: had the parts %v, now %v", at, known, r.parts)
	}
	for _, p := range r.parts {
		uri := at.rendition + "/" + quotedURI.FindStringSubmatch(p)[1]
		if _, ok := w.bytes[uri]; ok {
			continue
		}
		if code, body, ok := w.fetch(uri); ok && code == http.StatusOK {
			w.bytes[uri] = body
		} else if ok {
			w.t.Errorf("%s is listed and answers %d", uri, code)
		}
	}
}

// lookAtSegment fetches a segment. It holds every part that was seen of it.
func (w *watcher) lookAtSegment(at place, r row) {
	uri := at.rendition + "/" + r.uri
	code, body, ok := w.fetch(uri)
	if !ok {
		return // next time
	}
	if code != http.StatusOK {
		w.t.Errorf("%s is listed and answers %d", uri, code)
		return
	}
	w.sums[uri] = sha256.Sum256(body)
	rest, complete, total := body, true, 0.0
	for _, p := range w.parts[at] {
		var seconds float64
		if _, err := fmt.Sscanf(p, "DURATION=%f", &seconds); err != nil {
			w.t.Errorf("%s: %v", p, err)
		}
		total += seconds
		got, ok := w.bytes[at.rendition+"/"+quotedURI.FindStringSubmatch(p)[1]]
		complete = complete && ok
		switch {
		case !ok: // the server was killed before it was asked
		case complete && !bytes.HasPrefix(rest, got), !bytes.Contains(rest, got):
			w.t.Errorf("%s has %d bytes without %s", uri, len(body), p)
		default:
			rest = rest[bytes.Index(rest, got)+len(got):]
		}
	}
	if lasts, err := strconv.ParseFloat(r.duration, 64); err != nil || lasts+aFrame < total {
		w.t.Errorf("%s lasts %s s, its parts lasted %.3f s, %v", uri, r.duration, total, err)
	}
	if len(r.parts) > 0 && complete && len(rest) > 0 {
		w.t.Errorf("%s has %d bytes, %d more than its parts", uri, len(body), len(rest))
	}
}

// position is the Media Sequence Number of the newest segment of which every
// rendition has something.
func (w *watcher) position() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	newest := -1
	for i, name := range survivors {
		l := w.lists[name+"/index.m3u8"]
		if n := l.first + len(l.rows) - 1; i == 0 || n < newest {
			newest = n
		}
	}
	return newest
}

// further complains until n segments from MSN on are there.
func (w *watcher) further(msn, n int) string {
	if got := w.position(); got < msn+n {
		return fmt.Sprintf("the class is at segment %d, want %d", got, msn+n)
	}
	return ""
}

// texts returns the playlists of the ended class.
func (w *watcher) texts() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	names := []string{"index.m3u8"}
	for _, name := range survivors {
		names = append(names, name+"/index.m3u8", name+"/dvr.m3u8", name+"/recording.m3u8")
	}
	for _, name := range names {
		code, body := get(w.t, w.base+name)
		if code != http.StatusOK {
			body = fmt.Sprintf("%d %s", code, body)
		}
		out[name] = body
	}
	return out
}

// wantRecording wants everything that was ever seen in the recordings, as it was.
func (w *watcher) wantRecording(kills int) {
	w.t.Helper()
	until(w.t, func() string {
		if code, body := get(w.t, w.base+"index.m3u8"); code != http.StatusOK || !strings.Contains(body, "source/recording.m3u8") {
			return fmt.Sprintf("%d %s", code, body)
		}
		return ""
	})
	for _, rendition := range survivors {
		name := rendition + "/recording.m3u8"
		_, body := get(w.t, w.base+name)
		w.look(name, body) // whatever was not seen before is fetched now
		l := w.lists[name]
		if !l.ended || l.first != 0 || len(l.rows) < kills+1 {
			w.t.Fatalf("the recording:\n%s", body)
		}
		if got := l.rows[len(l.rows)-1].breaks; got < kills {
			w.t.Errorf("%s has %d discontinuities, the server was killed %d times", name, got, kills)
		}
		for at := range w.known {
			if at.rendition == rendition && at.msn >= len(l.rows) {
				w.t.Errorf("%s has no %v, which was listed", name, at)
			}
		}
		gaps := 0
		for _, r := range l.rows {
			if r.gap {
				gaps++
				continue
			}
			uri := rendition + "/" + r.uri
			code, body := get(w.t, w.base+uri)
			if code != http.StatusOK || sha256.Sum256([]byte(body)) != w.sums[uri] {
				w.t.Errorf("%s: %d, %d bytes, not what it was", uri, code, len(body))
			}
		}
		w.t.Logf("%s: %d segments, %d gaps, %d discontinuities", name, len(l.rows), gaps, l.rows[len(l.rows)-1].breaks)
	}
	unfetched := slices.Collect(func(yield func(string) bool) {
		for at, r := range w.known {
			if _, ok := w.sums[at.rendition+"/"+r.uri]; !ok && !r.gap && !yield(r.uri) {
				return
			}
		}
	})
	if len(unfetched) > 0 {
		w.t.Errorf("never to be had: %v", unfetched)
	}
}
