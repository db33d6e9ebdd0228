package storyboard_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/storage/storyboard"
)

// FuzzFile asks for any name: only those announced are given, and no path leaves
// the folder.
func FuzzFile(f *testing.F) {
	for _, s := range []string{
		"sheet-000001.jpg", "sheet-000001-02.jpg", "sheet-000001-02.jpg.tmp", "thumbnail.jpg", "storyboard.vtt",
		"../secret", "sheet-0000010.jpg", "sheet--00001.jpg", "sheet-000001-+2.jpg", "sheet-000000.jpg", "sheet-000001-00.jpg", "/etc/passwd",
	} {
		f.Add(s)
	}
	dir := f.TempDir()
	b, err := storyboard.Open(dir, storyboard.DefaultConfig(), (&rig{clock: newClock()}).deps())
	if err != nil {
		f.Fatal(err)
	}
	for i := range 2 {
		if err = b.Add(time.Unix(0, 0), time.Duration(i)*10*time.Second, plain(f, 32, 18, 99)); err != nil {
			f.Fatal(err)
		}
	}
	known := map[string]bool{"sheet-000001-01.jpg": true, "sheet-000001-02.jpg": true, "thumbnail.jpg": true, "storyboard.vtt": true}
	f.Fuzz(func(t *testing.T, name string) {
		file, ok := b.File(name)
		if ok != known[name] {
			t.Fatalf("%q: %t", name, ok)
		}
		if ok {
			if err := file.Data.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		number, tiles, ok := storyboard.ParseSheetName(name)
		if ok && (number < 1 || tiles < 0 || strings.ContainsAny(name, "/\\+ ") || len(name) < len("sheet-000001.jpg")) {
			t.Fatalf("%q is sheet %d with %d tiles", name, number, tiles)
		}
	})
}

// FuzzOpen puts anything into the folder: Open copes, what it announces can be
// fetched, and the next picture gets its tile.
func FuzzOpen(f *testing.F) {
	r := &rig{dir: f.TempDir(), cfg: storyboard.DefaultConfig(), clock: newClock()}
	r.cfg.Columns, r.cfg.Rows, r.cfg.TileWidth, r.cfg.TileHeight = 2, 1, 32, 18
	b, err := storyboard.Open(r.dir, r.cfg, r.deps())
	if err != nil {
		f.Fatal(err)
	}
	for i := range 3 {
		if err = b.Add(time.Unix(0, 0), time.Duration(i)*10*time.Second, plain(f, 32, 18, 99)); err != nil {
			f.Fatal(err)
		}
	}
	load := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil {
			f.Fatal(err)
		}
		return data
	}
	vtt, full, growing := load("storyboard.vtt"), load("sheet-000001.jpg"), load("sheet-000002-01.jpg")
	f.Add(vtt, full, growing, growing)
	f.Add(vtt[:len(vtt)-1], full, growing[:9], []byte(nil))
	f.Add(bytes.ReplaceAll(vtt, []byte("32,18"), []byte("9999,18")), full, growing, []byte("x"))
	f.Add(bytes.ReplaceAll(vtt, []byte("000002"), []byte("999999")), full, growing, []byte("x"))
	next := plain(f, 32, 18, 50)
	f.Fuzz(func(t *testing.T, vtt, full, growing, thumbnail []byte) {
		dir := t.TempDir()
		for name, data := range map[string][]byte{
			"storyboard.vtt": vtt, "sheet-000001.jpg": full, "sheet-000002-01.jpg": growing, "thumbnail.jpg": thumbnail,
			"sheet-000002-02.jpg.tmp": growing,
		} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		b, err := storyboard.OpenOn(dir, r.cfg, r.deps(), &disk{})
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		out, before, whole := storyboard.ReadBack(b.WebVTT(), r.cfg)
		if !whole || !bytes.Equal(out, b.WebVTT()) {
			t.Fatalf("announced %q, read back as %q", b.WebVTT(), out)
		}
		for line := range strings.SplitSeq(string(b.WebVTT()), "\n") {
			if name, _, ok := strings.Cut(line, "#xywh="); ok {
				fetch(t, b, name)
			}
		}
		if err = b.Add(time.Unix(0, 0), 98*time.Hour, next); err != nil {
			return // the folder has a later cue
		}
		if _, after, _ := storyboard.ReadBack(b.WebVTT(), r.cfg); after < before {
			t.Errorf("%d cues after a picture, %d before", after, before)
		}
	})
}
