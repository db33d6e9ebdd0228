package access

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/storage/kv"
)

// keyRecord is how a key lies in the database, in clear: the file is readable by
// its owner only. Field names are part of the file format.
type keyRecord struct {
	Secret    string    `json:"secret"` // base64url without padding
	CreatedAt time.Time `json:"created_at"`
	RetiresAt time.Time `json:"retires_at,omitzero"`
}

// store is the layout of keys and revocations in the database.
type store struct {
	keys kv.Bucket[keyRecord] // by kid

	// revoked maps "class" or "class.jti" to the Unix second up to which, itself
	// included, chains that began are void.
	revoked kv.Bucket[int64]
}

func newStore() store {
	return store{keys: kv.NewBucket[keyRecord]("access_keys"), revoked: kv.NewBucket[int64]("access_revocations")}
}

// load reads everything. Records that no version of this package can have
// written are errors: to skip one would be to forget a revocation.
func (s store) load(tx *kv.Tx) (snapshot, error) {
	snap := snapshot{classes: map[string]int64{}, tokens: map[tokenRef]int64{}}
	err := s.keys.ForEach(tx, "", func(id string, rec keyRecord) (bool, error) {
		raw, err := base64.RawURLEncoding.DecodeString(rec.Secret)
		if err != nil || len(raw) != keyLen || !validKID(id) {
			return false, fmt.Errorf("playback key %q is damaged", id) // without err, which may quote it
		}
		snap.keys = append(snap.keys, keyOf(Key{ID: id, CreatedAt: rec.CreatedAt, RetiresAt: rec.RetiresAt}, raw))
		return true, nil
	})
	if err != nil {
		return snap, err
	}
	// The one that mints first.
	slices.SortFunc(snap.keys, func(a, b *key) int {
		if am, bm := a.RetiresAt.IsZero(), b.RetiresAt.IsZero(); am != bm {
			if am {
				return -1
			}
			return 1
		}
		return b.CreatedAt.Compare(a.CreatedAt)
	})
	err = s.revoked.ForEach(tx, "", func(name string, through int64) (bool, error) {
		classID, jti, single := strings.Cut(name, ".")
		switch {
		case !class.ValidID(classID) || (single && !ValidID(jti)):
			return false, fmt.Errorf("revocation %q is damaged", name)
		case single:
			snap.tokens[tokenRef{classID, jti}] = through
		default:
			snap.classes[classID] = through
		}
		return true, nil
	})
	return snap, err
}

// replace makes the database hold after where it held before.
func (s store) replace(tx *kv.Tx, before, after snapshot) error {
	for _, k := range before.keys {
		if !slices.ContainsFunc(after.keys, func(o *key) bool { return o.ID == k.ID }) {
			if err := s.keys.Delete(tx, k.ID); err != nil {
				return err
			}
		}
	}
	for _, k := range after.keys {
		if slices.Contains(before.keys, k) {
			continue
		}
		if err := s.keys.Put(tx, k.ID, keyRecord{Secret: k.Secret.Reveal(), CreatedAt: k.CreatedAt, RetiresAt: k.RetiresAt}); err != nil {
			return err
		}
	}
	old, now := before.revocations(), after.revocations()
	for name := range old {
		if _, stays := now[name]; !stays {
			if err := s.revoked.Delete(tx, name); err != nil {
				return err
			}
		}
	}
	for name, through := range now {
		if had, ok := old[name]; ok && had == through {
			continue
		}
		if err := s.revoked.Put(tx, name, through); err != nil {
			return err
		}
	}
	return nil
}
