package segment_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/storage/segment"
)

// Whatever the disk does, the live class goes on from memory, and the recording
// has a gap exactly where the disk failed.
func TestDiskFaults(t *testing.T) {
	for _, tc := range []struct {
		name string
		ops  []string
		want string // after the next start of the process
	}{
		{"create", []string{"create"}, "sGGs"},
		{"disk full", []string{"write"}, "sGGs"},
		{"sync", []string{"sync"}, "sGGs"},
		{"rename", []string{"rename"}, "sGGs"},
		{"full for all", []string{"write", "index"}, "sGGs"},
		{"index full", []string{"index"}, "ssss"},
		{"index sync", []string{"syncindex"}, "ssss"},
		{"index cannot be repaired", []string{"index", "truncate"}, "ssss"},
		{"index cannot be opened", []string{"index", "append"}, "ssss"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t)
			l := f.open(t)
			stop := f.run(t)
			queued := func() float64 { return f.value(t, "lectern_segment_queue_bytes", "") }
			drained := func() string {
				if n := queued(); n != 0 {
					return fmt.Sprintf("%v bytes are queued", n)
				}
				return ""
			}
			putInit(t, l, 0)
			putSegment(t, l, 0, 100)
			mediatest.Eventually(t, drained)
			f.fs.set(tc.ops...)
			putSegment(t, l, 1, 100)
			putSegment(t, l, 2, 100)
			mediatest.Eventually(t, drained)
			for msn := range 3 {
				wantSegment(t, l, msn, 100)
			}
			f.fs.set()
			putSegment(t, l, 3, 100)
			stop()

			gaps := float64(strings.Count(tc.want, "G"))
			if got := f.value(t, "lectern_segment_gaps_total", "disk"); got != gaps {
				t.Errorf("gaps = %v, want %v", got, gaps)
			}
			if left := temporaries(t, f.dir); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
			if got := shape(f.open(t).Renditions()); got != tc.want {
				t.Errorf("segments = %s, want %s", got, tc.want)
			}
			if got := f.value(t, "lectern_segment_replay_faults_total", ""); got != 0 {
				t.Errorf("%v faults in the folder", got)
			}
		})
	}
}

// Shortages pass: what was finished meanwhile is in the recording all the same.
func TestShortagesAreWaitedFor(t *testing.T) {
	for name, shortage := range map[string]error{"disk full": syscall.ENOSPC, "no descriptors": syscall.EMFILE} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			synctest.Test(t, func(t *testing.T) {
				f.fs.with = shortage
				l := f.open(t)
				stop := f.run(t)
				putInit(t, l, 0)
				putSegment(t, l, 0, 100)
				advance(5 * time.Second)
				f.fs.set("create", "write", "index", "append")
				putSegment(t, l, 1, 100)
				putSegment(t, l, 2, 100)
				advance(5 * time.Second)
				for msn := range 3 {
					wantSegment(t, l, msn, 100)
				}
				impatient, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if l.Settle(impatient); impatient.Err() == nil {
					t.Error("settled on a full disk")
				}
				f.fs.set()
				l.Settle(t.Context())
				if got := f.value(t, "lectern_segment_queue_bytes", ""); got != 0 {
					t.Errorf("%v bytes are still queued", got)
				}
				f.fs.set("create", "write", "index", "append")
				putSegment(t, l, 3, 100)
				stop() // waits for nobody
				if got := shape(f.open(t).Renditions()); got != "sss" {
					t.Errorf("segments = %s, want sss", got)
				}
			})
		})
	}
}

// An Init that could not be written is written before the next segment.
func TestInitIsRetried(t *testing.T) {
	f := newFixture(t)
	l := f.open(t)
	f.fs.set("write")
	stop := f.run(t)
	putInit(t, l, 0)
	mediatest.Eventually(t, func() string {
		if n := f.value(t, "lectern_segment_queue_bytes", ""); n != 0 {
			return fmt.Sprintf("%v bytes are queued", n)
		}
		return ""
	})
	f.fs.set()
	putSegment(t, l, 0, 100)
	stop()
	if rs := f.open(t).Renditions(); shape(rs) != "s" || len(rs[0].Inits) != 1 {
		t.Errorf("renditions = %+v", rs)
	}
}

// The index catches up by itself when the class is idle.
func TestIndexIsRetriedWhenIdle(t *testing.T) {
	f := newFixture(t)
	synctest.Test(t, func(t *testing.T) {
		l := f.open(t)
		f.run(t)
		f.fs.set("index")
		putInit(t, l, 0)
		putSegment(t, l, 0, 100)
		advance(5 * time.Second)
		f.fs.set()
		advance(5 * time.Second)
		if got := shape(f.open(t).Renditions()); got != "s" {
			t.Errorf("segments = %q", got)
		}
	})
}

// A hanging disk fills the queue: what does not fit becomes a gap, the packager
// does not wait, and viewers are served from memory.
func TestQueueIsBounded(t *testing.T) {
	f := newFixture(t)
	f.cfg.MemoryBytes, f.cfg.WriteQueueBytes = 64<<20, 4<<20
	release := f.fs.block()
	l := f.open(t)
	stop := f.run(t)
	defer release()
	const size = 512 << 10 // of a part; four segments do not fit beside their overhead
	putInit(t, l, 0)
	for msn := range 6 {
		putSegment(t, l, msn, size)
	}
	if got := f.value(t, "lectern_segment_queue_bytes", ""); got > 4<<20+8<<10 {
		t.Errorf("queue = %v bytes", got)
	}
	if got := f.value(t, "lectern_segment_gaps_total", "overflow"); got != 3 {
		t.Errorf("gaps = %v, want 3", got)
	}
	for msn := range 6 {
		wantSegment(t, l, msn, size)
	}
	release()
	stop()
	if got := shape(f.open(t).Renditions()); got != "sssGGG" {
		t.Errorf("segments = %s", got)
	}
}

// A dead disk must not eat the memory either.
func TestMemoryIsBoundedWithDeadDisk(t *testing.T) {
	f := newFixture(t)
	f.cfg.MemoryBytes, f.cfg.WriteQueueBytes = 16<<20, 4<<20
	release := f.fs.block()
	l := f.open(t)
	stop := f.run(t)
	defer release()
	const size = 512 << 10
	putInit(t, l, 0)
	for msn := range 40 {
		putSegment(t, l, msn, size)
		if got := f.value(t, "lectern_segment_memory_bytes", ""); got > 16<<20+2*size {
			t.Fatalf("memory = %v bytes after segment %d", got, msn)
		}
	}
	if got := f.value(t, "lectern_segment_released_unsaved_total", ""); got == 0 {
		t.Error("nothing was counted as lost")
	}
	wantSegment(t, l, 39, size)
	if _, err := l.OpenSegment(rendition, l.Epoch(), 10); !errors.Is(err, segment.ErrNotFound) {
		t.Errorf("lost segment: err = %v, want ErrNotFound", err)
	}
	release()
	stop()
}

// Only memory has it, so it ends with its Availability Duration.
func TestUnsavedSegmentEnds(t *testing.T) {
	f := newFixture(t)
	synctest.Test(t, func(t *testing.T) {
		l := f.open(t)
		f.run(t)
		f.fs.set("write")
		putInit(t, l, 0)
		putSegment(t, l, 0, 100)
		l.Expire(rendition, 1)
		advance(7 * time.Second)
		wantSegment(t, l, 0, 100)
		advance(2 * time.Second)
		if _, err := l.OpenSegment(rendition, l.Epoch(), 0); !errors.Is(err, segment.ErrNotFound) {
			t.Errorf("err = %v, want ErrNotFound", err)
		}
		if got := f.value(t, "lectern_segment_memory_bytes", ""); got != 0 {
			t.Errorf("memory = %v bytes", got)
		}
	})
}

func TestFinishAfterRun(t *testing.T) {
	f := newFixture(t)
	l := f.open(t)
	stop := f.run(t)
	putInit(t, l, 0)
	putSegment(t, l, 0, 100)
	stop()
	putSegment(t, l, 1, 100)
	wantSegment(t, l, 1, 100)
	if got := f.value(t, "lectern_segment_gaps_total", "stopped"); got != 1 {
		t.Errorf("gaps = %v, want 1", got)
	}
	for _, name := range []string{"lectern_segment_queue_bytes", "lectern_segment_memory_bytes"} {
		if got := f.value(t, name, ""); got != 0 {
			t.Errorf("%s = %v of a log that has stopped", name, got)
		}
	}
}

// A disk that takes nothing must not keep a class from going live.
func TestOpenWritesNothing(t *testing.T) {
	f := newFixture(t)
	f.fs.set("create", "index", "append", "truncate")
	l := f.open(t)
	putInit(t, l, 0)
	putSegment(t, l, 0, 100)
	wantSegment(t, l, 0, 100)
	if _, err := os.Stat(f.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of a class that was only read: %v", err)
	}
}
