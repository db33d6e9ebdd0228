package transcode_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/transcode"
)

func TestGovernorHistoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 2)
		l := m.join("class", 30, false, goodVideo())
		defer m.run()()
		for range 7 {
			m.load(2)
			pass(time.Minute)
			m.load(0)
			pass(20 * time.Minute)
		}
		st, _ := m.governor.State("class")
		if l.moves() <= 50 || len(st.History) != 50 || st.History[49].Level != l.now() {
			t.Errorf("%d changes, history of %d, want the latest 50", l.moves(), len(st.History))
		}
	})
}

func TestGovernorMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 2)
		first := m.join("first", 30, false, goodVideo())
		m.join("second", 30, false, goodVideo())
		defer m.run()()
		pass(2 * time.Second)
		const want = `
# HELP lectern_transcode_classes Classes by how far their ladder is cut back.
# TYPE lectern_transcode_classes gauge
lectern_transcode_classes{level="fast"} 0
lectern_transcode_classes{level="full"} 1
lectern_transcode_classes{level="lowest"} 0
lectern_transcode_classes{level="no_top"} 0
lectern_transcode_classes{level="no_video"} 1
lectern_transcode_classes{level="slow"} 0
# HELP lectern_transcode_level_changes_total Changes of a class's level, by the new level and the reason.
# TYPE lectern_transcode_level_changes_total counter
lectern_transcode_level_changes_total{level="no_video",reason="admission"} 1
`
		if err := testutil.GatherAndCompare(m.registry, strings.NewReader(want), "lectern_transcode_classes", "lectern_transcode_level_changes_total"); err != nil {
			t.Error(err)
		}
		if problems, err := testutil.GatherAndLint(m.registry); err != nil || len(problems) > 0 {
			t.Errorf("lint: %v, %v", problems, err)
		}
		m.leave(first)
		if n, err := testutil.GatherAndCount(m.registry, "lectern_transcode_host_cpu_ratio", "lectern_transcode_estimated_cores"); err != nil || n != 2 {
			t.Errorf("%d gauges, %v", n, err)
		}
	})
}

func TestNewGovernorRefuses(t *testing.T) {
	cfg := transcode.DefaultConfig()
	cfg.Governor.Settle = 0
	_, err := transcode.NewGovernor(cfg, transcode.GovernorDeps{})
	for _, want := range []string{"transcode.governor.settle", "calibration: decode", "0 cores"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q in it", err, want)
		}
	}
}

// After a long pause on a calm machine a class begins anew, not where it was.
func TestGovernorAfterAPause(t *testing.T) {
	for _, tc := range []struct {
		name  string
		pause time.Duration
		load  float64
		want  string // the first change after the pause; "" is none
	}{
		{"long and calm", 5 * time.Minute, 0, "full recovered"},
		{"short", 20 * time.Second, 0, ""},
		{"long, and the machine is busy", 5 * time.Minute, 1.7, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMachine(t, 2)
				l := m.join("class", 30, false, goodVideo(), goodAudio())
				defer m.run()()
				m.load(1.9)
				pass(time.Minute)
				n := l.moves()
				if got := l.now(); got != transcode.LevelNoVideo {
					t.Fatalf("level = %s, want everything shed", got)
				}
				plan := l.Plan()
				set := func(p transcode.Plan) {
					m.mu.Lock()
					defer m.mu.Unlock()
					l.plan = p
				}
				set(transcode.Plan{})
				m.load(tc.load)
				pass(tc.pause)
				set(plan)
				pass(time.Second)
				got := l.said()[n:]
				if tc.want == "" && len(got) != 0 || tc.want != "" && (len(got) != 1 || got[0] != tc.want) {
					t.Errorf("changes = %v, want %q", got, tc.want)
				}
				l.now()
			})
		})
	}
}

// On machines, classes and loads at random: what is too much is shed, what is shed
// comes back when there is room, and nothing changes all the time.
func TestGovernorAtRandom(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // not a secret
				cores := float64(1 + random.IntN(8))
				m := newMachine(t, cores)
				for i := range 1 + random.IntN(6) {
					v := goodVideo()
					if random.IntN(2) == 0 {
						v.Video.Width, v.Video.Height = 1280, 720
					}
					l := m.join(fmt.Sprint("class ", i), random.IntN(100), random.IntN(4) == 0, v, goodAudio())
					l.shows(0.3 + random.Float64())
				}
				defer m.run()()
				for hour := range 2 {
					m.load(cores * random.Float64() * 1.2)
					before := map[*lecture]int{}
					for _, l := range m.lectures {
						before[l] = l.moves()
					}
					pass(10 * time.Minute)
					for _, l := range m.lectures {
						if l.Lag() > 500*time.Millisecond && l.now() != transcode.LevelNoVideo && l.now() != transcode.LevelLowest {
							t.Errorf("hour %d: %s is late by %s at %s", hour, l.name, l.Lag(), l.now())
						}
					}
					pass(50 * time.Minute)
					for _, l := range m.lectures {
						if n := l.moves() - before[l]; n > 30 {
							t.Errorf("hour %d: %s changed %d times: %v", hour, l.name, n, l.said()[before[l]:])
						}
					}
				}
				m.mu.Lock()
				m.cores, m.other = 64, 0
				m.mu.Unlock()
				pass(time.Hour)
				for _, l := range m.lectures {
					if got := l.now(); got != transcode.LevelFull {
						t.Errorf("%s is at %s on a machine with room, want full", l.name, got)
					}
				}
			})
		})
	}
}

// Members come, go and ask while levels change, under the race detector.
func TestGovernorConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 4)
		stay := m.join("stay", 5, false, goodVideo())
		defer m.run()()
		m.load(4)
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for range 20 {
					l := m.join(fmt.Sprint("class ", i), i, i%2 == 0, goodVideo())
					time.Sleep(1700 * time.Millisecond) //nolint:forbidigo // in a synctest bubble
					l.now()
					m.leave(l)
				}
			})
		}
		wg.Wait()
		m.load(0)
		pass(10 * time.Minute)
		if got := stay.now(); got != transcode.LevelFull {
			t.Errorf("level = %s in the end, want full", got)
		}
	})
}
