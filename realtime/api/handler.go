package api

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/realtime/class"
)

// Links are the URLs of one class.
type Links struct {
	Ingest   Ingest
	Playback Playback
	Studio   string // the page; the Handler adds the secret
	Socket   string // of the room
}

// Publishers tells about publications, which package class knows nothing of.
// The methods must not block, and may be called from any goroutine.
type Publishers interface {
	// Publisher returns who publishes to the class now.
	Publisher(classID string) (Publisher, bool)

	// LastRefusal returns why a publisher of the class was last turned away.
	LastRefusal(classID string) (Refusal, bool)
}

// Deps are what a Handler works with. Token, Classes and Links are required.
type Deps struct {
	// Token is the bearer token, at least 16 bytes. The Handler keeps its hash.
	Token class.Secret

	Classes *class.Registry

	// Links returns the URLs of a class. It gets the request, whose Host is how
	// the client reached this server, unless the configuration knows better.
	Links func(r *http.Request, classID string) Links

	// CheckLadder says what is wrong with the renditions chosen for a class, in
	// words that a client may see. Nil lets everything pass that has the form.
	CheckLadder func(renditions []string) error

	// Pictures returns the URLs of a class's pictures. Nil: there are none.
	Pictures func(r *http.Request, classID string) Pictures

	Tokens      Tokens                // nil: there are no viewer tokens
	Grants      Grants                // nil: there are no rooms
	Studios     Studios               // nil: studio links have no secret
	Attendances Attendances           // nil: there are no rooms
	Publishers  Publishers            // nil: nobody publishes
	Ladders     Ladders               // nil: nothing is known of ladders
	Checkups    Checkups              // nil: nothing is known of publications
	Logger      *slog.Logger          // nil: discarded
	Registerer  prometheus.Registerer // nil: metrics are not exposed
	Now         func() time.Time      // nil: time.Now
}

// Handler serves /api/v1/. Make it with New.
type Handler struct {
	tokenHash [sha256.Size]byte
	deps      Deps
	metrics   *metrics
	routes    []route
}

// New returns the handler of /api/v1/, to be mounted with the path as it is.
func New(deps Deps) (*Handler, error) {
	if err := checkToken(deps.Token); err != nil {
		return nil, err
	}
	if deps.Classes == nil || deps.Links == nil {
		return nil, errors.New("api needs a class registry and links")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	deps.Logger = deps.Logger.With("component", "api")
	h := &Handler{
		tokenHash: sha256.Sum256([]byte(deps.Token.Reveal())),
		deps:      deps,
		metrics:   newMetrics(deps.Registerer),
	}
	h.deps.Token = class.Secret{}
	h.routes = h.makeRoutes()
	return h, nil
}

// response is what a route answers. A nil body is 204 No Content.
type response struct {
	status   int
	body     any // marshalled, unless it is json.RawMessage
	location string

	contentType string // empty: JSON
	file        string // to be saved under, if not empty
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	id := requestID(r)
	header := w.Header()
	header.Set("X-Request-Id", id)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")

	rt, label, resp, err := h.dispatch(w, r)
	logger := h.deps.Logger.With("request_id", id, "method", r.Method, "route", label)
	if err == nil && resp.body != nil {
		var body []byte
		if body, err = marshal(resp.body); err == nil {
			resp.body = json.RawMessage(body)
		}
	}
	if err != nil {
		refused := toError(err)
		if refused.Status >= http.StatusInternalServerError {
			logger.Error("api request failed", "err", err)
		}
		h.describe(header, rt, refused, r)
		body, _ := marshal(errorBody{errorObject{refused.Code, refused.Message, id}}) // strings cannot fail
		resp = response{status: refused.Status, body: json.RawMessage(body)}
	}
	h.write(w, r, resp)
	took := time.Since(start)
	h.metrics.observe(label, resp.status, took)
	logger.Debug("api request answered", "status", resp.status, "duration", took)
}

// dispatch checks the token, finds the route and runs it. label is the route's
// name for metrics.
func (h *Handler) dispatch(w http.ResponseWriter, r *http.Request) (rt *route, label string, resp response, err error) {
	rt, classID, jti, ok := h.match(r.URL.Path)
	label = "unmatched"
	if ok {
		label = rt.template
	}
	switch {
	case (!ok || rt.needs == adminToken) && !h.authorized(r):
		return rt, label, resp, newError(CodeUnauthorized, "send the API token as Authorization: Bearer TOKEN")
	case !ok:
		return rt, label, resp, newError(CodeNotFound, "there is no such route; see /api/v1/openapi.json")
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	handle, ok := rt.methods[method]
	if !ok {
		return rt, label, resp, newError(CodeMethodNotAllowed, "this route takes "+rt.allow())
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
	r.SetPathValue("jti", jti)
	resp, err = handle(r, classID)
	return rt, label, resp, err
}

// authorized compares hashes, so that neither the time nor an early exit tells
// anything about the token.
func (h *Handler) authorized(r *http.Request) bool {
	got := sha256.Sum256([]byte(bearer(r)))
	return subtle.ConstantTimeCompare(got[:], h.tokenHash[:]) == 1
}

// bearer returns the token that the request carries, empty if it has none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// describe sets the header fields that an error's status demands.
func (h *Handler) describe(header http.Header, rt *route, e *Error, r *http.Request) {
	switch e.Code {
	case CodeUnauthorized, CodeTokenExpired:
		challenge := `Bearer realm="lectern"`
		if r.Header.Get("Authorization") != "" {
			challenge += `, error="invalid_token"`
		}
		header.Set("WWW-Authenticate", challenge)
	case CodeMethodNotAllowed:
		header.Set("Allow", rt.allow())
	case CodeBodyTooLarge:
		header.Set("Connection", "close") // the rest of the body is not read
	default:
	}
}

func (h *Handler) write(w http.ResponseWriter, r *http.Request, resp response) {
	if resp.location != "" {
		w.Header().Set("Location", resp.location)
	}
	body, _ := resp.body.(json.RawMessage)
	if resp.body == nil {
		w.WriteHeader(resp.status)
		return
	}
	w.Header().Set("Content-Type", cmp.Or(resp.contentType, "application/json"))
	if resp.file != "" {
		w.Header().Set("Content-Disposition", `attachment; filename="`+resp.file+`"`)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(resp.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a failed write means the client left
	}
}

func marshal(v any) ([]byte, error) {
	if raw, ok := v.(json.RawMessage); ok {
		return raw, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // URLs stay readable; the type is not HTML
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// requestID returns the client's X-Request-Id if it is harmless in a log, or a
// new one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if id == "" || len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	}) {
		return strings.ToLower(rand.Text())
	}
	return id
}
