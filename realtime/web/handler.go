package web

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Deps is what a [Handler] needs from outside.
type Deps struct {
	// Classes is required.
	Classes Classes
	// Origin returns how the client reached this server, such as
	// https://live.example.edu, for links that are read elsewhere. It may be nil;
	// then such links are left out.
	Origin func(r *http.Request) string
	// Admit reports whether a viewer token opens a class of AccessToken now: it is
	// ours, of that class, neither expired nor revoked. It is called by many goroutines
	// at once. It may be nil; then no token opens any.
	Admit func(r *http.Request, class, token string) bool
	// Rooms may be nil; then no class has a room, and pages show none.
	Rooms Rooms
	// Studio may be nil; then there are no pages for hosts.
	Studio Studio
	// Logger may be nil.
	Logger *slog.Logger
	// Registerer may be nil; then nothing is counted anywhere.
	Registerer prometheus.Registerer
	// Now is the clock that also stamps EXT-X-PROGRAM-DATE-TIME. Default time.Now.
	Now func() time.Time
}

// Handler serves the pages. It is an [http.Handler] for the paths /watch/, /studio/
// and /assets/, and answers 404 for all others.
type Handler struct {
	// Set by New, read-only.
	classes Classes
	origin  func(*http.Request) string
	admit   func(r *http.Request, class, token string) bool
	rooms   Rooms
	studio  Studio
	log     *slog.Logger
	metrics *metrics
	now     func() time.Time
	policy  string
	assets  *assetSet
	pages   *template.Template
	mux     *http.ServeMux
}

// New returns a handler. It fails for a bad cfg or missing dependency.
func New(cfg Config, deps Deps) (*Handler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Classes == nil {
		return nil, ErrNoClasses
	}
	assets, err := loadAssets()
	if err != nil {
		return nil, err
	}
	pages, err := parsePages()
	if err != nil {
		return nil, err
	}
	h := &Handler{
		classes: deps.Classes,
		origin:  deps.Origin,
		admit:   deps.Admit,
		rooms:   deps.Rooms,
		studio:  deps.Studio,
		log:     cmp.Or(deps.Logger, slog.New(slog.DiscardHandler)).With("component", "web"),
		metrics: newMetrics(deps.Registerer),
		now:     deps.Now,
		policy:  contentPolicy(cfg),
		assets:  assets,
		pages:   pages,
		mux:     http.NewServeMux(),
	}
	if h.now == nil {
		h.now = time.Now
	}
	h.mux.HandleFunc("/watch/{class}", h.serveWatch)
	h.mux.HandleFunc("/watch/{class}/class.json", h.serveClass)
	h.mux.HandleFunc("POST /watch/{class}/grant", h.serveEntrance)
	h.mux.HandleFunc("/studio/{class}", h.serveStudio)
	h.mux.HandleFunc("/studio/{class}/status.json", h.serveStatus)
	h.mux.HandleFunc("POST /studio/{class}/grant", h.serveStudioEntrance)
	h.mux.HandleFunc("POST /studio/{class}/end", h.serveEnd)
	h.mux.HandleFunc("/assets/{version}/{path...}", h.serveAsset)
	h.mux.HandleFunc("/", h.serveNothing)
	return h, nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Security-Policy", h.policy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "same-origin")
	if _, pattern := h.mux.Handler(r); r.Method != http.MethodGet && r.Method != http.MethodHead && !strings.HasPrefix(pattern, http.MethodPost) {
		head.Set("Allow", "GET, HEAD")
		head.Set("Content-Type", "text/plain; charset=utf-8")
		h.answer(w, r, routeNone, http.StatusMethodNotAllowed, []byte("method not allowed\n"))
		return
	}
	h.mux.ServeHTTP(w, r)
}

// contentPolicy allows our own scripts and styles and nothing written inline.
// Media Source Extensions need blob: as a media source, and hls.js makes a caption
// track of data:,WEBVTT. It runs without a worker (assets/watch/engine-hls.mjs says
// why), so none is allowed.
func contentPolicy(cfg Config) string {
	media := strings.Join(append([]string{""}, cfg.MediaOrigins...), " ")
	ancestors := strings.Join(cfg.FrameAncestors, " ")
	if ancestors == "" {
		ancestors = "'none'"
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'" + media + "; " +
		"connect-src 'self'" + media + "; media-src 'self' blob: data:" + media + "; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors " + ancestors
}

// answer writes a complete response. A 200 whose ETag header the client already
// holds becomes a 304 (RFC 9110 §13.1.2).
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, route string, status int, body []byte) {
	head := w.Header()
	if status == http.StatusOK && holds(r.Header.Values("If-None-Match"), head.Get("ETag")) {
		head.Del("Content-Type")
		head.Del("Content-Encoding")
		status = http.StatusNotModified
	} else {
		head.Set("Content-Length", strconv.Itoa(len(body)))
	}
	h.metrics.answered(route, status)
	w.WriteHeader(status)
	if r.Method == http.MethodHead || status == http.StatusNotModified {
		return
	}
	// The client may have gone: nothing to do about it, and nobody to tell.
	_, _ = w.Write(body)
}

// fail answers a fault of our own.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, route string, err error) {
	h.log.ErrorContext(r.Context(), "page not rendered", "err", err)
	head := w.Header()
	head.Set("Content-Type", "text/plain; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	h.answer(w, r, route, http.StatusInternalServerError, []byte("internal error\n"))
}

// entityTag returns the strong entity tag of body.
func entityTag(body []byte) string {
	sum := sha256.Sum256(body)
	return fmt.Sprintf("%q", hex.EncodeToString(sum[:12]))
}

// holds is the weak comparison of If-None-Match with the tag of what we have.
func holds(fields []string, tag string) bool {
	if tag == "" {
		return false
	}
	opaque := strings.TrimPrefix(tag, "W/")
	for _, field := range fields {
		for one := range strings.SplitSeq(field, ",") {
			one = strings.TrimSpace(one)
			if one == "*" || strings.TrimPrefix(one, "W/") == opaque {
				return true
			}
		}
	}
	return false
}
