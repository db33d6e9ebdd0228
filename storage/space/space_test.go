package space_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/lectern/lectern/storage/space"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const mib = 1 << 20

// fakeFS is a file system that tests fill.
type fakeFS struct {
	mu    sync.Mutex
	usage space.Usage
	err   error
	looks int
}

func (f *fakeFS) Usage(string) (space.Usage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	return f.usage, f.err
}

func (f *fakeFS) set(usage space.Usage, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.usage, f.err = usage, err
}

func (f *fakeFS) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.looks
}

// syncBuffer holds a log.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// fixture is a monitor with what a test looks at.
type fixture struct {
	*space.Monitor
	fs  *fakeFS
	reg *prometheus.Registry
	log *syncBuffer
}

func newFixture(cfg space.Config, dir string, fs space.FileSystem) *fixture {
	f := &fixture{reg: prometheus.NewRegistry(), log: &syncBuffer{}}
	f.fs, _ = fs.(*fakeFS) // nil for a real one
	f.Monitor = space.New(cfg, dir, space.Deps{Logger: slog.New(slog.NewTextHandler(f.log, nil)), Registerer: f.reg, FileSystem: fs})
	return f
}

// run starts Run inside a bubble and returns what stops it.
func (f *fixture) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return func() { cancel(); wg.Wait() }
}

// pass lets d pass on the clock of the bubble, and all that follows from it
// happen.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // called in synctest bubbles only
	synctest.Wait()
}

// wantFull fails unless err is a refusal of the limit key, "" for none.
func wantFull(t *testing.T, err error, key string) {
	t.Helper()
	if key == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	var full *space.FullError
	if !errors.Is(err, space.ErrFull) || !errors.As(err, &full) || full.Key != key || !strings.HasPrefix(err.Error(), key+": ") {
		t.Errorf("err = %v, want a refusal of %s", err, key)
	}
}

func (f *fixture) gauge(t *testing.T, name, limit string) float64 {
	t.Helper()
	families, err := f.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, fam := range families {
		if fam.GetName() != name {
			continue
		}
		for _, m := range fam.GetMetric() {
			if limit == "" || m.GetLabel()[0].GetValue() == limit {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("no metric %s with limit %q", name, limit)
	return 0
}

func TestClassQuotaHasHysteresis(t *testing.T) {
	cfg := space.DefaultConfig()
	cfg.ClassBytes = 1000
	f := newFixture(cfg, t.TempDir(), &fakeFS{})
	a, other := f.Class("a", 500), f.Class("b", 0)
	defer other.Close()

	for _, step := range []struct {
		name       string
		take, give int64
		key        string
		alarms     int // lines in the log so far
		full       float64
	}{
		{name: "below the alarm", take: 299},
		{name: "crosses the alarm", take: 1, alarms: 1},
		{name: "up to the brim", take: 200, alarms: 1, full: 1},
		{name: "nothing more", take: 1, key: "space.class_bytes", alarms: 1, full: 1},
		{name: "not below the low water mark yet", give: 50, take: 10, key: "space.class_bytes", alarms: 1, full: 1},
		{name: "at the low water mark", give: 50, take: 10, alarms: 1},
		{name: "within the slack of the alarm", give: 120, take: 20, alarms: 1},
		{name: "below it, and over it again", give: 100, take: 120, alarms: 2},
		{name: "too large for the rest", take: 201, key: "space.class_bytes", alarms: 2, full: 1},
		{name: "then small ones neither", take: 1, key: "space.class_bytes", alarms: 2, full: 1},
	} {
		a.Give(step.give)
		t.Run(step.name, func(t *testing.T) { wantFull(t, a.Take(step.take), step.key) })
		if got := strings.Count(f.log.String(), "runs low"); got != step.alarms {
			t.Errorf("%s: %d alarms in the log, want %d\n%s", step.name, got, step.alarms, f.log)
		}
		if got := f.gauge(t, "lectern_space_full", "class_bytes"); got != step.full {
			t.Errorf("%s: %v classes are full, want %v", step.name, got, step.full)
		}
		wantFull(t, other.Take(1), "") // one class is no other's trouble
	}
	if !strings.Contains(f.log.String(), "class=a reason=space.class_bytes") {
		t.Errorf("the log does not name class and limit:\n%s", f.log)
	}
	if s := f.State(); s.Alarm || s.Full {
		t.Errorf("one full class makes the server %+v", s)
	}
	if used, full := a.Used(); used != 830 || !full {
		t.Errorf("class holds %d, full %v; want 830, full", used, full)
	}
	a.Close()
	a.Close()
	for _, gauge := range []string{"lectern_space_full", "lectern_space_alarms"} {
		if got := f.gauge(t, gauge, "class_bytes"); got != 0 {
			t.Errorf("%s counts %v classes after the end of the only one", gauge, got)
		}
	}
	if err := a.Take(1); !errors.Is(err, space.ErrClosed) {
		t.Errorf("Take after Close: %v", err)
	}
	a.Give(1)
	problems, err := testutil.GatherAndLint(f.reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("metrics: %v %v", problems, err)
	}
}

// What a class may not take must not count for anybody.
func TestRefusedBytesCountNowhere(t *testing.T) {
	cfg := space.DefaultConfig()
	cfg.ClassBytes, cfg.TotalBytes = 100, 150
	f := newFixture(cfg, t.TempDir(), &fakeFS{})
	a, b := f.Class("a", 0), f.Class("b", 0)
	defer a.Close()
	defer b.Close()
	wantFull(t, a.Take(101), "space.class_bytes")
	wantFull(t, b.Take(100), "")
	wantFull(t, a.Take(1), "space.class_bytes")
	if got := f.State().Recorded; got != 100 {
		t.Errorf("%d bytes are recorded, want 100", got)
	}
	if got := f.gauge(t, "lectern_space_refused_bytes_total", "class_bytes"); got != 102 {
		t.Errorf("%v refused bytes counted, want 102", got)
	}
	wantFull(t, f.Class("c", 60).Take(1), "space.total_bytes") // opened above the quota
	if s := f.State(); !s.Full || !s.Alarm || s.Reason != "space.total_bytes" {
		t.Errorf("state = %+v", s)
	}
}

func TestAccountsOfOneClassShare(t *testing.T) {
	cfg := space.DefaultConfig()
	cfg.ClassBytes = 100
	f := newFixture(cfg, t.TempDir(), &fakeFS{})
	ending := f.Class("a", 40)
	wantFull(t, ending.Take(20), "")
	beginning := f.Class("a", 60)
	if got := f.State().Recorded; got != 60 {
		t.Errorf("%d bytes are recorded, want 60", got)
	}
	ending.Close()
	wantFull(t, beginning.Take(41), "space.class_bytes")
	beginning.Give(1000) // more than it has
	if got := f.State().Recorded; got != 0 {
		t.Errorf("%d bytes are recorded, want 0", got)
	}
	beginning.Close()
	if got := f.State().Recorded; got != 0 {
		t.Errorf("%d bytes are recorded after the end, want 0", got)
	}
}

// Many classes at once: what is granted is what is counted, and no limit is
// passed.
func TestConcurrentTakes(t *testing.T) {
	cfg := space.DefaultConfig()
	cfg.TotalBytes, cfg.ClassBytes = 10_000, 2_000
	f := newFixture(cfg, t.TempDir(), &fakeFS{})
	var wg sync.WaitGroup
	granted := make([]int64, 8)
	for i := range granted {
		a := f.Class(string(rune('a'+i)), 0)
		wg.Go(func() {
			for range 1000 {
				if a.Take(3) == nil {
					granted[i] += 3
				}
			}
		})
	}
	wg.Wait()
	var sum int64
	for i, n := range granted {
		sum += n
		if n > 2000 {
			t.Errorf("class %d got %d bytes", i, n)
		}
	}
	if got := f.State().Recorded; got != sum || sum > 10_000 || sum < 9_990 {
		t.Errorf("%d bytes are recorded, %d were granted, of 10000", got, sum)
	}
}

func TestValidate(t *testing.T) {
	if err := space.DefaultConfig().Validate(); err != nil {
		t.Errorf("default: %v", err)
	}
	err := space.Config{TotalBytes: 2 * mib, ClassBytes: 3 * mib, HighWater: 100, LowWater: 100, Alarm: 0}.Validate()
	for _, key := range []string{"space.class_bytes: ", "space.high_water: ", "space.low_water: ", "space.alarm: "} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("err = %v, without %s", err, key)
		}
	}
	for _, n := range []int64{-1, 1, mib - 1} {
		cfg := space.DefaultConfig()
		cfg.TotalBytes = n
		if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), "space.total_bytes: ") {
			t.Errorf("total_bytes %d: %v", n, err)
		}
	}
}
