package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Studio is what the page of a host needs. credential is the secret of the studio
// link, or the Pass of an Entrance that it was exchanged for; each method checks it
// and returns [ErrRefused] if it is not good for the class. They are called by many
// goroutines at once.
type Studio interface {
	// Enter returns what lets the host into the room.
	Enter(r *http.Request, class, credential string) (Entrance, error)
	// Status tells how the class does.
	Status(r *http.Request, class, credential string) (Status, error)
	// End ends the class, as POST /api/v1/classes/{id}/end does. To end one that has
	// ended is no error.
	End(r *http.Request, class, credential string) error
}

// Status is how a class does, for its host: the body of status.json.
type Status struct {
	// State is one of the State constants.
	State string `json:"state"`
	// LiveSince is when the class went live first; zero before.
	LiveSince time.Time `json:"live_since,omitzero"`
	// Viewers is how many people are in the room to learn, observers too.
	Viewers int `json:"viewers"`
	// Token is a viewer token for the host's own preview of a class of AccessToken.
	Token string `json:"token,omitempty"`
	// Server and StreamKey are what is typed into OBS; empty once the class has ended.
	Server    string `json:"server,omitempty"`
	StreamKey string `json:"stream_key,omitempty"`
	// Ingest is what comes in now; nil if nothing does.
	Ingest *Ingest `json:"ingest,omitempty"`
	// Problems are sentences for the host about what goes wrong now, the worst first.
	Problems []string `json:"problems,omitempty"`
}

// Ingest is what the encoder of the host sends.
type Ingest struct {
	// Protocol is rtmp, rtmps or rtsp.
	Protocol string `json:"protocol"`
	// Since is when the encoder connected.
	Since time.Time `json:"since"`
	// Width and Height are of the picture, in pixels; 0 if there is none.
	Width  int `json:"width,omitempty"`
	Height int `json:"height,omitempty"`
	// FrameRate is in frames per second, over the last seconds.
	FrameRate float64 `json:"frame_rate,omitempty"`
	// BitRate is in bits per second, over the last seconds.
	BitRate int64 `json:"bit_rate,omitempty"`
	// VideoCodec and AudioCodec are as people call them, such as H.264 and AAC; empty
	// if there is none.
	VideoCodec string `json:"video_codec,omitempty"`
	AudioCodec string `json:"audio_codec,omitempty"`
}

// studioPage is what templates/studio.html shows. It is the same for everybody: who
// holds the link its scripts find out.
type studioPage struct {
	watchPage

	WatchURL  string // for viewers, relative
	StatusURL string
	EndURL    string
}

func (h *Handler) serveStudio(w http.ResponseWriter, r *http.Request) {
	class, ok := h.classes.PublicClass(r.PathValue("class"))
	if !ok || h.studio == nil {
		h.serveNotFound(w, r, routeStudio)
		return
	}
	// The secret is in the fragment; nothing of this page's address is for others.
	w.Header().Set("Referrer-Policy", "no-referrer")
	page := studioPage{watchPage: h.watchPage(class.known(), "/studio/"), WatchURL: "/watch/" + url.PathEscape(class.ID)}
	page.Quiet = true // the host hears the lecture already
	base := "/studio/" + url.PathEscape(class.ID)
	page.StatusURL, page.EndURL = base+"/status.json", base+"/end"
	h.render(w, r, routeStudio, http.StatusOK, "studio.html", page)
}

func (h *Handler) serveStudioEntrance(w http.ResponseWriter, r *http.Request) {
	h.serveHost(w, r, func(class, credential string) (any, error) { return h.studio.Enter(r, class, credential) })
}

func (h *Handler) serveStatus(w http.ResponseWriter, r *http.Request) {
	h.serveHost(w, r, func(class, credential string) (any, error) { return h.studio.Status(r, class, credential) })
}

func (h *Handler) serveEnd(w http.ResponseWriter, r *http.Request) {
	h.serveHost(w, r, func(class, credential string) (any, error) {
		return struct{}{}, h.studio.End(r, class, credential)
	})
}

// serveHost answers the scripts of a host, whose credential is the bearer token.
func (h *Handler) serveHost(w http.ResponseWriter, r *http.Request, do func(class, credential string) (any, error)) {
	class, ok := h.classes.PublicClass(r.PathValue("class"))
	credential := bearer(r)
	switch {
	case !ok || h.studio == nil:
		h.refuse(w, r, routeStudio, ErrNoRoom)
		return
	case credential == "":
		h.refuse(w, r, routeStudio, ErrRefused)
		return
	}
	doc, err := do(class.ID, credential)
	if err != nil {
		h.refuse(w, r, routeStudio, err)
		return
	}
	h.document(w, r, routeStudio, doc)
}

// bearer returns the request's bearer token (RFC 6750 §2.1), or "".
func bearer(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}
