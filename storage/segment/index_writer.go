package segment

import "fmt"

// maxUnlogged bounds the lines that wait for a broken index to come back, about
// 2 MiB. Above it the oldest are dropped; replay finds holes instead.
const maxUnlogged = 4096

// indexWriter appends to the index file. It belongs to one goroutine.
type indexWriter struct {
	files    fileSystem
	name     string
	file     file     // nil when closed
	size     int64    // bytes known to be good
	torn     bool     // the file may have more than size bytes
	unlogged []record // not yet in the file, oldest first
}

// append makes r durable, together with those lines that could not be written
// before. On an error r is kept for the next attempt.
func (w *indexWriter) append(r record) error {
	if len(w.unlogged) == maxUnlogged {
		w.unlogged = w.unlogged[1:]
	}
	w.unlogged = append(w.unlogged, r)
	return w.flush()
}

// flush writes the lines that wait.
func (w *indexWriter) flush() error {
	if len(w.unlogged) == 0 {
		return nil
	}
	var lines []byte
	for _, r := range w.unlogged {
		line, err := encodeLine(r)
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
	w.unlogged = nil
	return nil
}

func (w *indexWriter) write(lines []byte) error {
	if w.torn {
		if err := w.files.Truncate(w.name, w.size); err != nil {
			return err
		}
		w.torn = false
	}
	if w.file == nil {
		f, err := w.files.Append(w.name)
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
