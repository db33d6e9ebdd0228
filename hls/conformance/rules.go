package conformance

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// edge is how far dates and durations may differ: half a frame at 25 fps and the
// rounding of two decimal numbers.
const edge = 25 * time.Millisecond

func hasVideo(codecs string) bool {
	for c := range strings.SplitSeq(codecs, ",") {
		c = strings.TrimSpace(c)
		for _, p := range []string{"avc1", "avc3", "hvc1", "hev1", "av01", "vp09", "dvh1"} {
			if strings.HasPrefix(c, p) {
				return true
			}
		}
	}
	return false
}

// snapshot checks one media playlist by itself.
func (c *checker) snapshot(name string, m *media, renditions int) {
	if m.targetDuration < 1 {
		c.report.broken(22, name, "%d", m.targetDuration)
		return
	}
	if !m.hasDSN && m.skips == 0 {
		c.report.broken(31, name, "none")
	}
	dated := m.skips > 0
	for i, s := range m.segments {
		if got := int(s.duration.Round(time.Second) / time.Second); got > m.targetDuration {
			c.report.broken(23, name, "segment %d of %v with a target of %d s", s.msn, s.duration, m.targetDuration)
		}
		if s.mapURI == "" && m.skips == 0 && !strings.Contains(s.uri, ".ts") && !strings.Contains(s.uri, ".aac") {
			c.report.broken(25, name, "segment %d without", s.msn)
		}
		dated = dated || !s.pdt.IsZero()
		if i == 0 || s.pdt.IsZero() || m.segments[i-1].pdt.IsZero() {
			continue
		}
		p := m.segments[i-1]
		gap := s.pdt.Sub(p.pdt) - p.duration
		// After a discontinuity time may have passed, but none may repeat.
		if gap < -edge || (gap > edge && !s.discontinuity) {
			c.report.broken(28, name, "segment %d begins %v after the end of the one before", s.msn, gap)
		}
	}
	if len(m.segments) > 0 && !dated {
		c.report.broken(26, name, "none")
	}
	c.lowLatency(name, m, renditions)
}

// lowLatency checks what parts need.
func (c *checker) lowLatency(name string, m *media, renditions int) {
	if m.ended {
		if len(m.hints) > 0 {
			c.report.broken(42, name, "one")
		}
		return
	}
	target := time.Duration(m.targetDuration) * time.Second
	if d, ok := m.control.seconds("HOLD-BACK"); ok && d < 3*target {
		c.report.broken(62, name, "HOLD-BACK=%v", d)
	}
	if d, ok := m.control.seconds("CAN-SKIP-UNTIL"); ok && d < 6*target {
		c.report.broken(62, name, "CAN-SKIP-UNTIL=%v", d)
	}
	var all [][]part
	for _, s := range m.segments {
		all = append(all, s.parts)
	}
	all = append(all, m.trailing)
	if m.partTarget == 0 {
		if slices.ContainsFunc(all, func(ps []part) bool { return len(ps) > 0 }) {
			c.report.broken(60, name, "parts without EXT-X-PART-INF")
		}
		return
	}
	back, ok := m.control.seconds("PART-HOLD-BACK")
	switch {
	case !ok:
		c.report.broken(60, name, "no PART-HOLD-BACK")
	case back < 3*m.partTarget:
		c.report.broken(61, name, "PART-HOLD-BACK=%v with parts of %v", back, m.partTarget)
	}
	for i, ps := range all {
		open := i == len(all)-1
		for j, p := range ps {
			last := j == len(ps)-1 && !open
			switch {
			case p.duration > m.partTarget:
				c.report.broken(64, name, "%s of %v with a target of %v", p.uri, p.duration, m.partTarget)
			// The next part's INDEPENDENT or a gap excuses a short one; so does
			// the end of the segment, which for the newest may not be known yet.
			case !last && j+1 < len(ps) && !ps[j+1].independent && !ps[j+1].gap && !p.gap && p.duration*100 < m.partTarget*85:
				c.report.broken(64, name, "%s of %v with a target of %v", p.uri, p.duration, m.partTarget)
			}
		}
	}
	hints := 0
	for _, h := range m.hints {
		if h["TYPE"] == "PART" {
			hints++
		}
	}
	if hints != 1 {
		c.report.broken(70, name, "%d", hints)
	}
	if len(m.reports) != renditions-1 {
		c.report.broken(72, name, "%d for %d renditions", len(m.reports), renditions)
	}
	for _, r := range m.reports {
		if u, err := url.Parse(r["URI"]); err != nil || r["URI"] == "" || u.IsAbs() || r["LAST-MSN"] == "" {
			c.report.broken(72, name, "%v", r)
		}
	}
}

// change checks how a media playlist moved on.
func (c *checker) change(name string, prev, m *media) {
	if prev.targetDuration != m.targetDuration {
		c.report.broken(34, name, "%d, then %d", prev.targetDuration, m.targetDuration)
	}
	if prev.partTarget != m.partTarget || prev.control["PART-HOLD-BACK"] != m.control["PART-HOLD-BACK"] {
		c.report.broken(63, name, "%v and %s, then %v and %s", prev.partTarget, prev.control["PART-HOLD-BACK"], m.partTarget, m.control["PART-HOLD-BACK"])
	}
	if m.msn < prev.msn {
		c.report.broken(35, name, "%d after %d", m.msn, prev.msn)
		return
	}
	end, prevEnd := m.msn+len(m.segments), prev.msn+len(prev.segments)
	if end < prevEnd || m.msn > prevEnd {
		c.report.broken(38, name, "segments %d to %d after %d to %d", m.msn, end-1, prev.msn, prevEnd-1)
	}
	numbers := discontinuityNumbers(m)
	for i, dsn := range discontinuityNumbers(prev) {
		if now, ok := numbers[i]; ok && now != dsn {
			c.report.broken(36, name, "segment %d with number %d, then %d", i, dsn, now)
		}
	}
	for _, old := range prev.segments {
		at := old.msn - m.msn
		if at < 0 || at >= len(m.segments) {
			continue
		}
		now := m.segments[at]
		// The date and the map may have been stated by an earlier tag.
		if now.uri != old.uri || now.duration != old.duration || now.discontinuity != old.discontinuity ||
			(!now.pdt.IsZero() && !old.pdt.IsZero() && !now.pdt.Equal(old.pdt)) || now.mapURI != old.mapURI {
			c.report.broken(37, name, "segment %d: %v, then %v", old.msn, old, now)
		}
	}
}

// discontinuityNumbers returns the Discontinuity Sequence Number of every
// segment by its MSN (RFC 8216bis §6.2.1).
func discontinuityNumbers(m *media) map[int]int {
	out := map[int]int{}
	n := m.dsn
	for _, s := range m.segments {
		if s.discontinuity {
			n++
		}
		out[s.msn] = n
	}
	return out
}

// across compares a media playlist with what the other renditions said.
func (c *checker) across(name string, m *media) {
	control := fmt.Sprint(slices.Sorted(maps.Keys(m.control)))
	for _, k := range slices.Sorted(maps.Keys(m.control)) {
		control += "," + k + "=" + m.control[k]
	}
	numbers := discontinuityNumbers(m)

	c.mu.Lock()
	defer c.mu.Unlock()
	c.playlists++
	c.ended = c.ended || m.ended
	if c.targetDuration == 0 {
		c.targetDuration, c.control = m.targetDuration, control
	}
	if c.targetDuration != m.targetDuration {
		c.report.broken(44, name, "%d beside %d", m.targetDuration, c.targetDuration)
	}
	if c.control != control && !m.ended {
		c.report.broken(45, name, "%s beside %s", control, c.control)
	}
	for _, s := range m.segments {
		c.lastMSN = max(c.lastMSN, s.msn)
		others := c.segments[s.msn]
		if others == nil {
			others = map[string]seenSegment{}
			c.segments[s.msn] = others
		}
		for other, o := range others {
			if o.dsn != numbers[s.msn] {
				c.report.broken(46, name, "segment %d with %d, in %s with %d", s.msn, numbers[s.msn], other, o.dsn)
			}
			// A date is that of the rendition's own first sample (D 4.4.4.6). Audio
			// frames do not end where pictures do, and where a publisher comes, its
			// tracks need not start together.
			slack := 50 * time.Millisecond
			if s.msn == 0 || s.discontinuity {
				slack = 250 * time.Millisecond
			}
			if d := o.pdt.Sub(s.pdt).Abs(); !o.pdt.IsZero() && !s.pdt.IsZero() && d > slack {
				c.report.broken(48, name, "segment %d, %v away from the one in %s", s.msn, d, other)
			}
			// Where a publisher goes, its tracks need not end together.
			if d := (o.duration - s.duration).Abs(); d > 2*slack && s.msn != m.msn+len(m.segments)-1 {
				c.report.broken(47, name, "segment %d of %v, in %s of %v", s.msn, s.duration, other, o.duration)
			}
		}
		others[name] = seenSegment{dsn: numbers[s.msn], pdt: s.pdt, duration: s.duration, gap: s.gap}
	}
	if m.ended && len(m.segments) > 0 {
		c.last[name] = m.segments[len(m.segments)-1].msn
	}
}

// blocking checks that a blocking reload brought what it asked for.
func (c *checker) blocking(name string, ask *url.URL, m *media) {
	q := ask.Query()
	if q.Get("_HLS_msn") == "" || m.ended {
		return
	}
	wantMSN, err := strconv.Atoi(q.Get("_HLS_msn"))
	if err != nil {
		return // our own query
	}
	msn, index := m.nextPart()
	wantPart := -1
	if p := q.Get("_HLS_part"); p != "" {
		if wantPart, err = strconv.Atoi(p); err != nil {
			return // our own query
		}
	}
	if msn > wantMSN || (msn == wantMSN && wantPart >= 0 && index > wantPart) {
		return
	}
	c.report.broken(73, name, "part %d of %d as next after asking for %s", index, msn, ask.RawQuery)
}
