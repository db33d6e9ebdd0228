package segment_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/storage/segment"
)

const replaySize = 50

// record writes init 0 and segments 0 to n-1 and returns the index.
func record(t *testing.T, f *fixture, n int) []byte {
	t.Helper()
	l := f.open(t)
	stop := f.run(t)
	putInit(t, l, 0)
	for msn := range n {
		putSegment(t, l, msn, replaySize)
	}
	stop()
	return readIndex(t, f)
}

func readIndex(t *testing.T, f *fixture) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, "index"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeIndex(t *testing.T, f *fixture, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, "index"), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// shape renders a rendition as one letter a segment: "sGs" has a gap at 1.
func shape(rs []segment.Rendition) string {
	var b strings.Builder
	for _, r := range rs {
		for i, s := range r.Segments {
			switch {
			case s.MSN != i:
				fmt.Fprintf(&b, "[%d]", s.MSN)
			case s.Gap:
				b.WriteByte('G')
			default:
				b.WriteByte('s')
			}
		}
	}
	return b.String()
}

func TestReplay(t *testing.T) {
	f := newFixture(t)
	l := f.open(t)
	stop := f.run(t)
	putInit(t, l, 0)
	putSegment(t, l, 0, replaySize)
	if err := l.FinishSegment(rendition, segment.Segment{MSN: 1, Duration: time.Second, Gap: true, Discontinuity: true, DiscontinuitySequence: 1}); err != nil {
		t.Fatal(err)
	}
	putInit(t, l, 1)
	putParts(t, l, 2, 2, replaySize)
	want := describe(2)
	want.InitID, want.Discontinuity, want.DiscontinuitySequence = 1, true, 2
	want.IFrameBytes, want.Captions = replaySize-1, 5
	if err := l.FinishSegment(rendition, want); err != nil {
		t.Fatal(err)
	}
	if err := l.PutInit("audio", segment.Init{Data: []byte("a"), Codecs: "mp4a.40.2", Channels: 2}); err != nil {
		t.Fatal(err)
	}
	epoch := l.Epoch()
	stop()
	if !regexp.MustCompile(`^[a-z0-9]{8}$`).MatchString(epoch) {
		t.Errorf("epoch = %q", epoch)
	}
	if left := temporaries(t, f.dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}

	l = f.open(t)
	if l.Epoch() == epoch {
		t.Errorf("epoch = %q again", epoch)
	}
	rs := l.Renditions()
	if len(rs) != 2 || rs[0].Name != "audio" || rs[1].Name != rendition {
		t.Fatalf("renditions = %+v", rs)
	}
	if got := shape(rs); got != "sGs" {
		t.Errorf("segments = %s", got)
	}
	want.Bytes, want.Epoch = 2*replaySize, epoch
	want.Parts = []segment.Part{
		{Index: 0, Duration: 500 * time.Millisecond, Independent: true},
		{Index: 1, Duration: 500 * time.Millisecond},
	}
	if got := rs[1].Segments[2]; !reflect.DeepEqual(got, want) {
		t.Errorf("segment 2 = %+v\nwant %+v", got, want)
	}
	wantInit := segment.Init{ID: 1, Epoch: epoch, Data: []byte("init 1"), Codecs: "avc1.640028", Width: 1280, Height: 720, FrameRate: 30, Encoded: true, MaxBitRate: 2500000}
	if got := rs[1].Inits[1]; !reflect.DeepEqual(got, wantInit) {
		t.Errorf("init 1 = %+v", got)
	}
	wantSegment(t, l, 2, replaySize)
	if !fromDisk(t, l, 2) {
		t.Error("a replayed segment is held in memory")
	}
	if _, err := l.OpenSegment(rendition, l.Epoch(), 2); !errors.Is(err, segment.ErrNotFound) {
		t.Errorf("segment 2 under the new epoch: %v", err)
	}
	o, err := l.OpenPart(rendition, epoch, 2, 1)
	if got := read(t, o, err); !bytes.Equal(got, partData(2, 1, replaySize)) {
		t.Errorf("part 2.1 after replay holds %q", got)
	}
	o, err = l.OpenInit(rendition, epoch, 1)
	if got := read(t, o, err); string(got) != "init 1" {
		t.Errorf("init 1 after replay holds %q", got)
	}
	if err := l.AppendPart(rendition, 2, segment.Part{Data: []byte("x")}); !errors.Is(err, segment.ErrOutOfOrder) {
		t.Errorf("part for a segment of the past: %v", err)
	}

	// And it goes on.
	stop = f.run(t)
	putSegment(t, l, 3, replaySize)
	stop()
	if got := shape(f.open(t).Renditions()); got != "sGss" {
		t.Errorf("segments after going on = %s", got)
	}
}

// A crash can leave any prefix of the index.
func TestReplayTruncatedIndex(t *testing.T) {
	f := newFixture(t)
	index := record(t, f, 4)
	lines := bytes.SplitAfter(index, []byte("\n"))
	from := len(index) - len(lines[len(lines)-2]) - len(lines[len(lines)-3]) // the last two
	for cut := from; cut <= len(index); cut++ {
		writeIndex(t, f, index[:cut])
		l := f.open(t)
		whole := bytes.Count(index[:cut], []byte("\n")) - 1 // less init
		if got, want := shape(l.Renditions()), strings.Repeat("s", whole); got != want {
			t.Fatalf("cut at %d: segments = %q, want %q", cut, got, want)
		}
		if cut != len(index) && cut%64 != 0 {
			continue
		}
		// What is appended after a repair must be readable, and be another name.
		before := epochOf(l, 0)
		if _, err := l.OpenSegment(rendition, before, whole); !errors.Is(err, segment.ErrNotFound) {
			t.Fatalf("cut at %d: segment %d: %v", cut, whole, err)
		}
		stop := f.run(t)
		putSegment(t, l, whole, replaySize)
		stop()
		l = f.open(t)
		if got, want := shape(l.Renditions()), strings.Repeat("s", whole+1); got != want {
			t.Fatalf("cut at %d, then one more: segments = %q, want %q", cut, got, want)
		}
		if after := epochOf(l, whole); after == before {
			t.Fatalf("cut at %d: the name of segment %d is used again", cut, whole)
		}
		wantSegment(t, l, whole, replaySize)
	}
}

// An ended class is read any number of times, and its folder stays as it is.
func TestReadingChangesNothing(t *testing.T) {
	f := newFixture(t)
	index := append(record(t, f, 3), "torn"...)
	writeIndex(t, f, index)
	if err := os.WriteFile(filepath.Join(f.dir, rendition, "s3-abc.m4s.tmp"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		l := f.open(t)
		for msn := range 3 {
			wantSegment(t, l, msn, replaySize)
		}
	}
	if !bytes.Equal(readIndex(t, f), index) || len(temporaries(t, f.dir)) != 1 {
		t.Error("reading has changed the folder")
	}
	f.open(t)
	f.run(t)()
	if got := readIndex(t, f); !bytes.Equal(got, index) {
		t.Errorf("a run without media has changed the index: %q", got)
	}
	if left := temporaries(t, f.dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestReplayDamage(t *testing.T) {
	file := func(f *fixture, name string) string {
		found, err := filepath.Glob(filepath.Join(f.dir, rendition, strings.Replace(name, ".m", "-*.m", 1)))
		if err != nil || len(found) != 1 {
			return name // which the damage then complains of
		}
		return found[0]
	}
	for _, tc := range []struct {
		name   string
		damage func(t *testing.T, f *fixture) error
		want   string
		fault  string
	}{
		{"checksum in the middle", func(t *testing.T, f *fixture) error {
			t.Helper()
			b := bytes.Replace(readIndex(t, f), []byte(`"msn":1,`), []byte(`"msn":7,`), 1)
			writeIndex(t, f, b)
			return nil
		}, "sGss", "checksum"},
		{"two lines in the middle", func(t *testing.T, f *fixture) error {
			t.Helper()
			b := readIndex(t, f)
			b = bytes.Replace(b, []byte(`"msn":1,`), []byte("\x00\xff\n\n12"), 1)
			writeIndex(t, f, bytes.Replace(b, []byte(`"msn":2,`), []byte(`"msn":-2,`), 1))
			return nil
		}, "sGGs", "checksum"},
		{"last line", func(t *testing.T, f *fixture) error {
			t.Helper()
			writeIndex(t, f, bytes.Replace(readIndex(t, f), []byte(`"msn":3,`), []byte(`"msn":4,`), 1))
			return nil
		}, "sss", "torn"},
		{"file missing", func(t *testing.T, f *fixture) error {
			t.Helper()
			return os.Remove(file(f, "s2.m4s"))
		}, "ssGs", "file"},
		{"file short", func(t *testing.T, f *fixture) error {
			t.Helper()
			return os.Truncate(file(f, "s0.m4s"), 5)
		}, "Gsss", "file"},
		{"last file rotten", func(t *testing.T, f *fixture) error {
			t.Helper()
			return os.WriteFile(file(f, "s3.m4s"), segmentData(4, replaySize), 0o600)
		}, "sssG", "file"},
		{"file is a folder", func(t *testing.T, f *fixture) error {
			t.Helper()
			name := file(f, "s0.m4s")
			return errors.Join(os.Remove(name), os.Mkdir(name, 0o700))
		}, "Gsss", "file"},
		{"init missing", func(t *testing.T, f *fixture) error {
			t.Helper()
			return os.Remove(file(f, "init-0.mp4"))
		}, "GGGG", "file"},
		{"init changed", func(t *testing.T, f *fixture) error {
			t.Helper()
			return os.WriteFile(file(f, "init-0.mp4"), []byte("tini 0"), 0o600)
		}, "GGGG", "file"},
		{"temporary file", func(t *testing.T, f *fixture) error {
			t.Helper()
			return os.WriteFile(filepath.Join(f.dir, rendition, "s4-abc.m4s.tmp"), []byte("half"), 0o600)
		}, "ssss", ""},
		{"temporary files of earlier versions", func(t *testing.T, f *fixture) error {
			t.Helper()
			return errors.Join(
				os.WriteFile(filepath.Join(f.dir, rendition, "s4.m4s.tmp"), []byte("half"), 0o600),
				os.WriteFile(filepath.Join(f.dir, rendition, "init-1.mp4.tmp"), []byte("half"), 0o600))
		}, "ssss", ""},
		{"journal of garbage", func(t *testing.T, f *fixture) error {
			t.Helper()
			return os.WriteFile(filepath.Join(f.dir, rendition, "s4-abc.m4s.journal"), []byte("12345678 {}\n"), 0o600)
		}, "ssss", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t)
			record(t, f, 4)
			if err := tc.damage(t, f); err != nil {
				t.Fatal(err)
			}
			l := f.open(t)
			rs := l.Renditions()
			if got := shape(rs); got != tc.want {
				t.Errorf("segments = %s, want %s", got, tc.want)
			}
			if tc.fault != "" && f.value(t, "lectern_segment_replay_faults_total", tc.fault) == 0 {
				t.Errorf("no fault %q was counted", tc.fault)
			}
			for i, s := range rs[0].Segments {
				if s.ProgramDateTime != describe(i).ProgramDateTime || s.MediaEnd != describe(i).MediaEnd {
					t.Errorf("segment %d is at %s, ends at %s", i, s.ProgramDateTime, s.MediaEnd)
				}
				if _, err := l.OpenSegment(rendition, l.Epoch(), i); s.Gap && !errors.Is(err, segment.ErrNotFound) {
					t.Errorf("gap %d: err = %v, want ErrNotFound", i, err)
				}
			}
			f.run(t)()
			if left := temporaries(t, f.dir); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// What versions before the ladder wrote is read as it was meant.
func TestReplayOldIndex(t *testing.T) {
	f := newFixture(t)
	folder := filepath.Join(f.dir, rendition)
	if err := errors.Join(os.MkdirAll(folder, 0o700),
		os.WriteFile(filepath.Join(folder, "init-0.mp4"), []byte("init 0"), 0o600),
		os.WriteFile(filepath.Join(folder, "s0.m4s"), segmentData(0, replaySize), 0o600)); err != nil {
		t.Fatal(err)
	}
	index := segment.Line(`{"epoch":"k3x9"}`)
	index = append(index, segment.Line(`{"init":{"rendition":"source","id":0,"bytes":6,"crc32c":`+
		fmt.Sprint(crc32.Checksum([]byte("init 0"), crc32.MakeTable(crc32.Castagnoli)))+
		`,"codecs":"avc1.640028","width":1280,"height":720,"frame_rate":30}}`)...)
	index = append(index, segment.Line(`{"segment":{"rendition":"source","msn":0,"duration":4000000000,`+
		`"program_date_time":"2026-03-04T10:00:00Z","media_time":0,"media_end":4000000000,"init":0,`+
		fmt.Sprintf(`"bytes":%d,"finished":"2026-03-04T10:00:04Z","parts":[{"d":4000000000,"n":%d,"i":true}]}}`, 2*replaySize, 2*replaySize))...)
	writeIndex(t, f, index)
	rs := f.open(t).Renditions()
	if got := shape(rs); got != "s" {
		t.Fatalf("segments = %s", got)
	}
	if rs[0].Segments[0].Epoch != "k3x9" || rs[0].Inits[0].Epoch != "k3x9" {
		t.Errorf("epochs = %q, %q", rs[0].Segments[0].Epoch, rs[0].Inits[0].Epoch)
	}
	wantSegment(t, f.log, 0, replaySize)
	if s, in := rs[0].Segments[0], rs[0].Inits[0]; s.IFrameBytes != 0 || s.Captions != 0 || in.Encoded || in.MaxBitRate != 0 {
		t.Errorf("made up: %+v, %+v", s, in)
	}
}

// A line with a good checksum may still be forged or from the future.
func TestReplayRefusesBadRecords(t *testing.T) {
	f := newFixture(t)
	index := record(t, f, 2)
	for _, text := range []string{
		`{}`,
		`{"epoch":"UPPER-CASE"}`,
		`{"segment":{"rendition":"../../etc","msn":5,"bytes":1,"parts":[{"d":1,"n":1}]}}`,
		`{"segment":{"rendition":"source","msn":-1,"gap":true}}`,
		`{"segment":{"rendition":"source","msn":2,"bytes":9,"parts":[{"d":1,"n":1}]}}`,
		`{"segment":{"rendition":"source","msn":2,"bytes":0,"parts":[{"d":1,"n":5},{"d":1,"n":-5}]}}`,
		`{"segment":{"rendition":"source","msn":2,"bytes":5,"parts":[{"d":1,"n":5}],"i_frame_bytes":6}}`,
		`{"segment":{"rendition":"source","msn":2,"bytes":5,"parts":[{"d":1,"n":5}],"i_frame_bytes":-1}}`,
		`{"init":{"rendition":"/tmp","id":0,"bytes":1}}`,
		`null`,
	} {
		writeIndex(t, f, append(bytes.Clone(index), segment.Line(text)...))
		if got := shape(f.open(t).Renditions()); got != "ss" {
			t.Errorf("%s: segments = %s", text, got)
		}
	}
}
