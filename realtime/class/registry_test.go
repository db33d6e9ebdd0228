package class_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/storage/kv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary is an Observer that writes down the changes of state and checks that
// each starts where the last one ended.
type diary struct {
	mu       sync.Mutex
	last     map[string]class.Class
	lines    []string
	problems []string
	hook     func(ctx context.Context, before, after class.Class)
}

func (d *diary) ClassChanged(ctx context.Context, before, after class.Class) {
	d.mu.Lock()
	id := after.ID
	if id == "" {
		id = before.ID
	}
	if d.last == nil {
		d.last = map[string]class.Class{}
	}
	if known, ok := d.last[id]; ok && !before.Equal(known) {
		d.problems = append(d.problems, fmt.Sprintf("%s: change starts at %+v, the last ended at %+v", id, before, known))
	}
	d.last[id] = after
	line := id + " " + before.State.String() + "->" + after.State.String()
	if before.Pull != after.Pull {
		line += fmt.Sprint(" pull=", after.Pull)
	}
	if before.ID != "" && after.ID != "" && !before.StreamKey.Equal(after.StreamKey) {
		line += " new key"
	}
	d.lines = append(d.lines, strings.ReplaceAll(line, "unknown", "none"))
	hook := d.hook
	d.mu.Unlock()
	if hook != nil {
		hook(ctx, before, after)
	}
}

// take returns the lines since the last call.
func (d *diary) take(t *testing.T) []string {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.problems {
		t.Error(p)
	}
	lines := d.lines
	d.lines, d.problems = nil, nil
	return lines
}

func (d *diary) expect(t *testing.T, want ...string) {
	t.Helper()
	if got := d.take(t); !slices.Equal(got, want) {
		t.Errorf("observer heard %q, want %q", got, want)
	}
}

func openDB(t *testing.T, path string) *kv.DB {
	t.Helper()
	db, err := kv.Open(path, kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func newRegistry(t *testing.T, deps class.Deps) *class.Registry {
	t.Helper()
	if deps.DB == nil {
		deps.DB = openDB(t, filepath.Join(t.TempDir(), "lectern.db"))
	}
	if deps.Timing == (class.Timing{}) {
		deps.Timing = class.Timing{SegmentDuration: 4 * time.Second, PartDuration: 500 * time.Millisecond}
	}
	r, err := class.NewRegistry(class.DefaultConfig(), deps)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// run runs r until the returned stop is called.
func run(t *testing.T, r *class.Registry) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return func() { cancel(); wg.Wait() }
}

func create(t *testing.T, r *class.Registry, n class.New) class.Class {
	t.Helper()
	if n.Title == "" {
		n.Title = "Analysis I"
	}
	c, err := r.Create(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func arrive(t *testing.T, r *class.Registry, id string) class.Class {
	t.Helper()
	c, err := r.PublisherArrived(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func leave(t *testing.T, r *class.Registry, id string, clean bool) {
	t.Helper()
	if err := r.PublisherLeft(t.Context(), id, clean); err != nil {
		t.Fatal(err)
	}
}

func state(t *testing.T, r *class.Registry, id string) class.State {
	t.Helper()
	c, err := r.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c.State
}

// pass lets fake time pass and everything that it sets off happen.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // called in synctest bubbles only
	synctest.Wait()
}

// Case 29: a goodbye has the short grace, a drop the long one.
func TestGraces(t *testing.T) {
	for _, tc := range []struct {
		name   string
		new    class.New
		clean  bool
		away   time.Duration
		ending class.State
	}{
		{"drop, just before the end of the grace", class.New{}, false, 60*time.Second - time.Millisecond, class.Interrupted},
		{"drop, after the grace", class.New{}, false, 60 * time.Second, class.Ended},
		{"clean stop, just before", class.New{}, true, 10*time.Second - time.Millisecond, class.Interrupted},
		{"clean stop, after", class.New{}, true, 10 * time.Second, class.Ended},
		{"camera, just before", class.New{Source: class.NewSecret("rtsp://cam/1")}, true, 10*time.Minute - time.Millisecond, class.Interrupted},
		{"camera, after", class.New{Source: class.NewSecret("rtsp://cam/1")}, false, 10 * time.Minute, class.Ended},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRegistry(t, class.Deps{})
				defer run(t, r)()
				id := create(t, r, tc.new).ID
				arrive(t, r, id)
				leave(t, r, id, tc.clean)
				pass(tc.away)
				if got := state(t, r, id); got != tc.ending {
					t.Errorf("state = %s, want %s", got, tc.ending)
				}
			})
		})
	}
}

// Case 30: who comes back within the grace goes on, as often as it takes.
func TestReconnectWithinGraceStartsTheGraceAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		r := newRegistry(t, class.Deps{Observer: d})
		defer run(t, r)()
		create(t, r, class.New{ID: "maths"})
		first := arrive(t, r, "maths")
		for range 3 {
			leave(t, r, "maths", false)
			pass(59 * time.Second)
			arrive(t, r, "maths")
		}
		pass(10 * time.Hour) // live is not timed
		c := arrive(t, r, "maths")
		if c.State != class.Live || !c.StartedAt.Equal(first.StartedAt) || c.SegmentDuration != 4*time.Second {
			t.Errorf("class = %+v, want it live since %v", c, first.StartedAt)
		}
		again := []string{"maths live->interrupted", "maths interrupted->live"}
		d.expect(t, slices.Concat([]string{"maths none->scheduled", "maths scheduled->live"}, again, again, again)...)
	})
}

// A takeover looks like an arrival and a departure, in either order.
func TestTakeover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		r := newRegistry(t, class.Deps{Observer: d})
		defer run(t, r)()
		create(t, r, class.New{ID: "maths"})
		arrive(t, r, "maths")
		arrive(t, r, "maths") // the new one
		leave(t, r, "maths", false)
		pass(time.Hour)
		d.expect(t, "maths none->scheduled", "maths scheduled->live")
		leave(t, r, "maths", true) // the new one says goodbye: that counts
		pass(10 * time.Second)
		leave(t, r, "maths", true) // one too many is nothing
		d.expect(t, "maths live->interrupted", "maths interrupted->ended")
	})
}

// The registry keeps a copy of its own of what it is given.
func TestLadderIsCopied(t *testing.T) {
	r := newRegistry(t, class.Deps{})
	names := []string{"source", "480p", "audio"}
	create(t, r, class.New{ID: "maths"})
	c, err := r.Update(t.Context(), "maths", class.Update{Ladder: &names})
	if err != nil {
		t.Fatal(err)
	}
	names[0] = "mine"
	if got, gerr := r.Get(t.Context(), "maths"); gerr != nil || !slices.Equal(got.Ladder, []string{"source", "480p", "audio"}) || !slices.Equal(c.Ladder, got.Ladder) {
		t.Errorf("ladder = %q, %q, %v", got.Ladder, c.Ladder, gerr)
	}
}

func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "lectern.db")
		db := openDB(t, path)
		r := newRegistry(t, class.Deps{DB: db})
		for _, id := range []string{"crashed", "dropped", "stopped", "planned", "over"} {
			create(t, r, class.New{ID: id})
		}
		arrive(t, r, "crashed")
		arrive(t, r, "dropped")
		leave(t, r, "dropped", false)
		arrive(t, r, "stopped")
		leave(t, r, "stopped", true)
		if _, err := r.End(t.Context(), "over"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil { // no goodbye: the file is as after kill -9
			t.Fatal(err)
		}
		pass(8 * time.Hour)

		d := &diary{}
		reg := prometheus.NewRegistry()
		db = openDB(t, path)
		// The other configuration must not change a class that has been live.
		r = newRegistry(t, class.Deps{DB: db, Observer: d, Registerer: reg, Timing: class.Timing{SegmentDuration: 2 * time.Second}})
		d.expect(t) // not before Run
		want := map[string]class.State{"crashed": class.Interrupted, "dropped": class.Interrupted, "stopped": class.Interrupted, "planned": class.Scheduled, "over": class.Ended}
		for id, s := range want {
			if got := state(t, r, id); got != s {
				t.Errorf("%s is %s after the restart, want %s", id, got, s)
			}
		}
		stop := run(t, r)
		synctest.Wait()
		got := d.take(t)
		slices.Sort(got)
		if want := []string{"crashed none->interrupted", "dropped none->interrupted", "planned none->scheduled", "stopped interrupted->ended", "stopped none->interrupted"}; !slices.Equal(got, want) {
			t.Errorf("observer heard %q, want %q", got, want)
		}
		pass(59 * time.Second)
		if c := arrive(t, r, "crashed"); c.SegmentDuration != 4*time.Second || c.PartDuration != 500*time.Millisecond {
			t.Errorf("timing changed to %s, %s", c.SegmentDuration, c.PartDuration)
		}
		pass(time.Minute)
		d.expect(t, "crashed interrupted->live", "dropped interrupted->ended")
		if err := testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP lectern_class_classes Classes in each state.
# TYPE lectern_class_classes gauge
lectern_class_classes{state="ended"} 3
lectern_class_classes{state="interrupted"} 0
lectern_class_classes{state="live"} 1
lectern_class_classes{state="scheduled"} 1
`), "lectern_class_classes"); err != nil {
			t.Error(err)
		}
		stop()
		_ = db.Close()
	})
}

func TestPullBeginsBeforeTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		r := newRegistry(t, class.Deps{Observer: d})
		defer run(t, r)()
		source := class.NewSecret("rtsp://admin:pw@cam.example.edu/1")
		create(t, r, class.New{ID: "hall", Source: source, StartsAt: time.Now().Add(2 * time.Hour)})
		create(t, r, class.New{ID: "now", Source: source})
		d.expect(t, "hall none->scheduled", "now none->scheduled pull=true")
		pass(2*time.Hour - time.Minute - time.Millisecond)
		d.expect(t)
		pass(time.Millisecond)
		d.expect(t, "hall scheduled->scheduled pull=true")
		if _, err := r.End(t.Context(), "hall"); err != nil {
			t.Fatal(err)
		}
		d.expect(t, "hall scheduled->ended pull=false")
	})
}

// The database is full for a while, then not: the class must not stay live for
// ever.
func TestRefusedWritesAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		good := openDB(t, filepath.Join(t.TempDir(), "lectern.db"))
		r := newRegistry(t, class.Deps{DB: good, Observer: d})
		defer run(t, r)()
		create(t, r, class.New{ID: "maths"})
		arrive(t, r, "maths")
		synctest.Wait()
		d.take(t)

		broken := openDB(t, filepath.Join(t.TempDir(), "broken.db"))
		_ = broken.Close()
		r.SwapDB(broken)
		if err := r.PublisherLeft(t.Context(), "maths", true); !errors.Is(err, kv.ErrClosed) {
			t.Errorf("left = %v, want the database's error", err)
		}
		if _, err := r.End(t.Context(), "maths"); !errors.Is(err, kv.ErrClosed) {
			t.Errorf("end = %v, want the database's error", err)
		}
		if _, err := r.Create(t.Context(), class.New{Title: "x"}); !errors.Is(err, kv.ErrClosed) {
			t.Errorf("create = %v, want the database's error", err)
		}
		pass(5 * time.Second)
		d.expect(t) // nothing is announced that is not stored

		r.SwapDB(good)
		title := "renamed" // an unrelated change must not lose the departure
		if _, err := r.Update(t.Context(), "maths", class.Update{Title: &title}); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		d.expect(t, "maths live->live", "maths live->interrupted")

		r.SwapDB(broken)
		pass(time.Minute)
		d.expect(t)
		r.SwapDB(good)
		pass(2 * time.Second)
		d.expect(t, "maths interrupted->ended")
	})
}
