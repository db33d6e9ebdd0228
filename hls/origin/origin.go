package origin

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
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
}

// Playlists is the read side of [hls.Packager]. Its methods may be called from
// any goroutine and must not block.
type Playlists interface {
	// Multivariant returns nil before the first complete segment.
	Multivariant() *hls.Document
	// Snapshot returns nil if there is no such rendition, or nothing of it yet.
	Snapshot(rendition string) *hls.Snapshot
	// Epoch is part of every media file name.
	Epoch() string
	// TargetDuration and PartTarget never change; PartTarget is 0 without
	// Low-Latency HLS.
	TargetDuration() time.Duration
	PartTarget() time.Duration
}

// Media is the read side of [segment.Log]. Its methods may be called from any
// goroutine; they return [segment.ErrNotFound] for what does not exist.
type Media interface {
	OpenInit(rendition string, id int) (segment.Object, error)
	OpenPart(rendition string, msn, part int) (segment.Object, error)
	OpenSegment(rendition string, msn int) (segment.Object, error)
}

// Origin is the http.Handler for /live/.
type Origin struct {
	// Set by New, then read-only.
	cfg     Config
	library Library
	logger  *slog.Logger
	metrics *metrics

	waiting atomic.Int64 // requests held now

	logged atomic.Int64 // when a media fault was last logged, in Unix seconds
}

// New returns an Origin for what library has. It registers its metrics with
// reg.
func New(cfg Config, library Library, logger *slog.Logger, reg prometheus.Registerer) (*Origin, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if library == nil || logger == nil || reg == nil {
		return nil, errors.New("origin needs a library, a logger and a metrics registry")
	}
	return &Origin{
		cfg: cfg, library: library,
		logger:  logger.With("component", "origin"),
		metrics: newMetrics(reg),
	}, nil
}

// ServeHTTP implements http.Handler. It answers held requests as soon as
// the request's context ends, so a server that wants to stop cancels its base
// context.
func (o *Origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rw := newResponse(w, r, o.cfg.WriteTimeout)
	allowEveryone(rw.Header())
	kind, code := o.serve(rw, r)
	rw.finish(r)
	if code == 0 {
		code = rw.code
	}
	o.metrics.answered(kind, code, rw.bytes)
}

// serve answers r. code is what metrics shall say, 0 for what was sent.
func (o *Origin) serve(w *response, r *http.Request) (kind object, code int) {
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
	to, ok := parsePath(r)
	if !ok {
		w.notFound()
		return objectUnknown, 0
	}
	p, ok := o.library.Presentation(to.class)
	if !ok {
		w.notFound()
		return objectUnknown, 0
	}
	switch to.object {
	case objectMultivariant:
		o.serveMultivariant(w, r, p.Playlists)
	case objectPlaylist:
		code = o.servePlaylist(w, r, p.Playlists, to.rendition)
	case objectIFrames:
		o.serveIFrames(w, r, p.Playlists, to.rendition)
	default:
		code = o.serveMedia(w, r, p, to)
	}
	return to.object, code
}

// target is what a path names.
type target struct {
	object           object
	class, rendition string
	name             hls.Name // of media
}

// maxElement bounds class and rendition, in bytes.
const maxElement = 128

// parsePath understands the four forms of path, in their one spelling: a path
// that needed escapes is none of ours.
func parsePath(r *http.Request) (target, bool) {
	if r.URL.RawPath != "" {
		return target{}, false
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/live/")
	if !ok {
		return target{}, false
	}
	class, rest, ok := strings.Cut(rest, "/")
	if !ok || class == "" || len(class) > maxElement {
		return target{}, false
	}
	if rest == "index.m3u8" {
		return target{object: objectMultivariant, class: class}, true
	}
	rendition, file, ok := strings.Cut(rest, "/")
	if !ok || rendition == "" || len(rendition) > maxElement {
		return target{}, false
	}
	to := target{class: class, rendition: rendition}
	switch file {
	case "index.m3u8":
		to.object = objectPlaylist
		return to, true
	case "iframes.m3u8":
		to.object = objectIFrames
		return to, true
	}
	if to.name, ok = hls.ParseName(file); !ok {
		return target{}, false
	}
	switch to.name.Kind {
	case hls.NameInit:
		to.object = objectInit
	case hls.NameSegment:
		to.object = objectSegment
	default:
		to.object = objectPart
	}
	return to, true
}

// allowEveryone lets pages of any origin read every answer, with its timing.
// Who may watch is decided by the path, never by where the page came from.
func allowEveryone(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Age, Cache-Control, Content-Length, Content-Range, Date, ETag, Last-Modified, Retry-After")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Timing-Allow-Origin", "*")
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
