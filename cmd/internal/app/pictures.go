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

// picturePath is the path of a class's thumbnail, of its storyboard, or of one of
// the sheets that the storyboard names.
var picturePath = regexp.MustCompile(`^/live/([a-z0-9][a-z0-9-]{0,62})/(thumbnail\.jpg|storyboard\.vtt|sheet-[0-9]{6}(?:-[0-9]{2})?\.jpg)$`) //nolint:gochecknoglobals // a constant

// pictures serves the still pictures of classes from disk, live and ended ones
// alike; everything else goes to next.
type pictures struct {
	folder string // with one folder for each class
	next   http.Handler
	logger *slog.Logger
}

// ServeHTTP implements http.Handler.
func (p *pictures) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := picturePath.FindStringSubmatch(r.URL.Path)
	if m == nil {
		p.next.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.Header().Set("Cache-Control", "max-age=1")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	f, err := os.Open(filepath.Join(p.folder, m[1], boardFolder, m[2]))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			p.logger.ErrorContext(r.Context(), "picture cannot be read", "class", m[1], "err", err)
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
	case strings.HasPrefix(m[2], "sheet-"): // never changes
		w.Header().Set("Cache-Control", "public, max-age=86400, immutable")
		w.Header().Set("Content-Type", "image/jpeg")
	case strings.HasSuffix(m[2], ".vtt"):
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
