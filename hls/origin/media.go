package origin

import (
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/storage/segment"
)

// serveMedia answers for an init, segment or part. It returns a code for
// metrics, or 0.
func (o *Origin) serveMedia(w *response, r *http.Request, p Presentation, to target) (code int) {
	if to.name.Epoch != p.Playlists.Epoch() {
		w.notFound()
		return 0
	}
	var obj segment.Object
	var err error
	var cache string
	switch to.object {
	case objectInit:
		cache = cacheInit
		obj, err = p.Media.OpenInit(to.rendition, to.name.Init)
	case objectSegment:
		cache = cacheSegment
		obj, err = p.Media.OpenSegment(to.rendition, to.name.MSN)
	default:
		cache = cachePart(p.Playlists.TargetDuration())
		var how outcome
		if obj, how, err = o.openPart(r, p, to); how != outcomeServed {
			return o.refusePart(w, how)
		}
	}
	switch {
	case errors.Is(err, segment.ErrNotFound):
		w.notFound()
		return 0
	case err != nil:
		o.report(to, err)
		w.fail(http.StatusInternalServerError, cacheNothing, "the media cannot be read")
		return 0
	}
	h := w.Header()
	h.Set("Cache-Control", cache)
	h.Set("Content-Type", mediaType(to.rendition))
	h.Set("ETag", mediaETag(to.name, obj.Size))
	// The bare reader: http.ServeContent must see the *os.File.
	http.ServeContent(w, r, "", obj.ModTime, obj.ReadSeekCloser)
	if err := obj.Close(); err != nil {
		o.report(to, err)
	}
	return 0
}

// openPart opens a part. The one that the playlist hints at is waited for
// (RFC 8216bis §6.2.6): not one byte of it is sent before it is complete. A hint
// that turns out void, because the segment ended before it, is answered at once.
func (o *Origin) openPart(r *http.Request, p Presentation, to target) (segment.Object, outcome, error) {
	msn, part := to.name.MSN, to.name.Part
	// The snapshot comes first: a part that is published in between is then
	// either found, or still the hint.
	snap := p.Playlists.Snapshot(to.rendition)
	obj, err := p.Media.OpenPart(to.rendition, msn, part)
	hinted := func() bool {
		return errors.Is(err, segment.ErrNotFound) && snap != nil && !snap.Ended &&
			snap.NextMSN == msn && snap.NextPart == part
	}
	if !hinted() || p.Playlists.PartTarget() == 0 {
		return obj, outcomeServed, err
	}
	how := o.wait(r.Context(), o.hold(p.Playlists), snap.Changed, func() <-chan struct{} {
		snap = p.Playlists.Snapshot(to.rendition)
		if obj, err = p.Media.OpenPart(to.rendition, msn, part); hinted() {
			return snap.Changed
		}
		return nil
	})
	return obj, how, err
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
func mediaETag(n hls.Name, size int64) string {
	base, _, _ := strings.Cut(n.String(), ".m")
	return `"` + base + "-" + strconv.FormatInt(size, 16) + `"`
}

// report logs a fault of the disk, at most one a second. The counter of 500
// answers has the number. Paths are left out: they name the class.
func (o *Origin) report(to target, err error) {
	now := time.Now().Unix()
	if last := o.logged.Load(); last == now || !o.logged.CompareAndSwap(last, now) {
		return
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	o.logger.Warn("media cannot be read", "rendition", to.rendition, "err", err)
}
