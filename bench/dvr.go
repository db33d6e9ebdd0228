package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"github.com/lectern/lectern/storage/segment"
)

// dvrTarget is what a class with a DVR of two hours may take, in bytes resident.
const dvrTarget = 150_000_000

// lessonStart is class time 0 of synthetic lessons.
func lessonStart() time.Time { return time.Date(2030, time.March, 4, 9, 0, 0, 0, time.UTC) }

// inFolder calls play with a temporary folder and material.
func inFolder(ctx context.Context, play func(dir string, m *material) error) (err error) {
	dir, err := os.MkdirTemp("", "lectern-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m, err := makeMaterial(ctx, dir)
	if err != nil {
		return err
	}
	return play(dir, m)
}

// DVR packages a class of four rungs and sound in this process: first Count hours of
// it as fast as possible, with pictures of some bytes, then, as after a restart of
// the server, Duration of it in real time and full size (9.7 Mbit/s). It reports
// the memory that the index and the lists of the DVR window take, and all that is
// resident while the class is on, media included. It returns ErrMissed if that is
// more than 150 MB.
func DVR(ctx context.Context, o Options) error {
	return inFolder(ctx, func(dir string, m *material) error {
		length := time.Duration(o.Count) * time.Hour
		folder := dir + "/class"
		s, err := openStudio(folder, m, 0, lessonStart(), segment.DefaultConfig(), length)
		if err != nil {
			return err
		}
		empty := inUse()
		began := time.Now()
		if err = s.run(ctx, s.fast(func(at time.Duration) error {
			if at >= length {
				return io.EOF
			}
			return nil
		})); err != nil {
			return err
		}
		fmt.Fprintf(o.Out, "%s of a class took %.0f s to make\n", length, time.Since(began).Seconds())

		start := time.Now()
		if s, err = openStudio(folder, m, length, lessonStart(), segment.DefaultConfig(), length); err != nil {
			return err
		}
		opened := time.Since(start)
		for _, name := range s.names {
			if snap := s.packager.Snapshot(name); snap != nil {
				snap.DVR() // somebody watches
			}
		}
		kept := inUse() - empty
		debug.FreeOSMemory()
		fmt.Fprintf(o.Out, "it is opened again in %d ms; its index and lists take %.1f MB\n", opened.Milliseconds(), float64(kept)/1e6)

		most, heap, err := s.realTime(ctx, o.Duration)
		if err != nil {
			return err
		}
		fmt.Fprintf(o.Out, "%.0f s of it at %.1f Mbit/s: %.1f MB of heap in use at the end; a publication takes median %s, p99 %s; a DVR list %s, p99 %s, %.0f KB\n",
			o.Duration.Seconds(), lessonRate(), float64(heap)/1e6,
			inMilliseconds(percentile(s.lists.publish, 50)), inMilliseconds(percentile(s.lists.publish, 99)),
			inMilliseconds(percentile(s.lists.dvr, 50)), inMilliseconds(percentile(s.lists.dvr, 99)), float64(s.lists.bytes)/1000)
		if o.Profile != "" {
			if err = writeHeap(o.Profile); err != nil {
				return err
			}
		}
		v := &verdicts{out: o.Out}
		v.say(most <= dvrTarget, "a class of %d rungs with %s of DVR keeps at most %d MB resident, this program included: %.1f MB",
			len(rungs()), length, dvrTarget/1_000_000, float64(most)/1e6)
		runtime.KeepAlive(s)
		return v.err()
	})
}

// lessonRate is what a lesson of full size takes, in Mbit/s.
func lessonRate() float64 {
	kbps := 0
	for _, r := range rungs() {
		kbps += r.kbps
	}
	return float64(kbps)/1000 + 0.13
}

// realTime goes on for d at the pace of the wall clock, with pictures of full size.
// It returns the most that was resident and the heap in use at the end, in bytes.
func (s *studio) realTime(ctx context.Context, d time.Duration) (most, heap int64, err error) {
	s.lesson.full = true
	start, next := time.Now(), time.Duration(0)
	err = s.run(ctx, func(ctx context.Context, at time.Duration) error {
		at -= s.lesson.from
		if at >= next {
			next += time.Second
			now, rerr := readResident(os.Getpid())
			if rerr != nil {
				return rerr
			}
			most = max(most, now)
		}
		if at >= d {
			heap = inUse()
			return io.EOF
		}
		return wait(ctx, time.Until(start.Add(at)))
	})
	return most, heap, err
}

func writeHeap(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(pprof.WriteHeapProfile(f), f.Close())
}
