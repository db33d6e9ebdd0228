package access

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/storage/kv"
)

// grantKey signs grants. It is immutable.
type grantKey struct {
	id        string
	createdAt time.Time
	retiresAt time.Time // zero: it signs

	seed   class.Secret
	public ed25519.PublicKey
	// sign is a function, because fmt prints a private key and not what a function
	// has caught.
	sign func(text string) []byte
}

func newGrantKey(id string, now time.Time) *grantKey {
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // never fails
	return grantKeyOf(id, seed, seconds(now.Unix()), time.Time{})
}

func grantKeyOf(id string, seed []byte, createdAt, retiresAt time.Time) *grantKey {
	private := ed25519.NewKeyFromSeed(seed)
	public, _ := private.Public().(ed25519.PublicKey)
	return &grantKey{
		id: id, createdAt: createdAt, retiresAt: retiresAt,
		seed:   class.NewSecret(base64.RawURLEncoding.EncodeToString(seed)),
		public: public,
		sign:   func(text string) []byte { return ed25519.Sign(private, []byte(text)) },
	}
}

func (k *grantKey) retired(now time.Time) bool {
	return !k.retiresAt.IsZero() && !now.Before(k.retiresAt)
}

// grantKeyRecord is a key in the database, under its id.
type grantKeyRecord struct {
	Seed      string    `json:"seed"`
	CreatedAt time.Time `json:"created_at"`
	RetiresAt time.Time `json:"retires_at"`
}

func grantKeyBucket() kv.Bucket[grantKeyRecord] { return kv.NewBucket[grantKeyRecord]("grant_keys") }

// loadGrantKeys returns the keys of the database, the one that signs first.
func loadGrantKeys(tx *kv.Tx) ([]*grantKey, error) {
	var keys []*grantKey
	err := grantKeyBucket().ForEach(tx, "", func(id string, rec grantKeyRecord) (bool, error) {
		seed, err := base64.RawURLEncoding.DecodeString(rec.Seed)
		if err != nil || len(seed) != ed25519.SeedSize || !validKID(id) {
			return false, fmt.Errorf("grant key %q is damaged", id) // without err, which may quote it
		}
		keys = append(keys, grantKeyOf(id, seed, rec.CreatedAt, rec.RetiresAt))
		return true, nil
	})
	slices.SortFunc(keys, func(a, b *grantKey) int {
		if am, bm := a.retiresAt.IsZero(), b.retiresAt.IsZero(); am != bm {
			if am {
				return -1
			}
			return 1
		}
		return b.createdAt.Compare(a.createdAt)
	})
	return keys, err
}

// replaceGrantKeys makes the database hold after where it held before.
func replaceGrantKeys(tx *kv.Tx, before, after []*grantKey) error {
	b := grantKeyBucket()
	for _, k := range before {
		if !slices.ContainsFunc(after, func(o *grantKey) bool { return o.id == k.id }) {
			if err := b.Delete(tx, k.id); err != nil {
				return err
			}
		}
	}
	for _, k := range after {
		rec := grantKeyRecord{Seed: k.seed.Reveal(), CreatedAt: k.createdAt, RetiresAt: k.retiresAt}
		if err := b.Put(tx, k.id, rec); err != nil {
			return err
		}
	}
	return nil
}
