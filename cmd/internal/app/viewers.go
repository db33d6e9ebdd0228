package app

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// viewersWindow is how far back requests count.
const viewersWindow = 10 * time.Second

// viewers estimates how many watch each class: media playlists are asked for all
// the time by whoever plays, be it a browser or a CDN's edge. The number only
// serves to compare classes with each other.
type viewers struct {
	now func() time.Time

	mu      sync.Mutex // guards the map
	byClass map[string]*audience
}

// audience counts a class's playlist requests, in two windows.
type audience struct {
	window  atomic.Int64 // number of the present window
	current atomic.Int64 // requests in it
	last    atomic.Int64 // requests in the one before
}

func newViewers() *viewers {
	return &viewers{now: time.Now, byClass: map[string]*audience{}}
}

// count returns next with its requests counted: those for classes that are on, so
// nobody can make up any.
func (v *viewers) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := playlistOf(r.URL.Path); ok {
			if a := v.audience(id); a != nil {
				a.turn(v.window())
				a.current.Add(1)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// playlistOf returns the class whose media playlist has this path.
func playlistOf(path string) (id string, ok bool) {
	if token, behind := strings.CutPrefix(path, "/t/"); behind {
		path = token[max(0, strings.IndexByte(token, '/')):]
	}
	rest, ok := strings.CutPrefix(path, "/live/")
	if !ok || !strings.HasSuffix(rest, "/index.m3u8") || strings.Count(rest, "/") != 2 {
		return "", false
	}
	id, _, _ = strings.Cut(rest, "/")
	return id, len(id) <= 63
}

func (v *viewers) audience(id string) *audience {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.byClass[id]
}

// watch begins to count a class's requests.
func (v *viewers) watch(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.byClass[id] == nil {
		v.byClass[id] = &audience{}
	}
}

// of returns how many asked within the last full window.
func (v *viewers) of(id string) int {
	a := v.audience(id)
	if a == nil {
		return 0
	}
	a.turn(v.window())
	return int(max(a.last.Load(), a.current.Load()))
}

// forget drops a class that is over.
func (v *viewers) forget(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.byClass, id)
}

func (v *viewers) window() int64 { return v.now().UnixNano() / int64(viewersWindow) }

// turn begins the window now, if it is another.
func (a *audience) turn(now int64) {
	was := a.window.Load()
	if was == now || !a.window.CompareAndSwap(was, now) {
		return
	}
	requests := a.current.Swap(0)
	if now != was+1 {
		requests = 0
	}
	a.last.Store(requests)
}
