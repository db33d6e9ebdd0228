package kv

import (
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// folder is where a bucket lies: its own name, after those of the folders
// around it.
type folder []string

func (f folder) String() string { return strings.Join(f, "/") }

// open returns the bucket, or nil if nothing has been put there.
func (f folder) open(tx *Tx) *bbolt.Bucket {
	b := tx.bolt.Bucket([]byte(f[0]))
	for _, name := range f[1:] {
		if b == nil {
			return nil
		}
		b = b.Bucket([]byte(name))
	}
	return b
}

func (f folder) create(tx *Tx) (*bbolt.Bucket, error) {
	b, err := tx.bolt.CreateBucketIfNotExists([]byte(f[0]))
	for _, name := range f[1:] {
		if err != nil {
			break
		}
		b, err = b.CreateBucketIfNotExists([]byte(name))
	}
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", f, err)
	}
	return b, nil
}

// DeleteFolder deletes the folder (or bucket, or log) of that path and all that
// lies in it; it is no error if nothing is there. The file does not shrink: its
// pages are used again. The transaction must be one of Update or Batch.
func DeleteFolder(tx *Tx, path ...string) error {
	f := folder(path)
	var err error
	if last := len(f) - 1; last == 0 {
		err = tx.bolt.DeleteBucket([]byte(f[0]))
	} else if parent := f[:last].open(tx); parent != nil {
		err = parent.DeleteBucket([]byte(f[last]))
	}
	if err != nil && !errors.Is(err, berrors.ErrBucketNotFound) {
		return fmt.Errorf("delete %s: %w", f, err)
	}
	return nil
}

// Folders calls fn with the name of each folder in the one of that path, in byte
// order, until fn returns false.
func Folders(tx *Tx, fn func(name string) (more bool), path ...string) {
	parent := folder(path).open(tx)
	if parent == nil {
		return
	}
	c := parent.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if v == nil && !fn(string(k)) {
			return
		}
	}
}
