package kv

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// defaultLockTimeout is long enough for a predecessor that is shutting down.
const defaultLockTimeout = 5 * time.Second

// Options are the parts of a DB that its opener decides. The zero value is
// usable.
type Options struct {
	// LockTimeout is how long Open waits for another process to let go of the
	// file. 0 means 5 s.
	LockTimeout time.Duration

	// SkipFreelist leaves the list of free pages out of the file. It makes each
	// commit of a file that grows and is emptied again cheaper, for a scan of the
	// file at Open.
	SkipFreelist bool

	// Migrations bring an older file up to date, in order of Version. See
	// [Migration].
	Migrations []Migration

	// Logger gets one line for each migration. Nil discards.
	Logger *slog.Logger

	// Registerer gets the metrics lectern_kv_*. Nil keeps them to the DB.
	Registerer prometheus.Registerer
}

// DB is one open database file. All methods may be called from any goroutine.
type DB struct {
	bolt    *bbolt.DB
	metrics *metrics
}

// Open opens the database at path, creating it (mode 0600) if it does not
// exist, and runs the migrations it has not seen, all in one transaction. The
// folder must exist. It returns a *LockedError, *CorruptError or
// *NewerSchemaError for the three things an operator can act on.
func Open(path string, opts Options) (*DB, error) {
	if err := checkMigrations(opts.Migrations); err != nil {
		return nil, err
	}
	if opts.LockTimeout <= 0 {
		opts.LockTimeout = defaultLockTimeout
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	bolt, file, err := openBolt(path, opts)
	if err != nil {
		return nil, err
	}
	if err = guardFaults(func() error {
		return bolt.Update(func(tx *bbolt.Tx) error {
			return migrate(&Tx{bolt: tx}, path, opts.Migrations, opts.Logger.With("component", "kv"))
		})
	}); err != nil {
		if fault := (*faultError)(nil); errors.As(err, &fault) {
			abandon(file) // bolt.Close could wait for the transaction that broke
			return nil, &CorruptError{Path: path, Err: err}
		}
		_ = bolt.Close()
		return nil, fmt.Errorf("migrate %s: %w", path, err)
	}
	return &DB{bolt: bolt, metrics: newMetrics(opts.Registerer, bolt)}, nil
}

// Close waits for the transactions that are running and closes the file. Later
// calls do nothing.
func (db *DB) Close() error {
	path := db.bolt.Path()
	if err := db.bolt.Close(); err != nil {
		return fmt.Errorf("close %s: %w", path, err)
	}
	return nil
}

// View runs fn in a read-only transaction: one consistent state of the file.
// It does not wait for writers. Keep it short: pages it can see are not reused.
func (db *DB) View(fn func(tx *Tx) error) error {
	return closedError(db.bolt.View(func(tx *bbolt.Tx) error { return fn(&Tx{bolt: tx}) }))
}

// Update runs fn in a read-write transaction and commits it, with an fsync, if
// fn returns nil; otherwise nothing changes and fn's error is returned. Writers
// queue for each other.
func (db *DB) Update(fn func(tx *Tx) error) error {
	start := time.Now()
	err := db.bolt.Update(func(tx *bbolt.Tx) error { return fn(&Tx{bolt: tx}) })
	db.metrics.observe(start, err)
	return closedError(err)
}

// Batch is Update for many concurrent callers: up to 1,000 of them, or those of
// 10 ms, share one commit and its fsync. A lone caller waits the 10 ms for
// nothing, so use it where writers come in crowds.
//
// fn may run more than once, since one that fails makes its batch start again:
// its only effect outside tx must be to assign variables.
func (db *DB) Batch(fn func(tx *Tx) error) error {
	start := time.Now()
	err := db.bolt.Batch(func(tx *bbolt.Tx) error { return fn(&Tx{bolt: tx}) })
	db.metrics.observe(start, err)
	return closedError(err)
}

// Tx is a transaction. It belongs to the function that was given it and must
// not outlive it.
type Tx struct {
	bolt *bbolt.Tx
}

// Size returns the size of the file in bytes, as the transaction sees it.
func (tx *Tx) Size() int64 { return tx.bolt.Size() }

func closedError(err error) error {
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

// openBolt opens the file and turns what bbolt makes of a damaged one (errors,
// panics and memory faults alike) into a *CorruptError. The file it returns is
// bolt's own.
func openBolt(path string, opts Options) (bolt *bbolt.DB, file *os.File, err error) {
	err = guardFaults(func() (oerr error) {
		bolt, oerr = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:        opts.LockTimeout,
			FreelistType:   bbolt.FreelistMapType,
			NoFreelistSync: opts.SkipFreelist,
			OpenFile: func(name string, flag int, mode os.FileMode) (_ *os.File, ferr error) {
				file, ferr = os.OpenFile(name, flag, mode)
				return file, ferr
			},
		})
		return oerr
	})
	fault := (*faultError)(nil)
	switch {
	case err == nil:
		return bolt, file, nil
	case errors.Is(err, berrors.ErrTimeout):
		return nil, nil, &LockedError{Path: path, Waited: opts.LockTimeout}
	case errors.As(err, &fault):
		abandon(file)
		return nil, nil, &CorruptError{Path: path, Err: err}
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrVersionMismatch), errors.Is(err, berrors.ErrChecksum):
		return nil, nil, &CorruptError{Path: path, Err: err}
	default:
		return nil, nil, fmt.Errorf("open database: %w", err)
	}
}

// abandon closes a file that bbolt left open and locked when it panicked.
func abandon(file *os.File) {
	unlock(file)
	_ = file.Close()
}

// faultError is a panic or memory fault while the file was first read.
type faultError struct {
	what any
}

func (e *faultError) Error() string { return fmt.Sprintf("damaged: %v", e.what) }

// guardFaults runs fn and returns a *faultError if it panics or, since the file
// is mapped into memory, touches pages that a truncated file does not have.
func guardFaults(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = &faultError{what: r}
		}
	}()
	return fn()
}
