package conformance

import (
	"context"
	"sync"
	"time"
)

const (
	beat  = 50 * time.Millisecond // how often our own lateness is measured
	beats = 1200                  // how many measurements are kept: a minute
)

// lateness measures how late this process is woken: on a machine in trouble a
// server's late answer may have been in time.
type lateness struct {
	mu   sync.Mutex // guards the fields below
	late [beats]time.Duration
	at   [beats]time.Time
	next int
}

// run measures until ctx ends.
func (l *lateness) run(ctx context.Context) {
	t := time.NewTimer(beat)
	defer t.Stop()
	for {
		due := time.Now().Add(beat)
		t.Reset(beat)
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now := time.Now()
		l.mu.Lock()
		l.late[l.next], l.at[l.next] = now.Sub(due), now
		l.next = (l.next + 1) % beats
		l.mu.Unlock()
	}
}

// since returns the worst lateness measured after t.
func (l *lateness) since(t time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	worst := time.Duration(0)
	for i := range l.late {
		if l.at[i].After(t) {
			worst = max(worst, l.late[i])
		}
	}
	return worst
}

// tally counts how often something timed was late, of how often it was measured.
type tally struct {
	late, all int
	worst     time.Duration
}

func (t *tally) add(d, limit time.Duration) {
	t.all++
	if d > limit {
		t.late++
		t.worst = max(t.worst, d)
	}
}

// judge calls broken if a fifth or more were late, and judged if enough were measured
// to say so. One is not enough: it may be the network's, or this machine's.
func (t *tally) judge(judged func(), broken func()) {
	if t.all < 5 {
		return
	}
	if judged(); t.late >= 2 && t.late*5 >= t.all {
		broken()
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
