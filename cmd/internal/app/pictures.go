package app

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// boardFolder is the folder of a class's still pictures, within its own.
const boardFolder = "storyboard"

// Files in it, as package storyboard names them.
const (
	thumbnailFile  = "thumbnail.jpg"
	storyboardFile = "storyboard.vtt"
)

// pictureFile is the name of a class's thumbnail, of its storyboard, or of one of
// the sheets that the storyboard names.
var pictureFile = regexp.MustCompile(`^(thumbnail\.jpg|storyboard\.vtt|sheet-[0-9]{6}(?:-[0-9]{2})?\.jpg)$`) //nolint:gochecknoglobals // a constant

// classFolder is the name of a class's folder: its id.
var classFolder = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`) //nolint:gochecknoglobals // a constant

// pictures serves the still pictures of classes from disk, live and ended ones
// alike: it implements origin.Pictures.
type pictures struct {
	folder string // with one folder for each class
	logger *slog.Logger
}

// ServePicture implements origin.Pictures.
func (p *pictures) ServePicture(w http.ResponseWriter, r *http.Request, class, file string) {
	if !classFolder.MatchString(class) || !pictureFile.MatchString(file) {
		p.missing(w)
		return
	}
	f, err := os.Open(filepath.Join(p.folder, class, boardFolder, file))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			p.logger.ErrorContext(r.Context(), "picture cannot be read", "class", class, "err", err)
		}
		p.missing(w)
		return
	}
	defer f.Close() //nolint:errcheck // nothing was written
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		p.missing(w)
		return
	}
	switch {
	case strings.HasPrefix(file, "sheet-"): // never changes
		w.Header().Set("Cache-Control", "public, max-age=86400, immutable")
		w.Header().Set("Content-Type", "image/jpeg")
	case strings.HasSuffix(file, ".vtt"):
		w.Header().Set("Cache-Control", "public, max-age=10")
		w.Header().Set("Content-Type", "text/vtt; charset=utf-8")
	default:
		w.Header().Set("Cache-Control", "public, max-age=10")
		w.Header().Set("Content-Type", "image/jpeg")
	}
	http.ServeContent(w, r, "", info.ModTime(), f)
}

func (p *pictures) missing(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "max-age=1")
	http.Error(w, "not found", http.StatusNotFound)
}

// has reports whether the class has this picture.
func (p *pictures) has(id, name string) bool {
	info, err := os.Stat(filepath.Join(p.folder, id, boardFolder, name))
	return err == nil && info.Mode().IsRegular()
}
