package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"sync"
	"time"

	"github.com/lectern/lectern/realtime/class"
)

const keyLen = 32 // bytes

// Key is one key of a KeyRing, as whoever configures an edge needs it.
type Key struct {
	ID string // the kid of its tokens

	// Secret is the key: 43 characters of base64url, which stand for 32 random
	// bytes. The characters are the HMAC key, not the bytes: where caches take keys
	// as text, a byte of zero would cut one short.
	Secret class.Secret

	CreatedAt time.Time // UTC

	// RetiresAt is from when on the key's tokens are refused; zero for the key
	// that new tokens are signed with.
	RetiresAt time.Time
}

// key signs and checks. It is immutable but for its pool.
type key struct {
	Key

	// signers holds *signer. The key is in its New alone, where no %v finds it.
	signers sync.Pool
}

// signer is an HMAC with its buffers, so that checking allocates nothing.
type signer struct {
	mac  hash.Hash
	in   []byte
	sum  []byte
	text [macLen]byte
}

// newKey returns a key of random bytes with an id that is not taken.
func newKey(now time.Time, taken func(id string) bool) *key {
	raw := make([]byte, keyLen)
	_, _ = rand.Read(raw) // never fails
	id := randomID(4)
	for taken(id) {
		id = randomID(4)
	}
	return keyOf(Key{ID: id, CreatedAt: seconds(now.Unix())}, raw)
}

// keyOf returns the key that the bytes raw stand for.
func keyOf(k Key, raw []byte) *key {
	text := base64.RawURLEncoding.EncodeToString(raw)
	k.Secret = class.NewSecret(text)
	out := &key{Key: k}
	out.signers.New = func() any {
		return &signer{mac: hmac.New(sha256.New, []byte(text)), in: make([]byte, 0, MaxLen), sum: make([]byte, 0, sha256.Size)}
	}
	return out
}

// retired reports whether the key's tokens are refused at now.
func (k *key) retired(now time.Time) bool { return !k.RetiresAt.IsZero() && !now.Before(k.RetiresAt) }

// sign returns the text of the token.
func (k *key) sign(b body) string {
	s := k.signers.Get().(*signer) //nolint:forcetypeassert // New makes nothing else
	defer k.signers.Put(s)
	s.in = b.appendTo(s.in[:0])
	s.compute()
	return string(append(append(s.in, '.'), s.text[:]...))
}

// signs reports, in a time that does not depend on where they differ, whether
// mac is that of signed. Since texts are compared, only one spelling passes.
func (k *key) signs(signed, mac string) bool {
	s := k.signers.Get().(*signer) //nolint:forcetypeassert // New makes nothing else
	defer k.signers.Put(s)
	s.in = append(s.in[:0], signed...)
	s.compute()
	s.in = append(s.in[:0], mac...)
	return subtle.ConstantTimeCompare(s.in, s.text[:]) == 1
}

// compute writes the MAC of in to text.
func (s *signer) compute() {
	s.mac.Reset()
	_, _ = s.mac.Write(s.in) // never fails
	s.sum = s.mac.Sum(s.sum[:0])
	base64.RawURLEncoding.Encode(s.text[:], s.sum)
}
