package ffmpeg

import (
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
)

// ticks converts milliseconds.
func ticks(ms ...float64) []int64 {
	var out []int64
	for _, m := range ms {
		out = append(out, media.TimescaleVideo.Ticks(time.Duration(m*float64(time.Millisecond))))
	}
	return out
}

func TestGridPlacer(t *testing.T) {
	const key, again = true, true
	for _, tc := range []struct {
		name  string
		start time.Duration
		in    []float64 // ms
		want  []placement
	}{
		{"exact", 0, []float64{1960, 2000, 2040}, []placement{
			{pts: 176400, key: key}, {pts: 180000, key: key}, {pts: 183600},
		}},
		{"moved back", 0, []float64{1970, 2010, 2050}, []placement{
			{pts: 177300, key: key}, {pts: 180000, key: key}, {pts: 184500},
		}},
		{"moved on", 0, []float64{1950, 1990, 2030}, []placement{
			{pts: 175500, key: key}, {pts: 180000, key: key}, {pts: 182700},
		}},
		{"low rate is repeated", 0, []float64{1700, 1900, 2100}, []placement{
			{pts: 153000, key: key}, {pts: 171000}, {pts: 180000, key: key, repeat: again}, {pts: 189000},
		}},
		{"a hole is filled", 0, []float64{100, 140, 6500}, []placement{
			{pts: 9000, key: key},
			{pts: 12600},
			{pts: 180000, key: key, repeat: again},
			{pts: 360000, key: key, repeat: again},
			{pts: 540000, key: key, repeat: again},
			{pts: 585000},
		}},
		{"the first near a multiple", 2 * time.Second, []float64{2010, 2050}, []placement{
			{pts: 180000, key: key}, {pts: 184500},
		}},
		{"not before the start", 2005 * time.Millisecond, []float64{2010, 2050}, []placement{
			{pts: 180900, key: key}, {pts: 184500},
		}},
		{"after one that was moved on", 0, []float64{1950, 1990, 1995, 2001}, []placement{
			{pts: 175500, key: key}, {pts: 180000, key: key}, {pts: 180090},
		}},
		{"going back is left out", 0, []float64{1000, 900, 1040}, []placement{{pts: 90000, key: key}, {pts: 93600}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newGridPlacer(2*time.Second, tc.start)
			var got []placement
			for _, pts := range ticks(tc.in...) {
				got = append(got, p.place(pts)...)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("places\n%+v, want\n%+v", got, tc.want)
			}
		})
	}
}

// A slow source is repeated so often that the encoder lets go of it.
func TestSteadyPlacer(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   []float64 // ms
		want []int64
	}{
		{"fast enough", []float64{0, 100, 240, 300}, ticks(0, 100, 240, 300)},
		{"5 a second", []float64{0, 200, 400}, ticks(0, 100, 200, 300, 400)},
		{"1 a second", []float64{0, 1000}, ticks(0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000)},
		{"a hole", []float64{0, 2100}, ticks(0, 2100)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlacer(0, 0)
			var got []int64
			for _, pts := range ticks(tc.in...) {
				for i, out := range p.place(pts) {
					if out.repeat != (out.pts != pts) || out.key != (pts == 0 && i == 0) {
						t.Errorf("place %+v of the picture at %d", out, pts)
					}
					got = append(got, out.pts)
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("places %v, want %v", got, tc.want)
			}
		})
	}
}

// Whatever the distances of the pictures: places rise, every multiple has its
// keyframe and there is no other but the first.
func TestGridPlacerHoldsTheGrid(t *testing.T) {
	for _, rate := range []float64{1, 3, 7.5, 14.985, 23.976, 25, 29.97, 50, 59.94, 60, 120} {
		for offset := range 40 {
			p := newGridPlacer(2*time.Second, 0)
			last, next := int64(-1), int64(0)
			var keys []int64
			for n := range int(rate * 9) {
				ms := float64(offset)*1.7 + float64(n)*1000/rate
				for _, out := range p.place(ticks(float64(int(ms)))[0]) { // as in RTMP
					if out.pts <= last {
						t.Fatalf("rate %g, offset %d: place %d after %d", rate, offset, out.pts, last)
					}
					last = out.pts
					if out.key {
						keys = append(keys, out.pts)
					}
				}
			}
			if keys[0] != 0 {
				keys = keys[1:]
				next = 180000
			}
			for _, k := range keys {
				if k != next {
					t.Fatalf("rate %g, offset %d: keyframe at %d, want %d", rate, offset, k, next)
				}
				next += 180000
			}
			if next <= last {
				t.Fatalf("rate %g, offset %d: no keyframe at %d, pictures to %d", rate, offset, next, last)
			}
		}
	}
}

func TestGridPlacerBoundsTheFilling(t *testing.T) {
	p := newGridPlacer(2*time.Second, 0)
	p.place(0)
	out := p.place(media.TimescaleVideo.Ticks(time.Hour))
	if len(out) < 29 || len(out) > 32 {
		t.Errorf("%d places after an hour's hole, want those of a minute", len(out))
	}
	for _, o := range out {
		if o.key && o.pts%180000 != 0 {
			t.Errorf("keyframe at %d, which is no multiple", o.pts)
		}
	}
}

func TestSourcePlacer(t *testing.T) {
	p := &sourcePlacer{}
	for _, k := range []int64{9000, 3000, 9000, 30000, 40000} {
		p.expect(k)
	}
	p.skip(2000)
	var got []placement
	for _, pts := range []int64{3000, 6000, 5000, 6010, 9000, 33000, 36000, 40000, 41000} {
		got = append(got, p.place(pts)...)
	}
	want := []placement{
		{pts: 3000, key: true},
		{pts: 6000},
		{pts: 9000, key: true},
		{pts: 33000, key: true, keyError: 3000}, // the decoder lost the one at 30000
		{pts: 36000},
		{pts: 40000, key: true},
		{pts: 41000},
	}
	if !slices.Equal(got, want) {
		t.Errorf("places\n%+v, want\n%+v", got, want)
	}
}

func TestSourcePlacerIsBounded(t *testing.T) {
	p := &sourcePlacer{}
	for i := range int64(1000) {
		p.expect(i * 1000)
	}
	if len(p.keys) != maxWaitingKeys {
		t.Errorf("%d keyframes wait, want %d", len(p.keys), maxWaitingKeys)
	}
}

func TestThinner(t *testing.T) {
	for _, tc := range []struct {
		name         string
		source, rate float64
		seconds      int
		least, most  int // pictures kept
	}{
		{"case 27: 30 of 60", 60, 30, 10, 300, 301},
		{"case 27: 30 of 59.94", 59.94, 30, 10, 299, 301},
		{"30 of 29.97", 29.97, 30, 10, 299, 300},
		{"30 of 30", 30, 30, 10, 300, 300},
		{"25 of 50, evenly, for 30", 50, 30, 10, 250, 251},
		{"15 of 30", 30, 15, 10, 150, 151},
		{"15 of 25: every second", 25, 15, 10, 125, 126},
		{"all of 5", 5, 15, 10, 50, 50},
		{"no limit", 60, 0, 10, 600, 600},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var p pace
			var th thinner
			kept := 0
			last := int64(0)
			for n := range int(tc.source * float64(tc.seconds)) {
				pts := ticks(float64(int(float64(n) * 1000 / tc.source)))[0] // as in RTMP
				if th.keep(pts, n == 0, tc.rate, p.add(pts)) {
					kept++
					last = pts
				}
			}
			if kept < tc.least || kept > tc.most {
				t.Errorf("kept %d, want %d to %d", kept, tc.least, tc.most)
			}
			if end := int64(tc.seconds) * 90000; end-last > 90000/2 {
				t.Errorf("nothing kept after %d", last)
			}
		})
	}
}

func TestThinnerKeepsKeyframes(t *testing.T) {
	var th thinner
	for n := range int64(300) {
		key := n%7 == 0
		if !th.keep(n*1500, key, 15, 1500) && key {
			t.Fatalf("keyframe %d was left out", n)
		}
	}
}

// The rhythm goes on when pictures were missing for a while.
func TestThinnerAfterAHole(t *testing.T) {
	var th thinner
	for n := range int64(10) {
		th.keep(n*1500, n == 0, 30, 1500)
	}
	kept := 0
	for n := range int64(60) {
		if th.keep(900000+n*1500, false, 30, 1500) {
			kept++
		}
	}
	if kept != 30 {
		t.Errorf("kept %d of 60, want 30", kept)
	}
}

func TestDTSRule(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   [][2]int64 // PTS, DTS
		want []int64
	}{
		{"start of a class", [][2]int64{{0, -6000}, {9000, -3000}, {3000, 0}, {6000, 3000}}, []int64{0, 750, 1500, 3000}},
		{"a new encoder", [][2]int64{{90000, 87000}, {93000, 84000}, {99000, 90000}}, []int64{87000, 87750, 90000}},
		{"pictures close together", [][2]int64{{0, -6000}, {90, -3000}, {180, 0}}, []int64{0, 1, 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := dtsRule{spread: 750}
			var got []int64
			for _, in := range tc.in {
				got = append(got, d.next(in[0], in[1]))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("DTS %v, want %v", got, tc.want)
			}
		})
	}
}
