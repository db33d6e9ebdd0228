package api

import (
	"net/http"
	"time"
)

const grantKeysPath = "/api/v1/grant-keys"

// GrantKeys are the keys that sign what lets people into rooms, the one that signs
// first. They never leave the server.
type GrantKeys struct {
	Keys []GrantKey `json:"keys"`
}

// GrantKey is one of them.
type GrantKey struct {
	ID        string     `json:"id"`         // the kid of what it signed
	CreatedAt time.Time  `json:"created_at"` // UTC
	RetiresAt *time.Time `json:"retires_at"` // nil for the one that signs
}

func (h *Handler) grantKeys(*http.Request, string) (response, error) {
	if h.deps.Grants == nil {
		return response{}, newError(CodeNotFound, "this server has no rooms")
	}
	out := GrantKeys{Keys: []GrantKey{}}
	for _, k := range h.deps.Grants.Keys(h.deps.Now()) {
		out.Keys = append(out.Keys, GrantKey{ID: k.ID, CreatedAt: k.CreatedAt, RetiresAt: moment(k.RetiresAt)})
	}
	return response{status: http.StatusOK, body: out}, nil
}

func (h *Handler) rotateGrantKeys(r *http.Request, _ string) (response, error) {
	if err := readNothing(r); err != nil {
		return response{}, err
	}
	if h.deps.Grants == nil {
		return response{}, newError(CodeNotFound, "this server has no rooms")
	}
	if err := h.deps.Grants.Rotate(h.deps.Now()); err != nil {
		return response{}, err
	}
	return h.grantKeys(r, "")
}
