package ffmpeg

import (
	"slices"
	"time"

	"github.com/lectern/lectern/media"
)

const (
	// maxMove is how far a picture is moved to stand on the grid: half the distance
	// of pictures at 24 a second. Slower sources have theirs repeated instead,
	// since to move them would show.
	maxMove = int64(media.TimescaleVideo) / 48

	// minDistance is the least distance of pictures, a millisecond. It leaves room
	// for decoding times that rise strictly.
	minDistance = int64(media.TimescaleVideo) / 1000

	// maxFill is how much of a hole is filled with repeated pictures.
	maxFill = 60 * int64(media.TimescaleVideo)

	// maxWaitingKeys bounds the keyframes whose pictures are still in the decoder.
	maxWaitingKeys = 64
)

// placement is a picture's place in the output: when it is shown, and whether as
// an IDR picture.
type placement struct {
	pts      int64
	key      bool
	keyError int64 // how late an IDR picture is, in ticks
	repeat   bool  // it is the picture before that is shown (again)
}

// placer decides where pictures and keyframes go. Times are ticks of
// media.TimescaleVideo. A placer belongs to one goroutine.
type placer interface {
	// expect tells that the publisher's access unit with this time is a keyframe.
	expect(pts int64)

	// skip tells of a picture that is decoded and not shown.
	skip(pts int64)

	// place returns the places of the decoder's next picture and of repetitions of
	// the one before, in their order. There may be none.
	place(pts int64) []placement
}

// newPlacer returns the placer for keyframes every grid from start on or, with
// grid 0, where the publisher has them. It keeps slow sources steady.
func newPlacer(grid, start time.Duration) placer {
	if grid > 0 {
		return &steadyPlacer{placer: newGridPlacer(grid, start)}
	}
	return &steadyPlacer{placer: &sourcePlacer{}}
}

// sourcePlacer makes those pictures keyframes that are the publisher's. If the
// decoder has lost one, the next picture takes its place.
type sourcePlacer struct {
	begun bool
	last  int64
	keys  []int64 // rising
}

func (p *sourcePlacer) expect(pts int64) {
	i, found := slices.BinarySearch(p.keys, pts)
	if found {
		return
	}
	p.keys = slices.Insert(p.keys, i, pts)
	if len(p.keys) > maxWaitingKeys {
		p.keys = p.keys[1:]
	}
}

func (p *sourcePlacer) skip(pts int64) { p.due(pts) }

// due removes the keyframes up to pts and returns the latest.
func (p *sourcePlacer) due(pts int64) (key int64, ok bool) {
	for len(p.keys) > 0 && p.keys[0] <= pts {
		key, ok = p.keys[0], true
		p.keys = p.keys[1:]
	}
	return key, ok
}

func (p *sourcePlacer) place(pts int64) []placement {
	if p.begun && pts < p.last+minDistance {
		return nil
	}
	out := placement{pts: pts}
	if key, ok := p.due(pts); ok {
		out.key, out.keyError = true, pts-key
	}
	if !p.begun {
		out.key, out.keyError = true, 0
	}
	p.begun, p.last = true, pts
	return []placement{out}
}

// gridPlacer puts a keyframe on each multiple of grid: the picture nearest to it
// is moved there if it is near enough, else the one before is repeated.
type gridPlacer struct {
	grid, start int64

	begun  bool
	source int64 // the publisher's time of the latest picture
	last   int64 // the latest place
	next   int64 // the multiple that comes next
}

func newGridPlacer(grid, start time.Duration) *gridPlacer {
	return &gridPlacer{grid: media.TimescaleVideo.Ticks(grid), start: media.TimescaleVideo.Ticks(start)}
}

func (p *gridPlacer) expect(int64) {}

func (p *gridPlacer) skip(int64) {}

func (p *gridPlacer) place(pts int64) []placement {
	if !p.begun {
		return []placement{p.first(pts)}
	}
	if pts <= p.source {
		return nil
	}
	move := min((pts-p.source)/2, maxMove)
	p.source = pts

	if pts-p.next > maxFill {
		p.next = pts - maxFill
		p.next += p.grid - p.next%p.grid
	}
	var out []placement
	for p.next < pts-move {
		out = append(out, placement{pts: p.next, key: true, repeat: true})
		p.last = p.next
		p.next += p.grid
	}
	switch {
	case p.next <= pts+move:
		out = append(out, placement{pts: p.next, key: true})
		p.last = p.next
		p.next += p.grid
	case pts >= p.last+minDistance:
		out = append(out, placement{pts: pts})
		p.last = pts
	}
	return out
}

// first places the first picture of a run. It is a keyframe wherever it stands.
func (p *gridPlacer) first(pts int64) placement {
	p.begun, p.source, p.last = true, pts, pts
	nearest := (pts + p.grid/2) / p.grid * p.grid
	if d := nearest - pts; nearest >= p.start && d <= maxMove && d >= -maxMove {
		p.last = nearest
	}
	p.next = (p.last/p.grid + 1) * p.grid
	return placement{pts: p.last, key: true}
}

// thinner leaves pictures out by time. It belongs to one goroutine.
type thinner struct {
	begun    bool
	due      int64 // when the next picture is wanted
	distance int64 // of the pictures that are wanted, 0 for all
}

// keep reports whether the picture at pts is wanted: with at most rate pictures a
// second (0 is no limit) from a source whose pictures are spacing apart (0 if
// that is not known). Keyframes always are, and the rhythm starts anew with them.
func (t *thinner) keep(pts int64, key bool, rate float64, spacing int64) bool {
	if rate <= 0 {
		return true
	}
	t.distance = thinned(rate, spacing)
	tolerance := min(spacing, t.distance) / 2
	if !key && t.begun && pts < t.due-tolerance {
		return false
	}
	// The rhythm is kept over a jitter of the timestamps, not over a hole.
	if key || !t.begun || pts > t.due+t.distance/2 {
		t.due = pts
	}
	t.begun = true
	t.due += t.distance
	return true
}

// thinned returns the distance of pictures at no more than rate a second: a
// multiple of the source's, so that movements stay even.
func thinned(rate float64, spacing int64) int64 {
	least := float64(media.TimescaleVideo) / rate
	if spacing <= 0 {
		return int64(least)
	}
	n := int64(1)
	for float64(n*spacing) < least*0.96 && n < 1000 { // 29.97 passes for 30, jitter aside
		n++
	}
	return n * spacing
}

// pace estimates the distance of a source's pictures. It belongs to one
// goroutine.
type pace struct {
	begun   bool
	last    int64
	spacing float64
}

func (p *pace) add(pts int64) int64 {
	d := float64(pts - p.last)
	switch {
	case !p.begun:
		p.begun, p.last = true, pts
		return int64(p.spacing)
	case d <= 0:
		return int64(p.spacing)
	case p.spacing == 0:
		p.spacing = d
	case d < 4*p.spacing:
		p.spacing += (d - p.spacing) / 16
	default: // a hole, unless it goes on
		p.spacing += p.spacing / 16
	}
	p.last = pts
	return int64(p.spacing + 0.5)
}
