package origin

import (
	"bytes"
	"net/http"

	"github.com/lectern/lectern/hls"
)

// serveMultivariant answers with doc, which may be nil.
func (o *Origin) serveMultivariant(w *response, r *http.Request, p Playlists, doc *hls.Document) {
	if doc == nil {
		w.notFound()
		return
	}
	c := o.rulesOf(p)
	life := c.multivariant
	// Only that of a class that has ended lists recordings. It changes no more.
	if live := p.Multivariant(); live != nil && bytes.Contains(live.Body, []byte(fileRecording)) {
		life = c.multivariantEnded
	}
	o.sendDocument(w, r, doc, life)
}

// serveSteering answers with the steering manifest. What players add to the query
// (_HLS_pathway, _HLS_throughput) has no say in it.
func (o *Origin) serveSteering(w *response, r *http.Request) {
	if o.steering == nil {
		w.notFound()
		return
	}
	w.header["Content-Type"] = o.headers.steering
	o.sendDocument(w, r, o.steering, o.headers.steeringLife)
}

// document returns the playlist that o stands for, nil if there is none.
func (o object) document(s *hls.Snapshot, delta bool) *hls.Document {
	switch {
	case s == nil:
		return nil
	case o == objectIFrames:
		return s.IFrames
	case o == objectDVRIFrames:
		return s.DVRIFrames()
	case o == objectRecording:
		return s.Recording()
	case o == objectRecordingIFrames:
		return s.RecordingIFrames()
	case o == objectDVR:
		full, skipped := s.DVR()
		if delta {
			return skipped
		}
		return full
	case delta:
		return &s.Delta
	default:
		return &s.Full
	}
}

// servePlaylist answers for a media playlist, unless what the directives ask for
// is to be waited for (RFC 8216bis §6.2.5). It returns a code for metrics, or 0.
func (o *Origin) servePlaylist(w *response, r *http.Request, p Presentation, to target) (code int) {
	snap := p.Playlists.Snapshot(to.rendition)
	if to.object.document(snap, false) == nil {
		w.notFound()
		return 0
	}
	d := directives{msn: -1, part: -1}
	if !snap.Ended { // "a Server MUST ignore" directives after ENDLIST (§6.2.5.2)
		var err error
		if d, err = parseDirectives(r.URL.RawQuery); err == nil {
			if to.object != objectPlaylist {
				// The playlist has no parts. Its segment is what holds the one asked for.
				d.part = -1
			}
			err = d.check(snap, p.Playlists.PartTarget())
		}
		if err != nil {
			w.fail(http.StatusBadRequest, cacheRefused, err.Error())
			return 0
		}
	}
	if d.blocking() && !snap.Has(d.msn, d.part) {
		w.held = &held{o: o, w: w, r: r, p: p, to: to, snap: snap, d: d}
		return 0
	}
	return o.sendSnapshot(w, r, p.Playlists, to, snap, d)
}

// sendSnapshot answers with the playlist of snap that to stands for, if it has one.
func (o *Origin) sendSnapshot(w *response, r *http.Request, p Playlists, to target, snap *hls.Snapshot, d directives) (code int) {
	doc := to.object.document(snap, snap != nil && d.delta && !snap.Ended)
	if doc == nil {
		w.notFound()
		return 0
	}
	o.sendDocument(w, r, doc, o.playlistLife(p, to.object, snap, d))
	return 0
}

// playlistLife is the Cache-Control of a media playlist.
func (o *Origin) playlistLife(p Playlists, what object, snap *hls.Snapshot, d directives) []string {
	c := o.rulesOf(p)
	switch {
	case what == objectRecording, what == objectRecordingIFrames:
		return o.headers.recordingLife
	case d.blocking():
		return c.blocking
	case snap.Ended:
		return c.ended
	case what == objectPlaylist:
		return c.live
	default:
		return c.slow
	}
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

// sendDocument answers with doc, compressed if the client likes that. It is a
// playlist unless there is a Content-Type already. It has no ranges.
func (o *Origin) sendDocument(w *response, r *http.Request, doc *hls.Document, life []string) {
	h := w.header
	h["Cache-Control"] = life
	body, compressed := doc.Body, false
	w.etag[0] = doc.ETag
	if len(doc.Gzip) > 0 {
		h["Vary"] = o.headers.varyEncoding
		if compressed = acceptsGzip(r.Header); compressed {
			body, w.etag[0] = doc.Gzip, doc.GzipETag
		}
	}
	h["Etag"] = w.etag[:]
	if noneMatch(r.Header, w.etag[0]) {
		delete(h, "Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if compressed {
		h["Content-Encoding"] = o.headers.gzip
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = o.headers.playlist
	}
	if w.begin(http.StatusOK, int64(len(body))) {
		_, _ = w.WriteShared(body) // a failed write means the client left
	}
}
