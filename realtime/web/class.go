package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// The states of a class.
const (
	StateScheduled   = "scheduled"
	StateLive        = "live"
	StateInterrupted = "interrupted"
	StateEnded       = "ended"
)

// Who may see a class.
const (
	// AccessPublic is for everybody who has the address.
	AccessPublic = "public"
	// AccessToken is for those with a viewer token; see [Deps.Admit].
	AccessToken = "token"
)

// PublicClass is what a page may know of a class. Of a class of AccessToken only
// ID, Title, State, Access and RoomOpen leave the server without a token that opens it.
type PublicClass struct {
	// ID is the name of the class in its URLs.
	ID string
	// Title is any text; pages escape it.
	Title string
	// State is one of the State constants.
	State string
	// Access is one of the Access constants; empty means AccessPublic.
	Access string
	// StartsAt is the announced start, zero if none was announced.
	StartsAt time.Time
	// HLS is the URL of the multivariant playlist, relative to the host
	// ("/live/{id}/index.m3u8") or absolute within Config.MediaOrigins. Where a token
	// is needed the page puts "/t/{token}" before the first "/live/" of this and of the
	// other URLs.
	HLS string
	// DVR is the URL of the multivariant playlist that reaches back, as HLS is; empty
	// if there is none.
	DVR string
	// Thumbnail is the URL of a JPEG of what the class showed last, relative or
	// absolute as HLS is; empty until there is one.
	Thumbnail string
	// Storyboard is the URL of a WebVTT file of small pictures, as HLS is, whose cues
	// are named by the wall clock; empty if there is none.
	Storyboard string
	// RoomOpen reports, of a class that has ended, that its room is still open.
	RoomOpen bool
}

// guarded reports whether c is for viewers with a token only.
func (c PublicClass) guarded() bool { return c.Access == AccessToken }

// known returns what somebody without a token may know of c.
func (c PublicClass) known() PublicClass {
	if !c.guarded() {
		return c
	}
	return PublicClass{ID: c.ID, Title: c.Title, State: c.State, Access: c.Access, RoomOpen: c.RoomOpen}
}

// Classes is where the pages look classes up. It is called for each request, by
// many goroutines at once.
type Classes interface {
	// PublicClass returns the class called id, and whether there is one.
	PublicClass(id string) (PublicClass, bool)
}

// classDocument is the body of class.json.
type classDocument struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	State    string    `json:"state"`
	Access   string    `json:"access,omitempty"`
	StartsAt time.Time `json:"starts_at,omitzero"`
	// ServerTime lets a page measure how far its clock is off. It is left out of
	// the entity tag, which therefore is a weak one.
	ServerTime time.Time `json:"server_time,omitzero"`
	HLS        string    `json:"hls,omitempty"`
	DVR        string    `json:"dvr,omitempty"`
	Thumbnail  string    `json:"thumbnail,omitempty"`
	Storyboard string    `json:"storyboard,omitempty"`
}

type errorDocument struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func (h *Handler) serveClass(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Type", "application/json; charset=utf-8")
	// A second is long enough for a cache to answer a whole lecture hall once.
	head.Set("Cache-Control", "max-age=1")

	class, ok := h.classes.PublicClass(r.PathValue("class"))
	if !ok {
		var doc errorDocument
		doc.Error.Code = "class_not_found"
		doc.Error.Message = "There is no class with this address."
		body, err := json.Marshal(doc)
		if err != nil {
			h.fail(w, r, routeClass, fmt.Errorf("encode class error: %w", err))
			return
		}
		h.answer(w, r, routeClass, http.StatusNotFound, append(body, '\n'))
		return
	}

	if class.guarded() {
		// What it says depends on who asks.
		head.Set("Cache-Control", "no-store")
		head.Set("Vary", "Authorization")
		if !h.admitted(r, class.ID) {
			class = class.known()
		}
	}
	doc := classDocument{
		ID:         class.ID,
		Title:      class.Title,
		State:      class.State,
		Access:     class.Access,
		StartsAt:   class.StartsAt.UTC(),
		HLS:        class.HLS,
		DVR:        class.DVR,
		Thumbnail:  class.Thumbnail,
		Storyboard: class.Storyboard,
	}
	lasting, err := json.Marshal(doc)
	if err != nil {
		h.fail(w, r, routeClass, fmt.Errorf("encode class: %w", err))
		return
	}
	doc.ServerTime = h.now().UTC().Truncate(time.Millisecond)
	body, err := json.Marshal(doc)
	if err != nil {
		h.fail(w, r, routeClass, fmt.Errorf("encode class: %w", err))
		return
	}
	head.Set("ETag", "W/"+entityTag(lasting))
	h.answer(w, r, routeClass, http.StatusOK, append(body, '\n'))
}

// admitted reports whether the request's bearer token opens a class.
func (h *Handler) admitted(r *http.Request, class string) bool {
	token := bearer(r)
	return token != "" && h.admit != nil && h.admit(r, class, token)
}
