package kv

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrNotFound is returned by [Bucket.Get] when the key holds no value.
	ErrNotFound = errors.New("no such record")

	// ErrClosed is returned by every transaction after Close.
	ErrClosed = errors.New("database is closed")
)

// LockedError is returned by Open when another process holds the file.
type LockedError struct {
	Path   string
	Waited time.Duration // how long Open tried
}

// Error says what to do about it.
func (e *LockedError) Error() string {
	return fmt.Sprintf("another lectern is using %s (waited %s): stop it, or give this one another data folder", e.Path, e.Waited)
}

// CorruptError is returned by Open when the file is no database, or a damaged
// one. The file is left as it was found.
type CorruptError struct {
	Path string
	Err  error // what was found
}

// Error says what to do about it.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s is not a usable database (%v): restore it from a backup, or move it away to start empty", e.Path, e.Err)
}

// Unwrap returns what was found.
func (e *CorruptError) Unwrap() error { return e.Err }

// NewerSchemaError is returned by Open when a newer program has migrated the
// file: this one would misread it.
type NewerSchemaError struct {
	Path        string
	Have, Known int // schema version of the file, and the newest this program knows
}

// Error says what to do about it.
func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("%s was written by a newer lectern (schema %d, this one knows %d): run the newer version", e.Path, e.Have, e.Known)
}
