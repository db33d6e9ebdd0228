package access

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/storage/kv"
)

// GrantRing signs and checks what lets a person into a room. Both are compact
// JWTs signed with Ed25519 (RFC 8037), whose aud is the class and whose sub is the
// participant:
//
//   - A grant opens a connection, or extends one. It is the first message on the
//     socket, lives for two minutes at most, and may be used more than once in
//     them. The connection then lives for the session's lifetime.
//   - A pass stays with the page for as long as a person is to be the same person,
//     over reloads too. It is good for nothing but to be exchanged for grants.
//
// Neither is stored and neither can be revoked alone: who is to go is banned in
// the room. The first key is made with the first text that is signed. Checking
// takes no lock and touches no disk. All methods may be called from any
// goroutine, and none starts one.
type GrantRing struct {
	// Set by NewGrantRing, then read-only.
	cfg     GrantConfig
	db      *kv.DB
	logger  *slog.Logger
	metrics *grantMetrics

	keys atomic.Pointer[[]*grantKey] // at most two, the one that signs first

	changes sync.Mutex // makes a change of the keys one step
}

// NewGrantRing reads the keys from the database, and writes nothing.
func NewGrantRing(cfg GrantConfig, deps Deps) (*GrantRing, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.DB == nil {
		return nil, errors.New("grant ring needs a database")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	r := &GrantRing{cfg: cfg, db: deps.DB, logger: deps.Logger.With("component", "access"), metrics: newGrantMetrics(deps.Registerer)}
	var keys []*grantKey
	if err := r.db.View(func(tx *kv.Tx) (err error) {
		keys, err = loadGrantKeys(tx)
		return err
	}); err != nil {
		return nil, fmt.Errorf("load grant keys: %w", err)
	}
	r.keys.Store(&keys)
	return r, nil
}

// Grant returns a grant for the person in the class. The error is ErrInvalid for
// what no person can be, or what the database said to the first key.
func (r *GrantRing) Grant(classID string, p Person, now time.Time) (Grant, error) {
	return r.mint(kindGrant, classID, p, r.cfg.GrantLifetime, now)
}

// Pass returns a pass for the person in the class, with Grant's errors.
func (r *GrantRing) Pass(classID string, p Person, now time.Time) (Grant, error) {
	return r.mint(kindPass, classID, p, r.cfg.PassLifetime, now)
}

// Exchange returns a grant for who holds the pass, with Verify's errors.
func (r *GrantRing) Exchange(pass, classID string, now time.Time) (Grant, error) {
	c, o := r.check(kindPass, pass, classID, now)
	r.metrics.count(kindPass, o)
	if o != accepted {
		return Grant{}, grantErr(o)
	}
	p, ok := c.person()
	if !ok {
		return Grant{}, ErrGrantMalformed
	}
	return r.Grant(classID, p, now)
}

// Verify returns who holds the grant, if it is good for the class at now, and
// when their connection must have been extended. Otherwise the error is one of
// ErrGrantMalformed, ErrGrantUnknownKey, ErrGrantForged, ErrGrantOtherClass and
// ErrGrantExpired.
func (r *GrantRing) Verify(grant realtime.Credential, classID string, now time.Time) (realtime.Principal, error) {
	c, o := r.check(kindGrant, string(grant), classID, now)
	p, ok := c.person()
	if o == accepted && !ok {
		o = malformed
	}
	r.metrics.count(kindGrant, o)
	if o != accepted {
		return realtime.Principal{}, grantErr(o)
	}
	return realtime.Principal{
		ID: p.ID, Name: p.Name, Role: p.Role, Permissions: p.Permissions, Anonymous: p.Anonymous, ExtraTime: p.ExtraTime,
		ExpiresAt: now.Add(r.cfg.SessionLifetime),
	}, nil
}

// Rotate makes a new key that signs from now on. What its predecessor signed
// stays good until it expires; what the key before that signed is void at once.
func (r *GrantRing) Rotate(now time.Time) error {
	if _, err := r.change(now, func(keys []*grantKey) []*grantKey {
		after := []*grantKey{newGrantKey(freshKID(keys), now)}
		if len(keys) > 0 {
			retiring := *keys[0]
			retiring.retiresAt = seconds(now.Add(maxPassLifetime).Unix())
			after = append(after, &retiring)
		}
		return after
	}); err != nil {
		return fmt.Errorf("rotate grant keys: %w", err)
	}
	r.logger.Info("grant keys rotated")
	return nil
}

func freshKID(taken []*grantKey) string {
	id := randomID(4)
	for slices.ContainsFunc(taken, func(k *grantKey) bool { return k.id == id }) {
		id = randomID(4)
	}
	return id
}

// change stores and then publishes what fn makes of the keys in force.
func (r *GrantRing) change(now time.Time, fn func([]*grantKey) []*grantKey) ([]*grantKey, error) {
	r.changes.Lock()
	defer r.changes.Unlock()
	before := *r.keys.Load()
	after := fn(slices.DeleteFunc(slices.Clone(before), func(k *grantKey) bool { return k.retired(now) }))
	if err := r.db.Update(func(tx *kv.Tx) error { return replaceGrantKeys(tx, before, after) }); err != nil {
		return nil, err
	}
	r.keys.Store(&after)
	return after, nil
}

func (r *GrantRing) mint(kind grantKind, classID string, p Person, lifetime time.Duration, now time.Time) (Grant, error) {
	if p.ID == "" {
		p.ID = madeUpPrefix + randomID(madeUpLength)
	}
	if p.Permissions == 0 || p.Role == realtime.RoleObserver {
		p.Permissions = p.Role.Permissions()
	}
	staff := p.Permissions.Has(realtime.SeesStaff)
	if p.Name = CleanName(p.Name); !staff && ReservedName(p.Name) {
		p.Name = ""
	}
	switch {
	case !class.ValidID(classID):
		return Grant{}, fmt.Errorf("%w: bad class id", ErrInvalid)
	case !realtime.ValidID(p.ID):
		return Grant{}, fmt.Errorf("%w: bad participant id", ErrInvalid)
	case !p.Role.Valid():
		return Grant{}, fmt.Errorf("%w: bad role", ErrInvalid)
	case p.ExtraTime < 0 || p.ExtraTime > 300:
		return Grant{}, fmt.Errorf("%w: extra time %d is outside 0 to 300", ErrInvalid, p.ExtraTime)
	}
	keys := *r.keys.Load()
	if len(keys) == 0 {
		var err error
		if keys, err = r.change(now, func(keys []*grantKey) []*grantKey {
			if len(keys) == 0 {
				keys = []*grantKey{newGrantKey(randomID(4), now)}
			}
			return keys
		}); err != nil {
			return Grant{}, fmt.Errorf("make grant key: %w", err)
		}
	}
	c := claimsOf(p, classID)
	c.IAT, c.JTI = now.Unix(), randomID(12)
	c.Exp = c.IAT + int64(lifetime/time.Second)
	payload, err := json.Marshal(c)
	if err != nil {
		return Grant{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	k := keys[0]
	text := encodeHeader(kind, k.id) + "." + base64.RawURLEncoding.EncodeToString(payload)
	text += "." + base64.RawURLEncoding.EncodeToString(k.sign(text))
	r.metrics.minted.Inc()
	return Grant{Text: text, Participant: p.ID, ExpiresAt: seconds(c.Exp)}, nil
}

// check says what to do with a text. What it claims is looked at only once its
// signature has been found good.
func (r *GrantRing) check(kind grantKind, text, classID string, now time.Time) (grantClaims, outcome) {
	kid, signed, sig, ok := splitGrant(text, kind)
	if !ok {
		return grantClaims{}, malformed
	}
	var k *grantKey
	for _, candidate := range *r.keys.Load() {
		if candidate.id == kid && !candidate.retired(now) {
			k = candidate
		}
	}
	if k == nil {
		return grantClaims{}, unknownKey
	}
	if !ed25519.Verify(k.public, []byte(signed), sig) {
		return grantClaims{}, forged
	}
	longest := MaxGrantLifetime
	if kind == kindPass {
		longest = maxPassLifetime
	}
	c, ok := decodeClaims(signed)
	switch {
	case !ok:
		return grantClaims{}, malformed
	case c.Aud != classID:
		return grantClaims{}, otherClass
	case now.Unix() >= c.Exp, c.Exp-c.IAT > int64(longest/time.Second), c.IAT > now.Add(grantSlack).Unix():
		return grantClaims{}, expired
	}
	return c, accepted
}
