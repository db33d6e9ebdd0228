package transcript

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room/state"
)

const (
	// cacheBytes bounds what transcripts take in memory, roughly: some 10 long
	// lectures with a busy chat, or hundreds of others.
	cacheBytes = 128 << 20

	// builders is how many logs are folded at the same time: the machine has better
	// things to do.
	builders = 2

	// freshFor is how long nobody looks whether a log has grown.
	freshFor = time.Second

	// chunk is how many entries are read at a time.
	chunk = 500
)

// Log is the side of a [broker.Broker] that transcripts need.
type Log interface {
	History(ctx context.Context, room string, from broker.Position, limit int) ([]broker.Record, broker.Position, error)
}

// Deps are what a Library works with. Log and Ended are required.
type Deps struct {
	// Log has the logs of the rooms.
	Log Log

	// Ended reports whether a class is over.
	Ended func(ctx context.Context, class string) bool

	// Registerer gets the metrics lectern_transcript_*. Nil keeps them to the library.
	Registerer prometheus.Registerer

	// Now is the clock. Nil is time.Now.
	Now func() time.Time
}

// Library has the transcripts of all classes. Its methods may be called from any
// goroutine. They wait for the disk, and for who folds the same log already.
type Library struct {
	deps     Deps
	metrics  *metrics
	building chan struct{} // holds a token for each log that is folded now

	limit int // bytes; read-only

	mu    sync.Mutex // guards the fields below, never held across I/O
	books map[string]*list.Element
	order list.List // of *book, most recently used first
	bytes int
}

// book is the transcript of one class.
type book struct {
	class string
	size  int           // guarded by Library.mu
	lock  chan struct{} // holds a token while somebody has the fields below

	pos     broker.Position
	fold    *fold   // nil once it is sealed
	sealed  *sealed // nil until then
	checked time.Time
	life    Life // the least that documents have
}

// sealed is the transcript of a class that is over.
type sealed struct {
	documents  map[string]*Document
	attendance []state.Attendance
}

// New returns a library that has nothing in memory.
func New(deps Deps) *Library {
	if deps.Now == nil {
		deps.Now = time.Now
	}
	return &Library{
		deps: deps, metrics: newMetrics(deps.Registerer), building: make(chan struct{}, builders), limit: cacheBytes,
		books: make(map[string]*list.Element),
	}
}

// Document returns a document of a class, which must exist: index.json, or that of a
// minute. It returns ErrNotFound for a minute in which nothing was said and for other
// names.
func (l *Library) Document(ctx context.Context, class, file string) (*Document, error) {
	if _, ok := minuteOf(file); !ok && file != indexFile {
		return nil, ErrNotFound
	}
	var doc *Document
	err := l.read(ctx, class, func(b *book) (err error) {
		if b.sealed == nil {
			doc, err = b.fold.document(file, b.life)
		} else if doc = b.sealed.documents[file]; doc == nil {
			err = ErrNotFound
		}
		return err
	})
	return doc, err
}

// Attendance returns who was in the room of a class, as [state.State.Attendance] does,
// up to the last entry of its log.
func (l *Library) Attendance(ctx context.Context, class string) ([]state.Attendance, error) {
	var all []state.Attendance
	err := l.read(ctx, class, func(b *book) error {
		if b.sealed != nil {
			all = b.sealed.attendance
		} else {
			all = b.fold.st.Attendance()
		}
		return nil
	})
	return all, err
}

// Forget drops what is known of a class that is deleted.
func (l *Library) Forget(class string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.books[class]; e != nil {
		l.drop(e)
	}
}

// drop takes a book out. l.mu is held.
func (l *Library) drop(e *list.Element) {
	b := l.order.Remove(e).(*book)
	delete(l.books, b.class)
	l.bytes -= b.size
	b.size = 0
	l.metrics.bytes.Set(float64(l.bytes))
}

// read calls fn with the book of a class, which is up to date.
func (l *Library) read(ctx context.Context, class string, fn func(*book) error) error {
	b := l.book(class)
	select {
	case b.lock <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() {
		l.weigh(b)
		<-b.lock
	}()
	if now := l.deps.Now(); now.Sub(b.checked) >= freshFor || now.Before(b.checked) {
		if err := l.refresh(ctx, b); err != nil {
			return fmt.Errorf("read transcript of class %q: %w", class, err)
		}
		b.checked = now
	}
	return fn(b)
}

func (l *Library) book(class string) *book {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.books[class]
	if e == nil {
		e = l.order.PushFront(&book{class: class, lock: make(chan struct{}, 1)})
		l.books[class] = e
	}
	l.order.MoveToFront(e)
	return e.Value.(*book)
}

// weigh counts what a book takes, and lets go of others if that is too much; those
// that somebody has stay.
func (l *Library) weigh(b *book) {
	size := b.bytes()
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.books[b.class]; e == nil || e.Value.(*book) != b {
		return // forgotten
	}
	l.bytes += size - b.size
	b.size = size
	for e := l.order.Back(); e != nil && l.bytes > l.limit; {
		before := e.Prev()
		if other := e.Value.(*book); other != b && len(other.lock) == 0 {
			l.drop(e)
			l.metrics.dropped.Inc()
		}
		e = before
	}
	l.metrics.bytes.Set(float64(l.bytes))
}

// bookBytes is what a book takes that has nothing in it.
const bookBytes = 1 << 10

func (b *book) bytes() int {
	n := bookBytes
	if b.fold != nil {
		n += b.fold.bytes
		for _, in := range b.fold.minutes {
			if in.document != nil {
				n += in.document.size()
			}
		}
		if b.fold.index != nil {
			n += b.fold.index.size()
		}
	}
	if b.sealed != nil {
		for _, d := range b.sealed.documents {
			n += d.size()
		}
		n += len(b.sealed.attendance) * personBytes
	}
	return n
}

// refresh takes what has been added to the log. What of it was taken stays if it
// fails.
func (l *Library) refresh(ctx context.Context, b *book) error {
	ended := l.deps.Ended(ctx, b.class) // first: after that little is added
	if b.life = Growing; ended {
		b.life = Settled
	}
	_, end, err := l.deps.Log.History(ctx, b.class, b.pos, 0)
	lost := errors.Is(err, broker.ErrPositionLost)
	switch {
	case err != nil && !lost:
		return err
	case lost || b.fold == nil && (b.sealed == nil || end != b.pos || !ended):
		b.pos, b.fold, b.sealed = broker.Position{}, newFold(), nil
		if lost {
			_, end, err = l.deps.Log.History(ctx, b.class, b.pos, 0)
		}
		if err != nil {
			return err
		}
	}
	if end == b.pos && (!ended || b.sealed != nil) {
		return nil
	}
	select {
	case l.building <- struct{}{}:
		defer func() { <-l.building }()
	case <-ctx.Done():
		return ctx.Err()
	}
	start := time.Now()
	defer func() { l.metrics.build.Observe(time.Since(start).Seconds()) }()
	if end == b.pos {
		return b.seal()
	}
	return l.take(ctx, b)
}

// take folds the rest of the log.
func (l *Library) take(ctx context.Context, b *book) error {
	for {
		records, end, err := l.deps.Log.History(ctx, b.class, b.pos, chunk)
		if err != nil {
			return err
		}
		for _, r := range records {
			e, err := state.DecodeEntry(r.Data)
			if err != nil {
				return fmt.Errorf("entry %d: %w", r.Seq, err)
			}
			b.fold.apply(e)
			b.pos = broker.Position{Epoch: end.Epoch, Seq: r.Seq}
		}
		l.metrics.entries.Add(float64(len(records)))
		if b.pos.Seq >= end.Seq {
			b.pos = end
			return nil
		}
	}
}

// seal writes all documents and lets go of the rest: the class is over, and nothing
// has been added since the log was last looked at.
func (b *book) seal() error {
	s := &sealed{documents: make(map[string]*Document, len(b.fold.minutes)+1), attendance: b.fold.st.Attendance()}
	files := []string{indexFile}
	for n := range b.fold.minutes {
		files = append(files, fmt.Sprintf("%d.json", n))
	}
	for _, file := range files {
		d, err := b.fold.document(file, Final)
		if err != nil {
			return err
		}
		s.documents[file] = d
	}
	b.sealed, b.fold = s, nil
	return nil
}
