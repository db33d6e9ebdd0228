package kv

import (
	"encoding/json"
	"fmt"
)

// Bucket is a named, sorted map from string keys to values of type T, kept as
// JSON. It is a name, not a handle: make it once with [NewBucket] and use it
// with any transaction of any DB. The bucket comes into being with the first
// Put; until then it reads as empty.
//
// T must survive a round trip through encoding/json. Types that redact
// themselves when marshalled do not: store a type of your own instead.
type Bucket[T any] struct {
	path folder
}

// NewBucket names a bucket, after the folders it lies in, if any: what has a
// folder of its own goes away with [DeleteFolder]. Names are part of the file
// format; the one that starts with an underscore is kv's own. A name is that of
// a bucket, a [Log] or a folder, not two of them.
func NewBucket[T any](path ...string) Bucket[T] {
	return Bucket[T]{path: path}
}

// Get returns the value at key, or ErrNotFound.
func (b Bucket[T]) Get(tx *Tx, key string) (T, error) {
	var v T
	bucket := b.path.open(tx)
	if bucket == nil {
		return v, ErrNotFound
	}
	raw := bucket.Get([]byte(key))
	if raw == nil {
		return v, ErrNotFound
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("decode %s %q: %w", b.path, key, err)
	}
	return v, nil
}

// Put stores v at key, which is 1 to 32,768 bytes long, replacing what was
// there. The transaction must be one of Update or Batch.
func (b Bucket[T]) Put(tx *Tx, key string, v T) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s %q: %w", b.path, key, err)
	}
	bucket, err := b.path.create(tx)
	if err != nil {
		return err
	}
	if err := bucket.Put([]byte(key), raw); err != nil {
		return fmt.Errorf("put %s %q: %w", b.path, key, err)
	}
	return nil
}

// Delete removes key; it is no error if nothing is there. The transaction must
// be one of Update or Batch.
func (b Bucket[T]) Delete(tx *Tx, key string) error {
	bucket := b.path.open(tx)
	if bucket == nil {
		return nil
	}
	if err := bucket.Delete([]byte(key)); err != nil {
		return fmt.Errorf("delete %s %q: %w", b.path, key, err)
	}
	return nil
}

// ForEach calls fn for each key greater than after, in byte order, until fn
// returns false or an error. An empty after means all keys. fn must not change
// the bucket: collect, then change.
func (b Bucket[T]) ForEach(tx *Tx, after string, fn func(key string, v T) (more bool, err error)) error {
	bucket := b.path.open(tx)
	if bucket == nil {
		return nil
	}
	c := bucket.Cursor()
	k, raw := c.Seek([]byte(after))
	if k != nil && string(k) == after {
		k, raw = c.Next()
	}
	for ; k != nil; k, raw = c.Next() {
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return fmt.Errorf("decode %s %q: %w", b.path, k, err)
		}
		if more, err := fn(string(k), v); err != nil || !more {
			return err
		}
	}
	return nil
}

// Count returns how many keys the bucket holds. It reads every page of it.
func (b Bucket[T]) Count(tx *Tx) int {
	bucket := b.path.open(tx)
	if bucket == nil {
		return 0
	}
	return bucket.Stats().KeyN
}
