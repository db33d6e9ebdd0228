package access

import (
	"fmt"
	"time"

	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/storage/kv"
)

// MaxRevocations is how many revocations are in force at a time. Each takes
// about 200 bytes of memory.
const MaxRevocations = 1 << 14

// clockSlack is how far the system's clock may be set back without letting what
// was minted before escape a revocation.
const clockSlack = time.Hour

// Rotate makes a new key that mints from now on. Its predecessor's tokens stay
// good until they expire, MaxLifetime from now at the latest; those of the key
// before that are void at once. So rotating once is routine, for which an edge
// must learn the new key, and rotating twice voids every token there is.
func (r *KeyRing) Rotate(now time.Time) error {
	_, err := r.change(now, func(s *snapshot) error {
		fresh := newKey(now, func(id string) bool { return s.key(id, now) != nil })
		keys := []*key{fresh}
		if len(s.keys) > 0 {
			keys = append(keys, s.keys[0].retiring(now.Add(MaxLifetime)))
		}
		s.keys = keys
		return nil
	})
	if err != nil {
		return fmt.Errorf("rotate playback keys: %w", err)
	}
	r.logger.Info("playback keys rotated")
	return nil
}

// Keys returns the keys in force at now, at most two, the one that mints first.
// There is none before the first token was minted.
func (r *KeyRing) Keys(now time.Time) []Key {
	var keys []Key
	for _, k := range r.current.Load().keys {
		if !k.retired(now) {
			keys = append(keys, k.Key)
		}
	}
	return keys
}

// RevokeClass voids every token of the class that was minted so far, and those
// that they were renewed to. Tokens minted later are good. It returns an error
// that is ErrInvalid or ErrFull, or what the database said; then nothing has
// changed.
func (r *KeyRing) RevokeClass(classID string, now time.Time) error {
	if !class.ValidID(classID) {
		return fmt.Errorf("%w: bad class id", ErrInvalid)
	}
	return r.revoke(classID, now, func(s *snapshot, through int64) {
		s.classes[classID] = max(through, s.classes[classID])
	})
}

// RevokeToken does the same for the tokens of one viewer of the class, whose id
// (jti) may be one that was never minted.
func (r *KeyRing) RevokeToken(classID, jti string, now time.Time) error {
	if !class.ValidID(classID) || !ValidID(jti) {
		return fmt.Errorf("%w: bad class or token id", ErrInvalid)
	}
	return r.revoke(classID, now, func(s *snapshot, through int64) {
		ref := tokenRef{classID, jti}
		s.tokens[ref] = max(through, s.tokens[ref])
	})
}

func (r *KeyRing) revoke(classID string, now time.Time, do func(s *snapshot, through int64)) error {
	if len(r.current.Load().keys) == 0 {
		return nil // no token was ever minted
	}
	_, err := r.change(now, func(s *snapshot) error {
		// What was minted ahead of the clock counts as minted so far, unless the
		// clock was so far off that nobody could be let in for years.
		do(s, max(now.Unix(), min(r.issued.Load(), now.Add(clockSlack).Unix())))
		s.prune(now)
		if len(s.classes)+len(s.tokens) > MaxRevocations {
			return ErrFull
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("revoke playback tokens: %w", err)
	}
	r.logger.Info("playback tokens revoked", "class", classID)
	return nil
}

// change applies fn to a copy of what is there, stores and then publishes it.
func (r *KeyRing) change(now time.Time, fn func(*snapshot) error) (*snapshot, error) {
	r.changes.Lock()
	defer r.changes.Unlock()
	before := r.current.Load()
	after := before.clone()
	after.prune(now)
	if err := fn(&after); err != nil {
		return nil, err
	}
	if err := r.db.Update(func(tx *kv.Tx) error { return r.store.replace(tx, *before, after) }); err != nil {
		return nil, err
	}
	return r.publish(after), nil
}

// publish makes s what checks look at.
func (r *KeyRing) publish(s snapshot) *snapshot {
	r.metrics.revocations.Set(float64(len(s.classes) + len(s.tokens)))
	r.current.Store(&s)
	return &s
}

// retiring returns the key as it is from its successor's first moment on.
func (k *key) retiring(at time.Time) *key {
	out := &key{Key: k.Key}
	out.RetiresAt = seconds(at.Unix())
	out.signers.New = k.signers.New
	return out
}
