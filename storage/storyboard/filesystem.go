package storyboard

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// fileSystem is what a Board asks of the disk when it writes: the seam where tests
// let it fail or stop.
type fileSystem interface {
	// Write creates or truncates name; sync makes the bytes durable.
	Write(name string, data []byte, sync bool) error
	Chtimes(name string, modified time.Time) error
	Rename(from, to string) error
	Remove(name string) error
	// SyncDir makes creations and renames within dir durable.
	SyncDir(dir string) error
}

// osFileSystem is the real one.
type osFileSystem struct{}

// Write implements fileSystem.
func (osFileSystem) Write(name string, data []byte, sync bool) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && sync {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Chtimes implements fileSystem.
func (osFileSystem) Chtimes(name string, modified time.Time) error {
	return os.Chtimes(name, modified, modified)
}

// Rename implements fileSystem.
func (osFileSystem) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements fileSystem.
func (osFileSystem) Remove(name string) error { return os.Remove(name) }

// SyncDir implements fileSystem.
func (osFileSystem) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// replace makes data, modified then, the content of name in one step; with sync
// it is durable when replace returns.
func (b *Board) replace(name string, data []byte, modified time.Time, sync bool) error {
	tmp := b.path(name) + tmpSuffix
	err := b.files.Write(tmp, data, sync)
	if err == nil {
		err = b.files.Chtimes(tmp, modified)
	}
	if err == nil {
		err = b.files.Rename(tmp, b.path(name))
	}
	if err != nil {
		_ = b.files.Remove(tmp) // a full disk needs the space back
		return fmt.Errorf("write %q: %w", name, err)
	}
	if !sync {
		return nil
	}
	if err = b.files.SyncDir(b.dir); err != nil {
		return fmt.Errorf("write %q: sync folder: %w", name, err)
	}
	return nil
}

// readLimited returns the content of a regular file of at most most bytes.
func readLimited(name string, most int64) ([]byte, time.Time, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, time.Time{}, err
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, time.Time{}, fmt.Errorf("%q is no regular file of at most %d bytes", name, most)
	}
	data, err := io.ReadAll(io.LimitReader(f, most))
	return data, info.ModTime(), err
}
