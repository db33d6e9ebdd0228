package origin

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
)

// maxTagged bounds the classes whose surrogate keys are kept ready.
const maxTagged = 1024

// tags are the surrogate keys of one class: the values of Surrogate-Key (Fastly,
// Varnish) and Cache-Tag (Cloudflare, Akamai), by object.
type tags [objects]struct{ surrogate, cache []string }

// tagger makes them once for each class. Its methods may be called from any
// goroutine; reading takes no lock.
type tagger struct {
	made atomic.Pointer[map[string]*tags]

	mu sync.Mutex // held while one is made
}

// of returns the tags of a class that exists.
func (t *tagger) of(class string) *tags {
	if m := t.made.Load(); m != nil {
		if s, ok := (*m)[class]; ok {
			return s
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	next := make(map[string]*tags)
	if m := t.made.Load(); m != nil && len(*m) < maxTagged {
		maps.Copy(next, *m)
	}
	class = strings.Clone(class) // it is part of a request's path
	s := new(tags)
	for o := range objects {
		s[o].surrogate = []string{"class-" + class + " kind-" + o.String()}
		s[o].cache = []string{"class-" + class + ",kind-" + o.String()}
	}
	next[class] = s
	t.made.Store(&next)
	return s
}
