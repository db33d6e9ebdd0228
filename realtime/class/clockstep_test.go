package class_test

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/storage/kv"
)

// The system's clock is set while a class waits for its publisher: the grace is
// as long as it was promised.
func TestClockStepLeavesTheGraceAlone(t *testing.T) {
	for name, step := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var offset time.Duration // changed only while Run is asleep
				r := newRegistry(t, class.Deps{
					Now:     func() time.Time { return time.Now().Round(0).Add(offset) },
					Elapsed: func() time.Duration { return time.Since(start) },
				})
				c := create(t, r, class.New{Title: "Algebra"})
				arrive(t, r, c.ID)
				leave(t, r, c.ID, false)
				stop := run(t, r)
				defer stop()
				pass(20 * time.Second)
				offset = step
				create(t, r, class.New{Title: "Another"}) // wakes Run
				pass(30 * time.Second)
				if got := state(t, r, c.ID); got != class.Interrupted {
					t.Errorf("after 50 s of 60 the class is %s", got)
				}
				pass(11 * time.Second)
				if got := state(t, r, c.ID); got != class.Ended {
					t.Errorf("after the grace the class is %s", got)
				}
			})
		})
	}
}

// A publisher comes back in time, but the disk is full: the class waits until
// that can be stored.
func TestArrivalThatCannotBeStoredKeepsTheClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := openDB(t, filepath.Join(t.TempDir(), "lectern.db"))
		r := newRegistry(t, class.Deps{DB: good})
		defer run(t, r)()
		c := create(t, r, class.New{})
		arrive(t, r, c.ID)
		leave(t, r, c.ID, false)
		pass(58 * time.Second)

		broken := openDB(t, filepath.Join(t.TempDir(), "broken.db"))
		_ = broken.Close()
		r.SwapDB(broken)
		for range 5 {
			if _, err := r.PublisherArrived(t.Context(), c.ID); !errors.Is(err, kv.ErrClosed) {
				t.Errorf("arrived = %v, want the database's error", err)
			}
			pass(time.Second)
		}
		r.SwapDB(good)
		pass(time.Second)
		if got := arrive(t, r, c.ID); got.State != class.Live {
			t.Errorf("the class is %s", got.State)
		}
	})
}
