package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/storage/segment"
)

// soaked is what a soaked class is like at one time.
type soaked struct {
	at           time.Duration // class time
	publish, dvr time.Duration // medians
	worst        time.Duration // 99th percentile of publish
	cpu          time.Duration // for a minute of class time
	heap         int64         // bytes in use
	live         int           // bytes of a live list
	listed       int           // bytes of a DVR list and its delta update
}

// soakWindow is how much class time is measured at each mark.
const soakWindow = 10 * time.Minute

// Soak packages Count hours of a class of four rungs as fast as possible and looks
// at it after an eighth, a quarter, a half and all of it: how long playlists take to
// make, memory and CPU. It returns ErrMissed if one of these grows from the half to
// the end by more than a quarter.
func Soak(ctx context.Context, o Options) error {
	return inFolder(ctx, func(dir string, m *material) error {
		length := time.Duration(o.Count) * time.Hour
		store := segment.DefaultConfig()
		store.MemoryBytes, store.WriteQueueBytes = 16<<20, 8<<20 // by the clock of the wall nothing of it gets old
		s, err := openStudio(dir+"/class", m, 0, lessonStart(), store, hls.DefaultConfig().DVRWindow)
		if err != nil {
			return err
		}
		empty := inUse()
		marks := []time.Duration{length / 8, length / 4, length / 2, length}
		window := min(soakWindow, length/16)
		var states []soaked
		var cpu, since time.Duration // at the beginning of a window, in which there is one
		measuring := false
		if err = s.run(ctx, s.fast(func(at time.Duration) error {
			now, rerr := readStat(os.Getpid())
			if rerr != nil {
				return rerr
			}
			mark := marks[len(states)]
			if !measuring && at >= mark-window {
				measuring, s.lists, cpu, since = true, listing{}, now.cpu, at
			}
			if at < mark {
				return nil
			}
			st := s.state(at)
			st.heap -= empty
			st.cpu = time.Duration(float64(now.cpu-cpu) * float64(time.Minute) / float64(at-since))
			states, measuring = append(states, st), false
			fmt.Fprintf(o.Out, "%s: a publication takes median %s, p99 %s; a DVR list %s for %.0f KB, a live list has %.1f KB; %.1f MB of heap in use; %.3f CPU-s a minute of class time\n",
				st.at.Round(time.Second), inMilliseconds(st.publish), inMilliseconds(st.worst), inMilliseconds(st.dvr), float64(st.listed)/1000, float64(st.live)/1000, float64(st.heap)/1e6, st.cpu.Seconds())
			if len(states) == len(marks) {
				return io.EOF
			}
			return nil
		})); err != nil {
			return err
		}
		half, end := states[len(states)-2], states[len(states)-1]
		v := &verdicts{out: o.Out}
		for _, f := range []struct {
			what     string
			was, now float64
		}{
			{"the time of a publication", half.publish.Seconds(), end.publish.Seconds()},
			{"the time of a DVR list", half.dvr.Seconds(), end.dvr.Seconds()},
			{"memory", float64(half.heap), float64(end.heap)},
			{"CPU", half.cpu.Seconds(), end.cpu.Seconds()},
		} {
			growth := 100 * (f.now - f.was) / max(f.was, 1e-9)
			v.say(growth <= soakGrowth, "from %s to %s of class time %s grows by less than %d %%: %+.1f %%", half.at.Round(time.Minute), end.at.Round(time.Minute), f.what, soakGrowth, growth)
		}
		return v.err()
	})
}

// soakGrowth is how far a figure may grow in the second half of a lesson, in
// percent.
const soakGrowth = 25

func (s *studio) state(at time.Duration) soaked {
	st := soaked{
		at: at, publish: percentile(s.lists.publish, 50), worst: percentile(s.lists.publish, 99),
		dvr: percentile(s.lists.dvr, 50), listed: s.lists.bytes, heap: inUse(),
	}
	for _, snap := range s.last {
		st.live = max(st.live, len(snap.Full.Body))
	}
	return st
}
