//go:build e2e

package main_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// mediaList is what a viewer needs of a media playlist.
type mediaList struct {
	msn, part int // of the part or segment that comes next
	edge      time.Time
	target    time.Duration
	parts     []string // every part it lists, oldest first
	ended     bool
}

// parseList reads a media playlist.
func parseList(body string) (mediaList, error) {
	var l mediaList
	if !strings.HasPrefix(body, "#EXTM3U\n") {
		return l, fmt.Errorf("no playlist: %.80q", body)
	}
	seconds := func(text string) time.Duration {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return 0
		}
		return time.Duration(v * float64(time.Second))
	}
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "#EXT-X-MEDIA-SEQUENCE":
			l.msn, _ = strconv.Atoi(value)
		case "#EXT-X-TARGETDURATION":
			l.target = seconds(value)
		case "#EXT-X-SKIP":
			n, _ := strconv.Atoi(strings.TrimPrefix(value, "SKIPPED-SEGMENTS="))
			l.msn += n
		case "#EXT-X-PROGRAM-DATE-TIME":
			at, err := time.Parse("2006-01-02T15:04:05.999Z07:00", value)
			if err != nil {
				return l, fmt.Errorf("read date: %w", err)
			}
			l.edge = at
		case "#EXT-X-PART":
			l.part++
			for attribute := range strings.SplitSeq(value, ",") {
				if d, ok := strings.CutPrefix(attribute, "DURATION="); ok {
					l.edge = l.edge.Add(seconds(d))
				}
				if u, ok := strings.CutPrefix(attribute, "URI="); ok {
					l.parts = append(l.parts, strings.Trim(u, `"`))
				}
			}
		case "#EXTINF":
			// The segment's parts were counted already, or it has none any more.
			if l.part == 0 {
				l.edge = l.edge.Add(seconds(strings.TrimSuffix(value, ",")))
			}
			l.msn++
			l.part = 0
		case "#EXT-X-ENDLIST":
			l.ended = true
		}
	}
	if l.edge.IsZero() {
		return l, errors.New("a playlist without dates")
	}
	return l, nil
}

// has reports whether the list has the part or segment that was asked for.
func (l mediaList) has(msn, part int) bool {
	return l.ended || l.msn > msn || (l.msn == msn && l.part > part)
}

// witness knows how far the origin's playlists are, without a cache between.
type witness struct {
	mu    sync.Mutex // guards edges
	edges map[string]time.Time
}

func (w *witness) note(rendition string, edge time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.edges[rendition] = edge
}

func (w *witness) edge(rendition string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.edges[rendition]
}

// audience is all the viewers of one cache and what they saw.
type audience struct {
	client  *http.Client
	base    string
	gate    *gate
	witness *witness
	over    <-chan struct{} // closed when the lesson is; nobody leaves before their last answer

	mu       sync.Mutex // guards the fields below
	requests int
	asked    map[string]bool // paths with query
	refused  map[int]int     // answers that were not 200, by status
	faults   []string
	late     map[string][]time.Duration // after the origin's answer, by kind of object
}

func newAudience(base string, g *gate, w *witness, over <-chan struct{}) *audience {
	return &audience{
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 512}}, base: base, gate: g, witness: w, over: over,
		asked: map[string]bool{}, refused: map[int]int{}, late: map[string][]time.Duration{},
	}
}

func (a *audience) isOver() bool {
	select {
	case <-a.over:
		return true
	default:
		return false
	}
}

func (a *audience) fault(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.faults) < 20 {
		a.faults = append(a.faults, fmt.Sprintf(format, args...))
	}
}

// get asks the cache for uri, which begins with /live/, as the owner of token.
func (a *audience) get(ctx context.Context, token, uri, kind string) (int, string, error) {
	target := a.base + uri
	if token != "" {
		target = a.base + "/t/" + token + uri
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	// What a browser would add.
	req.Header.Set("Cookie", "lms=viewer")
	req.Header.Set("Referer", a.base+"/watch/"+cdnClass)
	req.Header.Set("CMCD-Session", `sid="6e2fb550-c457-11e9-bb97-0800200c9a66"`)
	asked := time.Now()
	res, err := a.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, "", fmt.Errorf("read %s: %w", uri, err)
	}
	got := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests++
	a.asked[uri] = true
	if res.StatusCode != http.StatusOK {
		a.refused[res.StatusCode]++
	} else if at, ok := a.gate.firstAnswer(uri); ok && asked.Before(at) && got.After(at) {
		// It was asked for before it was there: the difference is the cache's own.
		a.late[kind] = append(a.late[kind], got.Sub(at))
	}
	return res.StatusCode, string(b), nil
}

// watch is a low-latency viewer of one rendition, as hls.js: the multivariant
// playlist, the media playlist, and then a blocking reload, the parts that are
// new in it, and so on until it is over.
func (a *audience) watch(ctx context.Context, rendition string) {
	if err := a.play(ctx, newToken(), rendition); err != nil && ctx.Err() == nil {
		a.fault("a viewer of %s: %v", rendition, err)
	}
}

func (a *audience) play(ctx context.Context, token, rendition string) error {
	dir := "/live/" + cdnClass + "/"
	code, body, err := a.get(ctx, token, dir+"index.m3u8", "multivariant")
	if err != nil || code != http.StatusOK || !strings.Contains(body, rendition+"/index.m3u8") {
		return fmt.Errorf("multivariant playlist: %d %.200q: %w", code, body, err)
	}
	dir += rendition + "/"
	known, err := a.reload(ctx, token, rendition, dir+"index.m3u8")
	if err != nil {
		return err
	}
	fetched := map[string]bool{}
	for _, name := range known.parts[:max(0, len(known.parts)-3)] {
		fetched[name] = true // it starts near the live edge
	}
	for !known.ended && !a.isOver() {
		for _, name := range known.parts {
			if fetched[name] {
				continue
			}
			fetched[name] = true
			if code, body, err = a.get(ctx, token, dir+path.Base(name), "part"); err != nil {
				return err
			}
			if code == http.StatusOK && !strings.Contains(body[:min(len(body), 128)], "moof") {
				return fmt.Errorf("%s is no part: %.64q", name, body)
			}
		}
		ask := fmt.Sprintf("%sindex.m3u8?_HLS_msn=%d&_HLS_part=%d&_HLS_skip=YES", dir, known.msn, known.part)
		code, body, err = a.get(ctx, token, ask, "playlist")
		if err != nil {
			return err
		}
		if code != http.StatusOK {
			// The origin is late, or we are: from the start, as players do.
			if known, err = a.reload(ctx, token, rendition, dir+"index.m3u8"); err != nil {
				return err
			}
			continue
		}
		next, err := parseList(body)
		if err != nil {
			return err
		}
		if !next.has(known.msn, known.part) {
			a.fault("%s was answered with a playlist before %d.%d", ask, next.msn, next.part)
		}
		known = next
	}
	return nil
}

// reload gets a plain media playlist, which must not be older than the
// specification allows: one and a half target durations.
func (a *audience) reload(ctx context.Context, token, rendition, uri string) (mediaList, error) {
	fresh := a.witness.edge(rendition)
	code, body, err := a.get(ctx, token, uri, "plain playlist")
	if err != nil || code != http.StatusOK {
		return mediaList{}, fmt.Errorf("plain reload: %d: %w", code, err)
	}
	l, err := parseList(body)
	if err != nil {
		return l, err
	}
	if late := fresh.Sub(l.edge); late > l.target*3/2 {
		a.fault("a plain playlist of %s is %s old", rendition, late)
	}
	return l, nil
}

// poll is a viewer without low latency: it reloads the plain playlist every half
// target duration.
func (a *audience) poll(ctx context.Context, rendition string) {
	token, uri := newToken(), "/live/"+cdnClass+"/"+rendition+"/index.m3u8"
	for !a.isOver() {
		l, err := a.reload(ctx, token, rendition, uri)
		if err != nil {
			a.fault("a plain viewer of %s: %v", rendition, err)
			return
		}
		select {
		case <-a.over:
		case <-time.After(l.target / 2):
		}
	}
}

// follow keeps the witness informed about a rendition until ctx ends.
func (w *witness) follow(ctx context.Context, origin, rendition string) error {
	base := origin + "/live/" + cdnClass + "/" + rendition + "/index.m3u8"
	for ask := base; ctx.Err() == nil; {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, ask, http.NoBody)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		b, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			return err
		}
		if ask = base; res.StatusCode != http.StatusOK {
			continue
		}
		l, err := parseList(string(b))
		if err != nil {
			return err
		}
		w.note(rendition, l.edge)
		ask = fmt.Sprintf("%s?_HLS_msn=%d&_HLS_part=%d", base, l.msn, l.part)
	}
	return ctx.Err()
}
