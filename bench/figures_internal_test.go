package bench

import (
	"errors"
	"io"
	"sync"
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = 100 - i
	}
	for _, tc := range []struct {
		name    string
		values  []int
		percent int
		want    int
	}{
		{"nothing", nil, 95, 0},
		{"one value", []int{7}, 50, 7},
		{"least", hundred, 0, 1},
		{"median of an even number", []int{4, 1, 3, 2}, 50, 2},
		{"median of an odd number", []int{3, 1, 2}, 50, 2},
		{"95 of 100", hundred, 95, 95},
		{"95 of 10 is the largest", []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 95, 10},
		{"most", hundred, 100, 100},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := percentile(tc.values, tc.percent); got != tc.want {
				t.Errorf("percentile(%d) = %d, want %d", tc.percent, got, tc.want)
			}
		})
	}
	if hundred[0] != 100 {
		t.Error("the values were sorted in place")
	}
}

func TestVerdicts(t *testing.T) {
	v := &verdicts{out: io.Discard}
	v.say(true, "well")
	if err := v.err(); err != nil {
		t.Errorf("err = %v after a target that was met", err)
	}
	v.say(false, "not so well")
	if err := v.err(); !errors.Is(err, ErrMissed) {
		t.Errorf("err = %v, want ErrMissed", err)
	}
}

func TestParseStat(t *testing.T) {
	const rest = " S 4711 1 1 0 -1 4194304 5 6 7 8 250 50 9 10 20 0 5 0 100 1 2"
	for _, tc := range []struct {
		name, content string
		want          processStat
		bad           bool
	}{
		{"plain", "12 (lectern)" + rest, processStat{parent: 4711, cpu: 3 * time.Second}, false},
		{"a name that looks like fields", "12 (a) S 1 (b c)" + rest, processStat{parent: 4711, cpu: 3 * time.Second}, false},
		{"cut off", "12 (lectern) S 4711 1", processStat{}, true},
		{"no name", "12 lectern S", processStat{}, true},
		{"not a number", "12 (lectern) S one 1 1 0 -1 0 5 6 7 8 250 50", processStat{}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := parseStat(tc.content)
			if got != tc.want || (err != nil) != tc.bad {
				t.Errorf("parseStat = %+v, %v; want %+v, error %t", got, err, tc.want, tc.bad)
			}
		})
	}
}

func TestParseMachine(t *testing.T) {
	for _, tc := range []struct {
		name, content string
		want          machineStat
		bad           bool
	}{
		{"plain", "cpu  100 20 30 9000 800 4 6 50 7 8\ncpu0 1 2 3\n", machineStat{busy: 1600 * time.Millisecond, stolen: 500 * time.Millisecond}, false},
		{"something else", "intr 1 2 3 4 5 6 7 8 9", machineStat{}, true},
		{"cut off", "cpu 1 2 3", machineStat{}, true},
		{"not a number", "cpu 1 2 3 4 5 6 seven 8", machineStat{}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := parseMachine(tc.content)
			if got != tc.want || (err != nil) != tc.bad {
				t.Errorf("parseMachine = %+v, %v; want %+v, error %t", got, err, tc.want, tc.bad)
			}
		})
	}
}

func TestHighest(t *testing.T) {
	for _, tc := range []struct {
		name   string
		values []time.Duration
		n      int
		want   time.Duration
	}{
		{"nothing", nil, 3, 0},
		{"fewer than asked for", []time.Duration{1, 2}, 3, 3},
		{"in the middle", []time.Duration{1, 5, 6, 1, 9, 1}, 2, 11},
		{"at the end", []time.Duration{1, 1, 4, 4}, 2, 8},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := highest(tc.values, tc.n); got != tc.want {
				t.Errorf("highest = %d, want %d", got, tc.want)
			}
		})
	}
}

func TestBurnEndsWithItsInput(t *testing.T) {
	in, hold := io.Pipe()
	done := make(chan uint64, 1)
	var wg sync.WaitGroup
	wg.Go(func() { done <- Burn(t.Context(), in) })
	defer wg.Wait()
	select {
	case <-done:
		t.Fatal("it ended before its input")
	default:
	}
	if err := hold.Close(); err != nil {
		t.Fatal(err)
	}
	if <-done == 0 {
		t.Error("nothing was computed")
	}
}
