package storyboard_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/storage/storyboard"
)

func TestBoard(t *testing.T) {
	r := newRig(t)
	b, err := storyboard.Open(r.dir, r.cfg, r.deps()) // on the real disk
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	r.Board = b
	if got := string(r.WebVTT()); got != "WEBVTT\n\n" {
		t.Errorf("an empty board has %q", got)
	}
	if _, ok := r.Latest(); ok {
		t.Error("an empty board has a latest picture")
	}
	if _, ok := r.File("thumbnail.jpg"); ok {
		t.Error("an empty board has a thumbnail")
	}
	r.add(t, 27)
	r.wantTiles(t, 27)
	cues := readCues(t, r.WebVTT())
	if c := cues[6]; c.sheet != "sheet-000001.jpg" || c.x != 32 || c.y != 18 || c.w != 32 || c.h != 18 {
		t.Errorf("seventh cue is %+v", c)
	}
	if c := cues[26]; c.sheet != "sheet-000002-02.jpg" || c.start != "00:04:20.000" || c.end != "00:04:30.000" {
		t.Errorf("last cue is %+v", c)
	}
	p, ok := r.Latest()
	if !ok || p.PTS != 260*time.Second || !p.At.Equal(r.begin.Add(260*time.Second)) || p.Width != 64 || p.Height != 36 {
		t.Errorf("latest picture at %s, %s, %d x %d", p.At, p.PTS, p.Width, p.Height)
	}
	if !bytes.Equal(fetch(t, r.Board, "thumbnail.jpg"), p.JPEG) {
		t.Error("thumbnail.jpg is not the latest picture")
	}
	if !bytes.Equal(fetch(t, r.Board, "storyboard.vtt"), r.WebVTT()) {
		t.Error("storyboard.vtt is not the snapshot")
	}
}

// TestDefaults adds half a row of a sheet as it is by default.
func TestDefaults(t *testing.T) {
	r := newRig(t)
	r.cfg = storyboard.DefaultConfig()
	r.open(t)
	r.add(t, 7)
	r.wantTiles(t, 7)
	if c := readCues(t, r.WebVTT())[6]; c.sheet != "sheet-000001-07.jpg" || c.x != 160 || c.y != 90 || c.w != 160 || c.h != 90 {
		t.Errorf("seventh cue is %+v", c)
	}
}

func TestReplacedSheetsGoAfterTheGrace(t *testing.T) {
	r := newRig(t)
	r.add(t, 4)
	before := fetch(t, r.Board, "sheet-000001-04.jpg")
	r.add(t, 1)
	if got := fetch(t, r.Board, "sheet-000001-04.jpg"); !bytes.Equal(got, before) {
		t.Error("an announced name has other bytes")
	}
	r.add(t, 40)
	sheets := slices.DeleteFunc(r.names(t), func(s string) bool { return !strings.HasPrefix(s, "sheet-") })
	// Two sheets of which the second grows, and the versions of the last minute.
	want := []string{"sheet-000001.jpg"}
	for i := 14; i <= 20; i++ {
		want = append(want, "sheet-000002-"+string(rune('0'+i/10))+string(rune('0'+i%10))+".jpg")
	}
	if !slices.Equal(sheets, want) {
		t.Errorf("folder has %q, want %q", sheets, want)
	}
	if _, ok := r.File("sheet-000001-04.jpg"); ok {
		t.Error("a sheet can be fetched after its grace")
	}
}

func TestFileNames(t *testing.T) {
	r := newRig(t)
	r.add(t, 26)
	if err := os.WriteFile(filepath.Join(r.dir, "sheet-000009.jpg"), plain(t, 16, 16, 9), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		ok   bool
	}{
		{"sheet-000001.jpg", true},
		{"sheet-000002-01.jpg", true},
		{"thumbnail.jpg", true},
		{"storyboard.vtt", true},
		{"sheet-000002.jpg", false},
		{"sheet-000009.jpg", false}, // there, but never announced
		{"sheet-1.jpg", false},
		{"sheet-000002-1.jpg", false},
		{"sheet-+00001.jpg", false},
		{"sheet-000001.jpg.tmp", false},
		{"../board/sheet-000001.jpg", false},
		{"./sheet-000001.jpg", false},
		{"SHEET-000001.JPG", false},
		{"sheet-000001.jpg\x00", false},
		{"", false},
	} {
		f, ok := r.File(tc.name)
		if ok != tc.ok {
			t.Errorf("%q: %t, want %t", tc.name, ok, tc.ok)
		}
		if !ok {
			continue
		}
		if immutable := strings.HasPrefix(tc.name, "sheet-"); f.Immutable != immutable || f.ModTime.IsZero() || f.ContentType == "" {
			t.Errorf("%q: immutable %t, modified %s, type %q", tc.name, f.Immutable, f.ModTime, f.ContentType)
		}
		if err := f.Data.Close(); err != nil {
			t.Errorf("close %q: %v", tc.name, err)
		}
	}
}

func TestRefusedPictures(t *testing.T) {
	r := newRig(t)
	r.add(t, 3)
	good := plain(t, 320, 180, 90)
	large := bytes.Clone(plain(t, 64, 36, 1))
	// The frame header (ITU-T T.81 §B.2.2) claims 65535 x 65535.
	sof := bytes.Index(large, []byte{0xff, 0xc0})
	copy(large[sof+5:], []byte{0xff, 0xff, 0xff, 0xff})
	for _, tc := range []struct {
		name string
		pts  time.Duration
		data []byte
		want error
	}{
		{"nothing", 30 * time.Second, nil, storyboard.ErrPicture},
		{"junk", 30 * time.Second, []byte("GIF89a, or so it says"), storyboard.ErrPicture},
		{"cut short", 30 * time.Second, good[:len(good)/2], storyboard.ErrPicture},
		{"a bomb", 30 * time.Second, large, storyboard.ErrPicture},
		{"too wide", 30 * time.Second, plain(t, 1922, 16, 9), storyboard.ErrPicture},
		{"too many pixels", 30 * time.Second, plain(t, 1600, 1298, 9), storyboard.ErrPicture},
		{"too many bytes", 30 * time.Second, append(bytes.Clone(good), make([]byte, 2<<20)...), storyboard.ErrPicture},
		{"the same time", 20 * time.Second, good, storyboard.ErrOrder},
		{"an earlier time", 10 * time.Second, good, storyboard.ErrOrder},
		{"a negative time", -time.Second, good, storyboard.ErrOrder},
		{"100 hours", 100 * time.Hour, good, storyboard.ErrOrder},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := r.Add(r.clock.Now(), tc.pts, tc.data); !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v", err, tc.want)
			}
		})
	}
	r.wantTiles(t, 3)
	if p, _ := r.Latest(); p.PTS != 20*time.Second {
		t.Errorf("latest picture is at %s", p.PTS)
	}
	if err := r.Add(r.clock.Now(), 30*time.Second, plain(t, 180, 320, shade(3))); err != nil {
		t.Errorf("a phone's picture: %v", err)
	}
	r.n++
	r.wantTiles(t, 4)
}

// TestScaling looks at where a picture of each shape comes to lie, in each kind of
// JPEG picture.
func TestScaling(t *testing.T) {
	halves := func(img image.Image, set func(x, y int, c color.Color)) image.Image {
		for y := range img.Bounds().Dy() {
			for x := range img.Bounds().Dx() {
				if x < img.Bounds().Dx()/2 {
					set(x, y, color.Gray{60})
				} else {
					set(x, y, color.Gray{200})
				}
			}
		}
		return img
	}
	colours := func(w, h int) image.Image {
		img := image.NewRGBA(image.Rect(0, 0, w, h))
		return halves(img, img.Set)
	}
	grey := func(w, h int) image.Image {
		img := image.NewGray(image.Rect(0, 0, w, h))
		return halves(img, img.Set)
	}
	for _, tc := range []struct {
		name          string
		img           image.Image
		width, height int // of the content in the tile
	}{
		{"16:9", colours(640, 360), 160, 90},
		{"4:3", colours(320, 240), 120, 90},
		{"portrait", colours(360, 640), 52, 90},
		{"wide", colours(960, 400), 160, 68},
		{"odd sizes", colours(639, 359), 160, 90},
		{"smaller than a tile", colours(64, 36), 160, 90},
		{"a sliver", colours(1900, 2), 160, 2},
		{"grey", grey(640, 360), 160, 90},
		{"grey portrait", grey(360, 640), 52, 90},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t)
			r.cfg = storyboard.DefaultConfig()
			r.cfg.Rows = 1
			r.open(t)
			if err := r.Add(r.clock.Now(), 0, encode(t, tc.img)); err != nil {
				t.Fatalf("add: %v", err)
			}
			img := picture(t, r.Board, "sheet-000001-01.jpg")
			dark, bright := brightness(img, 80-tc.width/4, 45), brightness(img, 80+tc.width/4, 45)
			if tc.height > 4 && (!near(dark, 60) || !near(bright, 200)) {
				t.Errorf("left is %d and right is %d, want 60 and 200", dark, bright)
			}
			inside, outside := 0, 0
			for x := range 160 {
				if brightness(img, x, 45) > 30 {
					inside++
				}
			}
			for y := range 90 {
				if brightness(img, 84, y) > 30 {
					outside++
				}
			}
			if d := inside - tc.width; d < -8 || d > 8 {
				t.Errorf("content is %d wide, want %d", inside, tc.width)
			}
			if d := outside - tc.height; d < -8 || d > 8 {
				t.Errorf("content is %d high, want %d", outside, tc.height)
			}
		})
	}
}

func TestFasterPicturesGetNoTile(t *testing.T) {
	r := newRig(t)
	for i := range 20 {
		if err := r.Add(r.begin, time.Duration(i)*time.Second, plain(t, 32, 18, 99)); err != nil {
			t.Fatal(err)
		}
	}
	if cues := readCues(t, r.WebVTT()); len(cues) != 4 || cues[1].start != "00:00:05.000" {
		t.Errorf("cues are %+v, want one each 5 s", cues)
	}
	if p, _ := r.Latest(); p.PTS != 19*time.Second {
		t.Errorf("latest picture is at %s", p.PTS)
	}
}

func TestFullBoardKeepsTheLatestPicture(t *testing.T) {
	r := newRig(t)
	r.cfg.MaxTiles = 26
	r.open(t)
	r.add(t, 30)
	r.wantTiles(t, 26)
	if p, _ := r.Latest(); p.PTS != 290*time.Second {
		t.Errorf("latest picture is at %s", p.PTS)
	}
	r.open(t)
	r.add(t, 2)
	r.wantTiles(t, 26)
}

func TestReadersDuringAdd(t *testing.T) {
	r := newRig(t)
	r.cfg.Grace = time.Hour // a reader on a slow machine may be slow
	r.open(t)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			for _, c := range readCues(t, r.WebVTT()) {
				f, ok := r.File(c.sheet)
				if !ok {
					t.Errorf("announced sheet %q is not there", c.sheet)
					continue
				}
				if err := f.Data.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}
		}
	})
	r.add(t, 30)
	close(done)
	wg.Wait()
	r.wantTiles(t, 30)
}

func TestConfig(t *testing.T) {
	if err := storyboard.DefaultConfig().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	err := storyboard.Config{TileWidth: 161, TileHeight: 91}.Validate()
	if err == nil {
		t.Fatal("an empty configuration is valid")
	}
	for _, key := range []string{"interval", "tile_width", "tile_height", "columns", "rows", "quality", "max_tiles", "grace"} {
		if !strings.Contains(err.Error(), "storyboard."+key+": ") {
			t.Errorf("nothing said of %s in %q", key, err)
		}
	}
}

// BenchmarkAdd is a picture of the ladder's thumbnail size, with and without
// waiting for the disk.
func BenchmarkAdd(b *testing.B) {
	for name, d := range map[string]*disk{"synced": {sync: true}, "unsynced": {}} {
		b.Run(name, func(b *testing.B) {
			r := &rig{cfg: storyboard.DefaultConfig(), clock: newClock()}
			r.cfg.MaxTiles = 20000
			board, err := storyboard.OpenOn(b.TempDir(), r.cfg, r.deps(), d)
			if err != nil {
				b.Fatal(err)
			}
			data := plain(b, 640, 360, 77)
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				pts := time.Duration(i) * 10 * time.Second
				if err = board.Add(r.clock.Now().Add(pts), pts, data); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}
