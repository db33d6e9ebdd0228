package segment

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Object is one stored thing, open for reading at offset 0. Close it.
//
// The reader is a plain *os.File where the disk serves a whole file, so that the
// kernel can send it. What memory serves implements io.WriterTo, and
// [ChunkWriter] for a part of it.
type Object struct {
	io.ReadSeekCloser
	Size    int64     // bytes
	ModTime time.Time // when it was finished
}

// OpenInit opens the Init of that id. It returns [ErrNotFound] if there is none.
func (l *Log) OpenInit(rendition string, id int) (Object, error) {
	if r, ok := l.find(rendition); ok {
		if in, ok := r.init(id); ok {
			return Object{
				ReadSeekCloser: newChunks([][]byte{in.Data}),
				Size:           int64(len(in.Data)), ModTime: in.at,
			}, nil
		}
	}
	return Object{}, ErrNotFound
}

// OpenPart opens one Partial Segment, of the segment that grows or of one
// finished less than Config.PartRetention ago. It returns [ErrNotFound] if there
// is none, or another error if the disk fails.
func (l *Log) OpenPart(rendition string, msn, index int) (Object, error) {
	b, ok := l.body(rendition, msn)
	if !ok || index < 0 || index >= len(b.parts) {
		return Object{}, ErrNotFound
	}
	if !b.finished.IsZero() && time.Since(b.finished) > l.cfg.PartRetention {
		return Object{}, ErrNotFound
	}
	p := b.parts[index]
	o := Object{Size: int64(p.size), ModTime: p.at}
	if p.data != nil {
		o.ReadSeekCloser = newChunks([][]byte{p.data})
		return o, nil
	}
	f, err := l.openFile(rendition, segmentName(msn))
	if err != nil {
		return Object{}, err
	}
	var offset int64
	for _, before := range b.parts[:index] {
		offset += int64(before.size)
	}
	o.ReadSeekCloser = section{io.NewSectionReader(f, offset, o.Size), f}
	return o, nil
}

// OpenSegment opens one finished Media Segment, from memory or disk. It returns
// [ErrNotFound] if there is none, if it still grows or is a gap, or another
// error if the disk fails.
func (l *Log) OpenSegment(rendition string, msn int) (Object, error) {
	b, ok := l.body(rendition, msn)
	if !ok || b.finished.IsZero() || b.gap {
		return Object{}, ErrNotFound
	}
	o := Object{Size: b.size, ModTime: b.finished}
	if b.inMemory() {
		data := make([][]byte, len(b.parts))
		for i, p := range b.parts {
			data[i] = p.data
		}
		o.ReadSeekCloser = newChunks(data)
		return o, nil
	}
	f, err := l.openFile(rendition, segmentName(msn))
	if err != nil {
		return Object{}, err
	}
	o.ReadSeekCloser = f
	return o, nil
}

func (l *Log) body(rendition string, msn int) (*body, bool) {
	r, ok := l.find(rendition)
	if !ok {
		return nil, false
	}
	e, ok := r.segment(msn)
	if !ok {
		return nil, false
	}
	return e.body.Load(), true
}

// openFile is called with names that the log made itself.
func (l *Log) openFile(rendition, name string) (*os.File, error) {
	f, err := l.files.Open(l.path(rendition, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open %q of rendition %q: %w", name, rendition, err)
	}
	return f, nil
}

// section is a part of a file.
type section struct {
	*io.SectionReader
	io.Closer
}
