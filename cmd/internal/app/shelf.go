package app

import (
	"container/list"
	"sync"
	"time"

	"github.com/lectern/lectern/hls/origin"
)

// maxShelf bounds the ended classes that are kept open, most recently used
// first. One costs what its playlists and its index take in memory: some 100 KB,
// about 1 MB after a long class. The media stay on disk.
const maxShelf = 64

// reopenPause is how long a class that could not be opened rests: those who ask
// must not keep the disk and the log busy.
const reopenPause = 10 * time.Second

// shelf keeps the presentations of ended classes. What falls off its end is
// opened again from disk when somebody asks. Methods may be called from any
// goroutine; only those who ask for the same class wait for each other.
type shelf struct {
	open func(id string) (origin.Presentation, bool) // read-only

	mu    sync.Mutex // guards the fields below, never held across I/O
	books map[string]*list.Element
	order list.List // of *book, most recently used first
}

type book struct {
	id string

	mu           sync.Mutex // held while the class is opened
	presentation origin.Presentation
	opened       bool
	failed       time.Time // when opening failed last
}

func newShelf(open func(id string) (origin.Presentation, bool)) *shelf {
	return &shelf{open: open, books: map[string]*list.Element{}}
}

// find returns what is on the shelf, without the disk.
func (s *shelf) find(id string) (*book, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.books[id]
	if !ok {
		return nil, false
	}
	s.order.MoveToFront(e)
	return e.Value.(*book), true
}

// put makes a place for the class, at the cost of the least recently used one.
func (s *shelf) put(id string, ready *origin.Presentation) *book {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.books[id]
	if !ok {
		e = s.order.PushFront(&book{id: id})
		s.books[id] = e
	}
	b := e.Value.(*book)
	if ready != nil && !ok { // nobody else has seen b
		b.presentation, b.opened = *ready, true
	}
	if s.order.Len() > maxShelf {
		delete(s.books, s.order.Remove(s.order.Back()).(*book).id)
	}
	return b
}

// remove takes the class off and waits for whoever is opening it.
func (s *shelf) remove(id string) {
	s.mu.Lock()
	e, ok := s.books[id]
	if ok {
		s.order.Remove(e)
		delete(s.books, id)
	}
	s.mu.Unlock()
	if ok {
		b := e.Value.(*book)
		b.mu.Lock() // not opening any more
		b.presentation, b.opened = origin.Presentation{}, false
		b.mu.Unlock()
	}
}

// read returns the presentation of a book, which it opens if need be.
func (s *shelf) read(b *book) (origin.Presentation, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.opened && time.Since(b.failed) > reopenPause {
		if b.presentation, b.opened = s.open(b.id); !b.opened {
			b.failed = time.Now()
		}
	}
	return b.presentation, b.opened
}
