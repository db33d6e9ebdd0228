package access

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/storage/kv"
)

// studioLen is how long a studio secret is: 32 random bytes in base64url.
const studioLen = 43

// StudioKeys keeps the secret of each class's studio link: whoever has it is the
// host. All methods may be called from any goroutine.
type StudioKeys struct {
	db     *kv.DB
	logger *slog.Logger
	bucket kv.Bucket[studioRecord]
}

// studioRecord is a secret in the database, under the id of its class.
type studioRecord struct {
	Secret    string    `json:"secret"`
	CreatedAt time.Time `json:"created_at"`
}

// NewStudioKeys returns the studio secrets of the database.
func NewStudioKeys(deps Deps) (*StudioKeys, error) {
	if deps.DB == nil {
		return nil, errors.New("studio keys need a database")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	return &StudioKeys{db: deps.DB, logger: deps.Logger.With("component", "access"), bucket: kv.NewBucket[studioRecord]("studio_keys")}, nil
}

// Secret returns the secret of the class, and makes it if there is none.
func (s *StudioKeys) Secret(classID string, now time.Time) (class.Secret, error) {
	rec, err := s.read(classID)
	if errors.Is(err, kv.ErrNotFound) {
		err = s.db.Update(func(tx *kv.Tx) error {
			var readErr error
			if rec, readErr = s.bucket.Get(tx, classID); !errors.Is(readErr, kv.ErrNotFound) {
				return readErr // another was first
			}
			rec = newStudioRecord(now)
			return s.bucket.Put(tx, classID, rec)
		})
	}
	if err != nil {
		return class.Secret{}, fmt.Errorf("studio secret of class %q: %w", classID, err)
	}
	return class.NewSecret(rec.Secret), nil
}

// Check reports whether the secret is that of the class, in a time that does not
// depend on where they differ. A class without one has no host.
func (s *StudioKeys) Check(classID string, given class.Secret) (bool, error) {
	rec, err := s.read(classID)
	if err != nil && !errors.Is(err, kv.ErrNotFound) {
		return false, fmt.Errorf("studio secret of class %q: %w", classID, err)
	}
	same := class.NewSecret(rec.Secret).Equal(given)
	return same && len(rec.Secret) == studioLen, nil
}

// Rotate makes a new secret, with which the old link is void at once. Hosts who
// are connected stay until their session ends.
func (s *StudioKeys) Rotate(classID string, now time.Time) (class.Secret, error) {
	if !class.ValidID(classID) {
		return class.Secret{}, fmt.Errorf("%w: bad class id", ErrInvalid)
	}
	rec := newStudioRecord(now)
	if err := s.db.Update(func(tx *kv.Tx) error { return s.bucket.Put(tx, classID, rec) }); err != nil {
		return class.Secret{}, fmt.Errorf("rotate studio secret of class %q: %w", classID, err)
	}
	s.logger.Info("studio secret rotated", "class", classID)
	return class.NewSecret(rec.Secret), nil
}

// Forget drops the secret of a class that was deleted.
func (s *StudioKeys) Forget(classID string) error {
	if err := s.db.Update(func(tx *kv.Tx) error { return s.bucket.Delete(tx, classID) }); err != nil {
		return fmt.Errorf("forget studio secret of class %q: %w", classID, err)
	}
	return nil
}

func (s *StudioKeys) read(classID string) (rec studioRecord, err error) {
	if !class.ValidID(classID) {
		return rec, fmt.Errorf("%w: bad class id", ErrInvalid)
	}
	err = s.db.View(func(tx *kv.Tx) (err error) {
		rec, err = s.bucket.Get(tx, classID)
		return err
	})
	return rec, err
}

func newStudioRecord(now time.Time) studioRecord {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return studioRecord{Secret: base64.RawURLEncoding.EncodeToString(b), CreatedAt: seconds(now.Unix())}
}
