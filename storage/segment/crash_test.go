package segment_test

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lectern/lectern/storage/segment"
)

// pointFS is the real file system up to its nth change of the disk.
type pointFS struct {
	segment.OSFileSystem

	mu     sync.Mutex
	at     int   // which change fails; 0 for none
	with   error // what it fails with
	dead   bool  // and all later ones fail as well
	n      int   // changes so far
	failed bool  // it came to at
	boot   string
}

// err counts a change, and reports whether it is the first that fails.
func (f *pointFS) err() (first bool, _ error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	if f.at == 0 || f.n < f.at || f.n > f.at && !f.dead {
		return false, nil
	}
	f.failed = true
	return f.n == f.at, f.with
}

func (f *pointFS) change(do func() error) error {
	if _, err := f.err(); err != nil {
		return err
	}
	return do()
}

func (f *pointFS) reached() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

func (f *pointFS) ReadFile(name string) ([]byte, error) {
	if strings.HasSuffix(name, "boot_id") {
		return []byte(f.boot), nil
	}
	return f.OSFileSystem.ReadFile(name)
}

func (f *pointFS) open(name string, open func(string) (segment.File, error)) (segment.File, error) {
	if _, err := f.err(); err != nil {
		return nil, err
	}
	file, err := open(name)
	return &pointFile{file, f}, err
}

func (f *pointFS) Create(name string) (segment.File, error) {
	return f.open(name, f.OSFileSystem.Create)
}

func (f *pointFS) Append(name string) (segment.File, error) {
	return f.open(name, f.OSFileSystem.Append)
}

func (f *pointFS) Rename(from, to string) error {
	return f.change(func() error { return f.OSFileSystem.Rename(from, to) })
}

func (f *pointFS) Remove(name string) error {
	return f.change(func() error { return f.OSFileSystem.Remove(name) })
}

func (f *pointFS) Truncate(name string, size int64) error {
	return f.change(func() error { return f.OSFileSystem.Truncate(name, size) })
}

// An fsync is only counted: no test here cuts the power, and they are slow.
func (f *pointFS) SyncFile(string) error { return f.change(nothing) }

func (f *pointFS) SyncDir(string) error { return f.change(nothing) }

func nothing() error { return nil }

type pointFile struct {
	segment.File
	fs *pointFS
}

// Write writes half before it fails.
func (f *pointFile) Write(p []byte) (int, error) {
	first, err := f.fs.err()
	if err == nil {
		return f.File.Write(p)
	}
	n := 0
	if first {
		n, _ = f.File.Write(p[:len(p)/2])
	}
	return n, err
}

func (f *pointFile) Sync() error { return f.fs.change(nothing) }

// lesson publishes two segments of two renditions, and says what was published
// while the disk was well. Where it breaks off depends on the disk.
func lesson(t *testing.T, l *segment.Log, fs *pointFS) (facts []fact) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() {
		if err := l.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	commit := func(f ...fact) {
		for l.Commit(); !segment.Committed(l); l.Commit() {
		}
		if !fs.reached() {
			facts = append(facts, f...)
		}
	}
	names := []string{"audio", rendition}
	for _, r := range names {
		if err := l.PutInit(r, segment.Init{Data: []byte("init " + r)}); err != nil {
			t.Fatal(err)
		}
	}
	for msn := range 2 {
		for _, r := range names {
			s := describe(msn)
			if err := l.BeginSegment(r, segment.Head{MSN: msn, ProgramDateTime: s.ProgramDateTime, MediaTime: s.MediaTime}); err != nil {
				t.Fatal(err)
			}
			for i := range 2 {
				data := partData(msn, i, 30)
				if err := l.AppendPart(r, msn, segment.Part{Index: i, Duration: time.Second, Data: data}); err != nil {
					t.Fatal(err)
				}
				commit(fact{Rendition: r, MSN: msn, Epoch: l.Epoch(), Part: i, Offset: int64(30 * i), Bytes: 30, Checksum: crc(data)})
			}
			if err := l.FinishSegment(r, s); err != nil {
				t.Fatal(err)
			}
			commit(fact{
				Rendition: r, MSN: msn, Epoch: l.Epoch(), Part: -1, Bytes: 60, Checksum: crc(segmentData(msn, 30)),
				Duration: s.Duration, MediaEnd: s.MediaEnd,
			})
			o, err := l.OpenSegment(r, l.Epoch(), msn)
			if got := read(t, o, err); !bytes.Equal(got, segmentData(msn, 30)) {
				t.Errorf("live segment %d holds %q", msn, got)
			}
		}
	}
	l.Settle(ctx)
	cancel()
	run.Wait()
	return facts
}

// wantFacts looks for all that was published.
func wantFacts(t *testing.T, l *segment.Log, facts []fact) {
	t.Helper()
	known := make(map[string]segment.Segment)
	for _, r := range l.Renditions() {
		for _, s := range r.Segments {
			known[fmt.Sprint(r.Name, s.MSN)] = s
		}
	}
	for _, f := range facts {
		s := known[fmt.Sprint(f.Rendition, f.MSN)]
		if s.Epoch != f.Epoch || s.Gap || f.Part < 0 && (s.Torn || s.Bytes != f.Bytes || s.Duration != f.Duration || s.MediaEnd != f.MediaEnd) {
			t.Errorf("published %+v, there is %+v", f, s)
			continue
		}
		o, err := l.OpenSegment(f.Rendition, f.Epoch, f.MSN)
		if got := read(t, o, err); int64(len(got)) < f.Offset+f.Bytes || crc(got[f.Offset:][:f.Bytes]) != f.Checksum {
			t.Errorf("published %+v, there is %q", f, got)
		}
	}
}

func openReal(t *testing.T, f *fixture) *segment.Log {
	t.Helper()
	l, err := segment.OpenOn(f.dir, f.cfg, f.deps, &pointFS{boot: "one"})
	if err != nil {
		t.Fatal(err)
	}
	f.log = l
	return l
}

// The process may die at any change of the disk.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	for at := 1; ; at++ {
		f := newFixture(t)
		fs := &pointFS{at: at, with: errDisk, dead: true, boot: "one"}
		l, err := segment.OpenOn(f.dir, f.cfg, f.deps, fs)
		if err != nil {
			t.Fatal(err)
		}
		facts := lesson(t, l, fs)
		if !fs.reached() {
			if at < 30 || len(facts) != 12 {
				t.Errorf("%d changes, %d facts: the lesson is not what it was", at, len(facts))
			}
			return
		}
		wantFacts(t, openReal(t, f), facts)
		if at%3 == 0 {
			crashRepair(t, f, facts)
		}
		if t.Failed() {
			t.Fatalf("crash at change %d", at)
		}
	}
}

// crashRepair dies at some changes of the next start, too.
func crashRepair(t *testing.T, f *fixture, facts []fact) {
	t.Helper()
	for at := 1; at < 30; at += 3 {
		fs := &pointFS{at: at, with: errDisk, dead: true, boot: "one"}
		l, err := segment.OpenOn(f.dir, f.cfg, f.deps, fs)
		if err != nil {
			t.Fatal(err)
		}
		before := l.Renditions()
		f.log = l
		f.run(t)()
		wantFacts(t, l, facts)
		again := openReal(t, f)
		if after := again.Renditions(); !reflect.DeepEqual(withoutParts(before), withoutParts(after)) {
			t.Errorf("repair that died at change %d: was\n%+v, is\n%+v", at, before, after)
		}
		wantFacts(t, again, facts)
		if !fs.reached() {
			break
		}
	}
	openReal(t, f)
	f.run(t)()
	wantFacts(t, openReal(t, f), facts)
	if left := temporaries(t, f.dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// withoutParts leaves out what is known for a while only, and times of files.
func withoutParts(rs []segment.Rendition) []segment.Rendition {
	for _, r := range rs {
		for i := range r.Segments {
			r.Segments[i].Parts = nil
		}
	}
	return rs
}

// Any single write, fsync or rename may fail: live goes on, at most one segment is
// missing from the recording, and none when only room was missing.
func TestFaultPoints(t *testing.T) {
	t.Parallel()
	for name, with := range map[string]error{"disk": syscall.EIO, "full": syscall.ENOSPC} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := 1; ; at++ {
				f := newFixture(t)
				fs := &pointFS{at: at, with: with, boot: "one"}
				synctest.Test(t, func(t *testing.T) { // since it waits for retries
					l, err := segment.OpenOn(f.dir, f.cfg, f.deps, fs)
					if err != nil {
						t.Fatal(err)
					}
					lesson(t, l, fs)
				})
				if !fs.reached() {
					return
				}
				l := openReal(t, f)
				gaps := 0
				for _, r := range l.Renditions() {
					for _, s := range r.Segments {
						if s.Gap {
							gaps++
							continue
						}
						o, err := l.OpenSegment(r.Name, s.Epoch, s.MSN)
						if got := read(t, o, err); !bytes.Equal(got, segmentData(s.MSN, 30)) || s.Torn {
							t.Errorf("segment %+v holds %q", s, got)
						}
					}
					if len(r.Segments) != 2 {
						t.Errorf("rendition %s has %d segments", r.Name, len(r.Segments))
					}
				}
				counted := f.value(t, "lectern_segment_gaps_total", "")
				if counted != float64(gaps) || gaps > 0 {
					t.Errorf("%d gaps, %v counted", gaps, counted)
				}
				if f.value(t, "lectern_segment_replay_faults_total", "") != 0 {
					t.Error("faults in the folder")
				}
				f.run(t)()
				if left := temporaries(t, f.dir); len(left) != 0 {
					t.Errorf("left behind: %v", left)
				}
				if t.Failed() {
					t.Fatalf("change %d failed", at)
				}
			}
		})
	}
}
