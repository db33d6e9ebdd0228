package segment

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// fileSystem is what a Log asks of the disk: the seam where tests let it fail.
type fileSystem interface {
	MkdirAll(dir string) error
	ReadDir(dir string) ([]fs.DirEntry, error)
	ReadFile(name string) ([]byte, error)
	Stat(name string) (fs.FileInfo, error)
	// Open opens for reading. It is a real file so that the kernel can send it.
	Open(name string) (*os.File, error)
	// Create truncates, Append continues; both create what is absent.
	Create(name string) (file, error)
	Append(name string) (file, error)
	Truncate(name string, size int64) error
	Rename(from, to string) error
	Remove(name string) error
	// SyncFile makes what was written to a file durable; it does not make one.
	SyncFile(name string) error
	// SyncDir makes creations and renames within dir durable.
	SyncDir(dir string) error
}

// file is open for writing.
type file interface {
	io.WriteCloser
	Sync() error
}

// osFileSystem is the real one.
type osFileSystem struct{}

// MkdirAll implements fileSystem.
func (osFileSystem) MkdirAll(dir string) error { return os.MkdirAll(dir, 0o750) }

// ReadDir implements fileSystem.
func (osFileSystem) ReadDir(dir string) ([]fs.DirEntry, error) { return os.ReadDir(dir) }

// ReadFile implements fileSystem.
func (osFileSystem) ReadFile(name string) ([]byte, error) { return os.ReadFile(name) }

// Stat implements fileSystem.
func (osFileSystem) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// Open implements fileSystem.
func (osFileSystem) Open(name string) (*os.File, error) { return os.Open(name) }

// Create implements fileSystem.
func (osFileSystem) Create(name string) (file, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
}

// Append implements fileSystem.
func (osFileSystem) Append(name string) (file, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
}

// Truncate implements fileSystem.
func (osFileSystem) Truncate(name string, size int64) error { return os.Truncate(name, size) }

// Rename implements fileSystem.
func (osFileSystem) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements fileSystem.
func (osFileSystem) Remove(name string) error { return os.Remove(name) }

// SyncFile implements fileSystem.
func (osFileSystem) SyncFile(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// SyncDir implements fileSystem.
func (osFileSystem) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
