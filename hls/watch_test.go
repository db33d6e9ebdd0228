package hls_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/hls"
)

// watcher looks at every publication of a packager as a player that never misses
// one would, and fails the test when a rule over time or across renditions is
// broken. The numbers are those of the conformance list.
type watcher struct {
	tb         testing.TB
	cfg        hls.Config
	last       map[string]*mediaPlaylist
	snapshots  map[string]*hls.Snapshot
	seen       map[string]map[int]mediaSegment // finished segments by rendition and MSN
	constants  string
	parts      int // listed so far
	longParts  int // longer than PART-TARGET: one frame
	shortParts int // under 85 %
	wrongHints int // a hinted part that did not come
	checked    int
	turns      int
	newest     *hls.Snapshot
	everyDelta bool // check each delta, which is slow; else each fifth
	wild       bool // forced cuts and holes may happen
	holes      bool // parts need not fill their segments
	told       map[string]cueTag
	every      int // if wild, how many publications are looked at: one in 4 if 0
}

func newWatcher(tb testing.TB, cfg hls.Config) *watcher {
	tb.Helper()
	return &watcher{
		tb: tb, cfg: cfg,
		last: make(map[string]*mediaPlaylist), snapshots: make(map[string]*hls.Snapshot),
		seen: make(map[string]map[int]mediaSegment), told: make(map[string]cueTag),
	}
}

func (w *watcher) fail(check int, name, format string, args ...any) {
	w.tb.Helper()
	text := fmt.Sprintf(format, args...)
	w.tb.Fatalf("check %d: %s: %s in\n%s", check, name, text, w.snapshots[name].Full.Body)
}

// observe looks at all renditions.
func (w *watcher) observe(p *hls.Packager) {
	w.tb.Helper()
	if w.wild && !w.turn(p) {
		return
	}
	now := make(map[string]*mediaPlaylist)
	fresh := false
	for _, name := range p.Renditions() {
		s := p.Snapshot(name)
		if s == w.snapshots[name] {
			now[name] = w.last[name]
			continue
		}
		fresh = true
		old := w.snapshots[name]
		w.snapshots[name] = s
		now[name] = parsePlaylist(w.tb, s.Full.Body)
		w.single(name, now[name], s)
		w.cues(name, w.last[name], now[name], s)
		if before := w.last[name]; before != nil {
			w.overTime(name, before, now[name])
			w.hint(name, before, now[name])
			if old != nil {
				w.wake(name, old, s)
			}
		}
		w.remember(name, now[name])
	}
	if !fresh {
		return
	}
	w.across(now)
	w.edge(p, now)
	w.checked++
	for name, s := range w.snapshots {
		if before := w.last[name]; before != nil && (w.everyDelta || w.checked%10 == 0) {
			w.delta(name, before, now[name], s)
		}
	}
	w.last = now
}

// edge checks that the packager's edge is where the longest playlist ends.
func (w *watcher) edge(p *hls.Packager, now map[string]*mediaPlaylist) {
	w.tb.Helper()
	var want time.Time
	for _, l := range now {
		last := l.open
		if len(last.parts) == 0 && len(l.segments) > 0 {
			last = l.segments[len(l.segments)-1]
			last.date = last.date.Add(last.extinf)
		} else {
			for _, part := range last.parts {
				last.date = last.date.Add(part.duration)
			}
		}
		if last.date.After(want) {
			want = last.date
		}
	}
	const rounding = time.Millisecond
	if got, ok := p.Edge(); !ok || got.Sub(want).Abs() > rounding {
		w.tb.Errorf("edge is %s (%t), the playlists end at %s", got, ok, want)
	}
}

// turn thins out the observations of long runs: a player misses some too.
func (w *watcher) turn(p *hls.Packager) bool {
	names := p.Renditions()
	if len(names) == 0 || p.Snapshot(names[0]) == w.newest {
		return false
	}
	w.newest = p.Snapshot(names[0])
	w.turns++
	return w.turns%cmp.Or(w.every, 4) == 0 || w.newest.Ended
}

// single checks one playlist by itself.
func (w *watcher) single(name string, l *mediaPlaylist, s *hls.Snapshot) {
	w.tb.Helper()
	if l.constants != w.constants && w.constants != "" {
		w.fail(34, name, "constant lines changed from\n%s", w.constants)
	}
	w.constants = l.constants
	if l.version != 9 || l.skip != 0 {
		w.fail(19, name, "version %d, skip %d", l.version, l.skip)
	}
	if s.FirstMSN != l.msn || s.NextMSN != l.open.msn || s.NextPart != len(l.open.parts) || s.Ended != l.ended {
		w.fail(0, name, "snapshot says %d, %d.%d, %v", s.FirstMSN, s.NextMSN, s.NextPart, s.Ended)
	}
	limit := time.Duration(l.target)*time.Second + 500*time.Millisecond
	for i, x := range l.segments {
		if x.extinf >= limit || x.extinf <= 0 {
			w.fail(23, name, "EXTINF %s", x.extinf)
		}
		if x.initURI == "" {
			w.fail(25, name, "segment %d without EXT-X-MAP", x.msn)
		}
		if want := (hls.Name{Kind: hls.NameSegment, Epoch: "k3x9", MSN: x.msn}); mustName(w.tb, x.uri) != want {
			w.fail(37, name, "segment %d is called %s", x.msn, x.uri)
		}
		if len(x.parts) > 0 && i < len(l.segments)-1 {
			var after time.Duration
			for _, y := range l.segments[i+1:] {
				after += y.extinf
			}
			if after >= 3*time.Duration(l.target)*time.Second {
				w.fail(69, name, "parts of segment %d are still listed", x.msn)
			}
		}
		w.partsOf(name, x, l.partTarget)
	}
	w.partsOf(name, l.open, l.partTarget)
	switch {
	case l.ended && (l.hintPart != "" || l.hintMap != "" || len(l.open.parts) > 0):
		w.fail(42, name, "hint or open segment after the end")
	case !l.ended:
		want := hls.Name{Kind: hls.NamePart, Epoch: "k3x9", MSN: l.open.msn, Part: len(l.open.parts)}
		if mustName(w.tb, l.hintPart) != want {
			w.fail(70, name, "hint %s", l.hintPart)
		}
	}
	if w.everyDelta || w.checked%20 == 0 {
		w.document(name, s.Full)
		w.document(name, s.Delta)
	}
}

func (w *watcher) document(name string, d hls.Document) {
	w.tb.Helper()
	z, err := gzip.NewReader(bytes.NewReader(d.Gzip))
	if err != nil {
		w.fail(83, name, "%v", err)
	}
	plain, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(plain, d.Body) {
		w.fail(83, name, "gzip differs: %v", err)
	}
	if d.ETag == d.GzipETag || len(d.ETag) < 10 || d.ETag[0] != '"' {
		w.fail(88, name, "tags %s %s", d.ETag, d.GzipETag)
	}
}

func (w *watcher) partsOf(name string, s mediaSegment, target time.Duration) {
	w.tb.Helper()
	var sum time.Duration
	for i, p := range s.parts {
		if want := (hls.Name{Kind: hls.NamePart, Epoch: "k3x9", MSN: s.msn, Part: i}); mustName(w.tb, p.uri) != want {
			w.fail(70, name, "part %d of segment %d is called %s", i, s.msn, p.uri)
		}
		if i == 0 && !p.independent && !w.wild {
			w.fail(67, name, "segment %d does not start independent", s.msn)
		}
		sum += p.duration
	}
	if slack := target; !w.wild && !w.holes && !s.gap && s.uri != "" && len(s.parts) > 0 && (sum-s.extinf).Abs() > slack {
		w.fail(66, name, "segment %d of %s has parts of %s", s.msn, s.extinf, sum)
	}
}

// remember counts what is new.
func (w *watcher) remember(name string, l *mediaPlaylist) {
	w.tb.Helper()
	if w.seen[name] == nil {
		w.seen[name] = make(map[int]mediaSegment)
	}
	for _, s := range l.segments {
		old, known := w.seen[name][s.msn]
		if !known {
			w.seen[name][s.msn] = s
			for i, p := range s.parts {
				w.part(name, p, l.partTarget, i == len(s.parts)-1)
			}
			continue
		}
		if len(s.parts) == 0 {
			s.parts = old.parts // may leave the list
		}
		if !reflect.DeepEqual(s, old) {
			w.fail(37, name, "segment %d changed from\n%+v to\n%+v", s.msn, old, s)
		}
	}
}

func (w *watcher) part(name string, p mediaPart, target time.Duration, last bool) {
	w.tb.Helper()
	w.parts++
	if p.duration > target {
		w.longParts++
	}
	excused := last || name != "audio" && p.independent
	if p.duration*100 < target*85 && !excused {
		w.shortParts++
	}
}

func (w *watcher) overTime(name string, before, now *mediaPlaylist) {
	w.tb.Helper()
	if now.msn < before.msn || now.open.msn < before.open.msn {
		w.fail(35, name, "MSN went back from %d..%d", before.msn, before.open.msn)
	}
	if now.open.msn == before.open.msn && len(now.open.parts) < len(before.open.parts) {
		w.fail(37, name, "parts vanished")
	}
	if now.dsn < before.dsn {
		w.fail(36, name, "DISCONTINUITY-SEQUENCE went back from %d", before.dsn)
	}
	if before.ended && !now.ended {
		w.fail(42, name, "went on after the end")
	}
	// What was open before has become what it promised.
	if len(before.open.parts) == 0 {
		return
	}
	next := now.open
	if now.open.msn > before.open.msn {
		i := slices.IndexFunc(now.segments, func(s mediaSegment) bool { return s.msn == before.open.msn })
		if i < 0 {
			w.fail(38, name, "segment %d was open and is gone", before.open.msn)
		}
		next = now.segments[i]
	}
	if w.wild && next.uri != "" && len(next.parts) == 0 {
		next.parts = before.open.parts // so much came at once that they may leave the list
	}
	if next.date != before.open.date || next.initURI != before.open.initURI || next.discontinuity != before.open.discontinuity ||
		len(next.parts) < len(before.open.parts) || !reflect.DeepEqual(next.parts[:len(before.open.parts)], before.open.parts) {
		w.fail(37, name, "open segment changed from\n%+v to\n%+v", before.open, next)
	}
}

func (w *watcher) hint(name string, before, now *mediaPlaylist) {
	w.tb.Helper()
	if before.hintPart == now.hintPart {
		return
	}
	hinted := mustName(w.tb, before.hintPart)
	if hinted.MSN == now.open.msn {
		return // the part is listed
	}
	s, ok := w.seen[name][hinted.MSN]
	for _, x := range now.segments {
		if x.msn == hinted.MSN {
			s, ok = x, true
		}
	}
	if ok && hinted.Part >= len(s.parts) {
		w.wrongHints++
	}
}

// wake checks that who waits for media is woken by media, and by nothing else.
func (w *watcher) wake(name string, old, s *hls.Snapshot) {
	w.tb.Helper()
	select {
	case <-old.Changed:
	default:
		if old.NextMSN != s.NextMSN || old.NextPart != s.NextPart || old.Ended != s.Ended {
			w.fail(73, name, "no wake-up for %d.%d", s.NextMSN, s.NextPart)
		}
	}
	select {
	case <-s.Changed:
		w.fail(73, name, "the newest snapshot says it is old")
	default:
	}
}

// across compares the renditions with each other.
func (w *watcher) across(now map[string]*mediaPlaylist) {
	w.tb.Helper()
	for name, l := range now {
		for other, o := range now {
			if name == other {
				continue
			}
			if l.constants != o.constants {
				w.fail(45, name, "constants differ from %s", other)
			}
			if l.ended {
				continue
			}
			at, ok := l.reports[other]
			want := [2]int{o.open.msn, len(o.open.parts) - 1}
			if len(o.open.parts) == 0 {
				want = [2]int{o.open.msn - 1, w.snapshots[other].LastParts - 1}
			}
			if !ok || at != want {
				w.fail(72, name, "report of %s is %v, want %v", other, at, want)
			}
			for _, s := range o.segments[max(0, len(o.segments)-3):] {
				mine, both := w.seen[name][s.msn]
				if !both {
					continue
				}
				if mine.dsn != s.dsn || mine.discontinuity != s.discontinuity {
					w.fail(46, name, "segment %d has discontinuity sequence %d, %s has %d", s.msn, mine.dsn, other, s.dsn)
				}
				if !mine.date.Equal(s.date) || mine.extinf != s.extinf {
					w.fail(48, name, "segment %d starts at %s and lasts %s, in %s at %s and %s", s.msn, mine.date, mine.extinf, other, s.date, s.extinf)
				}
			}
		}
		if len(l.reports) != len(now)-1 && !l.ended {
			w.fail(72, name, "%d reports", len(l.reports))
		}
	}
}

// delta checks that a player that had the last playlist ends with the full one.
func (w *watcher) delta(name string, before, now *mediaPlaylist, s *hls.Snapshot) {
	w.tb.Helper()
	d := parsePlaylist(w.tb, s.Delta.Body)
	var after time.Duration // from the end of the segment to the end of the last
	skippable := 0
	for i, x := range slices.Backward(now.segments) {
		if after >= now.skipUntil {
			skippable = i + 1
			break
		}
		after += x.extinf
	}
	if now.ended {
		skippable = 0
	}
	if d.skip != skippable {
		w.fail(80, name, "%d segments skipped, %d can be; delta is\n%s", d.skip, skippable, s.Delta.Body)
	}
	got, err := merge(before, d)
	if err != nil {
		w.fail(80, name, "%v", err)
	}
	want := *now
	for i := range min(d.skip, len(got.segments)) {
		got.segments[i].parts = want.segments[i].parts // the player drops old parts itself
	}
	if !reflect.DeepEqual(*got, want) {
		w.fail(80, name, "merged delta is\n%+v, want\n%+v", *got, want)
	}
}
