package conformance

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

func mediaRules() []Rule {
	return []Rule{
		{Number: 95, Level: Must, Section: "D 4.4.4.7", Want: "every playlist, and every segment and part that is listed and no gap, to be there"},
		{Number: 97, Level: Must, Section: "D 4.4.3.6", Want: "EXT-X-I-FRAMES-ONLY, EXT-X-MAP, and a picture at every byte range", needs: "an I-frame playlist"},
	}
}

const (
	// newest is how many segments of the first copy are asked for, readFirst how
	// many of them are read whole, at each end of what has ended.
	newest    = 12
	readFirst = 3
	// partsEvery says of which segments the parts are read too: the first two and
	// then one of so many.
	partsEvery = 4
	// maxExpires bounds the segments of which is remembered how long caches keep them.
	maxExpires = 4096
)

// listed hands the segments that are new in m to the reader. Of the first copy of a
// live list those at its end, of what has ended those at both ends.
func (w *watcher) listed(m *media) {
	if w.iFrames {
		w.report.judged(97)
		if !m.iFramesOnly {
			w.report.broken(97, w.name, "no EXT-X-I-FRAMES-ONLY")
		}
	} else {
		w.report.judged(95)
	}
	n := len(m.segments)
	for i, s := range m.segments {
		s.sizeOnly, s.target = false, m.targetDuration
		if w.prev != nil {
			if s.msn < w.prev.end() {
				continue
			}
		} else {
			atEnd, atStart := i >= n-readFirst, m.ended && i < readFirst
			if s.sizeOnly = !atEnd && !atStart; s.sizeOnly && (i < n-newest || w.iFrames) {
				continue
			}
		}
		if s.gap {
			continue
		}
		select {
		case w.files <- s:
		default: // the reader is behind; it judges what it gets
		}
	}
}

// mediaReader reads the segments of one media playlist beside its watcher, so that
// reading does not delay the watch. Its fields belong to its goroutine.
type mediaReader struct {
	w       *watcher
	target  int
	inits   map[initFile]*initSection
	last    *follows
	ts      transport
	lastTS  int
	read    int // segments
	asked   map[string]bool
	pending []gone               // looked for once, and to be looked for again
	expires map[string]time.Time // when caches forget a segment
}

func newMediaReader(w *watcher) *mediaReader {
	return &mediaReader{w: w, inits: map[initFile]*initSection{}, lastTS: -2, asked: map[string]bool{}, expires: map[string]time.Time{}}
}

// run reads until files is closed or ctx ends.
func (r *mediaReader) run(ctx context.Context, files <-chan segment) error {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s, ok := <-files:
			if !ok {
				return r.finish(ctx)
			}
			err = r.segment(ctx, s)
		case g := <-r.w.removed:
			err = r.lookFor(ctx, g, false)
		case <-t.C:
			err = r.lookAgain(ctx)
		}
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			// A server that is away is the watcher's to judge.
			if err = pause(ctx, time.Second); err != nil {
				return err
			}
		}
	}
}

// finish looks for what has been removed once more.
func (r *mediaReader) finish(ctx context.Context) error {
	for {
		select {
		case g := <-r.w.removed:
			if err := r.lookFor(ctx, g, false); err != nil && ctx.Err() != nil {
				return ctx.Err()
			}
			continue
		default:
		}
		return nil
	}
}

// lookFor asks for a file that was removed from the playlist.
func (r *mediaReader) lookFor(ctx context.Context, g gone, again bool) error {
	res, err := r.w.head(ctx, r.w.u, g.uri)
	if err != nil {
		return err
	}
	now, w := time.Now(), r.w
	expires := r.expires[g.uri]
	switch {
	case res.status == http.StatusOK:
		w.report.judged(g.rule, 90)
		if !again && len(r.pending) < maxGone {
			r.pending = append(r.pending, g)
			return nil
		}
	case now.Before(g.until):
		w.report.broken(g.rule, w.name, "status %d for %s, removed %v ago", res.status, g.what, now.Sub(g.at).Round(time.Second))
	}
	if res.status == http.StatusNotFound && now.Before(expires) {
		w.report.broken(90, w.name, "%s gone, %v before caches forget it", g.what, expires.Sub(now).Round(time.Second))
	}
	delete(r.expires, g.uri)
	return nil
}

// lookAgain asks for the files whose time is nearly up.
func (r *mediaReader) lookAgain(ctx context.Context) error {
	for i := 0; i < len(r.pending); {
		g := r.pending[i]
		if time.Until(g.until) > 2*time.Second {
			i++
			continue
		}
		r.pending = append(r.pending[:i], r.pending[i+1:]...)
		if err := r.lookFor(ctx, g, true); err != nil {
			return err
		}
	}
	return nil
}

// segment reads one segment, or asks for its size only.
func (r *mediaReader) segment(ctx context.Context, s segment) error {
	w := r.w
	r.target = s.target
	if s.sizeOnly && s.length == 0 {
		res, err := w.head(ctx, w.u, s.uri)
		if err != nil {
			return err
		}
		size, perr := strconv.ParseInt(res.header.Get("Content-Length"), 10, 64)
		if res.status != http.StatusOK || perr == nil && size == 0 {
			w.report.broken(95, w.name, "status %d with length %q for segment %d", res.status, res.header.Get("Content-Length"), s.msn)
		} else if perr == nil {
			r.rate(s, size)
		}
		r.kept(s, res)
		return nil
	}
	select {
	case w.checker.files <- struct{}{}:
		defer func() { <-w.checker.files }()
	case <-ctx.Done():
		return ctx.Err()
	}
	in, err := r.init(ctx, s)
	if err != nil {
		return err
	}
	res, err := w.media(ctx, w.u, resource{s.uri, s.byteRange})
	if err != nil {
		return err
	}
	if w.iFrames {
		r.picture(s, res)
		return nil
	}
	w.mediaAnswer(w.name, fmt.Sprintf("segment %d", s.msn), s.uri, res)
	if !res.ok() || len(res.body) == 0 {
		w.report.broken(95, w.name, "status %d with %d bytes %s for segment %d", res.status, len(res.body), res.torn, s.msn)
		return nil
	}
	if !r.asked["segment"] {
		r.asked["segment"] = true
		if err = w.probeFile(ctx, s.uri, res); err != nil {
			return err
		}
	}
	r.rate(s, int64(len(res.body)))
	r.kept(s, res)
	w.mu.Lock()
	w.whole++
	w.mu.Unlock()
	r.read++
	switch {
	case s.encrypted: // as a whole, or its samples: nothing can be said
	case isTransportStream(res.body):
		r.stream(s, res.body)
	case isFragmented(res.body) || s.init.uri != "":
		return r.fragmented(ctx, s, in, res.body)
	}
	return nil
}

// kept notes for how long caches may keep a segment.
func (r *mediaReader) kept(s segment, res response) {
	if life, ok := maxAge(res.header); ok && len(r.expires) < maxExpires {
		r.expires[s.uri] = res.done.Add(life)
	}
}

func (r *mediaReader) rate(s segment, size int64) {
	w := r.w
	w.mu.Lock()
	defer w.mu.Unlock()
	m := &w.of(w.name).rate
	m.target = time.Duration(s.target) * time.Second
	m.add(measured{s.msn, size, s.duration})
}

// fragmented judges a segment of fragmented MP4 and, of some, the parts.
func (r *mediaReader) fragmented(ctx context.Context, s segment, in *initSection, body []byte) error {
	w := r.w
	runs, err := parseFragments(body, in)
	if err != nil {
		w.report.broken(53, w.name, "segment %d: %v", s.msn, err)
		return nil
	}
	r.boxes(s, in, runs)
	if len(s.parts) == 0 || len(runs) == 0 || r.read > 2 && r.read%partsEvery != 0 {
		return nil
	}
	var bodies [][]byte
	for i, p := range s.parts {
		if p.gap {
			return nil
		}
		res, err := w.media(ctx, w.u, resource{p.uri, p.byteRange})
		if err != nil {
			return err
		}
		w.mediaAnswer(w.name, fmt.Sprintf("part %d of segment %d", i, s.msn), p.uri, res)
		if !res.ok() {
			w.report.broken(95, w.name, "status %d %s for part %d of segment %d", res.status, res.torn, i, s.msn)
			return nil
		}
		bodies = append(bodies, res.body)
	}
	r.inParts(s, in, runs, bodies)
	return nil
}

// init returns the initialization section of a segment, nil if it has none.
func (r *mediaReader) init(ctx context.Context, s segment) (*initSection, error) {
	if s.init.uri == "" || s.encrypted {
		return nil, nil //nolint:nilnil // there is none, and that is no error
	}
	if in, ok := r.inits[s.init]; ok {
		return in, nil
	}
	w := r.w
	res, err := w.media(ctx, w.u, resource{s.init.uri, s.init.byteRange})
	if err != nil {
		return nil, err
	}
	if len(r.inits) >= maxInits {
		clear(r.inits)
	}
	r.inits[s.init] = nil
	w.mediaAnswer(w.name, "an initialization section", s.init.uri, res)
	if !res.ok() {
		w.report.broken(95, w.name, "status %d for %s", res.status, s.init.uri)
		return nil, nil //nolint:nilnil // as above
	}
	in, perr := parseInit(res.body)
	in.uri = s.init.uri
	if !w.iFrames {
		r.initOf(in, perr)
	}
	r.inits[s.init] = in
	return in, nil
}

// picture judges what an I-frame playlist names.
func (r *mediaReader) picture(s segment, res response) {
	w := r.w
	if s.init.uri == "" && fragmented(s.uri) {
		w.report.broken(97, w.name, "no EXT-X-MAP for entry %d", s.msn)
	}
	want := fmt.Sprintf("bytes %d-%d/", s.offset, s.offset+s.length-1)
	switch got := res.header.Get("Content-Range"); {
	case res.status != http.StatusOK && res.status != http.StatusPartialContent:
		w.report.broken(97, w.name, "status %d for entry %d", res.status, s.msn)
	case s.length > 0 && (res.status != http.StatusPartialContent || len(got) < len(want) || got[:len(want)] != want):
		w.report.broken(87, w.name, "status %d with Content-Range %q", res.status, got)
	case s.length > 0 && int64(len(res.body)) != s.length || len(res.body) == 0:
		w.report.broken(97, w.name, "%d bytes for entry %d, which has %d", len(res.body), s.msn, s.length)
	}
}
