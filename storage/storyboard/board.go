package storyboard

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Deps are what a Board needs from outside.
type Deps struct {
	Logger *slog.Logger

	// Now is the wall clock that the grace is measured with; time.Now if nil.
	Now func() time.Time
}

// Picture is the latest picture.
type Picture struct {
	At            time.Time     // wall clock of the picture
	PTS           time.Duration // on the class's clock; of the latest tile after Open
	Width, Height int
	JPEG          []byte // shared: must not be changed
}

// File is something to serve. The caller closes Data.
type File struct {
	Data        io.ReadSeekCloser
	ModTime     time.Time
	ContentType string

	// Immutable reports whether the name never stands for other bytes.
	Immutable bool
}

// Board is the storyboard of one class. It holds no file open between calls, so
// there is nothing to close.
type Board struct {
	// Set by Open, then read-only.
	dir    string
	cfg    Config
	logger *slog.Logger
	now    func() time.Time
	files  fileSystem

	shown atomic.Pointer[snapshot] // what readers see

	mu       sync.Mutex // guards the fields below; held across I/O by Add alone
	cues     []cue
	vtt      []byte // of cues
	modified time.Time
	sheet    *image.YCbCr // the growing one
	number   int          // its number
	filled   int          // its tiles
	stale    []staleSheet // growing sheets that were replaced, oldest first
	latest   Picture
	full     bool // MaxTiles was reached, and logged
}

// staleSheet is a file to remove.
type staleSheet struct {
	name    sheetName
	removed time.Time // when it may go
}

// snapshot is immutable.
type snapshot struct {
	vtt      []byte
	modified time.Time
	latest   Picture
	sheets   map[sheetName]struct{} // that can be fetched
}

// Latest returns the latest picture, if there is one.
func (b *Board) Latest() (Picture, bool) {
	p := b.shown.Load().latest
	return p, p.JPEG != nil
}

// WebVTT returns the cues so far. It must not be changed.
func (b *Board) WebVTT() []byte { return b.shown.Load().vtt }

// File returns the file of that name, if there is one: the latest picture, the
// WebVTT file, or a sheet that is or was announced in it. No other name reaches
// the disk.
func (b *Board) File(name string) (File, bool) {
	s := b.shown.Load()
	switch name {
	case thumbnailName:
		if s.latest.JPEG == nil {
			return File{}, false
		}
		return File{memoryFile{bytes.NewReader(s.latest.JPEG)}, s.latest.At, "image/jpeg", false}, true
	case vttName:
		return File{memoryFile{bytes.NewReader(s.vtt)}, s.modified, "text/vtt; charset=utf-8", false}, true
	}
	n, ok := parseSheetName(name)
	if !ok {
		return File{}, false
	}
	if _, ok = s.sheets[n]; !ok {
		return File{}, false
	}
	f, err := os.Open(filepath.Join(b.dir, n.String()))
	if err != nil {
		return File{}, false // removed since, or damaged from outside
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return File{}, false
	}
	return File{f, info.ModTime(), "image/jpeg", true}, true
}

// memoryFile is a file that is in memory.
type memoryFile struct{ *bytes.Reader }

// Close implements io.Closer.
func (memoryFile) Close() error { return nil }

// Add takes a picture of the class at a wall clock and a media time; it keeps
// data, which must not change afterwards. It returns an error wrapping ErrPicture
// or ErrOrder for what it refuses, and the disk's otherwise: then the picture has
// no tile, or will not be the latest one after a restart, and the next one is
// tried as usual.
func (b *Board) Add(at time.Time, pts time.Duration, data []byte) error {
	img, err := decode(data)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if pts < 0 || pts > maxTime-b.cfg.Interval || b.latest.JPEG != nil && pts <= b.latest.PTS {
		return fmt.Errorf("%w: %s after %s", ErrOrder, pts, b.latest.PTS)
	}
	b.expire()
	start := pts.Truncate(time.Millisecond)
	var tileErr error
	if b.due(start) {
		tileErr = b.addTile(cue{at: at.UTC().Truncate(time.Millisecond), start: start}, img)
	}
	if tileErr != nil {
		b.publish()
		return tileErr
	}
	size := img.Bounds()
	b.latest = Picture{At: at.Truncate(time.Millisecond), PTS: pts, Width: size.Dx(), Height: size.Dy(), JPEG: data}
	b.publish()
	// A torn thumbnail is as good as none, so it is not synced.
	return b.replace(thumbnailName, data, b.latest.At, false)
}

// due reports whether a tile is wanted at start.
func (b *Board) due(start time.Duration) bool {
	if len(b.cues) >= b.cfg.MaxTiles || b.number >= maxSheet {
		if !b.full {
			b.full = true
			b.logger.Warn("storyboard is full", "count", len(b.cues))
		}
		return false
	}
	return len(b.cues) == 0 || start-b.cues[len(b.cues)-1].start >= b.cfg.Interval/2
}

// addTile draws img, writes the sheet under its next name and then the cues. The
// caller holds mu.
func (b *Board) addTile(c cue, img image.Image) error {
	x, y := b.filled%b.cfg.Columns, b.filled/b.cfg.Columns
	c.rect = image.Rect(0, 0, b.cfg.TileWidth, b.cfg.TileHeight).Add(image.Pt(x*b.cfg.TileWidth, y*b.cfg.TileHeight))
	draw(b.sheet, c.rect, img)
	data, err := encode(b.sheet, b.cfg.Quality)
	if err != nil {
		return err
	}
	before := sheetName{b.number, b.filled}
	next := sheetName{b.number, b.filled + 1}
	if next.tiles == b.cfg.tiles() {
		next.tiles = 0
	}
	if err = b.replace(next.String(), data, b.now(), true); err != nil {
		return err
	}
	c.sheet = next
	cues := append(slices.Clone(b.cues), c)
	for i := len(cues) - 2; i >= 0 && cues[i].sheet.number == next.number; i-- {
		cues[i].sheet = next
	}
	vtt := marshalVTT(cues, b.cfg.Interval)
	if err = b.replace(vttName, vtt, b.now(), true); err != nil {
		return err
	}
	b.cues, b.vtt, b.modified = cues, vtt, b.now()
	if before.tiles > 0 {
		b.stale = append(b.stale, staleSheet{before, b.now().Add(b.cfg.Grace)})
	}
	if b.filled++; next.tiles == 0 {
		b.number, b.filled = b.number+1, 0
		b.sheet = newSheet(b.cfg)
	}
	return nil
}

// publish shows readers the present state. The caller holds mu.
func (b *Board) publish() {
	s := &snapshot{
		vtt: b.vtt, modified: b.modified, latest: b.latest,
		sheets: make(map[sheetName]struct{}, len(b.stale)+len(b.cues)/b.cfg.tiles()+1),
	}
	for _, c := range b.cues {
		s.sheets[c.sheet] = struct{}{}
	}
	for _, o := range b.stale {
		s.sheets[o.name] = struct{}{}
	}
	b.shown.Store(s)
}

// expire removes the sheets whose grace is over. The caller holds mu.
func (b *Board) expire() {
	now := b.now()
	b.stale = slices.DeleteFunc(b.stale, func(o staleSheet) bool {
		if now.Before(o.removed) {
			return false
		}
		if err := b.files.Remove(b.path(o.name.String())); err != nil && !errors.Is(err, os.ErrNotExist) {
			b.logger.Warn("old sheet was not removed", "err", err)
		}
		return true
	})
}

func (b *Board) path(name string) string { return filepath.Join(b.dir, name) }
