package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

func reloadRules() []Rule {
	const blocks, skips = "a live playlist with CAN-BLOCK-RELOAD=YES", "a live playlist with CAN-SKIP-UNTIL and segments before it"
	return []Rule{
		{Number: 73, Level: Must, Section: "D 6.2.5.2", Want: "a blocking reload answered with what it asked for, when that is there", needs: blocks},
		{Number: 74, Level: Must, Section: "D 6.2.5.2", Want: "a part past the last of its segment taken for part 0 of the next, and answered when that is there", needs: "a live playlist with CAN-BLOCK-RELOAD=YES and four parts or more in a segment"},
		{Number: 75, Level: Must, Section: "D 6.2.5.2", Want: "the entire playlist for a segment that is old or gone", needs: blocks},
		{Number: 76, Level: Must, Section: "D 6.2.5.2", Want: "400 for _HLS_part without _HLS_msn", needs: blocks},
		{Number: 77, Level: Should, Section: "D 6.2.5.2", Want: "400 at once for a request far ahead of the live edge", needs: blocks},
		{Number: 78, Level: Should, Section: "D 6.2.5.2", Want: "503 for a reload that cannot be met in three target durations", needs: "a reload that the server could not meet"},
		{Number: 79, Level: Must, Section: "D 6.2.5.1, 6.2.5.2", Want: "delivery directives ignored after ENDLIST", needs: "a playlist that has ended"},
		{Number: 80, Level: Must, Section: "D 6.2.5.1, 4.4.5.2", Want: "a delta update that yields the full playlist and skips nothing within the Skip Boundary", needs: skips},
		{Number: 81, Level: Must, Section: "own", Want: "the waiter of a client that leaves to be freed", needs: "the metrics page of a Lectern: no answer shows this"},
		{Number: 82, Level: Must, Section: "D B.1", Want: "the same bytes for the same URL and state", needs: blocks},
	}
}

// blocking judges whether a blocking reload brought what it asked for.
func (w *watcher) blocking(ask *url.URL, res response, m *media) {
	if m.ended {
		return
	}
	w.report.judged(73)
	q := ask.Query()
	wantMSN, err := strconv.Atoi(q.Get("_HLS_msn"))
	if err != nil {
		return // our own query
	}
	wantPart := -1
	if p := q.Get("_HLS_part"); p != "" {
		if wantPart, err = strconv.Atoi(p); err != nil {
			return // our own query
		}
	}
	msn, index := m.nextPart()
	if msn > wantMSN || msn == wantMSN && wantPart >= 0 && index > wantPart {
		return
	}
	w.report.broken(73, w.name, "part %d of %d as next after asking for %s", index, msn, query(ask))
	if held := res.first.Sub(res.asked); held >= 3*m.target() {
		w.report.broken(78, w.name, "the old playlist after %v", held.Round(10*time.Millisecond))
	}
}

// unmet judges a reload that was refused.
func (w *watcher) unmet(ask *url.URL, res response) {
	if res.status == http.StatusServiceUnavailable {
		w.report.judged(78)
		w.excuse()
		return
	}
	w.report.broken(73, w.name, "status %d for %s", res.status, query(ask))
}

// excuse notes that the server says that it has nothing, which is for all playlists.
func (w *watcher) excuse() {
	w.excused = true
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unavailable = time.Now()
}

// probe sends a media playlist the odd requests, once.
func (w *watcher) probe(ctx context.Context, m *media) error {
	if err := w.probePlaylist(ctx, w.name, w.u, m); err != nil || w.iFrames {
		return err
	}
	steps := []func(context.Context, *media) error{w.probeMissing}
	if m.ended {
		steps = append(steps, w.probeEnded)
	} else {
		if m.control["CAN-SKIP-UNTIL"] != "" {
			steps = append(steps, w.probeDelta)
		}
		if m.blocks() {
			steps = append(steps, w.probeOld, w.probeSame, w.probeAhead, w.probeHeld)
		}
		if m.partTarget > 0 {
			steps = append(steps, w.probeHints)
		}
	}
	for _, step := range steps {
		if err := step(ctx, m); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			w.report.because(73, "a request could not be made: "+err.Error())
		}
	}
	return nil
}

// ask sends a request with directives.
func (w *watcher) ask(ctx context.Context, pairs ...any) (response, *media, error) {
	u := w.directives(pairs...)
	res, err := w.playlist(ctx, &u)
	if err != nil || res.status != http.StatusOK || res.torn != "" {
		return res, nil, err
	}
	m, perr := parseMedia(string(res.body))
	if perr != nil {
		return res, nil, nil //nolint:nilerr // the watcher says so
	}
	return res, m, nil
}

// probeOld asks for what has long been there.
func (w *watcher) probeOld(ctx context.Context, m *media) error {
	for _, pairs := range [][]any{{"_HLS_msn", m.msn}, {"_HLS_msn", max(0, m.msn-2), "_HLS_part", 0}} {
		res, got, err := w.ask(ctx, pairs...)
		if err != nil {
			return err
		}
		w.report.judged(75)
		switch {
		case res.status != http.StatusOK:
			w.report.broken(75, w.name, "status %d for %v", res.status, pairs)
		case got != nil && (got.skips > 0 || got.end() <= m.msn):
			w.report.broken(75, w.name, "segments up to %d, %d skipped, for %v", got.end()-1, got.skipped, pairs)
		}
	}
	return nil
}

// probeSame asks twice for the same.
func (w *watcher) probeSame(ctx context.Context, m *media) error {
	for range 3 {
		first, a, err := w.ask(ctx, "_HLS_msn", m.end()-1)
		if err != nil || a == nil {
			return err
		}
		second, b, err := w.ask(ctx, "_HLS_msn", m.end()-1)
		if err != nil || b == nil {
			return err
		}
		am, ai := a.nextPart()
		bm, bi := b.nextPart()
		if am != bm || ai != bi || fmt.Sprint(a.reports, a.ranges) != fmt.Sprint(b.reports, b.ranges) || a.ended != b.ended {
			continue // something was published in between
		}
		w.report.judged(82)
		if string(first.body) != string(second.body) {
			w.report.broken(82, w.name, "%d and %d bytes that differ, up to part %d of segment %d both times", len(first.body), len(second.body), ai, am)
		}
		return nil
	}
	return nil
}

// probeAhead asks for what no server has yet.
func (w *watcher) probeAhead(ctx context.Context, m *media) error {
	res, _, err := w.ask(ctx, "_HLS_part", 0)
	if err != nil {
		return err
	}
	w.report.judged(76, 77)
	if res.status != http.StatusBadRequest {
		w.report.broken(76, w.name, "status %d", res.status)
	}
	bounded, cancel := context.WithTimeout(ctx, m.target()+5*time.Second)
	defer cancel()
	res, _, err = w.ask(bounded, "_HLS_msn", m.end()+100)
	if err != nil && ctx.Err() != nil {
		return err
	}
	if err != nil || res.status != http.StatusBadRequest {
		w.report.broken(77, w.name, "%s for 100 segments ahead", outage(res, err))
	}
	return nil
}

// probeHeld asks for a whole segment, then for a part that it does not have and for
// one that the next cannot have.
func (w *watcher) probeHeld(ctx context.Context, m *media) error {
	_, now, err := w.ask(ctx)
	if err != nil || now == nil || now.ended {
		return err
	}
	msn := now.end()
	res, got, err := w.ask(ctx, "_HLS_msn", msn)
	if err != nil {
		return err
	}
	w.report.judged(73)
	switch {
	case res.status == http.StatusServiceUnavailable || got != nil && got.ended:
		return nil
	case res.status != http.StatusOK:
		w.report.broken(73, w.name, "status %d for segment %d", res.status, msn)
		return nil
	case got == nil:
		return nil
	case got.end() <= msn:
		w.report.broken(73, w.name, "segments up to %d after asking for segment %d whole", got.end()-1, msn)
	}
	if m.partTarget == 0 {
		return nil
	}
	// Once the next segment has begun, the number of its parts is final.
	if _, got, err = w.ask(ctx, "_HLS_msn", msn+1, "_HLS_part", 0); err != nil || got == nil || got.ended {
		return err
	}
	last, ok := got.at(msn)
	if !ok || len(last.parts) < 4 {
		return nil
	}
	asked := time.Now()
	res, after, err := w.ask(ctx, "_HLS_msn", last.msn, "_HLS_part", len(last.parts))
	if err != nil {
		return err
	}
	took := res.first.Sub(asked)
	switch {
	case res.status == http.StatusServiceUnavailable || after != nil && after.ended:
		return nil
	case after == nil:
		w.report.broken(74, w.name, "status %d for part %d of segment %d, which has as many", res.status, len(last.parts), last.msn)
		return nil
	}
	w.report.judged(74)
	next, index := after.nextPart()
	if next < last.msn+1 || next == last.msn+1 && index == 0 {
		w.report.broken(74, w.name, "part %d of segment %d as next, after a wait for part 0 of it", index, next)
	} else if next > last.msn+1 && took > m.partTarget*5/2+w.late.since(asked) {
		w.report.broken(74, w.name, "an answer after %v, when segment %d was whole", took.Round(10*time.Millisecond), last.msn+1)
	}
	return w.probePartAhead(ctx, after)
}

// probePartAhead asks for a part beyond the Advance Part Limit of a segment that has
// just begun.
func (w *watcher) probePartAhead(ctx context.Context, m *media) error {
	limit := 3
	if m.partTarget < time.Second {
		limit = int(3 * time.Second / m.partTarget)
	}
	msn, index := m.nextPart()
	asked := time.Now()
	res, _, err := w.ask(ctx, "_HLS_msn", msn, "_HLS_part", index+limit+20)
	if err != nil {
		return err
	}
	// If the segment has ended since, this was a request for the next one's first part.
	if res.status == http.StatusOK && res.first.Sub(asked) > m.partTarget*3/2+w.late.since(asked) {
		w.report.broken(77, w.name, "status 200 after %v for %d parts ahead", res.first.Sub(asked).Round(10*time.Millisecond), limit+20)
	}
	return nil
}

// probeHints asks for hinted parts and looks how their bytes come.
func (w *watcher) probeHints(ctx context.Context, m *media) error {
	var spread tally
	limit := max(m.partTarget/2, 100*time.Millisecond)
	for range 3 {
		_, now, err := w.ask(ctx)
		if err != nil || now == nil || now.ended {
			return err
		}
		at := slices.IndexFunc(now.hints, func(h attributes) bool { return h["TYPE"] == "PART" && h["BYTERANGE-START"] == "" })
		if at < 0 {
			return nil
		}
		bounded, cancel := context.WithTimeout(ctx, 3*m.target()+10*time.Second)
		res, err := w.media(bounded, w.u, resource{uri: now.hints[at]["URI"]})
		cancel()
		if err != nil {
			return err
		}
		if res.ok() {
			spread.add(res.done.Sub(res.firstByte), limit+w.late.since(res.asked))
		}
	}
	if spread.all < 2 {
		return nil
	}
	w.report.judged(71)
	if spread.late == spread.all {
		w.report.broken(71, w.name, "%v from the first byte to the last, each of %d times", spread.worst.Round(time.Millisecond), spread.all)
	}
	return nil
}

// probeEnded sends directives to a playlist that has ended.
func (w *watcher) probeEnded(ctx context.Context, m *media) error {
	for _, pairs := range [][]any{{"_HLS_msn", m.end() + 100, "_HLS_part", 3}, {"_HLS_skip", "YES"}} {
		bounded, cancel := context.WithTimeout(ctx, 2*m.target()+5*time.Second)
		res, got, err := w.ask(bounded, pairs...)
		cancel()
		if err != nil && ctx.Err() != nil {
			return err
		}
		w.report.judged(79)
		if err != nil || res.status != http.StatusOK || got != nil && (got.skips > 0 || got.end() < m.end()) {
			w.report.broken(79, w.name, "%s for %v", outage(res, err), pairs)
		}
	}
	return nil
}

// probeDelta asks for delta updates and for the full playlist, and joins them.
func (w *watcher) probeDelta(ctx context.Context, _ *media) error {
	for _, value := range []string{"YES", "v2"} {
		_, d, err := w.ask(ctx, "_HLS_skip", value)
		if err != nil {
			return err
		}
		_, f, err := w.ask(ctx)
		if err != nil {
			return err
		}
		if d == nil || f == nil || f.ended {
			continue
		}
		w.delta(value, d, f)
	}
	return nil
}

func (w *watcher) delta(value string, d, f *media) {
	until, _ := f.control.seconds("CAN-SKIP-UNTIL")
	tolerance := time.Duration(len(d.segments)+1) * time.Millisecond
	if d.skips == 0 {
		// Two segments' worth may be left to the rounding of the boundary.
		if f.length() > until+2*f.target() && len(f.segments) > 2 {
			w.report.broken(80, w.name, "a full playlist of %v for _HLS_skip=%s with CAN-SKIP-UNTIL=%v", f.length(), value, until)
		}
		return
	}
	w.report.judged(80)
	if d.skips != 1 || d.version < 9 {
		w.report.broken(80, w.name, "%d EXT-X-SKIP in version %d", d.skips, d.version)
	}
	w.deltaRanges(value, d, f)
	compared := 0
	for _, s := range d.segments {
		g, ok := f.at(s.msn)
		if !ok {
			continue // published in between, or gone from a cache's older copy
		}
		compared++
		if g.uri != s.uri || g.duration != s.duration || g.discontinuity != s.discontinuity || g.gap != s.gap {
			w.report.broken(80, w.name, "segment %d as %s, in full as %s", s.msn, s.describe(), g.describe())
			break
		}
	}
	if compared == 0 {
		w.report.broken(80, w.name, "no segment of the full playlist (%d to %d) among %d to %d", f.msn, f.end()-1, d.msn+d.skipped, d.end()-1)
	}
	if kept := d.length(); kept+tolerance < until {
		w.report.broken(80, w.name, "only %v kept with CAN-SKIP-UNTIL=%v", kept, until)
	}
}
