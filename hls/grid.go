package hls

import "time"

const (
	// gapsToTrust is how many equal keyframe distances make a regular GOP.
	gapsToTrust = 3
	// leastGap is the keyframe distance reckoned with when keyframes are
	// irregular but have been close so far.
	leastGap = 2 * time.Second
	// unknownGap is the keyframe distance reckoned with at first: ingest lets
	// no longer one pass.
	unknownGap = 4 * time.Second
)

// leastFirst is the least length of a first segment that ends at the next
// absolute boundary.
const leastFirst = time.Second

// grid decides where Media Segments are cut. Times are presentation times on the
// class's clock. With absolute boundaries, every is not 0 and any track that passes
// boundary ends the segment there. Otherwise the lead track alone decides:
//
// The rule for a keyframe: cut, unless waiting for the next expected keyframe
// keeps the segment within limit. So a 2 s GOP gives 4 s segments, a 3 s GOP 3 s
// segments, and irregular keyframes short segments rather than one that is too
// long. Where no keyframe comes in time a cut is forced at the last access unit
// that allows it.
type grid struct {
	// Set by newGrid, then read-only.
	limit  time.Duration // no segment may last longer
	target time.Duration // length of segments when any place will do

	every    time.Duration // distance of the absolute boundaries, or 0
	distance time.Duration // of the keyframes, which stand at its multiples
	boundary time.Duration // where the open segment ends, if every is not 0

	start   time.Duration // of the open segment
	frame   time.Duration // nominal duration of the lead's access units
	anyCut  bool          // every access unit of the lead is a random access point
	lastKey time.Duration
	hasKey  bool
	recent  [gapsToTrust]time.Duration // the latest keyframe distances
	gaps    int                        // how many distances were seen
	largest time.Duration              // of all seen in this publication
	maxPTS  time.Duration              // highest of the lead in the publication
	step    time.Duration              // recent largest rise of maxPTS from one access unit to the next
}

func newGrid(limit, target time.Duration) grid {
	return grid{limit: limit, target: target}
}

// reset starts a publication whose lead has access units of nominal duration
// frame. anyCut tells that the lead is audio. keepGaps carries over what is known
// of the keyframe distance: the publisher is the same.
func (g *grid) reset(frame time.Duration, anyCut, keepGaps bool) {
	next := newGrid(g.limit, g.target)
	next.frame, next.anyCut, next.step, next.maxPTS = frame, anyCut, frame, -1
	if keepGaps {
		next.recent, next.gaps, next.largest = g.recent, g.gaps, g.largest
	}
	*g = next
}

// resetAbsolute starts a publication that has keyframes at the multiples of
// distance. Boundaries are multiples of the largest multiple of distance that the
// target allows, and of distance itself if that is longer.
func (g *grid) resetAbsolute(distance, frame time.Duration) {
	g.reset(frame, false, false)
	g.distance = distance
	g.every = max(g.target/distance, 1) * distance
}

// begin opens a segment at start.
func (g *grid) begin(start time.Duration) {
	g.start = start
	if g.every == 0 {
		return
	}
	g.boundary = (start/g.every + 1) * g.every
	if g.boundary-start < leastFirst {
		g.boundary = max(g.boundary, (start+g.limit)/g.distance*g.distance)
	}
}

// advance takes the next access unit of the lead and reports whether to cut
// before it, and whether that cut is forced: in want of a keyframe.
func (g *grid) advance(pts time.Duration, key bool) (cut, forced bool) {
	rises := pts > g.maxPTS
	if rises {
		if g.maxPTS >= 0 {
			// A hole is forgotten after some pictures.
			g.step = max(min(pts-g.maxPTS, time.Second), g.step-g.step/8)
		}
		g.maxPTS = pts
	}
	elapsed := pts - g.start
	switch {
	case g.anyCut:
		return elapsed+g.frame/2 >= g.target && elapsed > 0, false
	case key:
		g.observe(pts)
		return elapsed > 0 && elapsed+g.expectedGap() > g.limit, false
	default:
		late := rises && g.overdue(pts, g.step)
		return late, late
	}
}

// overdue reports whether the segment would be too long if it went on past an
// access unit at pts until the next one, at most step later.
func (g *grid) overdue(pts, step time.Duration) bool {
	return pts > g.start && pts-g.start+step > g.limit
}

// observe records a keyframe.
func (g *grid) observe(pts time.Duration) {
	if g.hasKey {
		gap := pts - g.lastKey
		g.recent[g.gaps%gapsToTrust] = gap
		g.gaps++
		g.largest = max(g.largest, gap)
	}
	g.lastKey, g.hasKey = pts, true
}

// expectedGap is the distance to the next keyframe as far as one can tell.
func (g *grid) expectedGap() time.Duration {
	if g.gaps < gapsToTrust {
		return min(unknownGap, g.target)
	}
	low, high := g.recent[0], g.recent[0]
	for _, gap := range g.recent[1:] {
		low, high = min(low, gap), max(high, gap)
	}
	if high-low <= g.frame {
		return high
	}
	// A distance above the target breaks the limit whatever is done; without
	// this bound a burst of keyframes would be cut at each of them.
	return min(max(g.largest, leastGap), g.target)
}
