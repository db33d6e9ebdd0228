package web

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

//go:embed templates
var templateFiles embed.FS //nolint:gochecknoglobals // go:embed needs a package variable

func parsePages() (*template.Template, error) {
	pages, err := template.ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse page templates: %w", err)
	}
	return pages, nil
}

// watchPage is what templates/watch.html shows.
type watchPage struct {
	Base, HLSModule string
	Modules         []string

	ID       string
	Title    string
	State    string
	Access   string // one of the Access constants
	StartsAt string // RFC 3339, empty if unknown
	HLS, DVR string // empty if a token is needed
	ClassURL string

	GrantURL, SocketURL string // of the room; empty if there is none
	Replay              bool   // the recording may have the room beside it
	Quiet               bool   // the video starts without sound

	Thumbnail string // empty if there is none
	Preview   string // the same, absolute, for those who show links; empty if unknown
}

func (h *Handler) serveWatch(w http.ResponseWriter, r *http.Request) {
	class, ok := h.classes.PublicClass(r.PathValue("class"))
	if !ok {
		h.serveNotFound(w, r, routeWatch)
		return
	}
	// The token is in the fragment, which browsers do not send: the page itself is the
	// same for all, and its scripts ask for the rest.
	class = class.known()
	page := h.watchPage(class, "/watch/")
	if h.origin != nil && class.Thumbnail != "" {
		page.Preview = absolute(h.origin(r), class.Thumbnail)
	}
	h.render(w, r, routeWatch, http.StatusOK, "watch.html", page)
}

// watchPage is what both pages show of a class. place is where the page itself is:
// there it asks for a grant, and by it go the scripts that it preloads.
func (h *Handler) watchPage(class PublicClass, place string) watchPage {
	page := watchPage{
		Base:      h.assets.base,
		HLSModule: h.assets.hlsBase + "/hls.min.mjs",
		ID:        class.ID,
		Title:     class.Title,
		State:     class.State,
		Access:    cmp.Or(class.Access, AccessPublic),
		HLS:       class.HLS,
		DVR:       class.DVR,
		Thumbnail: class.Thumbnail,
		ClassURL:  "/watch/" + url.PathEscape(class.ID) + "/class.json",
	}
	if !class.StartsAt.IsZero() {
		page.StartsAt = class.StartsAt.UTC().Format(time.RFC3339)
	}
	if h.rooms != nil && class.State != StateEnded {
		page.GrantURL = place + url.PathEscape(class.ID) + "/grant"
		page.SocketURL = "/ws/" + url.PathEscape(class.ID)
	}
	page.Replay = h.rooms != nil && class.State == StateEnded && place == "/watch/"
	for _, url := range h.assets.modules {
		folder, _, _ := strings.Cut(strings.TrimPrefix(url, h.assets.base+"/"), "/")
		if folder == "watch" || (folder == "room" && page.GrantURL != "") || (folder == "studio" && place == "/studio/") {
			page.Modules = append(page.Modules, url)
		}
	}
	return page
}

// absolute resolves link against origin, or returns "" if that cannot be done.
func absolute(origin, link string) string {
	base, err := url.Parse(origin)
	if err != nil || base.Host == "" {
		return ""
	}
	u, err := base.Parse(link)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return ""
	}
	return u.String()
}

func (h *Handler) serveNothing(w http.ResponseWriter, r *http.Request) {
	h.serveNotFound(w, r, routeNone)
}

func (h *Handler) serveNotFound(w http.ResponseWriter, r *http.Request, route string) {
	h.render(w, r, route, http.StatusNotFound, "not_found.html", watchPage{Base: h.assets.base})
}

// render answers with a page. Pages are small and follow the class's state, so
// that caches may keep them but must ask each time.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, route string, status int, name string, data any) {
	var body bytes.Buffer
	if err := h.pages.ExecuteTemplate(&body, name, data); err != nil {
		h.fail(w, r, route, fmt.Errorf("render %s: %w", name, err))
		return
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Cache-Control", "no-cache")
	if status == http.StatusOK {
		head.Set("ETag", entityTag(body.Bytes()))
	}
	h.answer(w, r, route, status, body.Bytes())
}
