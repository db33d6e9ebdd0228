package segment

import (
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Rendition is what a log knows of one rendition after replay.
type Rendition struct {
	// Name is the folder and path element, [a-z0-9_-]{1,32}.
	Name string
	// Inits are all that can be read, oldest first.
	Inits []Init
	// NextInit is the smallest id that no Init has had, those included that can
	// not be read any more.
	NextInit int
	// Segments are oldest first, with media sequence numbers that rise by one.
	// What is missing from disk is present as a Gap.
	Segments []Segment
}

// Deps is what a Log needs from its surroundings; both are required.
type Deps struct {
	Logger  *slog.Logger // carries the class
	Metrics *Metrics     // shared by all logs
}

// Log is the media of one class: live parts in memory, finished segments on
// disk, an append-only index. Its methods may be called from any goroutine.
type Log struct {
	// Set by Open, then read-only.
	dir      string
	cfg      Config
	files    fileSystem
	metrics  *Metrics
	logger   *slog.Logger
	gaps     limiter // of reports
	troubles limiter // of reports
	epoch    string
	replayed []Rendition
	wake     chan struct{} // capacity 1: the queue has grown

	// renditions maps names to *rendition. Readers use it without a lock.
	renditions sync.Map

	// Owned by Open, then by Run.
	index indexWriter

	mu      sync.Mutex // guards the fields below, never held across I/O
	queue   []job      // oldest first
	queued  int64      // bytes in queue and in the write under way
	held    []*entry   // finished segments in memory, oldest first
	memory  int64      // bytes in memory, the segments that grow included
	stopped bool       // Run has ended
}

// rendition is one folder of the log.
type rendition struct {
	name string // read-only

	// inits maps ids to *storedInit and segments maps media sequence numbers to
	// *entry. Readers use them without a lock; writers hold Log.mu.
	inits, segments sync.Map

	// Log.mu guards the fields below.
	growing  *entry // the segment that AppendPart adds to, or nil
	lastMSN  int    // newest finished segment, -1 before the first
	nextInit int    // smallest id not yet used
	listed   []*entry
	window   time.Duration // of listed
	longest  time.Duration // largest window so far

	// Owned by Run.
	dirReady bool
}

type storedInit struct {
	Init
	at time.Time // when it was put

	// Owned by Run.
	saved bool
}

// entry is one segment of a rendition.
type entry struct {
	// Read-only.
	rendition *rendition
	msn       int

	// body is the current state of the media; each state is immutable.
	body atomic.Pointer[body]

	// Log.mu guards the fields below.
	meta    Segment
	pending bool      // in the queue, or being written
	expires time.Time // end of the Availability Duration; zero while listed
}

// body is one immutable state of a segment's media.
type body struct {
	parts    []part
	size     int64
	finished time.Time // zero while the segment grows
	gap      bool      // finished, but not as a whole: only its parts can be opened
	saved    bool      // the file can be read
}

// part is one Partial Segment. data is nil once memory was released.
type part struct {
	data []byte
	size int
	at   time.Time
}

func (b *body) inMemory() bool { return len(b.parts) > 0 && b.parts[0].data != nil }

// released returns b without the media.
func (b *body) released() *body {
	c := *b
	c.parts = slices.Clone(b.parts)
	for i := range c.parts {
		c.parts[i].data = nil
	}
	return &c
}

// Open opens or creates the log in dir and replays its index. It reads and
// repairs, but holds no file open: that is left to Run and to readers. dir must
// belong to this Log alone.
//
// A torn end of the index is cut off. Segments whose line is damaged or whose
// file is absent or of another size are returned as gaps, so that no media
// sequence number changes its meaning.
func Open(dir string, cfg Config, deps Deps) (*Log, error) {
	return open(dir, cfg, deps, osFileSystem{})
}

func open(dir string, cfg Config, deps Deps, files fileSystem) (*Log, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Logger == nil || deps.Metrics == nil {
		return nil, errors.New("segment log needs a logger and metrics")
	}
	l := &Log{
		dir: dir, cfg: cfg, files: files,
		metrics: deps.Metrics,
		logger:  deps.Logger.With("component", "segment"),
		wake:    make(chan struct{}, 1),
		index:   indexWriter{files: files, name: filepath.Join(dir, indexName)},
	}
	if err := l.replay(); err != nil {
		return nil, err
	}
	return l, nil
}

// Epoch is a short random [a-z0-9] string made once for the life of the folder.
// It is part of every media file name, so that names are never reused.
func (l *Log) Epoch() string { return l.epoch }

// Renditions returns what was replayed at Open, sorted by name. The caller owns
// the slices, but not the Data of Inits.
func (l *Log) Renditions() []Rendition {
	out := slices.Clone(l.replayed)
	for i := range out {
		out[i].Inits = slices.Clone(out[i].Inits)
		out[i].Segments = slices.Clone(out[i].Segments)
	}
	return out
}

// find is for readers: it takes no lock.
func (l *Log) find(name string) (*rendition, bool) {
	v, ok := l.renditions.Load(name)
	if !ok {
		return nil, false
	}
	return v.(*rendition), true
}

// renditionLocked returns the rendition, which it creates if absent.
func (l *Log) renditionLocked(name string) (*rendition, error) {
	if r, ok := l.find(name); ok {
		return r, nil
	}
	if !validRendition(name) {
		return nil, ErrRenditionName
	}
	r := &rendition{name: name, lastMSN: -1}
	l.renditions.Store(name, r)
	return r, nil
}

func (r *rendition) init(id int) (*storedInit, bool) {
	v, ok := r.inits.Load(id)
	if !ok {
		return nil, false
	}
	return v.(*storedInit), true
}

func (r *rendition) segment(msn int) (*entry, bool) {
	v, ok := r.segments.Load(msn)
	if !ok {
		return nil, false
	}
	return v.(*entry), true
}

// validRendition keeps every path within the class folder.
func validRendition(name string) bool {
	if name == "" || len(name) > 32 {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func initName(id int) string     { return "init-" + strconv.Itoa(id) + ".mp4" }
func segmentName(msn int) string { return "s" + strconv.Itoa(msn) + ".m4s" }

func (l *Log) path(rendition, name string) string { return filepath.Join(l.dir, rendition, name) }
