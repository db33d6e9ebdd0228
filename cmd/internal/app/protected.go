package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lectern/lectern/hls/origin"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/class"
)

// protected knows which classes that can be played need a viewer token. It is
// asked for every request, so it has the answer ready.
type protected struct {
	classes sync.Map   // class id to nothing; read without a lock
	mu      sync.Mutex // held while the registry is asked and classes follows
}

// refresh takes over what the registry says of the class now.
func (p *protected) refresh(ctx context.Context, registry classFinder, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := registry.Get(ctx, id)
	if err == nil && c.Access != class.AccessToken || errors.Is(err, class.ErrNotFound) {
		p.classes.Delete(id)
		return
	}
	p.classes.Store(id, struct{}{}) // in doubt, too
}

// has reports whether the class needs a token.
func (p *protected) has(id string) bool {
	_, ok := p.classes.Load(id)
	return ok
}

// gate checks viewer tokens for the origin: it implements origin.Gate.
type gate struct{ ring *access.KeyRing }

// Check implements origin.Gate.
func (g gate) Check(token, class string, now time.Time) error {
	err := g.ring.Check(token, class, now)
	switch {
	case errors.Is(err, access.ErrExpired):
		return origin.ErrTokenExpired
	case errors.Is(err, access.ErrRevoked):
		return origin.ErrTokenRevoked
	default:
		return err
	}
}
