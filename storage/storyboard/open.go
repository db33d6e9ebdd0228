package storyboard

import (
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// maxSheetBytes bounds what is read back of a sheet: 6,400 x 4,800 pixels at the
// highest quality are less.
const maxSheetBytes = 32 << 20

// Open returns the board in dir, which is created if it is absent, with what is
// in there. Damaged files are left out and logged; only a folder that cannot be
// read or written is an error. One Board at a time may use a folder. cfg must be
// valid; its sizes may differ from those that the folder was begun with.
func Open(dir string, cfg Config, deps Deps) (*Board, error) {
	return openOn(dir, cfg, deps, osFileSystem{})
}

func openOn(dir string, cfg Config, deps Deps, files fileSystem) (*Board, error) {
	b := &Board{dir: dir, cfg: cfg, logger: deps.Logger, now: deps.Now, files: files}
	if b.now == nil {
		b.now = time.Now
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("create storyboard folder: %w", err)
	}
	found, highest, err := b.list()
	if err != nil {
		return nil, err
	}
	whole := b.readCues(found)
	b.sweep(found, whole)
	if !whole {
		b.number = max(b.number, highest)
	}
	b.resume()
	b.readThumbnail()
	b.vtt, b.modified = marshalVTT(b.cues, cfg.Interval), b.now()
	b.publish()
	return b, nil
}

// list returns the whole sheets in the folder with their times, and the highest
// number of any, and removes temporary files.
func (b *Board) list() (found map[sheetName]time.Time, highest int, err error) {
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return nil, 0, fmt.Errorf("read storyboard folder: %w", err)
	}
	found = make(map[sheetName]time.Time)
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		if name, ok := strings.CutSuffix(e.Name(), tmpSuffix); ok && ours(name) {
			_ = b.files.Remove(b.path(e.Name())) // it costs nothing but its bytes
			continue
		}
		if n, ok := parseSheetName(e.Name()); ok {
			highest = max(highest, n.number)
			if modified, ok := b.stat(n); ok {
				found[n] = modified
			}
		}
	}
	return found, highest, nil
}

// stat returns the time of a sheet that is as long as it should be: a JPEG file
// ends in an EOI marker (ITU-T T.81 §B.1.1.3).
func (b *Board) stat(n sheetName) (time.Time, bool) {
	f, err := os.Open(b.path(n.String()))
	if err != nil {
		return time.Time{}, false
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil || info.Size() < 4 || info.Size() > maxSheetBytes {
		return time.Time{}, false
	}
	var marker [2]byte
	if _, err = f.ReadAt(marker[:], info.Size()-2); err != nil || marker != [2]byte{0xff, 0xd9} {
		return time.Time{}, false
	}
	return info.ModTime(), true
}

// ours reports whether name is one that a Board writes.
func ours(name string) bool {
	_, ok := parseSheetName(name)
	return ok || name == thumbnailName || name == vttName
}

// readCues takes the cues whose sheets are there, and their highest number, and
// reports whether those are all that have ever been announced.
func (b *Board) readCues(found map[sheetName]time.Time) (whole bool) {
	data, _, err := readLimited(b.path(vttName), maxVTTBytes)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			b.logger.Warn("storyboard index was not read", "err", err)
		}
		return false
	}
	cues, whole := parseVTT(data, b.cfg.MaxTiles)
	b.cues = slices.DeleteFunc(slices.Clone(cues), func(c cue) bool {
		_, ok := found[c.sheet]
		return !ok
	})
	if len(cues) > 0 {
		b.number = cues[len(cues)-1].sheet.number
	}
	lost := len(cues) - len(b.cues)
	if lost > 0 || !whole {
		b.logger.Warn("storyboard was damaged", "count", lost)
	}
	return whole && lost == 0
}

// sweep removes sheets that were never announced, and lets those of earlier
// announcements go after the grace. Unless the cues are whole, a sheet of a
// number that they do not mention is left alone, lest its name be used again.
func (b *Board) sweep(found map[sheetName]time.Time, whole bool) {
	announced := make(map[int]sheetName)
	for _, c := range b.cues {
		announced[c.sheet.number] = c.sheet
	}
	for n, modified := range found {
		a, ok := announced[n.number]
		switch {
		case ok && n == a, !ok && !whole:
		case !ok, a.tiles > 0 && (n.tiles == 0 || n.tiles > a.tiles):
			_ = b.files.Remove(b.path(n.String())) // it is tried again next time
			delete(found, n)
		default:
			// It was replaced an interval after it was made.
			b.stale = append(b.stale, staleSheet{n, modified.Add(b.cfg.Interval + b.cfg.Grace)})
		}
	}
	slices.SortFunc(b.stale, func(x, y staleSheet) int { return x.removed.Compare(y.removed) })
	b.expire()
}

// resume continues the growing sheet, or begins one under a new number.
func (b *Board) resume() {
	b.number = min(b.number+1, maxSheet)
	b.sheet, b.filled = newSheet(b.cfg), 0
	if len(b.cues) == 0 {
		return
	}
	last := b.cues[len(b.cues)-1].sheet
	if last.tiles == 0 || last.number+1 != b.number || last.tiles >= b.cfg.tiles() || !b.fits(last) {
		return
	}
	data, _, err := readLimited(b.path(last.String()), maxSheetBytes)
	if err != nil {
		b.dropSheet(last, err)
		return
	}
	sheet, err := decodeSheet(data, b.cfg)
	if err != nil {
		b.dropSheet(last, err)
		return
	}
	b.sheet, b.number, b.filled = sheet, last.number, last.tiles
}

// fits reports whether the cues of a growing sheet are where this configuration
// would have them.
func (b *Board) fits(n sheetName) bool {
	first := len(b.cues) - n.tiles
	if first < 0 {
		return false
	}
	for i, c := range b.cues[first:] {
		origin := image.Pt(i%b.cfg.Columns*b.cfg.TileWidth, i/b.cfg.Columns*b.cfg.TileHeight)
		if c.sheet != n || c.rect != image.Rect(0, 0, b.cfg.TileWidth, b.cfg.TileHeight).Add(origin) {
			return false
		}
	}
	return first == 0 || b.cues[first-1].sheet != n
}

// dropSheet forgets a sheet that cannot be read.
func (b *Board) dropSheet(n sheetName, err error) {
	b.logger.Warn("storyboard was damaged", "err", err)
	b.cues = slices.DeleteFunc(b.cues, func(c cue) bool { return c.sheet == n })
}

// decodeSheet returns a growing sheet that was written with cfg.
func decodeSheet(data []byte, cfg Config) (*image.YCbCr, error) {
	want := newSheet(cfg)
	img, err := decodeJPEG(data, func(w, h int) bool { return image.Rect(0, 0, w, h) == want.Rect })
	if err != nil {
		return nil, err
	}
	sheet, ok := img.(*image.YCbCr)
	if !ok || sheet.SubsampleRatio != want.SubsampleRatio {
		return nil, fmt.Errorf("%w: not coded as sheets are", ErrPicture)
	}
	// The decoder's planes are padded to whole blocks; copy what counts.
	draw(want, want.Rect, sheet)
	return want, nil
}

// readThumbnail takes the latest picture, if it is whole.
func (b *Board) readThumbnail() {
	data, modified, err := readLimited(b.path(thumbnailName), maxPictureBytes)
	if err != nil {
		return // there was none yet
	}
	img, err := decode(data)
	if err != nil {
		b.logger.Warn("thumbnail was damaged", "err", err)
		return
	}
	b.latest = Picture{At: modified, Width: img.Bounds().Dx(), Height: img.Bounds().Dy(), JPEG: data}
	if len(b.cues) > 0 {
		b.latest.PTS = b.cues[len(b.cues)-1].start
	}
}
