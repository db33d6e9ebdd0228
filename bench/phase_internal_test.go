package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime/api"
)

func state(level, dropped int, lag float64, made string, history ...api.LevelChange) *api.LadderState {
	return &api.LadderState{
		Level: level, History: history, Renditions: []api.Rendition{
			{Name: "source", Kind: "video", State: "passed_through", LagSeconds: 9},
			{Name: "720p", Kind: "video", State: made, LagSeconds: lag, DroppedFrames: dropped},
			{Name: "audio", Kind: "audio", State: "passed_through", LagSeconds: 9},
		},
	}
}

func TestObserved(t *testing.T) {
	start := time.Unix(2000, 0)
	before := api.LevelChange{At: start.Add(-time.Second), Level: 1, Reason: "admission"}
	down := api.LevelChange{At: start.Add(2 * time.Second), Level: 2, Reason: "lag"}
	further := api.LevelChange{At: start.Add(3 * time.Second), Level: 3, Reason: "cpu"}
	o := &observed{id: "x", level: 1, latest: start}
	o.look(state(1, 40, 0.25, "encoded", before))
	o.look(state(3, 46, 0.75, "encoded", further, down, before))
	o.look(state(3, 2, 0.9, "shed", further, down, before)) // of a new worker

	if got := o.deepest(); got != 3 {
		t.Errorf("deepest level = %d, want 3", got)
	}
	if name, lag := o.worst(); name != "720p" || lag != 750*time.Millisecond {
		t.Errorf("worst = %s %s, want 720p 750ms", name, lag)
	}
	if len(o.changes) != 2 || o.changes[0].from != 1 || o.changes[0].Level != 2 || o.changes[1].from != 2 || o.changes[1].Level != 3 {
		t.Errorf("changes = %+v", o.changes)
	}
	if len(o.rungs) != 1 || o.rungs[0].lost != 8 || len(o.rungs[0].lags) != 2 {
		t.Errorf("rungs = %+v", o.rungs[0])
	}
	var text strings.Builder
	ph := &phase{name: "pressure", start: start, elapsed: 10 * time.Second, classes: []*observed{o}, used: spending{workers: 15 * time.Second}}
	if err := ph.report(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pressure, 10 s", "level 1 to 3", "1 to 2 at 2.0 s (lag)", "2 to 3 at 3.0 s (cpu)", "720p", "max 0.750 s in 2 samples, 8 pictures", "workers 1.50 of a core"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report misses %q:\n%s", want, text.String())
		}
	}
}

// whatHappened is a scenario with these levels and this cadence.
func whatHappened(calm, load, recovery []int, lag time.Duration, p95 float64) *pressure {
	p := &pressure{o: Options{}}
	for _, levels := range [][]int{calm, load, recovery} {
		p.phases = append(p.phases, &phase{classes: []*observed{{
			id: "x", levels: levels, level: levels[len(levels)-1],
			rungs: []*rung{{name: "720p", lags: []time.Duration{lag}}}, cadence: cadence{parts: 10, p95: p95},
		}}})
	}
	return p
}

func TestJudge(t *testing.T) {
	for _, tc := range []struct {
		name  string
		p     *pressure
		fails string
	}{
		{"all is well", whatHappened([]int{0}, []int{0, 1, 4}, []int{4, 0}, 100*time.Millisecond, 3), ""},
		{"cut back while calm", whatHappened([]int{0, 1}, []int{1, 4}, []int{4, 0}, 0, 3), "all renditions throughout"},
		{"behind while calm", whatHappened([]int{0}, []int{0, 4}, []int{4, 0}, time.Second, 3), "lag below"},
		{"uneven", whatHappened([]int{0}, []int{0, 4}, []int{4, 0}, 0, 30), "parts of source"},
		{"pressure without effect", whatHappened([]int{0}, []int{0, 0}, []int{0}, 0, 3), "falls"},
		{"no recovery", whatHappened([]int{0}, []int{0, 4}, []int{4, 1}, 0, 3), "level 0 again"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out strings.Builder
			tc.p.o.Out = &out
			err := tc.p.judge()
			if (err != nil) != (tc.fails != "") {
				t.Errorf("err = %v", err)
			}
			for line := range strings.SplitSeq(strings.TrimSpace(out.String()), "\n") {
				failed := strings.HasPrefix(line, "FAIL")
				if want := tc.fails != "" && strings.Contains(line, tc.fails); failed != want {
					t.Errorf("wrong verdict: %s", line)
				}
			}
		})
	}
}
