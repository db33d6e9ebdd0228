package transcode_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// lecture is a class on a machine.
type lecture struct {
	machine *machine
	name    string
	viewers int

	// The machine's mu guards the fields below.
	content float64 // its real work, as a share of the estimate
	plan    transcode.Plan
	level   transcode.Level
	lag     time.Duration
	stuck   time.Duration // lag for reasons of its own
	changes []transcode.LevelChange
}

func (l *lecture) Plan() transcode.Plan {
	l.machine.mu.Lock()
	defer l.machine.mu.Unlock()
	return l.plan
}

func (l *lecture) Lag() time.Duration {
	l.machine.mu.Lock()
	defer l.machine.mu.Unlock()
	return max(l.lag, l.stuck)
}

func (l *lecture) Viewers() int { return l.viewers }

func (l *lecture) SetLevel(c transcode.LevelChange) {
	// Whatever a member asks meanwhile must be answered.
	if _, ok := l.machine.governor.State(l.name); !ok {
		l.machine.tb.Errorf("%s is told of %s and is not known", l.name, c.Level)
	}
	l.machine.mu.Lock()
	defer l.machine.mu.Unlock()
	l.level = c.Level
	l.changes = append(l.changes, c)
}

// machine is a simulated host on which classes and other programs share the
// cores. It lives in a synctest bubble, and moves when its load is asked for.
type machine struct {
	tb       testing.TB
	governor *transcode.Governor
	registry *prometheus.Registry

	mu       sync.Mutex // guards the fields below and the lectures'
	cores    float64
	lectures []*lecture
	other    float64 // cores that other programs want
	blind    bool    // the kernel does not tell
	last     time.Time
}

func newMachine(tb testing.TB, cores float64, edit ...func(*transcode.Config)) *machine {
	tb.Helper()
	cfg := transcode.DefaultConfig()
	for _, e := range edit {
		e(&cfg)
	}
	m := &machine{tb: tb, cores: cores, last: time.Now(), registry: prometheus.NewPedanticRegistry()}
	var err error
	m.governor, err = transcode.NewGovernor(cfg, transcode.GovernorDeps{
		HostCPU: m.share, Cores: cores, Calibration: transcode.DefaultCalibration(),
		Logger: slog.New(slog.DiscardHandler), Registerer: m.registry,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// share lets the time since the last call pass and returns how busy it was. Who
// gets less than it wants falls behind, who has time to spare catches up.
func (m *machine) share() (float64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	passed := now.Sub(m.last)
	m.last = now
	want := m.other
	for _, l := range m.lectures {
		want += l.work()
	}
	speed := m.cores / max(want, 0.01)
	for _, l := range m.lectures {
		l.lag = max(l.lag+time.Duration(float64(passed)*(1-speed)), 0)
		l.lag = min(l.lag, 3*time.Second) // pictures are skipped by then
		if l.work() == 0 {
			l.lag = 0
		}
	}
	return min(want/m.cores, 1), !m.blind
}

func (l *lecture) work() float64 {
	return l.content * transcode.Cost(l.plan, l.level, transcode.DefaultCalibration())
}

// run runs the governor until the test calls stop.
func (m *machine) run() (stop func()) {
	ctx, cancel := context.WithCancel(m.tb.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := m.governor.Run(ctx); err != nil {
			m.tb.Errorf("run: %v", err)
		}
	})
	return func() { cancel(); wg.Wait() }
}

func (m *machine) load(cores float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.other = cores
}

// shows sets how much work the class really is, as a share of the estimate.
func (l *lecture) shows(content float64) {
	l.machine.mu.Lock()
	defer l.machine.mu.Unlock()
	l.content = content
}

// join adds a class whose tracks are passed through unless encode is set.
func (m *machine) join(name string, viewers int, encode bool, tracks ...media.Track) *lecture {
	m.tb.Helper()
	l := &lecture{machine: m, name: name, viewers: viewers, content: 1, plan: planOf(m.tb, encode, tracks...)}
	m.mu.Lock()
	m.lectures = append(m.lectures, l)
	m.mu.Unlock()
	m.governor.Join(name, l)
	return l
}

func (m *machine) leave(l *lecture) {
	m.mu.Lock()
	m.lectures = slices.DeleteFunc(m.lectures, func(o *lecture) bool { return o == l })
	m.mu.Unlock()
	m.governor.Leave(l.name)
}

func planOf(tb testing.TB, encode bool, tracks ...media.Track) transcode.Plan {
	tb.Helper()
	return ladderOf(tb).Plan(transcode.PlanInput{Tracks: tracks, Encode: encode})
}

// now returns the level of the class and checks that all agree on it.
func (l *lecture) now() transcode.Level {
	l.machine.tb.Helper()
	st, ok := l.machine.governor.State(l.name)
	l.machine.mu.Lock()
	defer l.machine.mu.Unlock()
	if !ok || st.Level != l.level {
		l.machine.tb.Errorf("%s: the governor says %s, the class has %s", l.name, st.Level, l.level)
	}
	if st.Text == "" {
		l.machine.tb.Errorf("%s: no sentence for the instructor", l.name)
	}
	return l.level
}

// moves returns how often the class's level changed.
func (l *lecture) moves() int {
	l.machine.mu.Lock()
	defer l.machine.mu.Unlock()
	return len(l.changes)
}

// said returns the changes so far as words.
func (l *lecture) said() (out []string) {
	l.machine.mu.Lock()
	defer l.machine.mu.Unlock()
	for _, c := range l.changes {
		out = append(out, c.Level.String()+" "+c.Reason)
	}
	return out
}
