package segment_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/lectern/lectern/storage/segment"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		publish(dir) // until it is killed
		return
	}
	goleak.VerifyTestMain(m)
}

// fixture is one class folder with what a test wants to look at.
type fixture struct {
	dir string
	cfg segment.Config
	reg *prometheus.Registry
	fs  *faultyFS
	log *segment.Log

	deps segment.Deps
}

func newFixture(tb testing.TB) *fixture {
	tb.Helper()
	reg := prometheus.NewRegistry()
	f := &fixture{
		dir: filepath.Join(tb.TempDir(), "class"), cfg: segment.DefaultConfig(), reg: reg, fs: &faultyFS{},
		deps: segment.Deps{Logger: slog.New(slog.DiscardHandler), Metrics: segment.NewMetrics(reg)},
	}
	return f
}

func (f *fixture) open(t *testing.T) *segment.Log {
	t.Helper()
	l, err := segment.OpenOn(f.dir, f.cfg, f.deps, f.fs)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	f.log = l
	return l
}

// run starts Run and returns a function that stops it and waits.
func (f *fixture) run(tb testing.TB) (stop func()) {
	tb.Helper()
	ctx, cancel := newCancel(tb)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f.log.Run(ctx); err != nil {
			tb.Errorf("run: %v", err)
		}
	})
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); wg.Wait() }) }
	tb.Cleanup(stop)
	return stop
}

// value sums a metric over its labels, or takes those with the label value.
func (f *fixture) value(tb testing.TB, name, label string) float64 {
	tb.Helper()
	families, err := f.reg.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	var sum float64
	for _, mf := range families {
		if mf.GetName() != name {
			continue
		}
		for _, m := range mf.GetMetric() {
			if label != "" && (len(m.GetLabel()) == 0 || m.GetLabel()[0].GetValue() != label) {
				continue
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

// advance moves the fake clock: call it in synctest bubbles only.
func advance(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // returns at once in a bubble
}

const rendition = "source"

// epochTime is the PROGRAM-DATE-TIME of segment 0.
func epochTime() time.Time { return time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC) }

// partData is what part i of segment msn holds; size bytes.
func partData(msn, i, size int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "<%d.%d>", msn, i), size)[:size]
}

func describe(msn int) segment.Segment {
	return segment.Segment{
		MSN: msn, Duration: 4 * time.Second,
		ProgramDateTime: epochTime().Add(time.Duration(msn) * 4 * time.Second),
		MediaTime:       time.Duration(msn) * 4 * time.Second,
		MediaEnd:        time.Duration(msn+1) * 4 * time.Second,
	}
}

func putInit(tb testing.TB, l *segment.Log, id int) {
	tb.Helper()
	err := l.PutInit(rendition, segment.Init{
		ID: id, Data: fmt.Appendf(nil, "init %d", id),
		Codecs: "avc1.640028", Width: 1280, Height: 720, FrameRate: 30, Encoded: id == 1, MaxBitRate: id * 2500000,
	})
	if err != nil {
		tb.Fatalf("put init: %v", err)
	}
}

// putParts appends parts 0 to n-1.
func putParts(t *testing.T, l *segment.Log, msn, n, size int) {
	t.Helper()
	for i := range n {
		p := segment.Part{Index: i, Duration: 500 * time.Millisecond, Independent: i == 0, Data: partData(msn, i, size)}
		if err := l.AppendPart(rendition, msn, p); err != nil {
			t.Fatalf("append part %d.%d: %v", msn, i, err)
		}
	}
}

// putSegment appends two parts of size bytes and finishes the segment.
func putSegment(t *testing.T, l *segment.Log, msn, size int) {
	t.Helper()
	putParts(t, l, msn, 2, size)
	if err := l.FinishSegment(rendition, describe(msn)); err != nil {
		t.Fatalf("finish segment %d: %v", msn, err)
	}
}

func segmentData(msn, size int) []byte {
	return append(partData(msn, 0, size), partData(msn, 1, size)...)
}

func read(t *testing.T, o segment.Object, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	b, err := io.ReadAll(o)
	if err = errors.Join(err, o.Close()); err != nil {
		t.Fatalf("read: %v", err)
	}
	if int64(len(b)) != o.Size {
		t.Fatalf("read %d bytes, Size says %d", len(b), o.Size)
	}
	return b
}

// epochOf is the epoch of a segment, that of the run if it is not known yet.
func epochOf(l *segment.Log, msn int) string {
	for _, r := range l.Renditions() {
		for _, s := range r.Segments {
			if r.Name == rendition && s.MSN == msn {
				return s.Epoch
			}
		}
	}
	return l.Epoch()
}

func wantSegment(t *testing.T, l *segment.Log, msn, size int) {
	t.Helper()
	o, err := l.OpenSegment(rendition, epochOf(l, msn), msn)
	if got := read(t, o, err); !bytes.Equal(got, segmentData(msn, size)) {
		t.Errorf("segment %d holds %.40q", msn, got)
	}
}

// fromDisk reports whether segment msn is served by a file.
func fromDisk(t *testing.T, l *segment.Log, msn int) bool {
	t.Helper()
	o, err := l.OpenSegment(rendition, epochOf(l, msn), msn)
	if err != nil {
		t.Fatalf("open segment %d: %v", msn, err)
	}
	defer func() {
		if err := o.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	_, ok := o.ReadSeekCloser.(*os.File)
	return ok
}

var errDisk = errors.New("no space left on device")

// faultyFS is the real file system with switches.
type faultyFS struct {
	segment.OSFileSystem

	mu   sync.Mutex
	with error           // what they fail with, errDisk if nil
	fail map[string]bool // operations that fail: "create", "write", "sync", "rename", "append", "index", "truncate"
	hold chan struct{}   // when set, creations wait until it is closed
}

func (f *faultyFS) set(ops ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = make(map[string]bool)
	for _, op := range ops {
		f.fail[op] = true
	}
}

// block makes creations hang until the returned function is called.
func (f *faultyFS) block() (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	hold := make(chan struct{})
	f.hold = hold
	return sync.OnceFunc(func() {
		f.mu.Lock()
		f.hold = nil
		f.mu.Unlock()
		close(hold)
	})
}

func (f *faultyFS) err(op string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail[op] {
		if f.with != nil {
			return f.with
		}
		return errDisk
	}
	return nil
}

func (f *faultyFS) Create(name string) (segment.File, error) {
	f.mu.Lock()
	hold := f.hold
	f.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if err := f.err("create"); err != nil {
		return nil, err
	}
	file, err := f.OSFileSystem.Create(name)
	op := ""
	if filepath.Base(name) == "index" {
		op = "index"
	}
	return &faultyFile{file, f, op}, err
}

func (f *faultyFS) Append(name string) (segment.File, error) {
	if err := f.err("append"); err != nil {
		return nil, err
	}
	file, err := f.OSFileSystem.Append(name)
	return &faultyFile{file, f, "index"}, err
}

func (f *faultyFS) Rename(from, to string) error {
	if err := f.err("rename"); err != nil {
		return err
	}
	return f.OSFileSystem.Rename(from, to)
}

func (f *faultyFS) SyncFile(name string) error {
	if err := f.err("sync"); err != nil {
		return err
	}
	return nil // no test cuts the power, and the disk may be slow
}

func (f *faultyFS) SyncDir(string) error { return nil }

func (f *faultyFS) Truncate(name string, size int64) error {
	if err := f.err("truncate"); err != nil {
		return err
	}
	return f.OSFileSystem.Truncate(name, size)
}

type faultyFile struct {
	segment.File
	fs *faultyFS
	op string
}

// Write writes half before it fails, as a full disk does.
func (f *faultyFile) Write(p []byte) (int, error) {
	op := "write"
	if f.op != "" {
		op = f.op
	}
	if err := f.fs.err(op); err != nil {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, err
	}
	return f.File.Write(p)
}

func (f *faultyFile) Sync() error {
	if err := f.fs.err("sync" + f.op); err != nil {
		return err
	}
	return nil
}

// temporaries lists files that should not be left behind.
func temporaries(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if ext := filepath.Ext(path); ext == ".tmp" || ext == ".new" || ext == ".journal" {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
