package api

import (
	_ "embed" // openapi.json
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/class"
)

// OpenAPI is the description of the API, an OpenAPI 3.1 document.
//
//go:embed openapi.json
var OpenAPI string

const (
	classesPath      = "/api/v1/classes"
	playbackKeysPath = "/api/v1/playback-keys"
	renewPath        = "/api/v1/playback/renew"
	defaultLimit     = 50
)

// credential is what a route wants of a request.
type credential uint8

const (
	adminToken  credential = iota
	viewerToken            // the handler looks at it
	nothing
)

// route is one path of the API with its methods.
type route struct {
	// template is the path with {id} and {jti} in it, as in openapi.json.
	template string
	needs    credential
	methods  map[string]func(r *http.Request, classID string) (response, error)
}

func (h *Handler) makeRoutes() []route {
	type methods = map[string]func(*http.Request, string) (response, error)
	return []route{
		{template: "/api/v1/openapi.json", needs: nothing, methods: methods{http.MethodGet: h.openAPI}},
		{template: classesPath, methods: methods{http.MethodGet: h.list, http.MethodPost: h.create}},
		{template: classesPath + "/{id}", methods: methods{http.MethodGet: h.get, http.MethodPatch: h.patch, http.MethodDelete: h.delete}},
		{template: classesPath + "/{id}/end", methods: methods{http.MethodPost: h.end}},
		{template: classesPath + "/{id}/stream-key", methods: methods{http.MethodPost: h.rotateStreamKey}},
		{template: classesPath + "/{id}/studio", methods: methods{http.MethodPost: h.rotateStudio}},
		{template: classesPath + "/{id}/grants", methods: methods{http.MethodPost: h.mintGrant}},
		{template: classesPath + "/{id}/attendance", methods: methods{http.MethodGet: h.attendance}},
		{template: classesPath + "/{id}/playback-tokens", methods: methods{http.MethodPost: h.mintToken, http.MethodDelete: h.revokeTokens}},
		{template: classesPath + "/{id}/playback-tokens/{jti}", methods: methods{http.MethodDelete: h.revokeToken}},
		{template: playbackKeysPath, methods: methods{http.MethodGet: h.keys}},
		{template: playbackKeysPath + "/rotate", methods: methods{http.MethodPost: h.rotateKeys}},
		{template: renewPath, needs: viewerToken, methods: methods{http.MethodPost: h.renewToken}},
	}
}

// allow is the value of the Allow header field.
func (rt *route) allow() string {
	var names []string
	for m := range rt.methods {
		names = append(names, m)
		if m == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// match finds the route of a path. A path whose class or token ID cannot be one
// matches none.
func (h *Handler) match(path string) (rt *route, classID, jti string, ok bool) {
	parts := strings.Split(path, "/")
	for i := range h.routes {
		if classID, jti, ok = matches(strings.Split(h.routes[i].template, "/"), parts); ok {
			return &h.routes[i], classID, jti, true
		}
	}
	return nil, "", "", false
}

func matches(template, path []string) (classID, jti string, ok bool) {
	if len(template) != len(path) {
		return "", "", false
	}
	for i, part := range path {
		switch {
		case template[i] == "{id}" && class.ValidID(part):
			classID = part
		case template[i] == "{jti}" && access.ValidID(part):
			jti = part
		case template[i] != part || strings.HasPrefix(part, "{"):
			return "", "", false
		}
	}
	return classID, jti, true
}

func (h *Handler) openAPI(*http.Request, string) (response, error) {
	return response{status: http.StatusOK, body: json.RawMessage(OpenAPI)}, nil
}

func (h *Handler) list(r *http.Request, _ string) (response, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return response{}, invalidField("query", "is not well formed")
	}
	limit := defaultLimit
	if s := query.Get("limit"); s != "" {
		if limit, err = strconv.Atoi(s); err != nil {
			return response{}, invalidField("limit", "must be 1 to 200")
		}
	}
	page, next, err := h.deps.Classes.List(r.Context(), limit, query.Get("cursor"))
	if err != nil {
		return response{}, err
	}
	list := ClassList{Classes: make([]Class, 0, len(page))}
	for _, c := range page {
		list.Classes = append(list.Classes, h.brief(r, c))
	}
	if next != "" {
		list.NextCursor = &next
	}
	return response{status: http.StatusOK, body: list}, nil
}

func (h *Handler) create(r *http.Request, _ string) (response, error) {
	n, err := readCreate(r)
	if err != nil {
		return response{}, err
	}
	if err = h.checkLadder(n.Ladder); err != nil {
		return response{}, err
	}
	c, err := h.deps.Classes.Create(r.Context(), n)
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusCreated, body: h.show(r, c), location: classesPath + "/" + c.ID}, nil
}

func (h *Handler) get(r *http.Request, id string) (response, error) {
	return h.shown(r)(h.deps.Classes.Get(r.Context(), id))
}

func (h *Handler) patch(r *http.Request, id string) (response, error) {
	u, err := readPatch(r)
	if err != nil {
		return response{}, err
	}
	if u.Ladder != nil {
		if err = h.checkLadder(*u.Ladder); err != nil {
			return response{}, err
		}
	}
	if u.Source != nil {
		c, err := h.deps.Classes.Get(r.Context(), id)
		if err != nil {
			return response{}, err
		}
		// A client that sends back the class as it got it must not replace the
		// password by its placeholder.
		if !c.Source.IsZero() && u.Source.Reveal() == class.RedactSource(c.Source) {
			u.Source = nil
		}
	}
	return h.shown(r)(h.deps.Classes.Update(r.Context(), id, u))
}

func (h *Handler) delete(r *http.Request, id string) (response, error) {
	if err := h.revokeForDeletion(r, id); err != nil {
		return response{}, err
	}
	if err := h.forgetStudio(r, id); err != nil {
		return response{}, err
	}
	return response{status: http.StatusNoContent}, h.deps.Classes.Delete(r.Context(), id)
}

func (h *Handler) end(r *http.Request, id string) (response, error) {
	if err := readNothing(r); err != nil {
		return response{}, err
	}
	return h.shown(r)(h.deps.Classes.End(r.Context(), id))
}

func (h *Handler) rotateStreamKey(r *http.Request, id string) (response, error) {
	if err := readNothing(r); err != nil {
		return response{}, err
	}
	return h.shown(r)(h.deps.Classes.RotateStreamKey(r.Context(), id))
}

// shown answers with a class that the registry returned.
func (h *Handler) shown(r *http.Request) func(class.Class, error) (response, error) {
	return func(c class.Class, err error) (response, error) {
		if err != nil {
			return response{}, err
		}
		return response{status: http.StatusOK, body: h.show(r, c)}, nil
	}
}

// checkLadder asks whether the server can make the renditions; nil is its own
// choice.
func (h *Handler) checkLadder(renditions []string) error {
	if renditions == nil || h.deps.CheckLadder == nil {
		return nil
	}
	if err := h.deps.CheckLadder(slices.Clone(renditions)); err != nil {
		return invalidField("ladder", strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n", "; "), "ladder: "))
	}
	return nil
}

// show renders a class with everything that is known of it.
func (h *Handler) show(r *http.Request, c class.Class) Class {
	out := h.brief(r, c)
	if h.deps.Ladders != nil {
		if s, ok := h.deps.Ladders.Ladder(c.ID); ok {
			out.LadderState = s.complete()
		}
	}
	if h.deps.Checkups != nil {
		if s, ok := h.deps.Checkups.Health(c.ID); ok {
			out.Health = s.complete()
		}
	}
	if h.deps.Pictures != nil {
		pictures := h.deps.Pictures(r, c.ID)
		out.Thumbnail, out.Storyboard = link(pictures.Thumbnail), link(pictures.Storyboard)
	}
	return out
}

func link(url string) *string {
	if url == "" {
		return nil
	}
	return &url
}

// brief renders a class as lists show it.
func (h *Handler) brief(r *http.Request, c class.Class) Class {
	out := newClass(c, h.deps.Links(r, c.ID))
	studio, err := h.studio(r, c.ID)
	if err != nil { // the class is more than its link
		h.deps.Logger.Warn("studio link has no secret", "class", c.ID, "err", err)
	}
	out.Studio = studio
	if h.deps.Publishers == nil {
		return out
	}
	if p, ok := h.deps.Publishers.Publisher(c.ID); ok {
		out.Publisher = &p
	}
	if refusal, ok := h.deps.Publishers.LastRefusal(c.ID); ok {
		out.LastRefusal = &refusal
	}
	return out
}
