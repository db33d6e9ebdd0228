package conformance

import (
	"net/url"
	"slices"
	"strconv"
	"time"
)

func lowLatencyRules() []Rule {
	const parts = "a live playlist with parts"
	return []Rule{
		{Number: 60, Level: Must, Section: "D 4.4.3.7, 4.4.3.8", Want: "EXT-X-PART-INF and PART-HOLD-BACK beside parts", needs: parts},
		{Number: 61, Level: Must, Section: "A 14.3; D 4.4.3.8", Want: "PART-HOLD-BACK of 3 part targets or more", needs: parts},
		{Number: 62, Level: Must, Section: "D 4.4.3.8", Want: "HOLD-BACK of 3 and CAN-SKIP-UNTIL of 6 target durations or more", needs: "a playlist with EXT-X-SERVER-CONTROL"},
		{Number: 63, Level: Must, Section: "field", Want: "PART-TARGET and PART-HOLD-BACK that never change", needs: "a live playlist, read twice"},
		{Number: 64, Level: Must, Section: "D 4.4.4.9", Want: "parts no longer than PART-TARGET, and of 85 % of it but where allowed", needs: parts},
		{Number: 65, Level: Must, Section: "D 6.2.1", Want: "a new part within one PART-TARGET of the one before (a fifth of them came later than 1.5)", Timed: true, needs: "five parts that appeared while their playlist was watched by blocking reloads"},
		{Number: 66, Level: Must, Section: "D 3.2", Want: "the same samples, with the same timing, in the parts and in their segment", needs: "a segment and all its parts"},
		{Number: 67, Level: Should, Section: "D 4.4.4.9", Want: "INDEPENDENT=YES on exactly the parts with an independent frame", needs: "a segment of video and all its parts"},
		{Number: 68, Level: Must, Section: "D 4.4.4.9", Want: "DISCONTINUITY, KEY, MAP and PROGRAM-DATE-TIME before the first part of their segment", needs: parts},
		{Number: 69, Level: Should, Section: "D 6.2.2", Want: "no part listed longer than 3 target durations behind the end, and none gone before 3 more have passed", needs: "a part that was removed"},
		{Number: 70, Level: Must, Section: "D B.1, 4.4.5.3", Want: "one EXT-X-PRELOAD-HINT of TYPE=PART while live, and it to become true", needs: parts},
		{Number: 71, Level: Must, Section: "D 6.2.6", Want: "a hinted part sent when it is whole, not as it grows", Timed: true, needs: "two hinted parts that were asked for in advance"},
		{Number: 72, Level: Must, Section: "D B.1, 4.4.5.4", Want: "one EXT-X-RENDITION-REPORT with a relative URI and the true position of every other rendition", needs: "two live playlists with parts"},
	}
}

// lowLatency judges what parts need.
func (w *watcher) lowLatency(m *media) {
	r := w.report
	if m.ended {
		r.judged(42)
		if len(m.hints) > 0 {
			r.broken(42, w.name, "an EXT-X-PRELOAD-HINT")
		}
		return
	}
	if m.control != nil {
		r.judged(62)
	}
	if d, ok := m.control.seconds("HOLD-BACK"); ok && d < 3*m.target() {
		r.broken(62, w.name, "HOLD-BACK=%v", d)
	}
	if d, ok := m.control.seconds("CAN-SKIP-UNTIL"); ok && d < 6*m.target() {
		r.broken(62, w.name, "CAN-SKIP-UNTIL=%v", d)
	}
	all := make([][]part, 0, len(m.segments)+1)
	for i := range m.segments {
		all = append(all, m.segments[i].parts)
	}
	all = append(all, m.open.parts)
	if m.partTarget == 0 {
		if slices.ContainsFunc(all, func(ps []part) bool { return len(ps) > 0 }) {
			r.broken(60, w.name, "parts without EXT-X-PART-INF")
		}
		return
	}
	r.judged(60, 61, 64, 68, 70)
	back, ok := m.control.seconds("PART-HOLD-BACK")
	switch {
	case !ok:
		r.broken(60, w.name, "no PART-HOLD-BACK")
	case back < 3*m.partTarget:
		r.broken(61, w.name, "PART-HOLD-BACK=%v with parts of %v", back, m.partTarget)
	}
	for _, l := range m.late {
		r.broken(68, w.name, "%s", l)
	}
	for _, ps := range all {
		w.partsOf(m, ps)
	}
	w.oldParts(m)
	w.hintsOf(m)
	w.reportsOf(m)
}

// partsOf judges the durations of a segment's parts.
func (w *watcher) partsOf(m *media, ps []part) {
	for j, p := range ps {
		last := j == len(ps)-1
		beforeGap := !last && ps[j+1].gap
		switch {
		case p.duration > m.partTarget:
			w.report.broken(64, w.name, "%s of %v with a target of %v", p.uri, p.duration, m.partTarget)
		// The newest part may be the last of its segment.
		case !last && !p.independent && !p.gap && !beforeGap && p.duration*100 < m.partTarget*85:
			w.report.broken(64, w.name, "%s of %v with a target of %v, not the last of its segment", p.uri, p.duration, m.partTarget)
		}
	}
}

// oldParts judges how long parts stay listed. A server that drops them by whole
// segments is as good, so two more target durations are left to it.
func (w *watcher) oldParts(m *media) {
	behind := time.Duration(0)
	for _, p := range m.open.parts {
		behind += p.duration
	}
	for i := len(m.segments) - 1; i >= 0; i-- {
		if len(m.segments[i].parts) > 0 && behind > 5*m.target() {
			w.report.broken(69, w.name, "parts of segment %d, %v behind the end", m.segments[i].msn, behind)
			return
		}
		behind += m.segments[i].duration
	}
}

// hintsOf judges the hints of one copy, and whether those of the last came true.
func (w *watcher) hintsOf(m *media) {
	hints := 0
	for _, h := range m.hints {
		if h["TYPE"] == "PART" {
			hints++
		}
	}
	if hints != 1 {
		w.report.broken(70, w.name, "%d", hints)
	}
	if w.prev == nil || w.prev.partTarget == 0 {
		return
	}
	at := slices.IndexFunc(w.prev.hints, func(h attributes) bool { return h["TYPE"] == "PART" })
	if at < 0 {
		return
	}
	msn, index := w.prev.nextPart()
	s, ok := m.at(msn)
	if !ok {
		if s = m.open; s.msn != msn {
			return
		}
	}
	if index >= len(s.parts) {
		return // the segment ended before it, or it has not come
	}
	if p := s.parts[index]; p.uri != w.prev.hints[at]["URI"] && !p.gap {
		w.report.broken(70, w.name, "%s as part %d of segment %d, hinted at as %s", p.uri, index, msn, w.prev.hints[at]["URI"])
	}
	// What is hinted at may be the first part after another initialization section,
	// which a player then has to wait for. After a discontinuity no server need have
	// known: another encoder came, and the reload that waits for its first part is not
	// to be answered with a hint alone (D 6.2.5.2).
	if index == 0 && !s.discontinuity && len(w.prev.segments) > 0 && s.init.uri != w.prev.segments[len(w.prev.segments)-1].init.uri &&
		!slices.ContainsFunc(w.prev.hints, func(h attributes) bool { return h["TYPE"] == "MAP" && h["URI"] == s.init.uri }) {
		w.report.lesser(70, w.name, "no hint at %s, which segment %d begins with", s.init.uri, msn)
	}
}

// claim is what a report said of another rendition.
type claim struct {
	by, of    string
	msn, part int // part is -1 for none
}

// maxClaims bounds the claims that are kept for the end.
const maxClaims = 4096

// reportsOf judges the reports of one copy by their form.
func (w *watcher) reportsOf(m *media) {
	if len(w.others) == 0 && len(m.reports) == 0 {
		return
	}
	w.report.judged(72)
	seen := map[string]bool{}
	for _, r := range m.reports {
		u, err := url.Parse(r["URI"])
		if err != nil || r["URI"] == "" || u.IsAbs() || u.Host != "" {
			w.report.broken(72, w.name, "a report with URI=%q", r["URI"])
			continue
		}
		seen[bare(w.u.ResolveReference(u))] = true
	}
	for _, o := range w.others {
		if u := w.url(o); u != nil && !seen[bare(u)] {
			w.report.broken(72, w.name, "no report of %s among %d", o, len(m.reports))
		}
	}
}

// bare is a URL without what names no playlist.
func bare(u *url.URL) string { return u.Host + u.EscapedPath() }

// url returns the URL of another rendition, or nil.
func (w *watcher) url(name string) *url.URL {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.renditions[name]; r != nil {
		return r.url
	}
	return nil
}

// reported keeps what the reports say, to be compared with what the other renditions
// turn out to have. A copy from a cache says what was, so only fresh ones count.
func (w *watcher) reported(m *media, res response, fresh bool) {
	if m.ended || m.partTarget == 0 {
		return
	}
	ownMSN, ownPart := m.nextPart()
	if ownPart--; ownPart < 0 {
		ownMSN--
		ownPart = -1
		if s, ok := m.at(ownMSN); ok {
			ownPart = len(s.parts) - 1
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range m.reports {
		u, err := w.u.Parse(r["URI"])
		if err != nil {
			continue
		}
		for name, other := range w.renditions {
			if other.url == nil || bare(other.url) != bare(u) {
				continue
			}
			// An attribute may be left out where it equals this playlist's own.
			c := claim{by: w.name, of: name, msn: ownMSN, part: ownPart}
			if v, has := r["LAST-MSN"]; has {
				if c.msn, err = strconv.Atoi(v); err != nil {
					w.report.broken(72, w.name, "LAST-MSN=%s of %s", v, name)
					continue
				}
				c.part = -1
			}
			if v, has := r["LAST-PART"]; has {
				if c.part, err = strconv.Atoi(v); err != nil {
					w.report.broken(72, w.name, "LAST-PART=%s of %s", v, name)
					continue
				}
			}
			// Behind what we have seen of the other for a whole segment is wrong.
			if fresh && res.header.Get("Age") == "" && other.playlistMSN-2 > c.msn && other.playlistAt.Before(res.asked) {
				w.report.broken(72, w.name, "LAST-MSN=%d of %s, which had %d before", c.msn, name, other.playlistMSN)
			}
			if len(w.claims) < maxClaims {
				w.claims = append(w.claims, c)
			}
		}
	}
}

// claimed compares the reports with what was seen of the renditions. c.mu is held.
func (c *checker) claimed() {
	for _, cl := range c.claims {
		r := c.renditions[cl.of]
		if r == nil || r.playlistMSN == 0 {
			continue
		}
		n, known := r.partCounts[cl.msn]
		switch {
		// What was published after our last look we cannot know.
		case cl.msn > r.playlistMSN+1:
			c.report.broken(72, cl.by, "LAST-MSN=%d of %s, which came to %d", cl.msn, cl.of, r.playlistMSN)
		case known && n > 0 && cl.part >= n:
			c.report.broken(72, cl.by, "LAST-PART=%d of segment %d of %s, which has %d parts", cl.part, cl.msn, cl.of, n)
		}
	}
}
