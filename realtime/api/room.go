package api

import (
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/class"
)

// Grants signs what lets a person into a room: *access.GrantRing. Its methods may
// be called from any goroutine; what they do is documented there.
type Grants interface {
	Grant(classID string, p access.Person, now time.Time) (access.Grant, error)
	Pass(classID string, p access.Person, now time.Time) (access.Grant, error)
	Rotate(now time.Time) error
	Keys(now time.Time) []access.GrantKey
}

// Studios keeps the secrets of the studio links: *access.StudioKeys. Its methods
// may be called from any goroutine; what they do is documented there.
type Studios interface {
	Secret(classID string, now time.Time) (class.Secret, error)
	Rotate(classID string, now time.Time) (class.Secret, error)
	Forget(classID string) error
}

// CreateGrant is the body of POST /api/v1/classes/{id}/grants.
type CreateGrant struct {
	Role realtime.Role `json:"role"`
	Name string        `json:"name,omitempty"` // empty: the person chooses one

	// Person is the participant's id, the same for the same person in each grant of
	// the class; empty: somebody new.
	Person string `json:"person,omitempty"`

	Permissions []string `json:"permissions,omitempty"` // nil: those of the role
	Anonymous   bool     `json:"anonymous,omitempty"`
	ExtraTime   int      `json:"extra_time,omitempty"` // percent
}

// LogValue tells the role alone.
func (g CreateGrant) LogValue() slog.Value { return slog.StringValue(string(g.Role)) }

// RoomGrant is what lets a person into the room of a class. It is a credential and
// does not log itself.
type RoomGrant struct {
	Participant string        `json:"participant"`
	Role        realtime.Role `json:"role"`

	// Pass is what pages get grants for, for as long as the person is to be the
	// same; Grant is one for a program that connects by itself, at once.
	Pass           string    `json:"pass"`
	PassExpiresAt  time.Time `json:"pass_expires_at"`
	Grant          string    `json:"grant"`
	GrantExpiresAt time.Time `json:"grant_expires_at"`

	Socket string `json:"socket"` // URL of the WebSocket

	// Page is where to send the person's browser; what it holds is in the fragment,
	// which no server sees. Nil for a program.
	Page *string `json:"page"`
}

// LogValue tells the role alone.
func (g RoomGrant) LogValue() slog.Value { return slog.StringValue(string(g.Role)) }

const (
	roleRule        = "must be host, moderator, participant, observer or service"
	nameRule        = "must have a letter or a digit in it"
	reservedRule    = "must not claim to be staff"
	personRule      = "must be 1 to 40 letters, digits, - and _"
	permissionsRule = "must be names of permissions, each once"
	extraTimeRule   = "must be 0 to 300 percent"
	anonymousRule   = "must be true or false"
)

// maxNameBytes bounds a name as it comes; it is cut to realtime.MaxName characters.
const maxNameBytes = 16 * realtime.MaxName

func grantFields() []string {
	return []string{"role", "name", "person", "permissions", "anonymous", "extra_time"}
}

// readGrant reads a CreateGrant. Null means absent.
func readGrant(r *http.Request) (access.Person, error) {
	o, err := readObject(r, grantFields(), "application/json")
	if err != nil {
		return access.Person{}, err
	}
	var p access.Person
	var errs [6]error
	role, _, err := o.text("role")
	if p.Role = realtime.Role(role); err == nil && !p.Role.Valid() {
		err = invalidField("role", roleRule)
	}
	errs[0] = err
	name, _, err := o.text("name")
	p.Name = access.CleanName(name)
	errs[1] = err
	if err == nil && name != "" && (p.Name == "" || len(name) > maxNameBytes) {
		errs[1] = invalidField("name", nameRule)
	}
	p.ID, _, errs[2] = o.text("person")
	if errs[2] == nil && p.ID != "" && !realtime.ValidID(p.ID) {
		errs[2] = invalidField("person", personRule)
	}
	names, given, err := o.texts("permissions")
	if errs[3] = err; err == nil && given && names != nil {
		if p.Permissions, err = realtime.ParsePermissions(names); err != nil || len(names) == 0 {
			errs[3] = invalidField("permissions", permissionsRule)
		}
	}
	p.Anonymous, errs[4] = o.truth("anonymous", anonymousRule)
	p.ExtraTime, errs[5] = o.percent("extra_time", extraTimeRule)
	if err = first(errs[:]); err != nil {
		return access.Person{}, err
	}
	staff := p.Permissions.Has(realtime.SeesStaff) || (p.Permissions == 0 && p.Role.Permissions().Has(realtime.SeesStaff))
	if !staff && access.ReservedName(p.Name) {
		return access.Person{}, invalidField("name", reservedRule)
	}
	return p, nil
}

func (h *Handler) mintGrant(r *http.Request, id string) (response, error) {
	p, err := readGrant(r)
	if err != nil {
		return response{}, err
	}
	c, err := h.deps.Classes.Get(r.Context(), id)
	switch {
	case err != nil:
		return response{}, err
	case c.State == class.Ended:
		return response{}, class.ErrEnded
	case h.deps.Grants == nil:
		return response{}, newError(CodeNotFound, "this server has no rooms")
	}
	// The pass of a host is void once the studio's secret is younger.
	if _, err = h.studio(r, id); err != nil {
		return response{}, err
	}
	now := h.deps.Now()
	pass, err := h.deps.Grants.Pass(id, p, now)
	if err != nil {
		return response{}, err
	}
	p.ID = pass.Participant
	grant, err := h.deps.Grants.Grant(id, p, now)
	if err != nil {
		return response{}, err
	}
	out := RoomGrant{
		Participant: p.ID, Role: p.Role, Socket: h.deps.Links(r, id).Socket,
		Pass: pass.Text, PassExpiresAt: pass.ExpiresAt, Grant: grant.Text, GrantExpiresAt: grant.ExpiresAt,
	}
	out.Page, err = h.pageOf(r, c, p.Role, pass.Text)
	return response{status: http.StatusCreated, body: out}, err
}

// pageOf returns the page of a person with what opens it, nil for a program.
func (h *Handler) pageOf(r *http.Request, c class.Class, role realtime.Role, pass string) (*string, error) {
	links := h.deps.Links(r, c.ID)
	page := links.Playback.Watch
	fragment := url.Values{"p": {pass}}
	switch {
	case role == realtime.RoleService:
		return nil, nil
	case role == realtime.RoleHost:
		page = links.Studio
	case c.Access == class.AccessToken && h.deps.Tokens != nil:
		token, err := h.deps.Tokens.Mint(c.ID, "", 0, h.deps.Now())
		if err != nil {
			return nil, err
		}
		fragment.Set("t", token.Text)
	}
	page += "#" + fragment.Encode()
	return &page, nil
}

// studio returns the studio link of a class: whoever has it is the host.
func (h *Handler) studio(r *http.Request, id string) (string, error) {
	link := h.deps.Links(r, id).Studio
	if h.deps.Studios == nil {
		return link, nil
	}
	secret, err := h.deps.Studios.Secret(id, h.deps.Now())
	if err != nil {
		return link, err
	}
	return link + "#k=" + secret.Reveal(), nil
}

// rotateStudio replaces the studio link.
func (h *Handler) rotateStudio(r *http.Request, id string) (response, error) {
	if err := readNothing(r); err != nil {
		return response{}, err
	}
	c, err := h.deps.Classes.Get(r.Context(), id)
	if err != nil {
		return response{}, err
	}
	if h.deps.Studios == nil {
		return response{}, newError(CodeNotFound, "this server has no studio links")
	}
	if _, err = h.deps.Studios.Rotate(id, h.deps.Now()); err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, body: h.show(r, c)}, nil
}

// forgetStudio drops the studio link of a class that goes.
func (h *Handler) forgetStudio(r *http.Request, id string) error {
	if h.deps.Studios == nil {
		return nil
	}
	if _, err := h.deps.Classes.Get(r.Context(), id); err != nil {
		return err
	}
	return h.deps.Studios.Forget(id)
}
