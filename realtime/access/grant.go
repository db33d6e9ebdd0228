package access

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"strings"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/class"
)

// maxGrantLen is the most bytes that are looked at as a grant or a pass.
const maxGrantLen = 2 << 10

// grantKind is what a signed text is for. It is the typ of the JWT, so that
// neither kind is taken for the other.
type grantKind string

const (
	kindGrant grantKind = "lectern-grant+jwt"
	kindPass  grantKind = "lectern-pass+jwt"
)

// Person is who a grant or a pass is for.
type Person struct {
	ID   string // the participant, the same for the same person; made up if empty
	Name string // cleaned by CleanName; empty leaves it to the person
	Role realtime.Role

	// Permissions are those of the person; 0 is what the role has. They may be
	// more or less than that, but those of an observer are always none.
	Permissions realtime.Permissions

	Anonymous bool // to be kept nameless among participants
	ExtraTime int  // percent more time for a quiz, 0 to 300
}

// Grant is a signed text as its owner gets it. It is a credential: do not log it.
type Grant struct {
	Text        string
	Participant string
	ExpiresAt   time.Time // UTC, whole seconds
}

// LogValue tells the expiry alone.
func (g Grant) LogValue() slog.Value { return slog.TimeValue(g.ExpiresAt) }

// grantHeader is the JOSE header (RFC 7515 §4). Fields are in the order in which
// they are written.
type grantHeader struct {
	Alg string    `json:"alg"`
	Typ grantKind `json:"typ"`
	KID string    `json:"kid"`
}

// grantClaims is the payload (RFC 7519 §4).
type grantClaims struct {
	Sub         string        `json:"sub"`
	Aud         string        `json:"aud"`
	IAT         int64         `json:"iat"`
	Exp         int64         `json:"exp"`
	JTI         string        `json:"jti"`
	Role        realtime.Role `json:"role"`
	Permissions *[]string     `json:"permissions,omitempty"` // absent: the role's
	Name        string        `json:"name,omitempty"`
	Anonymous   bool          `json:"anonymous,omitempty"`
	ExtraTime   int           `json:"extra_time,omitempty"`
}

// encodeHeader returns the first segment for a kind and key.
func encodeHeader(kind grantKind, kid string) string {
	b, _ := json.Marshal(grantHeader{Alg: "EdDSA", Typ: kind, KID: kid}) // strings cannot fail
	return base64.RawURLEncoding.EncodeToString(b)
}

// splitGrant takes a compact JWS apart (RFC 7515 §7.1) and returns the kid that
// its header names. It accepts exactly the header that encodeHeader writes for
// it: so no other algorithm, no "none", no key that the token brings along.
func splitGrant(text string, kind grantKind) (kid, signed string, sig []byte, ok bool) {
	if len(text) > maxGrantLen || strings.Count(text, ".") != 2 || strings.ContainsAny(text, "\r\n") { // which base64 skips
		return "", "", nil, false
	}
	last := strings.LastIndexByte(text, '.')
	signed = text[:last]
	head, _, _ := strings.Cut(signed, ".")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(head)
	if err != nil {
		return "", "", nil, false
	}
	var h grantHeader
	if json.Unmarshal(raw, &h) != nil || !validKID(h.KID) || head != encodeHeader(kind, h.KID) {
		return "", "", nil, false
	}
	sig, err = base64.RawURLEncoding.Strict().DecodeString(text[last+1:])
	return h.KID, signed, sig, err == nil
}

// decodeClaims reads the payload of a text whose signature was found good.
func decodeClaims(signed string) (c grantClaims, ok bool) {
	_, payload, _ := strings.Cut(signed, ".")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(payload)
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return c, false
	}
	return c, c.Role.Valid() && realtime.ValidID(c.Sub) && class.ValidID(c.Aud) && c.IAT > 0 && c.IAT < c.Exp && c.Exp <= maxEpoch
}

// person is the reverse of claimsOf.
func (c grantClaims) person() (Person, bool) {
	p := Person{ID: c.Sub, Name: c.Name, Role: c.Role, Permissions: c.Role.Permissions(), Anonymous: c.Anonymous, ExtraTime: c.ExtraTime}
	if c.Permissions != nil {
		perms, err := realtime.ParsePermissions(*c.Permissions)
		if err != nil {
			return Person{}, false
		}
		p.Permissions = perms
	}
	return p, true
}

// claimsOf returns what a text for p says, but for its times and id.
func claimsOf(p Person, classID string) grantClaims {
	c := grantClaims{Sub: p.ID, Aud: classID, Role: p.Role, Name: p.Name, Anonymous: p.Anonymous, ExtraTime: p.ExtraTime}
	if p.Permissions != p.Role.Permissions() {
		names := p.Permissions.Names()
		c.Permissions = &names
	}
	return c
}
