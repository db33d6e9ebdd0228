package conformance

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"
)

func acrossRules() []Rule {
	const two = "two renditions that list the same segment"
	return []Rule{
		{Number: 44, Level: Must, Section: "D 6.2.4; A 8.2", Want: "the same target duration in all renditions"},
		{Number: 45, Level: Must, Section: "D 6.2.4", Want: "the same EXT-X-SERVER-CONTROL in all renditions"},
		{Number: 46, Level: Must, Section: "D 6.2.4; A 8.15", Want: "the same timestamps and discontinuity sequence number for the same content", needs: two},
		{Number: 47, Level: Should, Section: "A 8.22", Want: "the same segment boundaries in all renditions", needs: two},
		{Number: 48, Level: Must, Section: "D 6.2.4", Want: "the same date for the same media in all renditions", needs: two},
		{Number: 49, Level: Must, Section: "D 6.2.4", Want: "no more than one target duration of extra content at either end of a rendition", needs: "two renditions that end"},
		{Number: 50, Level: Must, Section: "D B.1", Want: "all renditions to get a part within one PART-TARGET (a fifth of them came later than 1.5)", Timed: true, needs: "five parts that appeared in all of two renditions or more"},
		{Number: 51, Level: Should, Section: "D 6.2.4", Want: "the same audio for all variants", needs: "a variant with video and sound"},
		{Number: 96, Level: Should, Section: "D 6.2.1", Want: "what is a gap in one rendition to be there in another", needs: two},
	}
}

const (
	// remembered bounds the segments whose place in each rendition is kept.
	remembered = 1 << 15
	// rememberedParts bounds the parts whose times are kept.
	rememberedParts = 512
)

// rendition is what is remembered of one media playlist. The checker's mu guards it.
type rendition struct {
	url         *url.URL
	inits       []*initSection // that differ, oldest first
	rate        meter
	frameRates  []float64 // that were measured, of several ways to count
	playlistMSN int       // newest segment, whole or not
	playlistAt  time.Time // when it was read
	partCounts  map[int]int
	first, last time.Time // dates at both ends, at the end
	ends        bool
	parts       tally // of rule 65
}

// of returns what is remembered of a rendition. c.mu is held.
func (c *checker) of(name string) *rendition {
	r := c.renditions[name]
	if r == nil {
		r = &rendition{partCounts: map[int]int{}}
		c.renditions[name] = r
	}
	return r
}

// seenSegment is what must agree across renditions.
type seenSegment struct {
	dsn      int
	pdt      time.Time
	duration time.Duration
	gap      bool
	broken   bool // it has a discontinuity
	measured bool
	start    time.Duration // presentation time of its first sample
}

// across compares what is new in a media playlist with what the other renditions
// said.
func (c *checker) across(name string, m, prev *media) {
	control := fmt.Sprint(slices.Sorted(maps.Keys(m.control)))
	for _, k := range slices.Sorted(maps.Keys(m.control)) {
		control += "," + k + "=" + m.control[k]
	}
	numbers := discontinuityNumbers(m)

	c.mu.Lock()
	defer c.mu.Unlock()
	c.playlists++
	c.ended = c.ended || m.ended
	c.report.judged(44, 45)
	if c.targetDuration == 0 {
		c.targetDuration, c.control = m.targetDuration, control
	}
	if c.targetDuration != m.targetDuration {
		c.report.broken(44, name, "%d beside %d", m.targetDuration, c.targetDuration)
	}
	if c.control != control && !m.ended {
		c.report.broken(45, name, "%s beside %s", control, c.control)
	}
	from := m.end() - remembered
	if prev != nil {
		from = max(from, prev.end()-1) // the newest was not judged whole
	}
	for i, s := range m.segments {
		if s.msn < from {
			continue
		}
		c.lastMSN = max(c.lastMSN, s.msn)
		// Where a publisher goes, its tracks need not end together.
		last := i == len(m.segments)-1 || m.segments[i+1].discontinuity
		c.agree(name, s, numbers[s.msn], last)
	}
	for len(c.segments) > remembered {
		delete(c.segments, slices.Min(slices.Collect(maps.Keys(c.segments))))
	}
	if n := len(m.segments); m.ended && n > 0 {
		r := c.of(name)
		r.ends, r.first, r.last = true, m.segments[0].pdt, m.segments[n-1].pdt.Add(m.segments[n-1].duration)
	}
}

// agree compares one segment with the same of the other renditions. c.mu is held.
func (c *checker) agree(name string, s segment, dsn int, last bool) {
	others := c.segments[s.msn]
	if others == nil {
		others = map[string]seenSegment{}
		c.segments[s.msn] = others
	}
	mine, again := others[name]
	if again && last {
		return
	}
	mine = seenSegment{measured: mine.measured, start: mine.start, dsn: dsn, pdt: s.pdt, duration: s.duration, gap: s.gap, broken: s.discontinuity}
	for other, o := range others {
		if other == name {
			continue
		}
		c.report.judged(46, 47, 96)
		if o.dsn != dsn {
			c.report.broken(46, name, "segment %d with %d, in %s with %d", s.msn, dsn, other, o.dsn)
		}
		// A date is that of the rendition's own first sample (D 4.4.4.6). Audio
		// frames do not end where pictures do, and where a publisher comes, its
		// tracks need not start together.
		slack := slackOf(s.msn, mine, o)
		if !o.pdt.IsZero() && !s.pdt.IsZero() {
			c.report.judged(48)
			if d := o.pdt.Sub(s.pdt).Abs(); d > slack {
				c.report.broken(48, name, "segment %d, %v away from the one in %s", s.msn, d, other)
			}
		}
		if d := (o.duration - s.duration).Abs(); d > 2*slack && !last {
			c.report.broken(47, name, "segment %d of %v, in %s of %v", s.msn, s.duration, other, o.duration)
		}
	}
	others[name] = mine
}

func slackOf(msn int, a, b seenSegment) time.Duration {
	if msn == 0 || a.broken || b.broken {
		return 250 * time.Millisecond
	}
	return 50 * time.Millisecond
}

// started compares the time at which a segment's first sample is presented with that
// in other renditions.
func (c *checker) started(name string, msn int, start time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	mine, ok := c.segments[msn][name]
	if !ok {
		return
	}
	mine.measured, mine.start = true, start
	c.segments[msn][name] = mine
	for other, o := range c.segments[msn] {
		if other == name || !o.measured {
			continue
		}
		slack := slackOf(msn, mine, o)
		if d := (o.start - start).Abs(); d > slack {
			c.report.broken(46, name, "segment %d from %v, in %s from %v", msn, start, other, o.start)
		}
		if mine.pdt.IsZero() || o.pdt.IsZero() {
			continue
		}
		// The same media time is the same date.
		if d := (mine.pdt.Sub(o.pdt) - (start - o.start)).Abs(); d > slack {
			c.report.broken(48, name, "segment %d, whose dates and timestamps are %v apart from those of %s", msn, d, other)
		}
	}
}

// appeared notes when the newest part of a playlist came, and judges how long after
// the one before, and after the same in other renditions.
func (w *watcher) appeared(m *media, res response) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.of(w.name)
	r.url, r.playlistAt = w.u, res.done
	msn, index := m.nextPart()
	if r.playlistMSN = msn; index == 0 {
		r.playlistMSN--
	}
	for _, s := range m.segments {
		if len(s.parts) > 0 && len(r.partCounts) < rememberedParts {
			r.partCounts[s.msn] = len(s.parts)
		}
	}
	if w.prev == nil || m.ended || m.partTarget == 0 || !m.blocks() {
		return
	}
	was, had := w.prev.nextPart()
	if msn == was && index == had {
		return
	}
	if !w.partAt.IsZero() && !w.excusedPart(m) {
		r.parts.add(res.first.Sub(w.partAt), m.partTarget*3/2+w.late.since(w.partAt))
	}
	w.partAt = res.first
	w.togetherWith([2]int{msn, index}, m, res)
}

// excusedPart reports whether the server said that there was nothing to add.
func (w *watcher) excusedPart(m *media) bool {
	if w.excused || w.unavailable.After(w.partAt) {
		return true
	}
	if s, ok := m.at(w.prev.end()); ok && s.discontinuity {
		return true
	}
	return m.open.discontinuity
}

// togetherWith judges whether all renditions got this position at one time. mu is
// held.
func (w *watcher) togetherWith(position [2]int, m *media, res response) {
	if w.names < 2 || position[1] == 0 {
		return // segments may end with one part more or less
	}
	at := w.positions[position]
	if at == nil {
		if len(w.positions) >= rememberedParts {
			clear(w.positions)
		}
		at = map[string]time.Time{}
		w.positions[position] = at
	}
	at[w.name] = res.first
	if len(at) < w.names {
		return
	}
	times := slices.SortedFunc(maps.Values(at), time.Time.Compare)
	first, last := times[0], times[len(times)-1]
	w.together.add(last.Sub(first), m.partTarget*3/2+w.late.since(first))
	delete(w.positions, position)
}

// acrossAtEnd judges what all renditions have come to. c.mu is held.
func (c *checker) acrossAtEnd() {
	for msn, seen := range c.segments {
		gaps := 0
		for _, s := range seen {
			if s.gap {
				gaps++
			}
		}
		if len(seen) > 1 && gaps == len(seen) {
			c.report.broken(96, "all renditions", "segment %d nowhere", msn)
		}
	}
	for name, r := range c.renditions {
		r.parts.judge(func() { c.report.judged(65) }, func() {
			c.report.broken(65, name, "%d of %d later, one after %v", r.parts.late, r.parts.all, r.parts.worst.Round(10*time.Millisecond))
		})
	}
	c.together.judge(func() { c.report.judged(50) }, func() {
		c.report.broken(50, "all renditions", "%d of %d later, one after %v", c.together.late, c.together.all, c.together.worst.Round(10*time.Millisecond))
	})
	var firsts, lasts []time.Time
	for _, r := range c.renditions {
		if r.ends && !r.first.IsZero() {
			firsts, lasts = append(firsts, r.first), append(lasts, r.last)
		}
	}
	if len(lasts) < 2 {
		return
	}
	c.report.judged(49)
	for _, at := range []struct {
		where string
		times []time.Time
	}{{"begin", firsts}, {"end", lasts}} {
		d := slices.MaxFunc(at.times, time.Time.Compare).Sub(slices.MinFunc(at.times, time.Time.Compare))
		if d > time.Duration(c.targetDuration)*time.Second+edge {
			c.report.broken(49, "all renditions", "they %s %v apart", at.where, d)
		}
	}
}
