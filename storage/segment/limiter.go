package segment

import (
	"sync"
	"time"
)

// limiter lets one report a second through, with the count of those that it
// stands for: a dead disk must not fill the log.
type limiter struct {
	mu    sync.Mutex // guards the fields below
	last  time.Time
	count int
}

// allow counts an occurrence, and reports whether it may be logged and how many
// it then stands for.
func (l *limiter) allow() (count int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	now := time.Now()
	if !l.last.IsZero() && now.Sub(l.last) < time.Second {
		return 0, false
	}
	count = l.count
	l.last, l.count = now, 0
	return count, true
}
