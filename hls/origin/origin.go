package origin

import (
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/storage/segment"
)

// Library finds what is on. Its methods may be called from any goroutine. They
// must not wait for anything but a disk.
type Library interface {
	// Presentation returns what a class offers, and false if there is no such
	// class or nothing of it can be served yet.
	Presentation(class string) (Presentation, bool)
}

// Presentation is one class as the origin sees it.
type Presentation struct {
	Playlists Playlists
	Media     Media
	// Protected says that the class is served behind a viewer token, or through
	// the shield, only.
	Protected bool
}

// Playlists is the read side of [hls.Packager]. Its methods may be called from
// any goroutine and must not block.
type Playlists interface {
	// Multivariant returns nil before the first complete segment. When the class
	// has ended it lists recording.m3u8 of the renditions.
	Multivariant() *hls.Document
	// DVRMultivariant returns nil if the class has no DVR, or nothing of it yet.
	DVRMultivariant() *hls.Document
	// Snapshot returns nil if there is no such rendition, or nothing of it yet.
	Snapshot(rendition string) *hls.Snapshot
	// Epoch is part of the names of the media files that are made now.
	Epoch() string
	// TargetDuration and PartTarget never change; PartTarget is 0 without
	// Low-Latency HLS.
	TargetDuration() time.Duration
	PartTarget() time.Duration
}

// Media is the read side of [segment.Log]. Its methods may be called from any
// goroutine, open nothing, and return [segment.ErrNotFound] for what does not exist.
type Media interface {
	FindInit(rendition, epoch string, id int) (segment.Item, error)
	FindPart(rendition, epoch string, msn, part int) (segment.Item, error)
	FindSegment(rendition, epoch string, msn int) (segment.Item, error)
}

// Option changes an Origin that is being made.
type Option func(*Origin)

// WithGate lets g check the viewer tokens under /t/. Without it no token is
// accepted: /t/ does not exist.
func WithGate(g Gate) Option { return func(o *Origin) { o.gate = g } }

// Pictures serves the still pictures of classes: thumbnails and storyboards.
type Pictures interface {
	// ServePicture answers a GET or HEAD for the file of the class, which is one
	// path element that ends with .jpg or .vtt; 404 if there is none. The client may
	// see the class.
	ServePicture(w http.ResponseWriter, r *http.Request, class, file string)
}

// WithPictures lets p serve what is no media. Without it there are no pictures.
func WithPictures(p Pictures) Option { return func(o *Origin) { o.pictures = p } }

// Origin is the http.Handler for /live/ and /t/. Hand it paths as they came: a
// router that redirects to cleaned paths would put tokens into Location.
type Origin struct {
	// Set by New, then read-only.
	cfg         Config // without the secrets
	library     Library
	gate        Gate        // nil without
	pictures    Pictures    // nil without
	transcripts Transcripts // nil without
	shield      shield
	steering    *hls.Document // nil without CDNs
	logger      *slog.Logger
	metrics     *metrics
	headers     headers

	rules  atomic.Pointer[rules]
	tagger tagger
	dates  calendar

	waiting atomic.Int64 // requests held now

	logged atomic.Int64 // when a fault was last logged, in Unix seconds
}

// New returns an Origin for what library has. It registers its metrics with
// reg.
func New(cfg Config, library Library, logger *slog.Logger, reg prometheus.Registerer, options ...Option) (*Origin, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if library == nil || logger == nil || reg == nil {
		return nil, errors.New("origin needs a library, a logger and a metrics registry")
	}
	steering, err := newSteering(cfg.CDN)
	if err != nil {
		return nil, err
	}
	o := &Origin{
		cfg: cfg, library: library,
		shield:   newShield(cfg.ShieldSecrets),
		steering: steering,
		logger:   logger.With("component", "origin"),
		headers:  newHeaders(),
	}
	o.cfg.ShieldSecrets = nil
	for _, option := range options {
		option(o)
	}
	o.metrics = newMetrics(reg)
	return o, nil
}

// ServeHTTP implements http.Handler. It answers held requests as soon as
// the request's context ends, so a server that wants to stop cancels its base
// context. If w is a [Holder] it never waits.
func (o *Origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rw := o.newResponse(w, r)
	kind, code := o.serve(rw, r)
	if rw.held != nil {
		o.hold(w, rw.held) //nolint:contextcheck // it is r's, and in there
		return
	}
	o.done(rw, kind, code)
}

// done ends the answer to a request for kind. code is what metrics shall say, 0 for
// what was sent.
func (o *Origin) done(w *response, kind object, code int) {
	w.finish()
	if code == 0 {
		code = w.code
	}
	o.metrics.answered(kind, code, w.bytes)
}

// serve answers r, or leaves in w what is to be waited for. code is what metrics shall
// say, 0 for what was sent.
func (o *Origin) serve(w *response, r *http.Request) (kind object, code int) {
	if !o.shield.admits(r.Header) {
		o.deny(w, denialShield)
		return objectUnknown, 0
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		preflight(w)
		return objectUnknown, 0
	default:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		w.fail(http.StatusMethodNotAllowed, cacheNothing, "only GET and HEAD are allowed")
		return objectUnknown, 0
	}
	to, ok := parsePath(r.URL)
	if !ok || to.behind && o.gate == nil {
		w.notFound()
		return objectUnknown, 0
	}
	if d := o.checkToken(to); d != denialNone {
		o.deny(w, d)
		return to.object, 0
	}
	if to.object == objectCheck {
		// Whether the class is on is not the question: an edge takes any answer but
		// 2xx, 401 and 403 for a fault.
		w.header["Cache-Control"] = o.headers.checkLife
		o.tag(w, to)
		w.WriteHeader(http.StatusNoContent)
		return objectCheck, 0
	}
	p, ok := o.library.Presentation(to.class)
	if !ok {
		w.notFound()
		return objectUnknown, 0
	}
	if p.Protected && !to.behind && (len(o.shield) == 0 || !vouched(r.Header)) {
		o.deny(w, denialMissing)
		return to.object, 0
	}
	o.tag(w, to)
	return to.object, o.servePresentation(w, r, p, to)
}

// servePresentation answers for something of a class that the client may see.
func (o *Origin) servePresentation(w *response, r *http.Request, p Presentation, to target) (code int) {
	switch to.object {
	case objectMultivariant:
		o.serveMultivariant(w, r, p.Playlists, p.Playlists.Multivariant())
	case objectDVRMultivariant:
		o.serveMultivariant(w, r, p.Playlists, p.Playlists.DVRMultivariant())
	case objectSteering:
		o.serveSteering(w, r)
	case objectPicture:
		if o.pictures == nil {
			w.notFound()
			return 0
		}
		o.pictures.ServePicture(w, r, to.class, to.file)
	case objectTranscript:
		return o.serveTranscript(w, r, to)
	case objectPlaylist, objectDVR, objectIFrames, objectDVRIFrames, objectRecording, objectRecordingIFrames:
		return o.servePlaylist(w, r, p, to)
	default:
		return o.serveMedia(w, r, p, to)
	}
	return 0
}

// tag marks the answer with the class's surrogate keys.
func (o *Origin) tag(w *response, to target) {
	if !o.cfg.SurrogateKeys {
		return
	}
	t := &o.tagger.of(to.class)[to.object]
	w.header["Surrogate-Key"], w.header["Cache-Tag"] = t.surrogate, t.cache
}

// preflight answers a CORS preflight (Fetch standard §3.3), for any path.
func preflight(w *response) {
	h := w.Header()
	h.Set("Allow", "GET, HEAD, OPTIONS")
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Range, If-None-Match, If-Modified-Since, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status")
	h.Set("Access-Control-Max-Age", preflightLife)
	w.WriteHeader(http.StatusNoContent)
}
