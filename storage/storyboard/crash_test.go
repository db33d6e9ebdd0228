package storyboard_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/storage/storyboard"
)

// disk is the real file system with a hook before and after each operation.
type disk struct {
	storyboard.OSFileSystem
	sync bool         // whether it syncs; most tests have no use for it
	step func()       // called whenever a crash could come
	fail func() error // asked before each operation
}

func (d *disk) do(op func() error) error {
	if d.fail != nil {
		if err := d.fail(); err != nil {
			return err
		}
	}
	err := op()
	if d.step != nil {
		d.step()
	}
	return err
}

// Write tears the file first, as a crash in the middle would.
func (d *disk) Write(name string, data []byte, sync bool) error {
	if err := d.do(func() error { return d.OSFileSystem.Write(name, data[:len(data)/2], false) }); err != nil {
		return err
	}
	return d.do(func() error { return d.OSFileSystem.Write(name, data, sync && d.sync) })
}

func (d *disk) Chtimes(name string, modified time.Time) error {
	return d.do(func() error { return d.OSFileSystem.Chtimes(name, modified) })
}

func (d *disk) Rename(from, to string) error {
	return d.do(func() error { return d.OSFileSystem.Rename(from, to) })
}

func (d *disk) Remove(name string) error {
	return d.do(func() error { return d.OSFileSystem.Remove(name) })
}

func (d *disk) SyncDir(dir string) error {
	return d.do(func() error {
		if !d.sync {
			return nil
		}
		return d.OSFileSystem.SyncDir(dir)
	})
}

func TestReopen(t *testing.T) {
	for _, n := range []int{0, 1, 7, 24, 25, 26} {
		t.Run(fmt.Sprintf("after %d pictures", n), func(t *testing.T) {
			r := newRig(t)
			r.add(t, n)
			vtt, latest := r.WebVTT(), Picture(r)
			r.open(t)
			if !bytes.Equal(r.WebVTT(), vtt) {
				t.Errorf("WebVTT file is %q, was %q", r.WebVTT(), vtt)
			}
			if got := Picture(r); !got.At.Equal(latest.At) || got.PTS != latest.PTS || !bytes.Equal(got.JPEG, latest.JPEG) {
				t.Errorf("latest picture is of %s, %s; was of %s, %s", got.At, got.PTS, latest.At, latest.PTS)
			}
			r.add(t, 5)
			r.wantTiles(t, n+5)
		})
	}
}

// Picture returns the latest picture, or none.
func Picture(r *rig) storyboard.Picture {
	p, _ := r.Latest()
	return p
}

// TestCrash copies the folder after every operation on the disk, around the end
// of a sheet, and reopens each copy: all that had been announced is there under
// its name with its bytes, and the board goes on.
func TestCrash(t *testing.T) {
	for _, start := range []int{0, 3, 4, 5, 6} {
		t.Run(fmt.Sprintf("after %d pictures", start), func(t *testing.T) {
			r := newRig(t)
			r.cfg.Columns, r.cfg.Rows = 3, 2
			r.open(t)
			r.add(t, start)
			copies := t.TempDir()
			n := 0
			var announced []map[string][]byte // by copy
			d := &disk{}
			r.openOn(t, d)
			d.step = func() {
				copyDir(t, r.dir, filepath.Join(copies, fmt.Sprint(n)))
				announced = append(announced, sheets(t, r.Board))
				n++
			}
			r.add(t, 2)
			d.step = nil
			if n < 20 {
				t.Fatalf("only %d steps", n)
			}
			for i, want := range announced {
				c := &rig{dir: filepath.Join(copies, fmt.Sprint(i)), cfg: r.cfg, clock: r.clock, begin: r.begin}
				c.open(t)
				for name, data := range want {
					if got := fetch(t, c.Board, name); !bytes.Equal(got, data) {
						t.Errorf("step %d: %s has other bytes", i, name)
					}
				}
				c.n = len(readCues(t, c.WebVTT()))
				if c.n < start || c.n > start+2 {
					t.Errorf("step %d: %d cues", i, c.n)
				}
				c.wantTiles(t, c.n)
				c.add(t, 2)
				c.wantTiles(t, c.n)
				for name, data := range want {
					if got := fetch(t, c.Board, name); !bytes.Equal(got, data) {
						t.Errorf("step %d: %s has other bytes after the next pictures", i, name)
					}
				}
				if left := slices.DeleteFunc(c.names(t), func(s string) bool { return !strings.HasSuffix(s, ".tmp") }); len(left) > 0 {
					t.Errorf("step %d: %q are left", i, left)
				}
			}
		})
	}
}

// sheets returns what the WebVTT file announces.
func sheets(t *testing.T, b *storyboard.Board) map[string][]byte {
	t.Helper()
	out := make(map[string][]byte)
	for _, c := range readCues(t, b.WebVTT()) {
		if _, ok := out[c.sheet]; !ok {
			out[c.sheet] = fetch(t, b, c.sheet)
		}
	}
	return out
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatalf("copy folder: %v", err)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if err = os.Chtimes(filepath.Join(to, e.Name()), info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDamage breaks a file of a stopped board: what is whole stays, and no name
// that was announced is used for other bytes.
func TestDamage(t *testing.T) {
	for _, tc := range []struct {
		name  string
		file  string
		tear  func([]byte) []byte
		cues  int
		first string // sheet of the next picture
	}{
		{"index cut short", "storyboard.vtt", func(b []byte) []byte { return b[:len(b)-10] }, 34, "sheet-000003-01.jpg"},
		{"index empty", "storyboard.vtt", func([]byte) []byte { return nil }, 0, "sheet-000003-01.jpg"},
		{"index is junk", "storyboard.vtt", func([]byte) []byte { return []byte("\x00\x01WEBVTT") }, 0, "sheet-000003-01.jpg"},
		{"growing sheet cut short", "sheet-000002-10.jpg", func(b []byte) []byte { return b[:len(b)/2] }, 25, "sheet-000003-01.jpg"},
		{"growing sheet is junk", "sheet-000002-10.jpg", func([]byte) []byte { return []byte("\xff\xd8 no \xff\xd9") }, 25, "sheet-000003-01.jpg"},
		{"growing sheet empty", "sheet-000002-10.jpg", func([]byte) []byte { return nil }, 25, "sheet-000003-01.jpg"},
		{"full sheet cut short", "sheet-000001.jpg", func(b []byte) []byte { return b[:len(b)/2] }, 10, "sheet-000002-11.jpg"},
		{"thumbnail cut short", "thumbnail.jpg", func(b []byte) []byte { return b[:len(b)/2] }, 35, "sheet-000002-11.jpg"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t)
			r.add(t, 35)
			before := sheets(t, r.Board)
			name := filepath.Join(r.dir, tc.file)
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err = os.WriteFile(name, tc.tear(data), 0o600); err != nil {
				t.Fatal(err)
			}
			r.open(t)
			if cues := readCues(t, r.WebVTT()); len(cues) != tc.cues {
				t.Errorf("%d cues, want %d", len(cues), tc.cues)
			}
			if _, ok := r.Latest(); ok == (tc.file == "thumbnail.jpg") {
				t.Errorf("latest picture: %t", ok)
			}
			r.add(t, 1)
			cues := readCues(t, r.WebVTT())
			if len(cues) != tc.cues+1 || cues[tc.cues].sheet != tc.first || !near(greyAt(t, picture(t, r.Board, cues[tc.cues].sheet), cues[tc.cues]), int(shade(35))) {
				t.Errorf("next picture: %+v, want it in %s", cues[len(cues)-1], tc.first)
			}
			for _, c := range cues {
				if old, ok := before[c.sheet]; ok && !bytes.Equal(old, fetch(t, r.Board, c.sheet)) {
					t.Errorf("%s has other bytes", c.sheet)
				}
			}
		})
	}
}

// TestOtherSizes reopens a folder with other tiles: the old cues stay.
func TestOtherSizes(t *testing.T) {
	r := newRig(t)
	r.add(t, 7)
	r.cfg.TileWidth, r.cfg.TileHeight, r.cfg.Columns = 64, 36, 3
	r.open(t)
	r.add(t, 3)
	r.wantTiles(t, 10)
	cues := readCues(t, r.WebVTT())
	if cues[6].sheet != "sheet-000001-07.jpg" || cues[7].sheet != "sheet-000002-03.jpg" || cues[7].w != 64 {
		t.Errorf("cues are %+v", cues[6:8])
	}
}

// TestDiskFails makes each operation fail in turn: nothing half-done is
// announced, and the next picture is taken.
func TestDiskFails(t *testing.T) {
	errFull := errors.New("no space left on device")
	for failing := 0; ; failing++ {
		r := newRig(t)
		r.add(t, 23)
		d := &disk{}
		r.openOn(t, d)
		n, failed := 0, false
		d.fail = func() error {
			if n++; n-1 == failing {
				failed = true
				return errFull
			}
			return nil
		}
		before := sheets(t, r.Board)
		pts := 230 * time.Second
		err := r.Add(r.begin.Add(pts), pts, plain(t, 64, 36, shade(23)))
		if !failed {
			if failing < 6 {
				t.Fatalf("only %d operations", failing)
			}
			return
		}
		d.fail = nil
		cues := len(readCues(t, r.WebVTT()))
		if err == nil && cues != 24 || err != nil && !errors.Is(err, errFull) {
			t.Errorf("operation %d failed: %d cues, error %v", failing, cues, err)
		}
		for name, data := range before {
			if !bytes.Equal(data, fetch(t, r.Board, name)) {
				t.Errorf("operation %d failed: %s has other bytes", failing, name)
			}
		}
		r.n = cues
		if p := Picture(r); p.PTS == pts {
			r.n = 24
		}
		r.add(t, 3)
		r.wantTiles(t, r.n)
		if got := slices.Collect(maps.Keys(sheets(t, r.Board))); len(got) != 2 {
			t.Errorf("operation %d failed: sheets %q", failing, got)
		}
	}
}
