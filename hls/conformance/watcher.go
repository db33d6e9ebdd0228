package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// maxOutage is how long a server may be away in the middle of a watch.
	maxOutage = 30 * time.Second
	// politeness is the least time between two reloads, whatever the server says.
	politeness = 10 * time.Millisecond
	// toRead bounds the segments that wait to be read; what comes then is not read.
	toRead = 64
	// maxGone bounds the removed files that wait to be looked for.
	maxGone = 64
)

// watcher follows one media playlist. Its fields belong to its goroutine, those
// that reader owns to the reader's.
type watcher struct {
	*checker
	name    string
	u       *url.URL
	iFrames bool
	others  []string // names of the other media playlists, without I-frame playlists

	prev       *media
	prevAt     time.Time
	grewAt     time.Time             // when the newest segment appeared
	partAt     time.Time             // when the newest part appeared
	excused    bool                  // the server said that there was nothing to add
	wasAway    bool                  // and came back since the last copy
	removing   bool                  // segments have left the list
	ranges     map[string]attributes // of Date Ranges, by ID
	longest    time.Duration         // of all copies seen
	unanswered int                   // reloads in a row that were refused

	files   chan segment // to the reader
	removed chan gone    // to the reader: files that have left the list
	reader  *mediaReader
}

// gone is a file that is listed no more.
type gone struct {
	uri   string
	what  string
	rule  int
	at    time.Time
	until time.Time // to be there
}

func newWatcher(c *checker, name string, u *url.URL, iFrames bool, names map[string]*url.URL) *watcher {
	w := &watcher{checker: c, name: name, u: u, iFrames: iFrames, files: make(chan segment, toRead), removed: make(chan gone, maxGone), ranges: map[string]attributes{}}
	if iFrames {
		w.name = "I-frames " + name
	}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		if n != name {
			w.others = append(w.others, n)
		}
	}
	w.reader = newMediaReader(w)
	return w
}

// follow watches one media playlist, reads its media and asks it odd questions, until
// ctx ends or ENDLIST has come and all is read.
func (c *checker) follow(ctx context.Context, w *watcher) error {
	g, gctx := errgroup.WithContext(ctx)
	first := make(chan *media, 1)
	g.Go(func() error {
		defer close(w.files)
		defer close(first)
		return w.watch(gctx, first)
	})
	g.Go(func() error { return w.reader.run(gctx, w.files) })
	g.Go(func() error {
		m, ok := <-first
		if !ok {
			return nil
		}
		return w.probe(gctx, m)
	})
	return g.Wait()
}

// watch reads the playlist until ctx ends or ENDLIST comes. It sends the first copy.
func (w *watcher) watch(ctx context.Context, first chan<- *media) error {
	ask := *w.u
	var away time.Time // since when
	for {
		res, err := w.reload(ctx, &ask)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil || res.transient():
			if away.IsZero() {
				away = time.Now()
			}
			if w.prev == nil || time.Since(away) > maxOutage {
				w.report.broken(95, w.name, "no playlist: %s", outage(res, err))
				return nil
			}
			w.wasAway, ask = true, *w.u
			if err = pause(ctx, time.Second); err != nil {
				return err
			}
			continue
		}
		away = time.Time{}
		m, again, err := w.take(ctx, &ask, res)
		switch {
		case err != nil:
			return err
		case again:
			continue
		case m == nil:
			return nil
		}
		if w.prev == nil {
			first <- m
		}
		wait := politeness
		if ask = w.nextRequest(m); ask.RawQuery == w.u.RawQuery || w.prev != nil && !m.beyond(w.prev) {
			wait = max(time.Second, m.target()) / 2
		}
		w.prev, w.prevAt = m, res.done
		if m.ended {
			return nil
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

func outage(res response, err error) string {
	if err != nil {
		return err.Error()
	}
	return "status " + strconv.Itoa(res.status)
}

// reload sends a request for the playlist, and gives a server that holds it too long
// up (rule 78).
func (w *watcher) reload(ctx context.Context, ask *url.URL) (response, error) {
	if w.prev == nil || ask.RawQuery == w.u.RawQuery {
		return w.playlist(ctx, ask)
	}
	limit := 3*w.prev.target() + 10*time.Second
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	res, err := w.playlist(bounded, ask)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		w.report.broken(78, w.name, "no answer for %v", limit)
	}
	return res, err
}

// take judges one answer. It returns nil to stop; again is set if there is nothing in
// it and another request is due, which it leaves in ask.
func (w *watcher) take(ctx context.Context, ask *url.URL, res response) (m *media, again bool, err error) {
	directives := ask.RawQuery != w.u.RawQuery
	switch {
	case directives && (res.status == http.StatusServiceUnavailable || res.status == http.StatusNotFound || res.status == http.StatusBadRequest):
		w.unmet(ask, res)
		if w.unanswered++; w.unanswered > 100 {
			return nil, false, nil
		}
		*ask = *w.u
		return nil, true, pause(ctx, time.Second)
	case res.status == http.StatusServiceUnavailable && w.prev != nil:
		w.excuse()
		return nil, true, pause(ctx, time.Second)
	case res.status != http.StatusOK:
		w.report.broken(w.missing(), w.name, "status %d", res.status)
		return nil, false, nil
	}
	if w.torn(w.name, res) {
		return nil, false, nil
	}
	if m, err = parseMedia(string(res.body)); err != nil {
		rule := 1
		if !strings.HasSuffix(string(res.body), "\n") {
			rule = 41 // the end of it is missing
		}
		w.report.broken(rule, w.name, "%v", err)
		return nil, false, nil
	}
	if w.prev != nil && w.stale(directives, res, m) {
		*ask = *w.u
		return nil, true, pause(ctx, time.Second)
	}
	w.unanswered = 0
	if w.prev == nil {
		w.playlistAnswer(w.name, ask, res)
	}
	w.playlistCaching(w.name, res, m, directives)
	w.judge(ask, res, m, directives)
	return m, false, nil
}

// missing is the rule that a playlist breaks that is not there.
func (w *watcher) missing() int {
	if w.iFrames {
		return 97
	}
	return 95
}

// judge applies every rule to one more copy.
func (w *watcher) judge(ask *url.URL, res response, m *media, directives bool) {
	w.snapshot(m)
	w.dateRanges(m)
	if !w.iFrames {
		w.lowLatency(m)
		w.across(w.name, m, w.prev)
	}
	if w.prev != nil {
		w.change(m, res)
		if directives {
			w.blocking(ask, res, m)
		}
	}
	if !w.iFrames {
		w.appeared(m, res)
		w.reported(m, res, directives)
	}
	w.listed(m)
}

// stale reports whether m is an older copy than the last, as a cache may send for as
// long as its Cache-Control says. A cache is no fault of the server's.
func (w *watcher) stale(directives bool, res response, m *media) bool {
	if directives || !w.prev.beyond(m) {
		return false
	}
	life, ok := maxAge(res.header)
	return ok && res.asked.Sub(w.prevAt) <= life+time.Second
}

// maxAge is how long a cache may keep an answer.
func maxAge(h http.Header) (time.Duration, bool) {
	best, found := time.Duration(0), false
	for d := range strings.SplitSeq(strings.ToLower(strings.Join(h.Values("Cache-Control"), ",")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(d), "=")
		switch name {
		case "no-store", "no-cache":
			return 0, true
		case "max-age", "s-maxage":
			if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				best, found = max(best, time.Duration(n)*time.Second), true
			}
		}
	}
	return best, found
}

// nextRequest is the reload that a player would send.
func (w *watcher) nextRequest(m *media) url.URL {
	if !m.blocks() || w.iFrames {
		return *w.u
	}
	msn, index := m.nextPart()
	if m.partTarget == 0 {
		return w.directives("_HLS_msn", msn)
	}
	return w.directives("_HLS_msn", msn, "_HLS_part", index)
}

// directives returns the playlist's URL with names and values added to its query, in
// the order of RFC 8216bis §6.2.5, which caches want.
func (w *watcher) directives(pairs ...any) url.URL {
	u := *w.u
	for i := 0; i+1 < len(pairs); i += 2 {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += fmt.Sprintf("%v=%v", pairs[i], pairs[i+1])
	}
	return u
}

// query shows the directives of a request, and nothing else of it.
func query(u *url.URL) string {
	var out []string
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		if strings.HasPrefix(pair, "_HLS_") {
			out = append(out, pair)
		}
	}
	return strings.Join(out, "&")
}
