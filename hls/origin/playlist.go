package origin

import (
	"net/http"
	"strconv"

	"github.com/lectern/lectern/hls"
)

func (o *Origin) serveMultivariant(w *response, r *http.Request, p Playlists) {
	doc := p.Multivariant()
	if doc == nil {
		w.notFound()
		return
	}
	sendDocument(w, r, doc, cacheMultivariant(p.TargetDuration()))
}

// serveIFrames answers for the I-frame playlist of a rendition. It changes with
// whole segments only, and nobody waits for it: delivery directives are ignored.
func (o *Origin) serveIFrames(w *response, r *http.Request, p Playlists, rendition string) {
	snap := p.Snapshot(rendition)
	if snap == nil || snap.IFrames == nil {
		w.notFound()
		return
	}
	sendDocument(w, r, snap.IFrames, cachePlaylist(p.TargetDuration(), 0))
}

// servePlaylist answers for a media playlist, at once or when it has what the
// directives ask for (RFC 8216bis §6.2.5). It returns a code for metrics, or 0.
func (o *Origin) servePlaylist(w *response, r *http.Request, p Playlists, rendition string) (code int) {
	snap := p.Snapshot(rendition)
	if snap == nil {
		w.notFound()
		return 0
	}
	var d directives
	if snap.Ended {
		d.msn = -1 // "a Server MUST ignore" directives after ENDLIST (§6.2.5.2)
	} else {
		var err error
		if d, err = parseDirectives(r.URL.RawQuery); err == nil {
			err = d.check(snap, p.PartTarget())
		}
		if err != nil {
			w.fail(http.StatusBadRequest, cacheRefused, err.Error())
			return 0
		}
	}
	if d.blocking() && !snap.Has(d.msn, d.part) {
		how := o.wait(r.Context(), o.hold(p), snap.Changed, func() <-chan struct{} {
			if snap = p.Snapshot(rendition); snap == nil || snap.Has(d.msn, d.part) {
				return nil
			}
			return snap.Changed
		})
		if how != outcomeServed {
			return o.refuse(w, how)
		}
		if snap == nil {
			w.notFound()
			return 0
		}
	}
	doc, cache := &snap.Full, cachePlaylist(p.TargetDuration(), p.PartTarget())
	if d.delta && !snap.Ended {
		doc = &snap.Delta
	}
	if d.blocking() {
		cache = cacheBlocking(p.TargetDuration())
	}
	sendDocument(w, r, doc, cache)
	return 0
}

// refuse answers a held playlist request that was not served: an old playlist
// is never an answer, AVPlayer gives up on it.
func (o *Origin) refuse(w *response, how outcome) (code int) {
	switch how {
	case outcomeClientGone:
		w.unavailable("the request was abandoned")
		return statusClientGone
	case outcomeOverload:
		w.unavailable("too many requests are waiting")
	default:
		w.unavailable("the playlist did not change in time")
	}
	return 0
}

// sendDocument answers with doc, compressed if the client likes that. A
// playlist has no ranges.
func sendDocument(w *response, r *http.Request, doc *hls.Document, cache string) {
	h := w.Header()
	h.Set("Cache-Control", cache)
	h.Set("Vary", "Accept-Encoding")
	body, etag, encoding := doc.Body, doc.ETag, ""
	if len(doc.Gzip) > 0 && acceptsGzip(r.Header) {
		body, etag, encoding = doc.Gzip, doc.GzipETag, "gzip"
	}
	h.Set("ETag", etag)
	if noneMatch(r.Header, etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	h.Set("Content-Type", typePlaylist)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if !w.head {
		_, _ = w.Write(body) // a failed write means the client left
	}
}
