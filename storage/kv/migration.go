package kv

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Migration brings the file from schema Version-1 to Version. Migrations of
// all packages form one list, which the composition root writes down; released
// ones are never changed, removed or reordered.
type Migration struct {
	// Version counts up from 1 without gaps.
	Version int

	// Name says what it does, for the log: "classes get a source".
	Name string

	// Up does it. It runs once, in the same transaction as all other pending
	// migrations, so that a failure or power cut leaves the file as it was.
	Up func(tx *Tx) error
}

const schemaKey = "schema"

// schema is what the file says about itself.
type schema struct {
	Version    int       `json:"version"`
	MigratedAt time.Time `json:"migrated_at"`
}

func schemaBucket() Bucket[schema] { return NewBucket[schema]("_kv") }

func checkMigrations(ms []Migration) error {
	for i, m := range ms {
		if m.Version != i+1 || m.Up == nil {
			return fmt.Errorf("migration %d (%q) must have version %d and an Up function", m.Version, m.Name, i+1)
		}
	}
	return nil
}

// migrate runs the migrations after the file's version. A new file runs them
// all, so that each Up may rely on its predecessors.
func migrate(tx *Tx, path string, ms []Migration, logger *slog.Logger) error {
	bucket := schemaBucket()
	have, err := bucket.Get(tx, schemaKey)
	known := len(ms)
	switch {
	case errors.Is(err, ErrNotFound):
		have.Version = 0
	case err != nil:
		return err
	case have.Version > known:
		return &NewerSchemaError{Path: path, Have: have.Version, Known: known}
	case have.Version == known:
		return nil
	}
	for _, m := range ms[have.Version:] {
		if err := m.Up(tx); err != nil {
			return fmt.Errorf("to schema %d (%s): %w", m.Version, m.Name, err)
		}
		logger.Info("database migrated", "version", m.Version, "migration", m.Name)
	}
	return bucket.Put(tx, schemaKey, schema{Version: known, MigratedAt: time.Now().UTC()})
}

// SchemaVersion returns the version of the last migration that the file has
// seen.
func (db *DB) SchemaVersion() (int, error) {
	var s schema
	err := db.View(func(tx *Tx) (err error) {
		s, err = schemaBucket().Get(tx, schemaKey)
		return err
	})
	return s.Version, err
}
