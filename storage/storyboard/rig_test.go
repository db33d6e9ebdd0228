package storyboard_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/storage/storyboard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a folder, a clock and a board.
type rig struct {
	*storyboard.Board
	dir   string
	cfg   storyboard.Config
	clock *mediatest.Clock
	begin time.Time
	n     int // pictures so far
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{dir: filepath.Join(t.TempDir(), "board"), cfg: storyboard.DefaultConfig(), clock: mediatest.NewClock()}
	r.begin = r.clock.Now()
	r.cfg.TileWidth, r.cfg.TileHeight = 32, 18 // the race detector makes pixels dear
	r.open(t)
	return r
}

func (r *rig) deps() storyboard.Deps {
	return storyboard.Deps{Logger: slog.New(slog.DiscardHandler), Now: r.clock.Now}
}

func (r *rig) open(t *testing.T) {
	t.Helper()
	r.openOn(t, &disk{})
}

func (r *rig) openOn(t *testing.T, d *disk) {
	t.Helper()
	b, err := storyboard.OpenOn(r.dir, r.cfg, r.deps(), d)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	r.Board = b
}

// shade is the grey of picture n: no two neighbours are alike.
func shade(n int) uint8 { return uint8(40 + n*53%200) }

// add adds n pictures 10 s apart.
func (r *rig) add(t *testing.T, n int) {
	t.Helper()
	for range n {
		r.clock.Set(r.begin.Add(time.Duration(r.n) * 10 * time.Second))
		if err := r.Add(r.clock.Now(), time.Duration(r.n)*10*time.Second, plain(t, 64, 36, shade(r.n))); err != nil {
			t.Fatalf("add picture %d: %v", r.n, err)
		}
		r.n++
	}
}

// plain is a JPEG picture of one grey.
func plain(tb testing.TB, w, h int, grey uint8) []byte {
	tb.Helper()
	img := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = grey
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	return encode(tb, img)
}

func encode(tb testing.TB, img image.Image) []byte {
	tb.Helper()
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: 90}); err != nil {
		tb.Fatalf("encode: %v", err)
	}
	return buf.Bytes()
}

// cue is what a player reads.
type cue struct {
	start, end, sheet string
	x, y, w, h        int
}

// readCues parses the WebVTT file as strictly as the specification wants, and by
// other means than the package.
func readCues(t *testing.T, vtt []byte) []cue {
	t.Helper()
	blocks := strings.Split(string(vtt), "\n\n")
	if blocks[0] != "WEBVTT" || blocks[len(blocks)-1] != "" {
		t.Fatalf("no WebVTT file: %.80q", vtt)
	}
	form := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n` +
		`(\d\d:[0-5]\d:[0-5]\d\.\d{3}) --> (\d\d:[0-5]\d:[0-5]\d\.\d{3})\n` +
		`(sheet-\d{6}(?:-\d\d)?\.jpg)#xywh=(\d+,\d+,\d+,\d+)$`)
	var cues []cue
	for _, b := range blocks[1 : len(blocks)-1] {
		m := form.FindStringSubmatch(b)
		if m == nil {
			t.Fatalf("no cue: %q", b)
		}
		c := cue{start: m[1], end: m[2], sheet: m[3]}
		if _, err := fmt.Sscanf(m[4], "%d,%d,%d,%d", &c.x, &c.y, &c.w, &c.h); err != nil {
			t.Fatalf("area %q: %v", m[4], err)
		}
		if c.end <= c.start || len(cues) > 0 && cues[len(cues)-1].end != c.start {
			t.Fatalf("times of cue %q after %+v", b, cues[max(len(cues)-1, 0)])
		}
		cues = append(cues, c)
	}
	return cues
}

// fetch returns a file of the board.
func fetch(t *testing.T, b *storyboard.Board, name string) []byte {
	t.Helper()
	f, ok := b.File(name)
	if !ok {
		t.Fatalf("no file %q", name)
	}
	data, err := io.ReadAll(f.Data)
	if err != nil {
		t.Fatalf("read %q: %v", name, err)
	}
	if err = f.Data.Close(); err != nil {
		t.Errorf("close %q: %v", name, err)
	}
	return data
}

// picture decodes a file of the board.
func picture(t *testing.T, b *storyboard.Board, name string) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(fetch(t, b, name)))
	if err != nil {
		t.Fatalf("decode %q: %v", name, err)
	}
	return img
}

// greyAt returns the brightness in the middle of a cue's tile.
func greyAt(t *testing.T, img image.Image, c cue) int {
	t.Helper()
	if !image.Rect(c.x, c.y, c.x+c.w, c.y+c.h).In(img.Bounds()) {
		t.Fatalf("cue %+v is outside of %v", c, img.Bounds())
	}
	return brightness(img, c.x+c.w/2, c.y+c.h/2)
}

func brightness(img image.Image, x, y int) int {
	return int(color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y)
}

func near(a, b int) bool { return max(a-b, b-a) <= 6 }

// wantTiles checks that the board has the first n pictures, each in its tile.
func (r *rig) wantTiles(t *testing.T, n int) {
	t.Helper()
	cues := readCues(t, r.WebVTT())
	if len(cues) != n {
		t.Fatalf("%d cues, want %d", len(cues), n)
	}
	sheets := make(map[string]image.Image)
	for i, c := range cues {
		if sheets[c.sheet] == nil {
			sheets[c.sheet] = picture(t, r.Board, c.sheet)
		}
		at := time.Duration(i) * 10 * time.Second
		if want := r.begin.Truncate(24 * time.Hour).Add(at).Format("15:04:05.000"); c.start != want {
			t.Errorf("cue %d starts at %s, want %s", i, c.start, want)
		}
		if got := greyAt(t, sheets[c.sheet], c); !near(got, int(shade(i))) {
			t.Errorf("tile %d of %s has brightness %d, want %d", i, c.sheet, got, shade(i))
		}
	}
}

// names lists the folder.
func (r *rig) names(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func newClock() *mediatest.Clock { return mediatest.NewClock() }
