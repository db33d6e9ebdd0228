package access

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/storage/kv"
)

// Deps are what a KeyRing works with. DB is required.
type Deps struct {
	DB         *kv.DB
	Logger     *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: metrics are not exposed
}

// KeyRing mints and checks viewer tokens. All methods may be called from any
// goroutine.
type KeyRing struct {
	// Set by New, then read-only.
	cfg     Config
	db      *kv.DB
	store   store
	logger  *slog.Logger
	metrics *metrics

	// current is what checks look at. It is replaced under changes only.
	current atomic.Pointer[snapshot]

	// issued is the latest iat of any token so far. A revocation reaches up to it,
	// since it may be ahead of the clock: see admission.
	issued atomic.Int64

	// changes makes a change one step: look, commit, publish. It is held during
	// the commit, since the database takes one writer at a time anyway. Checks do
	// not take it, nor does minting once there is a key.
	changes sync.Mutex
}

// New reads keys and revocations from the database. It writes nothing: the first
// key is made with the first token.
func New(cfg Config, deps Deps) (*KeyRing, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.DB == nil {
		return nil, errors.New("key ring needs a database")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	r := &KeyRing{
		cfg: cfg, db: deps.DB, store: newStore(),
		logger: deps.Logger.With("component", "access"), metrics: newMetrics(deps.Registerer),
	}
	var snap snapshot
	if err := r.db.View(func(tx *kv.Tx) (err error) {
		snap, err = r.store.load(tx)
		return err
	}); err != nil {
		return nil, fmt.Errorf("load viewer access: %w", err)
	}
	r.publish(snap)
	r.issued.Store(snap.latest() + 1)
	return r, nil
}

// Mint returns the first token of a new chain, for a viewer of the class. An
// empty jti has one made; a lifetime of 0 is the configured one, otherwise it is
// MinLifetime to MaxLifetime, in whole seconds. It returns an error that is
// ErrInvalid for anything else.
//
// The disk is touched only to make the very first key.
func (r *KeyRing) Mint(classID, jti string, lifetime time.Duration, now time.Time) (Token, error) {
	if jti == "" {
		jti = randomID(12)
	}
	if lifetime == 0 {
		lifetime = r.cfg.TokenLifetime
	}
	switch {
	case !class.ValidID(classID):
		return Token{}, fmt.Errorf("%w: bad class id", ErrInvalid)
	case !ValidID(jti):
		return Token{}, fmt.Errorf("%w: bad token id", ErrInvalid)
	case lifetime < MinLifetime || lifetime > MaxLifetime:
		return Token{}, fmt.Errorf("%w: lifetime %s is outside %s to %s", ErrInvalid, lifetime, MinLifetime, MaxLifetime)
	}
	snap := r.current.Load()
	if len(snap.keys) == 0 {
		var err error
		if snap, err = r.change(now, func(s *snapshot) error {
			if len(s.keys) == 0 {
				s.keys = []*key{newKey(now, func(string) bool { return false })}
			}
			return nil
		}); err != nil {
			return Token{}, fmt.Errorf("make playback key: %w", err)
		}
	}
	iat := r.admission(snap, classID, jti, now)
	r.metrics.minted.Inc()
	return r.token(snap, body{jti: jti, class: classID, iat: iat, exp: iat + int64(lifetime/time.Second)}, now), nil
}

// admission returns the iat of a new chain: now, or the second after what was
// revoked, so that a viewer can be let in again at once.
func (r *KeyRing) admission(s *snapshot, classID, jti string, now time.Time) int64 {
	iat := max(now.Unix(), s.revokedThrough(classID, jti)+1)
	for {
		last := r.issued.Load()
		if iat <= last || r.issued.CompareAndSwap(last, iat) {
			return iat
		}
	}
}

// token signs b with the key that mints.
func (r *KeyRing) token(s *snapshot, b body, now time.Time) Token {
	k := s.keys[0]
	b.kid = k.ID
	t := Token{Text: k.sign(b), ID: b.jti, Class: b.class, ExpiresAt: seconds(b.exp)}
	if r.renewedUntil(b, t.ExpiresAt) > b.exp {
		// Neither so early that a renewal would not extend it.
		ahead := min(r.cfg.RenewBefore, r.cfg.TokenLifetime/2, t.ExpiresAt.Sub(now)/2)
		t.RenewAt = t.ExpiresAt.Add(-ahead).Truncate(time.Second)
	}
	return t
}

// renewedUntil returns the expiry of the token that b is renewed to at now. A
// renewal never shortens.
func (r *KeyRing) renewedUntil(b body, now time.Time) int64 {
	return max(b.exp, min(now.Add(r.cfg.TokenLifetime).Unix(), b.iat+int64(r.cfg.MaxAge/time.Second)))
}

// Verify returns what the text of a token says if it is good for the class at
// now, and otherwise one of ErrMalformed, ErrUnknownKey, ErrForged,
// ErrOtherClass, ErrExpired and ErrRevoked. The strings of the claims are parts
// of text. An empty class is no class: nothing is good for it.
func (r *KeyRing) Verify(text, classID string, now time.Time) (Claims, error) {
	b, o := body{}, otherClass
	if classID != "" {
		b, o = r.current.Load().check(text, classID, now)
	}
	r.metrics.checks[o].Inc()
	if o != accepted {
		return Claims{}, o.err()
	}
	return b.claims(), nil
}

// Check is Verify for whoever only wants to know whether to serve.
func (r *KeyRing) Check(token, classID string, now time.Time) error {
	_, err := r.Verify(token, classID, now)
	return err
}

// Renew returns a fresh token of the same viewer and class for one that is good,
// and Verify's error for one that is not. It lives for the configured lifetime
// from now, but not beyond the maximum age of the chain, and never shorter than
// the one it replaces, which stays good until its own expiry. Nothing is stored.
func (r *KeyRing) Renew(text string, now time.Time) (Token, error) {
	snap := r.current.Load()
	b, o := snap.check(text, "", now)
	r.metrics.checks[o].Inc()
	if o != accepted {
		return Token{}, o.err()
	}
	b.exp = r.renewedUntil(b, now)
	r.metrics.renewed.Inc()
	return r.token(snap, b, now), nil
}
