package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxAsk is how many bytes the body of a question may have.
const maxAsk = 4 << 10

// Entrance is what lets somebody into the room of a class: the body of an answer to
// POST …/grant. Grant and Pass are credentials: they are written to the page that
// asked and nowhere else.
type Entrance struct {
	// Grant is what the page says hello with on /ws/{class}.
	Grant string `json:"grant"`
	// Pass is what the page shows to get the next grant as the same person.
	Pass string `json:"pass"`
}

// Rooms lets viewers into the rooms of classes. It is called by many goroutines at
// once.
type Rooms interface {
	// Enter returns what lets a viewer into the room of a class, whom the token, if the
	// class wants one, has been checked of. pass is that of an earlier Entrance, or
	// empty for somebody new; one that is not good any more makes somebody new. The
	// error is [ErrNoRoom], [ErrRefused], or a fault.
	Enter(r *http.Request, class, pass string) (Entrance, error)
}

// serveEntrance answers a viewer's page. The body is {"pass": …}; the viewer token
// is the bearer token, as with class.json.
func (h *Handler) serveEntrance(w http.ResponseWriter, r *http.Request) {
	class, ok := h.classes.PublicClass(r.PathValue("class"))
	if !ok || h.rooms == nil {
		h.refuse(w, r, routeRoom, ErrNoRoom)
		return
	}
	if class.guarded() && !h.admitted(r, class.ID) {
		h.refuse(w, r, routeRoom, ErrRefused)
		return
	}
	var ask struct {
		Pass string `json:"pass"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, maxAsk)).Decode(&ask); err != nil {
		h.refuse(w, r, routeRoom, errBadBody)
		return
	}
	entrance, err := h.rooms.Enter(r, class.ID, ask.Pass)
	if err != nil {
		h.refuse(w, r, routeRoom, err)
		return
	}
	h.document(w, r, routeRoom, entrance)
}

// document answers with what is for one person only.
func (h *Handler) document(w http.ResponseWriter, r *http.Request, route string, doc any) {
	body, err := json.Marshal(doc)
	if err != nil {
		h.fail(w, r, route, fmt.Errorf("encode answer: %w", err))
		return
	}
	head := w.Header()
	head.Set("Content-Type", "application/json; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	h.answer(w, r, route, http.StatusOK, append(body, '\n'))
}

// refuse answers a question of a page that has no answer. What is no refusal is
// logged, and not told.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, route string, why error) {
	status, code, message := http.StatusInternalServerError, "internal", "The server failed."
	switch {
	case errors.Is(why, ErrNoRoom):
		status, code, message = http.StatusNotFound, "no_room", "There is no room with this address."
	case errors.Is(why, ErrRefused):
		status, code, message = http.StatusForbidden, "refused", "The link is not good for this class."
	case errors.Is(why, errBadBody):
		status, code, message = http.StatusBadRequest, "bad_request", "The body is not what was expected."
	default:
		h.log.ErrorContext(r.Context(), "page not answered", "err", why)
	}
	var doc errorDocument
	doc.Error.Code, doc.Error.Message = code, message
	body, err := json.Marshal(doc)
	if err != nil {
		h.fail(w, r, route, fmt.Errorf("encode refusal: %w", err))
		return
	}
	head := w.Header()
	head.Set("Content-Type", "application/json; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	h.answer(w, r, route, status, append(body, '\n'))
}
