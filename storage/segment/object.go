package segment

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Item is one stored thing that was found but not opened: what a conditional request
// needs to know. It is good for one Open within the request that it was made for.
type Item struct {
	Size    int64     // bytes
	ModTime time.Time // when it was finished

	log    *Log
	data   [][]byte // what memory has, or nil
	entry  *entry   // otherwise: the segment
	offset int64    // within its file
	whole  bool     // the segment, not a part of it
}

// Object is an Item, open for reading at offset 0. Close it.
//
// The reader is a plain *os.File where the disk serves a whole file, so that the
// kernel can send it. What memory serves implements io.WriterTo, and
// [ChunkWriter] for a part of it.
type Object struct {
	io.ReadSeekCloser
	Size    int64     // bytes
	ModTime time.Time // when it was finished
}

// FindInit finds the Init of that id and epoch. It returns [ErrNotFound] if there is
// none.
func (l *Log) FindInit(rendition, epoch string, id int) (Item, error) {
	if r, ok := l.find(rendition); ok {
		if in, ok := r.init(id); ok && in.Epoch == epoch {
			return Item{Size: int64(len(in.Data)), ModTime: in.at, log: l, data: [][]byte{in.Data}}, nil
		}
	}
	return Item{}, ErrNotFound
}

// FindPart finds one Partial Segment, of the segment that grows or of one finished
// less than Config.PartRetention ago. It returns [ErrNotFound] if there is none.
func (l *Log) FindPart(rendition, epoch string, msn, index int) (Item, error) {
	e, ok := l.segment(rendition, epoch, msn)
	if !ok {
		return Item{}, ErrNotFound
	}
	b := e.body.Load()
	if index < 0 || index >= len(b.parts) || b.partsOver(time.Now(), l.cfg.PartRetention) {
		return Item{}, ErrNotFound
	}
	p := b.parts[index]
	it := Item{Size: int64(p.size), ModTime: p.at, log: l, entry: e}
	if p.data != nil {
		it.data = [][]byte{p.data}
		return it, nil
	}
	for _, before := range b.parts[:index] {
		it.offset += int64(before.size)
	}
	return it, nil
}

// FindSegment finds one finished Media Segment, in memory or on disk. It returns
// [ErrNotFound] if there is none, if it still grows or is a gap.
func (l *Log) FindSegment(rendition, epoch string, msn int) (Item, error) {
	e, ok := l.segment(rendition, epoch, msn)
	if !ok {
		return Item{}, ErrNotFound
	}
	b := e.body.Load()
	if b.finished.IsZero() || b.meta.Gap {
		return Item{}, ErrNotFound
	}
	it := Item{Size: b.meta.Bytes, ModTime: b.finished, log: l, entry: e, whole: true}
	if b.inMemory() {
		it.data = make([][]byte, len(b.parts))
		for i, p := range b.parts {
			it.data[i] = p.data
		}
	}
	return it, nil
}

// OpenInit is [Log.FindInit] and [Item.Open].
func (l *Log) OpenInit(rendition, epoch string, id int) (Object, error) {
	return openFound(l.FindInit(rendition, epoch, id))
}

// OpenPart is [Log.FindPart] and [Item.Open].
func (l *Log) OpenPart(rendition, epoch string, msn, index int) (Object, error) {
	return openFound(l.FindPart(rendition, epoch, msn, index))
}

// OpenSegment is [Log.FindSegment] and [Item.Open].
func (l *Log) OpenSegment(rendition, epoch string, msn int) (Object, error) {
	return openFound(l.FindSegment(rendition, epoch, msn))
}

func openFound(it Item, err error) (Object, error) {
	if err != nil {
		return Object{}, err
	}
	return it.Open()
}

// Open opens what was found. It returns [ErrNotFound] if the file was taken away, or
// another error if the disk fails.
func (it Item) Open() (Object, error) {
	o := Object{Size: it.Size, ModTime: it.ModTime}
	if it.data != nil {
		o.ReadSeekCloser = newChunks(it.data)
		return o, nil
	}
	b := it.entry.body.Load()
	f, err := it.log.openFile(it.entry.rendition.name, b.file)
	if errors.Is(err, ErrNotFound) {
		// Run may have given it its final name meanwhile.
		f, err = it.log.openFile(it.entry.rendition.name, it.entry.fileName())
	}
	if err != nil {
		return Object{}, err
	}
	if it.whole && !b.ragged {
		o.ReadSeekCloser = f
	} else {
		o.ReadSeekCloser = section{io.NewSectionReader(f, it.offset, it.Size), f}
	}
	return o, nil
}

func (l *Log) segment(rendition, epoch string, msn int) (*entry, bool) {
	r, ok := l.find(rendition)
	if !ok {
		return nil, false
	}
	e, ok := r.segment(msn)
	return e, ok && e.epoch == epoch
}

// openFile is called with names that the log made itself.
func (l *Log) openFile(rendition, name string) (*os.File, error) {
	if name == "" {
		return nil, ErrNotFound
	}
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
