package conformance

import (
	"fmt"
	"time"
)

func changeRules() []Rule {
	const live = "a live playlist, read twice"
	return []Rule{
		{Number: 34, Level: Must, Section: "D 6.2.1", Want: "a target duration that never changes", needs: live},
		{Number: 35, Level: Must, Section: "D 6.2.2", Want: "a media sequence that never goes back, and rises by the number of removed segments", needs: live},
		{Number: 36, Level: Must, Section: "D 6.2.2", Want: "discontinuity sequence numbers that never change for a segment", needs: live},
		{Number: 37, Level: Must, Section: "D 6.2.1", Want: "a listed segment that never changes", needs: live},
		{Number: 38, Level: Must, Section: "D 6.2.2", Want: "removal from the front only, and no segment left out", needs: live},
		{Number: 39, Level: Must, Section: "D 6.2.1", Want: "a new segment within 1.5 target durations, unless the server says that it has none", Timed: true, needs: "a live playlist that got a new segment"},
		{Number: 40, Level: Must, Section: "D 6.2.2", Want: "a segment that has left the playlist to be there for its Availability Duration", needs: "a segment that was removed"},
		{Number: 41, Level: Must, Section: "D 6.2.1", Want: "whole playlists only"},
		{Number: 42, Level: Must, Section: "D 6.2.1, 4.4.5.3", Want: "no preload hint and no new segment after ENDLIST", needs: "a playlist that ends"},
		{Number: 43, Level: Must, Section: "D 6.2.2", Want: "a playlist that goes on where it was when the server comes back", needs: "a server that goes away and comes back during the watch"},
	}
}

// torn reports an answer whose body is not whole.
func (c *checker) torn(where string, res response) bool {
	if res.torn != "" {
		c.report.broken(41, where, "%s", res.torn)
		return true
	}
	return false
}

// change judges how a media playlist moved on.
func (w *watcher) change(m *media, res response) {
	prev, r := w.prev, w.report
	r.judged(34, 35, 36, 37, 38, 63)
	if prev.targetDuration != m.targetDuration {
		r.broken(34, w.name, "%d, then %d", prev.targetDuration, m.targetDuration)
	}
	if !m.ended && (prev.partTarget != m.partTarget || prev.control["PART-HOLD-BACK"] != m.control["PART-HOLD-BACK"]) {
		r.broken(63, w.name, "%v and %s, then %v and %s", prev.partTarget, prev.control["PART-HOLD-BACK"], m.partTarget, m.control["PART-HOLD-BACK"])
	}
	if w.wasAway {
		r.judged(43)
	}
	back := func(rule int, format string, args ...any) {
		r.broken(rule, w.name, format, args...)
		if w.wasAway {
			r.broken(43, w.name, format, args...)
		}
	}
	defer func() { w.wasAway = false }()
	if m.msn < prev.msn {
		back(35, "%d after %d", m.msn, prev.msn)
		return
	}
	end, prevEnd := m.end(), prev.end()
	if end < prevEnd || m.msn > prevEnd {
		back(38, "segments %d to %d after %d to %d", m.msn, end-1, prev.msn, prevEnd-1)
	}
	if prev.ended && end > prevEnd {
		r.broken(42, w.name, "segment %d after it", end-1)
	}
	numbers := discontinuityNumbers(m)
	for i, dsn := range discontinuityNumbers(prev) {
		if now, ok := numbers[i]; ok && now != dsn {
			back(36, "segment %d with number %d, then %d", i, dsn, now)
			break
		}
	}
	for _, old := range prev.segments {
		now, ok := m.at(old.msn)
		if !ok {
			continue
		}
		// The date and the map may have been stated by an earlier tag, which is gone.
		if now.uri != old.uri || now.duration != old.duration || now.discontinuity != old.discontinuity || now.gap != old.gap || now.byteRange != old.byteRange ||
			(!now.pdt.IsZero() && !old.pdt.IsZero() && !now.pdt.Equal(old.pdt)) || now.init != old.init && m.skips == 0 {
			back(37, "segment %d: %s, then %s", old.msn, old.describe(), now.describe())
			break
		}
	}
	w.grew(m, res)
}

func (s segment) describe() string {
	return fmt.Sprintf("%s of %v, MAP %s, date %s, discontinuity %v, gap %v", s.uri, s.duration, s.init.uri, s.pdt.Format("15:04:05.000"), s.discontinuity, s.gap)
}

// grew judges how long a new segment took, and remembers what left.
func (w *watcher) grew(m *media, res response) {
	if m.end() > w.prev.end() {
		next := m.segments[max(0, len(m.segments)-(m.end()-w.prev.end()))]
		w.mu.Lock()
		excused := w.excused || w.unavailable.After(w.grewAt)
		w.mu.Unlock()
		if took := res.first.Sub(w.grewAt); !w.grewAt.IsZero() && !excused && !next.discontinuity && !m.ended {
			w.report.judged(39)
			// Polling finds a segment up to half a target duration late.
			limit := m.target()*3/2 + 500*time.Millisecond + w.late.since(w.grewAt)
			if !m.blocks() || w.iFrames {
				limit += res.first.Sub(w.prevAt)
			}
			if life, _ := maxAge(res.header); !m.blocks() || w.iFrames {
				limit += life
			}
			if took > limit {
				w.report.broken(39, w.name, "%v before segment %d", took.Round(10*time.Millisecond), next.msn)
			}
		}
		w.grewAt, w.excused = res.first, false
	}
	now := time.Now()
	w.longest = max(w.longest, w.prev.length(), m.length())
	for _, s := range w.prev.segments {
		if s.msn < m.msn && !s.gap && !w.iFrames {
			w.left(gone{s.uri, fmt.Sprintf("segment %d", s.msn), 40, now, now.Add(s.duration + w.longest)})
		}
		if len(s.parts) == 0 {
			continue
		}
		if t, ok := m.at(s.msn); !ok || len(t.parts) == 0 {
			for _, p := range s.parts[:1] { // one of them will do
				if !p.gap && p.length == 0 {
					w.left(gone{p.uri, fmt.Sprintf("a part of segment %d", s.msn), 69, now, now.Add(3 * m.target())})
				}
			}
		}
	}
}

// left hands a file that was removed to the reader, which looks whether it is there.
func (w *watcher) left(g gone) {
	select {
	case w.removed <- g:
	default: // enough of them wait
	}
}

// discontinuityNumbers returns the Discontinuity Sequence Number of every
// segment by its MSN (RFC 8216bis §6.2.1).
func discontinuityNumbers(m *media) map[int]int {
	out := make(map[int]int, len(m.segments))
	n := m.dsn
	for _, s := range m.segments {
		if s.discontinuity {
			n++
		}
		out[s.msn] = n
	}
	return out
}
