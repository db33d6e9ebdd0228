package segment_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/storage/segment"
)

// smallFS is the real file system with room for so many bytes below dir.
type smallFS struct {
	segment.OSFileSystem
	dir string

	mu   sync.Mutex
	room int64
}

func (f *smallFS) Create(name string) (segment.File, error) {
	file, err := f.OSFileSystem.Create(name)
	return &smallFile{file, f}, err
}

func (f *smallFS) Append(name string) (segment.File, error) {
	file, err := f.OSFileSystem.Append(name)
	return &smallFile{file, f}, err
}

type smallFile struct {
	segment.File
	fs *smallFS
}

func (f *smallFile) Write(p []byte) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	var used int64
	err := filepath.WalkDir(f.fs.dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // it was removed meanwhile
		}
		if info, err := d.Info(); err == nil {
			used += info.Size()
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if left := f.fs.room - used; left < int64(len(p)) {
		n, _ := f.File.Write(p[:max(0, left)])
		return n, syscall.ENOSPC
	}
	return f.File.Write(p)
}

// A full disk costs the recording what does not fit, and nothing else.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	const room = 6 << 20
	t.Run("fake", func(t *testing.T) {
		f := newFixture(t)
		testDiskFull(t, f, &smallFS{dir: filepath.Dir(f.dir), room: room})
	})
	// And on a real one, where the machine lets a test have it.
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", room)); err != nil {
		t.Logf("only the fake was tried: mount: %v", err)
		return
	}
	defer func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	t.Run("tmpfs", func(t *testing.T) {
		f := newFixture(t)
		f.dir = filepath.Join(dir, "class")
		testDiskFull(t, f, segment.OSFileSystem{})
	})
}

func testDiskFull(t *testing.T, f *fixture, files segment.FileSystem) {
	t.Helper()
	f.cfg.MemoryBytes, f.cfg.WriteQueueBytes = 16<<20, 4<<20
	ballast := filepath.Join(filepath.Dir(f.dir), "ballast")
	if err := os.WriteFile(ballast, make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := segment.OpenOn(f.dir, f.cfg, f.deps, files)
	if err != nil {
		t.Fatal(err)
	}
	f.log = l
	stop := f.run(t)
	saved := func(n float64) {
		t.Helper()
		mediatest.Eventually(t, func() string {
			if got := f.value(t, "lectern_segment_saved_total", ""); got < n {
				return fmt.Sprintf("%v segments are saved, want %v", got, n)
			}
			return ""
		})
	}
	const size = 256 << 10 // of a part; a segment has two
	putInit(t, l, 0)
	msn := 0
	put := func() {
		putSegment(t, l, msn, size)
		l.Commit()
		wantSegment(t, l, msn, size) // live goes on
		msn++
	}
	for range 4 {
		put()
	}
	saved(4)
	mediatest.Eventually(t, func() string { // 3 MiB of room
		put()
		if f.value(t, "lectern_segment_gaps_total", "full") == 0 {
			return fmt.Sprintf("no gap behind %d segments", msn)
		}
		return ""
	})
	if f.value(t, "lectern_segment_write_faults_total", "full") == 0 || f.value(t, "lectern_segment_parts_uncommitted_total", "") == 0 {
		t.Error("the full disk was not counted")
	}
	wantSegment(t, l, 0, size)
	if err = os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	before := f.value(t, "lectern_segment_saved_total", "")
	saved(before + 2) // by itself
	stop()

	gaps, whole := 0, 0
	again, err := segment.Open(f.dir, f.cfg, f.deps)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range again.Renditions()[0].Segments {
		if s.Gap {
			gaps++
			continue
		}
		whole++
		wantSegment(t, again, s.MSN, size)
	}
	if counted := f.value(t, "lectern_segment_gaps_total", ""); gaps == 0 || float64(gaps) > counted || whole < 6 {
		t.Errorf("%d gaps and %d segments of %d, %v gaps were counted", gaps, whole, msn, counted)
	}
	if n := f.value(t, "lectern_segment_replay_faults_total", ""); n > f.value(t, "lectern_segment_replay_faults_total", "hole") {
		t.Errorf("%v faults in the folder", n)
	}
}

// quota is a segment.Space.
type quota struct {
	mu    sync.Mutex
	taken int64
	limit int64
}

func (q *quota) Take(n int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.taken+n > q.limit {
		return errors.New("quota of the class")
	}
	q.taken += n
	return nil
}

func (q *quota) Give(n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken -= n
}

func (q *quota) set(limit int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limit = limit
}

// What Space refuses is not written, and what it granted is what the folder holds.
func TestSpaceIsAsked(t *testing.T) {
	f := newFixture(t)
	q := &quota{limit: 6 + 2*200 + 150} // an Init, two segments, a part
	f.deps.Space = q
	l := f.open(t)
	stop := f.run(t)
	putInit(t, l, 0)
	for msn := range 4 {
		putSegment(t, l, msn, 100)
	}
	mediatest.Eventually(t, func() string {
		if f.value(t, "lectern_segment_write_faults_total", "space") < 2 || f.value(t, "lectern_segment_saved_total", "") != 2 {
			return "nothing was refused"
		}
		return ""
	})
	for msn := range 4 {
		wantSegment(t, l, msn, 100)
	}
	q.set(6 + 3*200 + 150) // a segment that is written anew needs twice the room for a moment
	mediatest.Eventually(t, func() string {
		if f.value(t, "lectern_segment_saved_total", "") != 3 {
			return "there is room, but it is not used"
		}
		return ""
	})
	stop()
	if got := f.value(t, "lectern_segment_gaps_total", "space"); got != 1 {
		t.Errorf("%v gaps, want 1", got)
	}
	if got := shape(f.open(t).Renditions()); got != "sssG" {
		t.Errorf("segments = %s", got)
	}
	if q.taken != 6+3*200 {
		t.Errorf("%d bytes are taken, the folder holds %d", q.taken, 6+3*200)
	}
}

// Commit gives up in time, then does not wait at all until the disk has caught up.
func TestCommit(t *testing.T) {
	f := newFixture(t)
	f.cfg.CommitTimeout = time.Second // the disk of a test machine may be slow
	l := f.open(t)
	putInit(t, l, 0)
	putParts(t, l, 0, 2, 10)
	l.Commit() // nothing runs
	if got := f.value(t, "lectern_segment_parts_uncommitted_total", ""); got != 2 {
		t.Errorf("%v parts are uncommitted, want 2", got)
	}
	for range 1000 { // would be a quarter of an hour
		l.Commit()
	}
	if got := f.value(t, "lectern_segment_parts_uncommitted_total", ""); got != 2 {
		t.Errorf("parts are counted again: %v", got)
	}
	stop := f.run(t)
	mediatest.Eventually(t, func() string {
		if l.Commit(); !segment.Committed(l) {
			return "not committed"
		}
		return ""
	})
	if err := l.AppendPart(rendition, 0, segment.Part{Index: 2, Data: partData(0, 2, 10)}); err != nil {
		t.Fatal(err)
	}
	mediatest.Eventually(t, func() string {
		if l.Commit(); !segment.Committed(l) {
			return "not committed"
		}
		return ""
	})
	// The bytes are there while the segment grows.
	b, err := os.ReadFile(filepath.Join(f.dir, rendition, "s0-"+l.Epoch()+".m4s.tmp"))
	if want := append(append(partData(0, 0, 10), partData(0, 1, 10)...), partData(0, 2, 10)...); err != nil || !bytes.Equal(b, want) {
		t.Errorf("the file holds %q, %v", b, err)
	}
	stop()
	l.Commit() // waits for nobody
}

// Stat-like look-ups need no file: a conditional request is answered while the disk
// is out of reach.
func TestFindOpensNothing(t *testing.T) {
	f := newFixture(t)
	record(t, f, 2)
	l := f.open(t)
	if err := os.RemoveAll(f.dir); err != nil {
		t.Fatal(err)
	}
	it, err := l.FindSegment(rendition, epochOf(l, 1), 1)
	if err != nil || it.Size != 2*replaySize || it.ModTime.IsZero() {
		t.Errorf("found %+v, %v", it, err)
	}
	if part, err := l.FindPart(rendition, epochOf(l, 1), 1, 1); err != nil || part.Size != replaySize {
		t.Errorf("found %+v, %v", part, err)
	}
	if in, err := l.FindInit(rendition, epochOf(l, 1), 0); err != nil || in.Size != 6 {
		t.Errorf("found %+v, %v", in, err)
	}
	if _, err := it.Open(); !errors.Is(err, segment.ErrNotFound) {
		t.Errorf("opened a file that is gone: %v", err)
	}
}

// BenchmarkCommit is the cost of publishing a part: 200 kB, every eighth ends a segment.
func BenchmarkCommit(b *testing.B) {
	f := newFixture(b)
	l, err := segment.Open(f.dir, f.cfg, f.deps)
	if err != nil {
		b.Fatal(err)
	}
	f.log = l
	f.run(b)
	putInit(b, l, 0)
	data := make([]byte, 200_000)
	b.SetBytes(int64(len(data)))
	part, msn := 0, 0
	for b.Loop() {
		if part == 0 {
			if err := l.BeginSegment(rendition, segment.Head{MSN: msn}); err != nil {
				b.Fatal(err)
			}
		}
		if err := l.AppendPart(rendition, msn, segment.Part{Index: part, Data: data}); err != nil {
			b.Fatal(err)
		}
		l.Commit()
		if part++; part == 8 {
			if err := l.FinishSegment(rendition, describe(msn)); err != nil {
				b.Fatal(err)
			}
			part, msn = 0, msn+1
			b.StopTimer()
			l.Settle(b.Context()) // a lesson waits for seconds here
			b.StartTimer()
		}
	}
	b.ReportMetric(f.value(b, "lectern_segment_parts_uncommitted_total", ""), "uncommitted")
}
