package segment

// SKETCH of the seam with hls and hls/origin; the owner of storage/segment replaces this file.

import (
	"context"
	"errors"
	"io"
	"time"
)

// ErrNotFound is returned when the log holds no such object (any more).
var ErrNotFound = errors.New("no such media")

// Rendition is what a log knows of one rendition after replay.
type Rendition struct {
	Name     string
	Inits    []Init    // all, oldest first
	Segments []Segment // oldest first
}

// Log is the media of one class: live parts in memory, finished segments on disk, an append-only index.
type Log struct{}

// Open opens or creates the log in dir and replays its index.
func Open(dir string) (*Log, error) { panic("sketch") } // owner: add cfg and deps parameters

// Epoch is a short random [a-z0-9] string made once for the life of the folder. It is part of every media file name, so that names are never reused.
func (l *Log) Epoch() string { panic("sketch") }

// Renditions returns what was replayed at Open.
func (l *Log) Renditions() []Rendition { panic("sketch") }

// PutInit stores an Init.
func (l *Log) PutInit(rendition string, in Init) error { panic("sketch") }

// AppendPart adds a part to the segment msn that is being built; it is readable when AppendPart returns. Never blocks on the disk.
func (l *Log) AppendPart(rendition string, msn int, p Part) error { panic("sketch") }

// FinishSegment closes segment s.MSN: it is readable as a whole at once; the disk write goes on behind (bounded queue).
func (l *Log) FinishSegment(rendition string, s Segment) error { panic("sketch") }

// Expire tells the log that segments of rendition below msn have left the playlist at time now: memory may be released after
// their Availability Duration. (Files stay: they are the recording.)
func (l *Log) Expire(rendition string, msn int) { panic("sketch") }

// Run writes to disk until ctx ends, then drains.
func (l *Log) Run(ctx context.Context) error { panic("sketch") }

// Object is one stored thing, open for reading at offset 0. Close it.
type Object struct {
	io.ReadSeekCloser
	Size    int64
	ModTime time.Time // when it was finished
}

func (l *Log) OpenInit(rendition string, id int) (Object, error)        { panic("sketch") }
func (l *Log) OpenPart(rendition string, msn, part int) (Object, error) { panic("sketch") }
func (l *Log) OpenSegment(rendition string, msn int) (Object, error)    { panic("sketch") }
