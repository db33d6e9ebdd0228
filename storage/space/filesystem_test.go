package space_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lectern/lectern/storage/space"
)

// disk is a file system of 1000 MiB.
func disk(used int64) space.Usage { return space.Usage{Used: used * mib, Size: 1000 * mib} }

func TestFileSystemHasHysteresis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := &fakeFS{usage: disk(500)}
		f := newFixture(space.DefaultConfig(), t.TempDir(), fs)
		a := f.Class("a", 0)
		defer a.Close()
		wantFull(t, a.Take(10000*mib), "") // nothing is known before Run
		a.Give(10000 * mib)
		stop := f.run(t)
		synctest.Wait()
		for _, step := range []struct {
			used   int64
			alarm  bool
			full   bool
			alarms int
		}{
			{used: 799},
			{used: 800, alarm: true, alarms: 1},
			{used: 949, alarm: true, alarms: 1},
			{used: 950, alarm: true, full: true, alarms: 1},
			{used: 901, alarm: true, full: true, alarms: 1},
			{used: 900, alarm: true, alarms: 1},
			{used: 790, alarm: true, alarms: 1},
			{used: 770, alarms: 1},
			{used: 960, alarm: true, full: true, alarms: 2},
			{used: 100, alarms: 2},
		} {
			fs.set(disk(step.used), nil)
			pass(6 * time.Second)
			s := f.State()
			reason := ""
			if step.alarm {
				reason = "space.high_water"
			}
			if s.Used != step.used*mib || s.Size != 1000*mib || s.Alarm != step.alarm || s.Full != step.full || s.Reason != reason || s.Err != nil || time.Since(s.CheckedAt) > 6*time.Second {
				t.Errorf("at %d: state = %+v", step.used, s)
			}
			key := ""
			if step.full {
				key = "space.high_water"
			}
			wantFull(t, a.Take(1), key)
			if got := strings.Count(f.log.String(), "runs low"); got != step.alarms {
				t.Errorf("at %d: %d alarms in the log, want %d\n%s", step.used, got, step.alarms, f.log)
			}
		}
		for _, line := range []string{"recording stops", "recording goes on", "level=WARN", "component=space"} {
			if !strings.Contains(f.log.String(), line) {
				t.Errorf("log without %q:\n%s", line, f.log)
			}
		}
		stop()
	})
}

// Between two looks what was taken counts, and a large reservation does not wait
// for the next one.
func TestBurstStopsAtTheMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := &fakeFS{usage: disk(750)}
		f := newFixture(space.DefaultConfig(), t.TempDir(), fs)
		a := f.Class("a", 0)
		defer a.Close()
		stop := f.run(t)
		pass(time.Second)
		before := fs.count()
		wantFull(t, a.Take(40*mib), "") // less than a quarter of what is left
		synctest.Wait()
		if got := fs.count(); got != before {
			t.Errorf("a small reservation caused %d looks", got-before)
		}
		wantFull(t, a.Take(20*mib), "")
		fs.set(disk(800), nil) // 10 MiB are still on their way
		synctest.Wait()
		if got := fs.count(); got != before+1 {
			t.Errorf("a large reservation caused %d looks, want 1", got-before)
		}
		granted := 0
		for a.Take(mib) == nil {
			granted++
		}
		if granted < 150-10 || granted > 150+60 {
			t.Errorf("%d MiB were granted between 800 and 950", granted)
		}
		if s := f.State(); !s.Full {
			t.Errorf("state = %+v, want full", s)
		}
		// Somebody removes a file: that is seen at once as well.
		before = fs.count()
		fs.set(disk(400), nil)
		a.Give(mib)
		pass(200 * time.Millisecond)
		if got := fs.count(); got == before {
			t.Error("no look after bytes were given back to a full file system")
		}
		wantFull(t, a.Take(mib), "")
		stop()
	})
}

func TestFileSystemThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("stale handle")
		fs := &fakeFS{err: broken}
		f := newFixture(space.DefaultConfig(), t.TempDir(), fs)
		a := f.Class("a", 0)
		defer a.Close()
		stop := f.run(t)
		pass(12 * time.Second)
		wantFull(t, a.Take(mib), "")
		if s := f.State(); !errors.Is(s.Err, broken) || s.Full || s.Alarm || !s.CheckedAt.IsZero() {
			t.Errorf("state = %+v", s)
		}
		if got := strings.Count(f.log.String(), "cannot be looked at"); got != 1 {
			t.Errorf("%d lines in the log, want 1\n%s", got, f.log)
		}
		fs.set(disk(960), nil)
		pass(6 * time.Second)
		fs.set(space.Usage{}, broken) // the last state stays in force
		pass(6 * time.Second)
		wantFull(t, a.Take(mib), "space.high_water")
		fs.set(space.Usage{}, nil) // does not tell its size: no mark to reach
		pass(6 * time.Second)
		wantFull(t, a.Take(mib), "")
		if s := f.State(); s.Full || s.Alarm || s.Reason != "" {
			t.Errorf("state = %+v", s)
		}
		stop()
	})
}
