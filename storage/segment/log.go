package segment

import (
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Rendition is what a log knows of one rendition.
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

// Deps is what a Log needs from its surroundings.
type Deps struct {
	Logger  *slog.Logger // carries the class; required
	Metrics *Metrics     // shared by all logs; required
	Space   Space        // asked before bytes go to disk; optional
}

// Log is the media of one class: live parts in memory, finished segments on
// disk, an append-only index. Its methods may be called from any goroutine.
type Log struct {
	// Set by Open, then read-only.
	dir        string
	cfg        Config
	files      fileSystem
	space      Space
	metrics    *Metrics
	logger     *slog.Logger
	gaps       limiter // of reports
	troubles   limiter // of reports
	epoch      string
	boot       string        // see bootID
	appendWake chan struct{} // capacity 1: dirty has grown
	finishWake chan struct{} // capacity 1: finishing has grown

	// renditions maps names to *rendition. Readers use it without a lock.
	renditions sync.Map

	// Owned by Open, then by finishLoop.
	index     indexWriter
	repairs   []repair // what Open has adopted, oldest first
	leftovers []string // paths of what a crash left half made
	starved   error    // why Open could not read everything

	mu        sync.Mutex // guards the fields below, never held across I/O
	cues      []Cue      // in the order in which they were put
	dirty     []task     // what has grown, oldest first
	finishing []task     // what is to be made durable, oldest first
	queued    int64      // bytes of finished segments that are not durable yet
	short     string     // reason why writes are postponed, or ""
	held      []*entry   // finished segments in memory, oldest first
	divisible []*entry   // finished segments that know their parts, oldest first
	memory    int64      // bytes in memory, the segments that grow included
	stopped   bool       // appendLoop has ended

	appends position      // so far
	handed  position      // of them, those that appendLoop has dealt with
	counted int64         // parts that were found uncommitted, or before them
	behind  bool          // a Commit ran out of time, and appendLoop has not caught up
	waiters int           // on progress
	moved   chan struct{} // closed when appendLoop or finishLoop got on
}

// position counts what was put into a Log.
type position struct {
	all   int64 // Inits, parts and ends of segments
	parts int64
}

// rendition is one folder of the log.
type rendition struct {
	name string // read-only

	// inits maps ids to *storedInit and segments maps media sequence numbers to
	// *entry, of what can be read. Readers use them without a lock; writers hold
	// Log.mu.
	inits, segments sync.Map

	// Log.mu guards the fields below.
	order    []*entry // finished ones and gaps, oldest first; only grows
	ids      []int    // of inits, rising
	growing  *entry   // the segment that AppendPart adds to, or nil
	lastMSN  int      // newest finished segment, -1 before the first
	nextInit int      // smallest id not yet used
	listed   []*entry
	window   time.Duration // of listed
	longest  time.Duration // largest window so far

	// Owned by finishLoop.
	dirReady bool
}

type storedInit struct {
	Init
	at time.Time // when it was put

	// Owned by appendLoop until it hands the Init on, then by finishLoop.
	appended bool  // the appended file and the journal are there
	taken    int64 // bytes that Space granted
	saved    bool
}

// entry is one segment of a rendition.
type entry struct {
	// Read-only.
	rendition *rendition
	epoch     string
	msn       int
	head      *Head // or nil

	// body is the current state of the media; each state is immutable.
	body atomic.Pointer[body]

	// Log.mu guards the fields below.
	dirty   bool      // in Log.dirty
	pending bool      // counted in Log.queued
	expires time.Time // end of the Availability Duration; zero while listed

	// Owned by appendLoop.
	passed bool // on to finishLoop

	// Owned by appendLoop until the segment is passed on, then by finishLoop.
	out *output
}

// body is one immutable state of a segment's media.
type body struct {
	meta     Segment // without Parts; while it grows Bytes alone
	parts    []part  // nil when they can not be fetched any more
	finished time.Time
	file     string // in the folder of the rendition, "" if there is none
	ragged   bool   // the file has more than the segment behind it
	lost     string // why the recording has a gap here, or ""
}

// part is one Partial Segment. data is nil once memory was released.
type part struct {
	data        []byte
	size        int
	at          time.Time
	duration    time.Duration
	independent bool
}

func (p part) record() partRecord {
	return partRecord{Duration: p.duration, Bytes: p.size, Independent: p.independent}
}

func (b *body) inMemory() bool { return len(b.parts) > 0 && b.parts[0].data != nil }

// partsOver reports whether parts cannot be fetched any more.
func (b *body) partsOver(now time.Time, retention time.Duration) bool {
	return !b.finished.IsZero() && now.Sub(b.finished) > retention
}

// recorded is the segment as the recording has it.
func (b *body) recorded() Segment {
	s := b.meta
	if b.lost != "" || s.Gap {
		s.Gap, s.Bytes, s.IFrameBytes = true, 0, 0
		return s
	}
	for i, p := range b.parts {
		s.Parts = append(s.Parts, Part{Index: i, Duration: p.duration, Independent: p.independent})
	}
	return s
}

// released returns b without the media.
func (b *body) released() *body {
	c := *b
	c.parts = slices.Clone(b.parts)
	for i := range c.parts {
		c.parts[i].data = nil
	}
	return &c
}

// change stores a new state of the segment. Those of finished segments are made
// under Log.mu alone.
func (e *entry) change(with func(b *body)) {
	b := *e.body.Load()
	with(&b)
	e.body.Store(&b)
}

// Open reads the index in dir, and what a crash has left there. It changes nothing
// on the disk and holds no file open: an ended class can be read by any number of
// Logs. Only Run writes, and only one Log of a dir may run.
//
// A torn end of the index is left out. Segments whose line is damaged, whose file is
// absent or of another size, and a last segment of other bytes, are returned as gaps,
// so that no media sequence number changes its meaning. Segments that the index does
// not know are adopted, see the package. It returns an error when cfg is not valid,
// the index cannot be read, or file descriptors ran out.
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
	if deps.Space == nil {
		deps.Space = noSpace{}
	}
	l := &Log{
		dir: dir, cfg: cfg, files: files,
		space:      deps.Space,
		metrics:    deps.Metrics,
		logger:     deps.Logger.With("component", "segment"),
		epoch:      newEpoch(),
		boot:       bootID(files),
		appendWake: make(chan struct{}, 1),
		finishWake: make(chan struct{}, 1),
		moved:      make(chan struct{}),
		index:      indexWriter{files: files, name: filepath.Join(dir, indexName)},
	}
	if err := l.replay(); err != nil {
		return nil, err
	}
	return l, nil
}

// Epoch is a short random [a-z0-9] string, another one in each run of the class. It
// is part of the names of the media files that the run makes, so that no name is
// ever used for other bytes, not even after a power cut.
func (l *Log) Epoch() string { return l.epoch }

// Renditions returns what the log has now, sorted by name: what was replayed at
// Open, and what was put since, but not the segments that grow. A segment that the
// recording will miss is a gap, even while memory can serve it. The caller owns the
// slices, but not the Data of Inits. Parts are those that can still be fetched. It takes some milliseconds for a class of hours, and nobody waits for it.
func (l *Log) Renditions() []Rendition {
	var out []Rendition
	var orders [][]*entry
	l.mu.Lock()
	l.renditions.Range(func(_, v any) bool {
		r := v.(*rendition)
		known := Rendition{Name: r.name, NextInit: r.nextInit}
		for _, id := range r.ids {
			if in, ok := r.init(id); ok {
				known.Inits = append(known.Inits, in.Init)
			}
		}
		if len(known.Inits) > 0 || len(r.order) > 0 || r.nextInit > 0 {
			out, orders = append(out, known), append(orders, r.order)
		}
		return true
	})
	l.mu.Unlock()
	for i, order := range orders {
		segments := make([]Segment, len(order))
		for k, e := range order {
			segments[k] = e.body.Load().recorded()
		}
		out[i].Segments = segments
	}
	slices.SortFunc(out, func(a, b Rendition) int { return strings.Compare(a.Name, b.Name) })
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

func (l *Log) path(rendition, name string) string { return filepath.Join(l.dir, rendition, name) }

// fileName is that of the Init's file.
func (in *storedInit) fileName() string {
	return mediaName{init: true, id: in.ID, epoch: in.Epoch}.String()
}

// fileName is that of the segment's file.
func (e *entry) fileName() string { return mediaName{id: e.msn, epoch: e.epoch}.String() }
