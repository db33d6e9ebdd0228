package segment

import (
	"errors"
	"fmt"
	"path/filepath"
)

// maxUnlogged bounds the lines that wait for a broken index to come back, about
// 2 MiB. Above it the oldest are dropped; replay finds their journals instead.
const maxUnlogged = 4096

// indexWriter appends to the index file. It belongs to one goroutine.
type indexWriter struct {
	files    fileSystem
	name     string
	file     file         // nil when closed
	size     int64        // bytes known to be good
	torn     bool         // the file may have more than size bytes
	unlogged []indexEntry // not yet in the file, oldest first
}

// indexEntry is a record on its way into the index.
type indexEntry struct {
	record
	obsolete []string // paths that are not needed any more once it is there
}

// append makes e durable, together with those lines that could not be written
// before. On an error e is kept for the next attempt.
func (w *indexWriter) append(e indexEntry) error {
	if len(w.unlogged) == maxUnlogged {
		w.unlogged = w.unlogged[1:]
	}
	w.unlogged = append(w.unlogged, e)
	return w.flush()
}

// flush writes the lines that wait.
func (w *indexWriter) flush() error {
	if len(w.unlogged) == 0 {
		return nil
	}
	var lines []byte
	for _, e := range w.unlogged {
		line, err := encodeLine(e.record)
		if err != nil {
			return err
		}
		lines = append(lines, line...)
	}
	if err := w.write(lines); err != nil {
		// A later line must not follow half of this one, and after a failed
		// fsync only a new descriptor tells the truth.
		w.torn = true
		w.close()
		return fmt.Errorf("append to index: %w", err)
	}
	w.size += int64(len(lines))
	for _, e := range w.unlogged {
		for _, path := range e.obsolete {
			_ = w.files.Remove(path) // else the next start does it
		}
	}
	w.unlogged = nil
	return nil
}

func (w *indexWriter) write(lines []byte) error {
	if w.torn && w.size > 0 {
		if err := w.files.Truncate(w.name, w.size); err != nil {
			return err
		}
		w.torn = false
	}
	if w.file == nil {
		f, err := w.open()
		if err != nil {
			return err
		}
		w.file = f
	}
	if _, err := w.file.Write(lines); err != nil {
		return err
	}
	return w.file.Sync()
}

// open opens the file, and makes it and its folder if need be.
func (w *indexWriter) open() (file, error) {
	if w.size > 0 {
		return w.files.Append(w.name)
	}
	dir := filepath.Dir(w.name)
	if err := w.files.MkdirAll(dir); err != nil {
		return nil, err
	}
	f, err := w.files.Create(w.name) // nothing in it is good
	if err != nil {
		return nil, err
	}
	w.torn = false
	if err := errors.Join(w.files.SyncDir(dir), w.files.SyncDir(filepath.Dir(dir))); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// close closes the file; the writer can be used again.
func (w *indexWriter) close() {
	if w.file == nil {
		return
	}
	if err := w.file.Close(); err != nil {
		w.torn = true
	}
	w.file = nil
}
