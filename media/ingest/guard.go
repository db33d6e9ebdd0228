package ingest

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/lectern/lectern/media"
)

const (
	// failuresForPause is the wrong key, counted from the last right one, from
	// which on answers come after failurePause. That makes guessing over the
	// network hopeless and costs a teacher who mistyped nothing.
	failuresForPause = 3
	failurePause     = 5 * time.Second

	// failureMemory is how long a failure counts, failureAddresses how many
	// addresses are remembered (about 400 kB); beyond it, one is forgotten for
	// each new one.
	failureMemory    = time.Minute
	failureAddresses = 4096
)

// Guard returns an Authorizer that asks a and holds back its refusals (not its
// other errors) from addresses that try wrong keys: from the third one within a
// minute on, each is answered 5 s later, or when ctx ends. Nobody else waits.
func Guard(a Authorizer) Authorizer {
	return &guard{authorizer: a, seen: make(map[netip.Addr]failures)}
}

type guard struct {
	authorizer Authorizer // set by Guard, read-only

	mu   sync.Mutex // guards the field below
	seen map[netip.Addr]failures
}

type failures struct {
	count int
	last  time.Time
}

// Authorize implements [Authorizer].
func (g *guard) Authorize(ctx context.Context, key string, remote netip.Addr) (string, error) {
	name, err := g.authorizer.Authorize(ctx, key, remote)
	if err == nil {
		g.succeeded(remote)
		return name, nil
	}
	if _, ok := errors.AsType[*media.RefusalError](err); ok {
		hold(ctx, g.pause(remote))
	}
	return "", err
}

// pause returns how long to wait before a refusal of addr is answered, and
// counts it.
func (g *guard) pause(addr netip.Addr) time.Duration {
	addr = subscriber(addr)
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	f, known := g.seen[addr]
	if now.Sub(f.last) > failureMemory {
		f.count = 0
	}
	f.count++
	f.last = now
	if !known && len(g.seen) >= failureAddresses {
		for other := range g.seen { // in random order
			delete(g.seen, other)
			break
		}
	}
	g.seen[addr] = f
	if f.count < failuresForPause {
		return 0
	}
	return failurePause
}

// succeeded forgets the failures of addr.
func (g *guard) succeeded(addr netip.Addr) {
	addr = subscriber(addr)
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.seen, addr)
}

// hold waits for d or until ctx ends.
func hold(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
