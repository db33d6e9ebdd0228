package origin

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/storage/segment"
)

// serveMedia answers for an init, segment or part, unless it is to be waited for. It
// returns a code for metrics, or 0.
func (o *Origin) serveMedia(w *response, r *http.Request, p Presentation, to target) (code int) {
	var item segment.Item
	var err error
	switch to.object {
	case objectInit:
		item, err = p.Media.FindInit(to.rendition, to.name.Epoch, to.name.Init)
	case objectSegment:
		item, err = p.Media.FindSegment(to.rendition, to.name.Epoch, to.name.MSN)
	default:
		// The snapshot comes first: a part that is published in between is then
		// either found, or still the hint.
		snap := p.Playlists.Snapshot(to.rendition)
		item, err = p.Media.FindPart(to.rendition, to.name.Epoch, to.name.MSN, to.name.Part)
		if err != nil && p.Playlists.PartTarget() > 0 && hinted(p.Playlists, snap, to.name, err) {
			w.held = &held{o: o, w: w, r: r, p: p, to: to, snap: snap}
			return 0
		}
	}
	return o.sendFound(w, r, p, to, item, err)
}

// hinted reports whether a part that was not found is the one that the playlist hints
// at. It is waited for (RFC 8216bis §6.2.6): not one byte of it is sent before it is
// complete. A hint that turns out void, because the segment ended before it, is
// answered at once.
func hinted(p Playlists, snap *hls.Snapshot, name hls.Name, err error) bool {
	return errors.Is(err, segment.ErrNotFound) && name.Epoch == p.Epoch() && snap != nil && !snap.Ended &&
		snap.NextMSN == name.MSN && snap.NextPart == name.Part
}

// sendFound answers with what was looked for, if there is no err. It returns a code
// for metrics, or 0.
func (o *Origin) sendFound(w *response, r *http.Request, p Presentation, to target, item segment.Item, err error) (code int) {
	if err != nil {
		o.failMedia(w, to, err)
		return 0
	}
	h := w.header
	switch to.object {
	case objectInit:
		h["Cache-Control"] = o.headers.initLife
	case objectSegment:
		h["Cache-Control"] = o.headers.segmentLife
	default:
		h["Cache-Control"] = o.rulesOf(p.Playlists).partLife(item.ModTime)
	}
	w.etag[0] = mediaETag(to.file, item.Size)
	h["Etag"] = w.etag[:]
	if !item.ModTime.IsZero() {
		w.modified[0] = item.ModTime.UTC().Format(http.TimeFormat)
		h["Last-Modified"] = w.modified[:]
	}
	switch checkConditions(r.Header, w.etag[0], item.ModTime) {
	case http.StatusNotModified:
		w.WriteHeader(http.StatusNotModified)
		return 0
	case http.StatusPreconditionFailed:
		w.fail(http.StatusPreconditionFailed, cacheRefused, "the condition does not hold")
		return 0
	}
	o.sendMedia(w, r, to, item)
	return 0
}

// sendMedia answers with item, or with the range of it that is asked for. The
// header says what it is. HEAD has no range and opens nothing.
func (o *Origin) sendMedia(w *response, r *http.Request, to target, item segment.Item) {
	h := w.header
	code, start, length := http.StatusOK, int64(0), item.Size
	if !w.head && rangeApplies(r.Header, w.etag[0], item.ModTime) {
		switch start, length = parseRange(r.Header, item.Size); {
		case length == 0:
			h.Set("Content-Range", "bytes */"+strconv.FormatInt(item.Size, 10))
			w.fail(http.StatusRequestedRangeNotSatisfiable, cacheRefused, "there are no such bytes")
			return
		case length > 0:
			code = http.StatusPartialContent
			w.ranges[0] = contentRange(start, length, item.Size)
		default:
			start, length = 0, item.Size
		}
	}
	var obj segment.Object
	if !w.head {
		var err error
		if obj, err = item.Open(); err != nil {
			o.failMedia(w, to, err)
			return
		}
		defer func() {
			if cerr := obj.Close(); cerr != nil {
				o.report(to, cerr)
			}
		}()
		if start > 0 {
			if _, err = obj.Seek(start, io.SeekStart); err != nil {
				o.failMedia(w, to, err)
				return
			}
		}
	}
	if code == http.StatusPartialContent {
		h["Content-Range"] = w.ranges[:]
	}
	h["Accept-Ranges"] = o.headers.bytes
	h["Content-Type"] = o.headers.mediaType(to.rendition)
	if w.begin(code, length) {
		_ = w.send(obj.ReadSeekCloser, length) // the bare reader: net/http must see the *os.File
	}
}

// failMedia answers for media that could not be found or opened.
func (o *Origin) failMedia(w *response, to target, err error) {
	delete(w.header, "Etag")
	delete(w.header, "Last-Modified")
	if errors.Is(err, segment.ErrNotFound) {
		w.notFound()
		return
	}
	o.report(to, err)
	w.fail(http.StatusInternalServerError, cacheNothing, "the media cannot be read")
}

// refusePart answers a held part request that was not served. A part that is
// late is a 404 like any other name that does not exist, so that no CDN takes
// the origin for broken, but one that is not kept.
func (o *Origin) refusePart(w *response, how outcome) (code int) {
	if how == outcomeTimeout {
		w.fail(http.StatusNotFound, cacheNothing, "the part did not come in time")
		return 0
	}
	return o.refuse(w, how)
}

// mediaETag is strong: the name stands for these bytes for ever.
func mediaETag(file string, size int64) string {
	base, _, _ := strings.Cut(file, ".m")
	return `"` + base + "-" + strconv.FormatInt(size, 16) + `"`
}

// report logs a fault of the disk, at most one a second. The counter of 500
// answers has the number. Paths are left out: they name the class.
func (o *Origin) report(to target, err error) {
	if !o.mayLog() {
		return
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	o.logger.Warn("media cannot be read", "rendition", to.rendition, "err", err)
}
