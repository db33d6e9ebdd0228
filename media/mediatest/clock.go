package mediatest

import (
	"sync"
	"testing"
	"time"
)

// Clock is a wall clock that moves only when it is told to. It may be used from
// any goroutine.
type Clock struct {
	mu  sync.Mutex // guards the field below
	now time.Time
}

// NewClock returns a clock that shows a fixed instant in 2030.
func NewClock() *Clock {
	return &Clock{now: time.Date(2030, time.March, 4, 9, 0, 0, 0, time.UTC)}
}

// Now returns the time the clock shows. Inject it where time.Now is wanted.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock by d, which may be negative: a step of the wall clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Set moves the clock to t.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// eventuallyTimeout is long because it is waited for only when a test fails.
const eventuallyTimeout = 20 * time.Second

// Eventually calls complaint until it returns "" and fails tb with the last
// complaint when that does not happen within 20 s.
func Eventually(tb testing.TB, complaint func() string) {
	tb.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(eventuallyTimeout)
	defer deadline.Stop()
	for {
		last := complaint()
		if last == "" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			tb.Fatalf("still after %s: %s", eventuallyTimeout, last)
		}
	}
}
