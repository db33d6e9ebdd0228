package class

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/lectern/lectern/storage/kv"
)

// record is how a class lies in the database, secrets in clear: the file is
// readable by its owner only. Field names are part of the file format.
type record struct {
	ID              string        `json:"id"`
	Title           string        `json:"title"`
	State           State         `json:"state"`
	StartsAt        time.Time     `json:"starts_at,omitzero"`
	CreatedAt       time.Time     `json:"created_at"`
	StartedAt       time.Time     `json:"started_at,omitzero"`
	EndedAt         time.Time     `json:"ended_at,omitzero"`
	Deadline        time.Time     `json:"deadline,omitzero"`
	CleanStop       bool          `json:"clean_stop,omitempty"`
	StreamKey       string        `json:"stream_key"`
	Source          string        `json:"source,omitempty"`
	Ladder          []string      `json:"ladder,omitempty"`
	Pull            bool          `json:"pull,omitempty"`
	SegmentDuration time.Duration `json:"segment_duration_ns,omitempty"`
	PartDuration    time.Duration `json:"part_duration_ns,omitempty"`
	Access          Access        `json:"access,omitempty"` // absent: public
	DVRWindow       time.Duration `json:"dvr_window_ns,omitempty"`
}

func newRecord(c Class) record {
	access := c.Access
	if access == AccessPublic {
		access = "" // as in records from before there was a choice
	}
	return record{
		ID: c.ID, Title: c.Title, State: c.State,
		StartsAt: c.StartsAt, CreatedAt: c.CreatedAt, StartedAt: c.StartedAt, EndedAt: c.EndedAt,
		Deadline: c.Deadline, CleanStop: c.CleanStop,
		StreamKey: c.StreamKey.Reveal(), Source: c.Source.Reveal(), Ladder: c.Ladder, Pull: c.Pull,
		SegmentDuration: c.SegmentDuration, PartDuration: c.PartDuration,
		Access: access, DVRWindow: c.DVRWindow,
	}
}

func (r record) class() Class {
	return Class{
		ID: r.ID, Title: r.Title, State: r.State,
		StartsAt: r.StartsAt, CreatedAt: r.CreatedAt, StartedAt: r.StartedAt, EndedAt: r.EndedAt,
		Deadline: r.Deadline, CleanStop: r.CleanStop,
		StreamKey: NewSecret(r.StreamKey), Source: NewSecret(r.Source), Ladder: r.Ladder, Pull: r.Pull,
		SegmentDuration: r.SegmentDuration, PartDuration: r.PartDuration,
		Access: cmp.Or(r.Access, AccessPublic), DVRWindow: r.DVRWindow,
	}
}

// store is the layout of the classes in the database.
type store struct {
	classes kv.Bucket[record] // by ID

	// keys maps the SHA-256 of a stream key to its class. What an attacker could
	// learn from the time a lookup takes is about the hash, not about the key.
	keys kv.Bucket[string]

	// order maps orderKey to the ID: the classes by creation.
	order kv.Bucket[string]
}

func newStore() store {
	return store{
		classes: kv.NewBucket[record]("classes"),
		keys:    kv.NewBucket[string]("class_keys"),
		order:   kv.NewBucket[string]("class_order"),
	}
}

func keyHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// orderKey sorts by creation, then ID.
func orderKey(c Class) string {
	return fmt.Sprintf("%016x-%s", c.CreatedAt.UnixMilli(), c.ID)
}

func encodeCursor(order string) string { return base64.RawURLEncoding.EncodeToString([]byte(order)) }

func decodeCursor(cursor string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < 18 || b[16] != '-' || !ValidID(string(b[17:])) {
		return "", &InvalidError{Field: "cursor", Problem: "is not one that a list gave"}
	}
	return string(b), nil
}

func (s store) get(tx *kv.Tx, id string) (Class, error) {
	rec, err := s.classes.Get(tx, id)
	if errors.Is(err, kv.ErrNotFound) {
		return Class{}, ErrNotFound
	}
	return rec.class(), err
}

// getByKey finds the class whose stream key has the hash.
func (s store) getByKey(tx *kv.Tx, hash string) (Class, error) {
	id, err := s.keys.Get(tx, hash)
	if errors.Is(err, kv.ErrNotFound) {
		return Class{}, ErrUnknownKey
	}
	if err != nil {
		return Class{}, err
	}
	return s.get(tx, id)
}

// put stores after in the place of before, which is zero for a new class.
func (s store) put(tx *kv.Tx, before, after Class) error {
	if before.ID == "" {
		if err := s.order.Put(tx, orderKey(after), after.ID); err != nil {
			return err
		}
	} else if !before.StreamKey.Equal(after.StreamKey) {
		if err := s.keys.Delete(tx, keyHash(before.StreamKey.Reveal())); err != nil {
			return err
		}
	}
	if err := s.keys.Put(tx, keyHash(after.StreamKey.Reveal()), after.ID); err != nil {
		return err
	}
	return s.classes.Put(tx, after.ID, newRecord(after))
}

func (s store) remove(tx *kv.Tx, c Class) error {
	return errors.Join(
		s.classes.Delete(tx, c.ID),
		s.keys.Delete(tx, keyHash(c.StreamKey.Reveal())),
		s.order.Delete(tx, orderKey(c)),
	)
}
