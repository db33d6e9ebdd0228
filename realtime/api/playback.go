package api

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/lectern/lectern/realtime/access"
)

// Tokens makes, renews and revokes viewer tokens: *access.KeyRing. Its methods
// may be called from any goroutine; what they do is documented there.
type Tokens interface {
	Mint(classID, jti string, lifetime time.Duration, now time.Time) (access.Token, error)
	Renew(text string, now time.Time) (access.Token, error)
	RevokeClass(classID string, now time.Time) error
	RevokeToken(classID, jti string, now time.Time) error
	Rotate(now time.Time) error
	Keys(now time.Time) []access.Key
}

// PlaybackToken is a viewer token with the URLs that it opens. It is a
// credential and does not log itself.
type PlaybackToken struct {
	Token     string    `json:"token"`
	ID        string    `json:"id"` // stays the same when the token is renewed
	ExpiresAt time.Time `json:"expires_at"`

	// RenewAt is when a player should renew it; nil if that would not extend it.
	RenewAt *time.Time `json:"renew_at"`

	HLS   string `json:"hls"`   // the multivariant playlist
	DVR   string `json:"dvr"`   // the one with all of the DVR window
	Watch string `json:"watch"` // the page; the token is in the fragment, which no server sees
}

// LogValue tells the expiry alone.
func (t PlaybackToken) LogValue() slog.Value { return slog.TimeValue(t.ExpiresAt) }

// CreatePlaybackToken is the body of POST /api/v1/classes/{id}/playback-tokens,
// which may be left out.
type CreatePlaybackToken struct {
	ExpiresIn int64 `json:"expires_in,omitempty"` // seconds; 0: as configured
}

// PlaybackKeys are the keys that viewer tokens are checked with, the one that
// signs new ones first. It is a credential and does not log itself.
type PlaybackKeys struct {
	Keys []PlaybackKey `json:"keys"`
}

// LogValue hides the keys.
func (PlaybackKeys) LogValue() slog.Value { return slog.StringValue("playback keys") }

// PlaybackKey is one of them, for an edge that checks tokens by itself.
type PlaybackKey struct {
	ID        string     `json:"id"`         // the kid of its tokens
	Secret    string     `json:"secret"`     // 43 characters, the HMAC key as they stand
	CreatedAt time.Time  `json:"created_at"` // UTC
	RetiresAt *time.Time `json:"retires_at"` // nil for the one that signs
}

// LogValue names the key and does not hold it.
func (k PlaybackKey) LogValue() slog.Value { return slog.StringValue(k.ID) }

// mediaBase returns what stands before /live/ in the URL of a class's
// multivariant playlist; empty makes a path of a URL.
func mediaBase(hls, classID string) string {
	base, found := strings.CutSuffix(hls, "/live/"+classID+"/index.m3u8")
	if !found {
		return ""
	}
	return base
}

// showToken renders t with the URLs for whoever sent r.
func (h *Handler) showToken(r *http.Request, t access.Token) PlaybackToken {
	plain := h.deps.Links(r, t.Class).Playback
	media := mediaBase(plain.HLS, t.Class) + "/t/" + t.Text + "/live/" + t.Class
	return PlaybackToken{
		Token: t.Text, ID: t.ID, ExpiresAt: t.ExpiresAt, RenewAt: moment(t.RenewAt),
		HLS: media + "/index.m3u8", DVR: media + "/dvr.m3u8", Watch: plain.Watch + "#t=" + t.Text,
	}
}

// tokens returns what viewer tokens come from, or the error that there are none.
func (h *Handler) tokens() (Tokens, error) {
	if h.deps.Tokens == nil {
		return nil, newError(CodeNotFound, "this server has no viewer tokens")
	}
	return h.deps.Tokens, nil
}

// tokensOf is tokens for a class that must exist.
func (h *Handler) tokensOf(r *http.Request, id string) (Tokens, error) {
	if _, err := h.deps.Classes.Get(r.Context(), id); err != nil {
		return nil, err
	}
	return h.tokens()
}

func (h *Handler) mintToken(r *http.Request, id string) (response, error) {
	lifetime, err := readMint(r)
	if err != nil {
		return response{}, err
	}
	tokens, err := h.tokensOf(r, id)
	if err != nil {
		return response{}, err
	}
	t, err := tokens.Mint(id, "", lifetime, h.deps.Now())
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusCreated, body: h.showToken(r, t)}, nil
}

func (h *Handler) revokeTokens(r *http.Request, id string) (response, error) {
	tokens, err := h.tokensOf(r, id)
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusNoContent}, tokens.RevokeClass(id, h.deps.Now())
}

func (h *Handler) revokeToken(r *http.Request, id string) (response, error) {
	tokens, err := h.tokensOf(r, id)
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusNoContent}, tokens.RevokeToken(id, r.PathValue("jti"), h.deps.Now())
}

// revokeForDeletion voids the tokens of a class that goes, since its ID may be
// used again. That there is no room to remember it does not keep the class.
func (h *Handler) revokeForDeletion(r *http.Request, id string) error {
	if h.deps.Tokens == nil {
		return nil
	}
	tokens, err := h.tokensOf(r, id)
	if err != nil {
		return err
	}
	if err = tokens.RevokeClass(id, h.deps.Now()); errors.Is(err, access.ErrFull) {
		h.deps.Logger.Warn("playback tokens of a deleted class not revoked", "class", id, "err", err)
		return nil
	}
	return err
}

// renewToken is open to whoever has a viewer token: no class is looked up and
// nothing is stored.
func (h *Handler) renewToken(r *http.Request, _ string) (response, error) {
	tokens, err := h.tokens()
	if err != nil {
		return response{}, err
	}
	t, err := tokens.Renew(bearer(r), h.deps.Now())
	if err != nil {
		return response{}, err
	}
	if err = readNothing(r); err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, body: h.showToken(r, t)}, nil
}

func (h *Handler) keys(*http.Request, string) (response, error) {
	tokens, err := h.tokens()
	if err != nil {
		return response{}, err
	}
	out := PlaybackKeys{Keys: []PlaybackKey{}}
	for _, k := range tokens.Keys(h.deps.Now()) {
		out.Keys = append(out.Keys, PlaybackKey{ID: k.ID, Secret: k.Secret.Reveal(), CreatedAt: k.CreatedAt, RetiresAt: moment(k.RetiresAt)})
	}
	return response{status: http.StatusOK, body: out}, nil
}

func (h *Handler) rotateKeys(r *http.Request, _ string) (response, error) {
	if err := readNothing(r); err != nil {
		return response{}, err
	}
	tokens, err := h.tokens()
	if err != nil {
		return response{}, err
	}
	if err = tokens.Rotate(h.deps.Now()); err != nil {
		return response{}, err
	}
	return h.keys(r, "")
}
