package segment_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lectern/lectern/storage/segment"
)

// A segment that was torn comes back with its whole parts. After a power cut it may
// have been announced as a whole, so that its name is another one then.
func TestTornSegment(t *testing.T) {
	for _, tc := range []struct {
		name, boot string
		damage     func(t *testing.T, path string) error // path without suffix
		parts      int
		sameEpoch  bool
	}{
		{"killed", "one", nil, 3, true},
		{"power cut", "two", nil, 3, false},
		{"boot unknown", "", nil, 3, false},
		{"part half written", "one", func(t *testing.T, path string) error {
			t.Helper()
			return os.Truncate(path+".tmp", 85)
		}, 2, true},
		{"more than the journal knows", "one", func(t *testing.T, path string) error {
			t.Helper()
			b, err := os.ReadFile(path + ".tmp")
			return errors.Join(err, os.WriteFile(path+".tmp", append(b, "half a part"...), 0o600))
		}, 3, true},
		{"rotten part", "two", func(t *testing.T, path string) error {
			t.Helper()
			b, err := os.ReadFile(path + ".tmp")
			b[31] ^= 1
			return errors.Join(err, os.WriteFile(path+".tmp", b, 0o600))
		}, 1, false},
		{"journal half written", "one", func(t *testing.T, path string) error {
			t.Helper()
			b, err := os.ReadFile(path + ".journal")
			return errors.Join(err, os.Truncate(path+".journal", int64(len(b)-1)))
		}, 2, true},
		{"nothing whole", "one", func(t *testing.T, path string) error {
			t.Helper()
			return os.Truncate(path+".tmp", 29)
		}, 0, false},
		{"no bytes", "one", func(t *testing.T, path string) error {
			t.Helper()
			return os.Remove(path + ".tmp")
		}, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t)
			l := openReal(t, f)
			stop := f.run(t)
			putInit(t, l, 0)
			putSegment(t, l, 0, 30)
			s := describe(1)
			head := segment.Head{MSN: 1, ProgramDateTime: s.ProgramDateTime, MediaTime: s.MediaTime, Discontinuity: true, DiscontinuitySequence: 4}
			if err := l.BeginSegment(rendition, head); err != nil {
				t.Fatal(err)
			}
			putParts(t, l, 1, 3, 30)
			stop()
			epoch := l.Epoch()
			if tc.damage != nil {
				if err := tc.damage(t, filepath.Join(f.dir, rendition, "s1-"+epoch+".m4s")); err != nil {
					t.Fatal(err)
				}
			}
			for _, when := range []string{"read", "repaired"} {
				l, err := segment.OpenOn(f.dir, f.cfg, f.deps, &pointFS{boot: tc.boot})
				if err != nil {
					t.Fatal(err)
				}
				segments := l.Renditions()[0].Segments
				if tc.parts == 0 {
					if len(segments) != 1 {
						t.Errorf("%s: %d segments", when, len(segments))
					}
				} else {
					wantTorn(t, l, segments[1], tc.parts)
					if same := segments[1].Epoch == epoch; same != tc.sameEpoch {
						t.Errorf("%s: epoch = %q, was %q", when, segments[1].Epoch, epoch)
					}
				}
				f.log = l
				f.run(t)()
				if tc.parts > 0 {
					wantTorn(t, l, segments[1], tc.parts) // under its final name
				}
			}
			if left := temporaries(t, f.dir); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// wantTorn compares with the first parts of segment 1.
func wantTorn(t *testing.T, l *segment.Log, s segment.Segment, parts int) {
	t.Helper()
	want := describe(1)
	want.Torn, want.Epoch, want.Bytes = true, s.Epoch, int64(30*parts)
	want.Duration = time.Duration(parts) * 500 * time.Millisecond
	want.MediaEnd = want.MediaTime + want.Duration
	want.Discontinuity, want.DiscontinuitySequence = true, 4
	var data []byte
	for i := range parts {
		want.Parts = append(want.Parts, segment.Part{Index: i, Duration: 500 * time.Millisecond, Independent: i == 0})
		data = append(data, partData(1, i, 30)...)
		o, err := l.OpenPart(rendition, s.Epoch, 1, i)
		if got := read(t, o, err); !bytes.Equal(got, partData(1, i, 30)) {
			t.Errorf("part %d holds %q", i, got)
		}
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("segment = %+v\nwant %+v", s, want)
	}
	o, err := l.OpenSegment(rendition, s.Epoch, 1)
	if got := read(t, o, err); !bytes.Equal(got, data) {
		t.Errorf("torn segment holds %q", got)
	}
}

// A segment that was announced as a whole comes back as that, or as a gap: never as
// other bytes under its name.
func TestAnnouncedSegment(t *testing.T) {
	f := newFixture(t)
	l := f.open(t)
	stop := f.run(t)
	f.fs.set("index")
	putInit(t, l, 0)
	for msn := range 3 {
		if err := l.BeginSegment(rendition, segment.Head{MSN: msn}); err != nil {
			t.Fatal(err)
		}
		putParts(t, l, msn, 2, 30)
		s := describe(msn)
		s.IFrameBytes, s.Captions = 9, 3
		if err := l.FinishSegment(rendition, s); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	f.fs.set()
	announced := l.Renditions()
	if got := f.open(t).Renditions(); !reflect.DeepEqual(got, announced) {
		t.Errorf("renditions = %+v\nwere %+v", got, announced)
	}
	if err := os.Truncate(filepath.Join(f.dir, rendition, "s1-"+l.Epoch()+".m4s"), 59); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		rs := f.open(t).Renditions()
		if got := shape(rs); got != "sGs" {
			t.Errorf("segments = %s", got)
		}
		if g := rs[0].Segments[1]; g.Duration != describe(1).Duration || g.MediaEnd != describe(1).MediaEnd {
			t.Errorf("the gap is %+v", g)
		}
		f.run(t)()
	}
	if got := f.value(t, "lectern_segment_adopted_total", "gap"); got != 1 {
		t.Errorf("%v adopted gaps were counted, want one: the second start has it in the index", got)
	}
}

// A lesson of hours must not fill the memory with what is known of its parts.
func TestMetadataIsSmall(t *testing.T) {
	f := newFixture(t)
	const segments, parts = 400, 8
	synctest.Test(t, func(t *testing.T) {
		l := f.open(t)
		stop := f.run(t)
		putInit(t, l, 0)
		for msn := range segments {
			putParts(t, l, msn, parts, 10)
			if err := l.FinishSegment(rendition, describe(msn)); err != nil {
				t.Fatal(err)
			}
			if msn%100 == 0 {
				l.Settle(t.Context())
			}
		}
		l.Settle(t.Context())
		advance(2 * time.Minute)
		with := heap()
		if rs := l.Renditions(); len(rs[0].Segments) != segments || len(rs[0].Segments[0].Parts) != 0 {
			t.Errorf("%d segments, %d parts", len(rs[0].Segments), len(rs[0].Segments[0].Parts))
		}
		stop()
		runtime.KeepAlive(l)
		l, f.log = nil, nil
		if each := (with - heap()) / segments; each > 1500 {
			t.Errorf("%d bytes a segment", each)
		} else {
			t.Logf("%d bytes a segment", each)
		}
	})
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// starvedFS has no file descriptors left for media.
type starvedFS struct{ segment.OSFileSystem }

func (starvedFS) Open(name string) (*os.File, error) {
	return nil, &os.PathError{Op: "open", Path: name, Err: syscall.EMFILE}
}

// What cannot be looked at just now is not lost.
func TestOpenWithoutDescriptors(t *testing.T) {
	f := newFixture(t)
	record(t, f, 2)
	if _, err := segment.OpenOn(f.dir, f.cfg, f.deps, starvedFS{}); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("err = %v", err)
	}
	if got := shape(f.open(t).Renditions()); got != "ss" {
		t.Errorf("segments = %s", got)
	}
}
