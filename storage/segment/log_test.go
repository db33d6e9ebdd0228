package segment_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/storage/segment"
)

func newCancel(tb testing.TB) (context.Context, context.CancelFunc) {
	tb.Helper()
	return context.WithCancel(context.WithoutCancel(tb.Context()))
}

func TestPartIsReadableAtOnce(t *testing.T) {
	l := newFixture(t).open(t)
	putInit(t, l, 0)
	putParts(t, l, 7, 2, 10)

	o, err := l.OpenPart(rendition, l.Epoch(), 7, 1)
	if got := read(t, o, err); !bytes.Equal(got, partData(7, 1, 10)) {
		t.Errorf("part holds %q", got)
	}
	o, err = l.OpenInit(rendition, l.Epoch(), 0)
	if got := read(t, o, err); string(got) != "init 0" {
		t.Errorf("init holds %q", got)
	}
	if _, err := l.OpenSegment(rendition, l.Epoch(), 7); !errors.Is(err, segment.ErrNotFound) {
		t.Errorf("growing segment: err = %v, want ErrNotFound", err)
	}
	if err := l.FinishSegment(rendition, describe(7)); err != nil {
		t.Fatal(err)
	}
	wantSegment(t, l, 7, 10)
	if fromDisk(t, l, 7) {
		t.Error("a listed segment is read from disk")
	}
}

func TestNotFound(t *testing.T) {
	l := newFixture(t).open(t)
	putInit(t, l, 0)
	putSegment(t, l, 3, 10)
	if err := l.FinishSegment(rendition, segment.Segment{MSN: 4, Duration: time.Second, Gap: true}); err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (segment.Object, error){
		"init":              func() (segment.Object, error) { return l.OpenInit(rendition, l.Epoch(), 1) },
		"rendition of init": func() (segment.Object, error) { return l.OpenInit("other", l.Epoch(), 0) },
		"rendition":         func() (segment.Object, error) { return l.OpenSegment("other", l.Epoch(), 3) },
		"path":              func() (segment.Object, error) { return l.OpenSegment("../source", l.Epoch(), 3) },
		"segment":           func() (segment.Object, error) { return l.OpenSegment(rendition, l.Epoch(), 5) },
		"gap":               func() (segment.Object, error) { return l.OpenSegment(rendition, l.Epoch(), 4) },
		"part past the end": func() (segment.Object, error) { return l.OpenPart(rendition, l.Epoch(), 3, 2) },
		"negative part":     func() (segment.Object, error) { return l.OpenPart(rendition, l.Epoch(), 3, -1) },
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := open(); !errors.Is(err, segment.ErrNotFound) {
				t.Errorf("err = %v, want ErrNotFound", err)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	part := func(i int) segment.Part { return segment.Part{Index: i, Data: []byte("x")} }
	for _, tc := range []struct {
		name string
		do   func(l *segment.Log) error
		want error
	}{
		{"parent folder", func(l *segment.Log) error { return l.AppendPart("..", 9, part(0)) }, segment.ErrRenditionName},
		{"separator", func(l *segment.Log) error { return l.AppendPart("a/b", 9, part(0)) }, segment.ErrRenditionName},
		{"upper case", func(l *segment.Log) error { return l.PutInit("Source", segment.Init{Data: []byte("x")}) }, segment.ErrRenditionName},
		{"empty name", func(l *segment.Log) error { return l.FinishSegment("", describe(9)) }, segment.ErrRenditionName},
		{"long name", func(l *segment.Log) error { return l.AppendPart(strings.Repeat("a", 33), 9, part(0)) }, segment.ErrRenditionName},
		{"part skipped", func(l *segment.Log) error { return l.AppendPart(rendition, 9, part(3)) }, segment.ErrOutOfOrder},
		{"part again", func(l *segment.Log) error { return l.AppendPart(rendition, 9, part(1)) }, segment.ErrOutOfOrder},
		{"empty part", func(l *segment.Log) error { return l.AppendPart(rendition, 9, segment.Part{Index: 2}) }, segment.ErrOutOfOrder},
		{"segment begun too early", func(l *segment.Log) error { return l.AppendPart(rendition, 10, part(0)) }, segment.ErrOutOfOrder},
		{"finished segment", func(l *segment.Log) error { return l.FinishSegment(rendition, describe(8)) }, segment.ErrOutOfOrder},
		{"segment without parts", func(l *segment.Log) error { return l.FinishSegment(rendition, describe(10)) }, segment.ErrOutOfOrder},
		{"gap beside the segment that grows", func(l *segment.Log) error {
			return l.FinishSegment(rendition, segment.Segment{MSN: 10, Gap: true})
		}, segment.ErrOutOfOrder},
		{"gap with parts", func(l *segment.Log) error { return l.FinishSegment(rendition, segment.Segment{MSN: 9, Gap: true}) }, nil},
		{"init used", func(l *segment.Log) error { return l.PutInit(rendition, segment.Init{ID: 0, Data: []byte("other")}) }, segment.ErrOutOfOrder},
		{"init empty", func(l *segment.Log) error { return l.PutInit(rendition, segment.Init{ID: 1}) }, segment.ErrOutOfOrder},
		{"init unknown", func(l *segment.Log) error {
			s := describe(9)
			s.InitID = 5
			return l.FinishSegment(rendition, s)
		}, segment.ErrNotFound},
		{"init again", func(l *segment.Log) error {
			return l.PutInit(rendition, segment.Init{ID: 0, Data: []byte("init 0")})
		}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t)
			l := f.open(t)
			putInit(t, l, 0)
			putSegment(t, l, 8, 10)
			putParts(t, l, 9, 2, 10)
			if err := tc.do(l); !errors.Is(err, tc.want) {
				t.Errorf("err = %v, want %v", err, tc.want)
			}
			entries, err := os.ReadDir(filepath.Dir(f.dir))
			if err != nil || len(entries) != 0 {
				t.Errorf("something was made beside the class folder: %v, %v", entries, err)
			}
		})
	}
}

func TestConfigValidate(t *testing.T) {
	if err := segment.DefaultConfig().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	err := segment.Config{MemoryBytes: 1, WriteQueueBytes: 2, PartRetention: time.Hour}.Validate()
	for _, key := range []string{"storage.memory_bytes: 1 is below", "storage.write_queue_bytes: 2 is below", "storage.write_queue_bytes: 2 exceeds", "storage.part_retention: 1h"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%q is not in %v", key, err)
		}
	}
	if _, err := segment.Open(t.TempDir(), segment.Config{}, segment.Deps{}); err == nil {
		t.Error("Open takes a bad configuration")
	}
}

func TestMetricNames(t *testing.T) {
	problems, err := testutil.GatherAndLint(newFixture(t).reg)
	if err != nil || len(problems) != 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
}

// What memory serves must behave like the joined bytes.
func TestSegmentReader(t *testing.T) {
	l := newFixture(t).open(t)
	putInit(t, l, 0)
	putSegment(t, l, 0, 1000)
	want := segmentData(0, 1000)

	o, err := l.OpenSegment(rendition, l.Epoch(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(o, want); err != nil {
		t.Error(err)
	}
	for _, at := range []int64{0, 1, 999, 1000, 1001, 1999, 2000, 5000} {
		if _, err := o.Seek(at, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		var buf bytes.Buffer
		n, err := o.ReadSeekCloser.(io.WriterTo).WriteTo(&buf)
		rest := want[min(at, 2000):]
		if err != nil || n != int64(len(rest)) || !bytes.Equal(buf.Bytes(), rest) {
			t.Errorf("WriteTo at %d wrote %d bytes, err %v, want %d", at, n, err, len(rest))
		}
	}
	if _, err := o.Seek(-1, io.SeekStart); err == nil {
		t.Error("seek before the start works")
	}
	if _, err := o.Seek(-300, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	if _, err := o.ReadSeekCloser.(io.WriterTo).WriteTo(&shortWriter{200}); err == nil {
		t.Error("WriteTo hides a short write")
	}
	var buf bytes.Buffer
	if n, err := o.ReadSeekCloser.(segment.ChunkWriter).WriteChunks(&buf, 50); n != 50 || err != nil || !bytes.Equal(buf.Bytes(), want[1900:1950]) {
		t.Errorf("WriteChunks after a short write: %d, %v, %q", n, err, buf.Bytes())
	}
}

// shortWriter takes n bytes in all.
type shortWriter struct{ n int }

func (w *shortWriter) Write(p []byte) (int, error) {
	n := min(w.n, len(p))
	w.n -= n
	return n, nil
}

// The live edge is in memory; older segments are served by their files alone, and
// their parts from them until PartRetention.
func TestMemoryIsReleased(t *testing.T) {
	f := newFixture(t)
	synctest.Test(t, func(t *testing.T) {
		l := f.open(t)
		stop := f.run(t)
		putInit(t, l, 0)
		for msn := range 3 {
			putSegment(t, l, msn, 100)
			advance(4 * time.Second)
			for old := range msn + 1 {
				wantSegment(t, l, old, 100)
				if got := fromDisk(t, l, old); got != (old < msn) {
					t.Errorf("segment %d behind %d: from disk = %t", old, msn, got)
				}
			}
		}
		if got := f.value(t, "lectern_segment_memory_bytes", ""); got != 200 {
			t.Errorf("memory = %v bytes, want 200", got)
		}
		l.Expire(rendition, 1) // changes nothing: it is the recording
		o, err := l.OpenPart(rendition, l.Epoch(), 0, 1)
		if got := read(t, o, err); !bytes.Equal(got, partData(0, 1, 100)) {
			t.Errorf("part of a released segment holds %.20q", got)
		}
		if got := len(l.Renditions()[0].Segments[0].Parts); got != 2 {
			t.Errorf("%d parts are known, want 2", got)
		}
		advance(time.Minute)
		if _, err := l.OpenPart(rendition, l.Epoch(), 0, 1); !errors.Is(err, segment.ErrNotFound) {
			t.Errorf("old part: err = %v, want ErrNotFound", err)
		}
		if got := len(l.Renditions()[0].Segments[0].Parts); got != 0 {
			t.Errorf("%d parts are known that cannot be fetched", got)
		}
		wantSegment(t, l, 0, 100)
		stop()
		if !fromDisk(t, l, 2) {
			t.Error("memory is kept after Run has ended")
		}
	})
}

// A segment that breaks off is a gap, but players may know its parts.
func TestGapWithParts(t *testing.T) {
	f := newFixture(t)
	synctest.Test(t, func(t *testing.T) {
		l := f.open(t)
		stop := f.run(t)
		putInit(t, l, 0)
		putSegment(t, l, 0, 10)
		putParts(t, l, 1, 3, 10)
		gap := describe(1)
		gap.Gap, gap.Bytes, gap.IFrameBytes = true, 30, 7
		if err := l.FinishSegment(rendition, gap); err != nil {
			t.Fatal(err)
		}
		putSegment(t, l, 2, 10)
		if _, err := l.OpenSegment(rendition, l.Epoch(), 1); !errors.Is(err, segment.ErrNotFound) {
			t.Errorf("the gap opens: %v", err)
		}
		advance(f.cfg.PartRetention - time.Second)
		for i := range 3 {
			o, err := l.OpenPart(rendition, l.Epoch(), 1, i)
			if got := read(t, o, err); !bytes.Equal(got, partData(1, i, 10)) {
				t.Errorf("part %d holds %q", i, got)
			}
		}
		with := f.value(t, "lectern_segment_memory_bytes", "")
		advance(3 * time.Second)
		if _, err := l.OpenPart(rendition, l.Epoch(), 1, 0); !errors.Is(err, segment.ErrNotFound) {
			t.Errorf("part after its time: %v", err)
		}
		if now := f.value(t, "lectern_segment_memory_bytes", ""); with-now != 30 {
			t.Errorf("%v bytes released, want 30", with-now)
		}
		stop()
		l = f.open(t)
		rs := l.Renditions()
		if got := shape(rs); got != "sGs" {
			t.Fatalf("segments = %s", got)
		}
		if g := rs[0].Segments[1]; len(g.Parts) != 0 || g.Bytes != 0 || g.IFrameBytes != 0 || g.ProgramDateTime != describe(1).ProgramDateTime {
			t.Errorf("the gap came back as %+v", g)
		}
	})
}

func TestMemoryLimitPrefersWhatIsOnDisk(t *testing.T) {
	f := newFixture(t)
	f.cfg.MemoryBytes, f.cfg.WriteQueueBytes = 16<<20, 8<<20
	l := f.open(t)
	f.run(t)
	putInit(t, l, 0)
	const size = 1 << 20 // of a part; a segment has two
	for msn := range 12 {
		putSegment(t, l, msn, size)
		mediatest.Eventually(t, func() string {
			if got := f.value(t, "lectern_segment_saved_total", ""); got != float64(msn+1) {
				return fmt.Sprintf("saved %v segments, want %d", got, msn+1)
			}
			return ""
		})
	}
	if got := f.value(t, "lectern_segment_memory_bytes", ""); got > 16<<20+2*size {
		t.Errorf("memory = %v bytes", got)
	}
	if !fromDisk(t, l, 0) || fromDisk(t, l, 11) {
		t.Error("not the oldest segments were released")
	}
	if got := f.value(t, "lectern_segment_released_unsaved_total", ""); got != 0 {
		t.Errorf("%v segments were lost", got)
	}
	wantSegment(t, l, 0, size)
}

// Viewers, the packager and the disk at once; the race detector watches.
func TestConcurrency(t *testing.T) {
	f := newFixture(t)
	f.cfg.MemoryBytes, f.cfg.WriteQueueBytes = 16<<20, 4<<20
	l := f.open(t)
	stop := f.run(t)
	const last, size = 150, 64 << 10
	var want [last][]byte
	for msn := range want {
		want[msn] = segmentData(msn, size)
	}

	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for msn := 0; ; msn = (msn + 1) % last {
				select {
				case <-done:
					return
				default:
				}
				o, err := l.OpenSegment(rendition, l.Epoch(), msn)
				if err == nil {
					b, rerr := io.ReadAll(o)
					if rerr != nil || !bytes.Equal(b, want[msn]) {
						t.Errorf("segment %d: torn read, %v", msn, rerr)
					}
					_ = o.Close()
				}
				if o, err := l.OpenPart(rendition, l.Epoch(), msn, 1); err == nil {
					b, rerr := io.ReadAll(o)
					if rerr != nil || !bytes.Equal(b, want[msn][size:]) {
						t.Errorf("part %d.1: torn read, %v", msn, rerr)
					}
					_ = o.Close()
				}
				_ = l.Renditions()
			}
		})
	}
	putInit(t, l, 0)
	for msn := range last {
		putSegment(t, l, msn, size)
		l.Expire(rendition, msn-6)
	}
	close(done)
	readers.Wait()
	stop()

	rs := f.open(t).Renditions()
	if len(rs) != 1 || len(rs[0].Segments) != last {
		t.Fatalf("replayed %d renditions", len(rs))
	}
	if i := slices.IndexFunc(rs[0].Segments, func(s segment.Segment) bool { return !s.Gap }); i < 0 {
		t.Error("nothing was recorded")
	}
}
