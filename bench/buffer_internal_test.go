package bench

import (
	"testing"
	"time"
)

func TestBuffer(t *testing.T) {
	const part, holdBack = 500, 1500 // ms
	for _, tc := range []struct {
		name string
		at   []int // when parts come, in ms
		dry  []int // for how long there was nothing to play before each
	}{
		{"it does not play before it holds enough", []int{0, 9000, 90000}, []int{0, 0, 0}},
		{"in time", []int{0, 0, 0, 500, 1000, 1500, 2000}, []int{0, 0, 0, 0, 0, 0, 0}},
		{"late, but there is something left", []int{0, 0, 0, 1500, 1500, 1500}, []int{0, 0, 0, 0, 0, 0}},
		{"too late", []int{0, 0, 0, 1700}, []int{0, 0, 0, 200}},
		{"behind by a stall, it takes another to stall again", []int{0, 0, 0, 1700, 2200, 2700, 3300}, []int{0, 0, 0, 200, 0, 0, 100}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := buffer{holdBack: holdBack * time.Millisecond}
			for i, at := range tc.at {
				dry := b.add(time.Unix(1000, 0).Add(time.Duration(at)*time.Millisecond), part*time.Millisecond)
				if want := time.Duration(tc.dry[i]) * time.Millisecond; dry != want {
					t.Errorf("part %d: dry for %s, want %s", i, dry, want)
				}
			}
		})
	}
}

func TestLatest(t *testing.T) {
	var all []part
	for i := range 5 {
		all = append(all, part{place: place{7, i}, duration: 500 * time.Millisecond})
	}
	for _, tc := range []struct {
		name string
		d    time.Duration
		want int
	}{
		{"nothing", 0, 0}, {"whole parts", 1500 * time.Millisecond, 3}, {"a bit of one more", 1501 * time.Millisecond, 4}, {"all", time.Minute, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := latest(all, tc.d)
			if len(got) != tc.want {
				t.Fatalf("%d parts, want %d", len(got), tc.want)
			}
			if len(got) > 0 && got[len(got)-1] != all[4] {
				t.Errorf("the last one is %+v", got[len(got)-1])
			}
		})
	}
}

func TestAgenda(t *testing.T) {
	var a agenda
	start := time.Unix(1000, 0)
	if got := a.until(start, time.Second); got != time.Second {
		t.Errorf("nothing is to be done for %s, want 1s", got)
	}
	conns := make([]*connection, 4)
	for i, after := range []time.Duration{30, 10, 20, 40} {
		conns[i] = &connection{fd: i}
		a.add(start.Add(after*time.Millisecond), conns[i])
	}
	if got := a.until(start, time.Second); got != 10*time.Millisecond {
		t.Errorf("nothing is to be done for %s, want 10ms", got)
	}
	now := start.Add(30 * time.Millisecond)
	if got := a.until(now, time.Second); got != 0 {
		t.Errorf("nothing is to be done for %s, want 0s", got)
	}
	for _, want := range []*connection{conns[1], conns[2], conns[0], nil} {
		if got := a.due(now); got != want {
			t.Errorf("due: %+v, want %+v", got, want)
		}
	}
}
