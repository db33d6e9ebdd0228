package origin

import (
	"net/http"
	"sync/atomic"
	"time"
)

// calendar has the value of Date ready. net/http would format one for each answer,
// deep in its stack, which grows every connection's stack by half. Its method may be
// called from any goroutine.
type calendar struct{ today atomic.Pointer[second] }

// second is a second with its name.
type second struct {
	unix int64
	date []string // shared by answers, never changed
}

// date returns the value of Date at now (RFC 9110 §6.6.1).
func (c *calendar) date(now time.Time) []string {
	unix := now.Unix()
	if s := c.today.Load(); s != nil && s.unix == unix {
		return s.date
	}
	s := &second{unix: unix, date: []string{now.UTC().Format(http.TimeFormat)}}
	c.today.Store(s)
	return s.date
}
