package app

import (
	"context"
	"fmt"

	"github.com/lectern/lectern/realtime/class"
)

// restorePage is how many classes restore asks for at once.
const restorePage = 100

// classLister is the side of the class registry that restore needs.
type classLister interface {
	List(ctx context.Context, limit int, cursor string) (page []class.Class, next string, err error)
}

// restore starts the pipelines of the classes that were on when the server stopped,
// and returns when their playlists are there, or ctx is done. A player that asks
// right after a crash must not hear that there is no such class: many take that for
// final, and a cache would repeat it. A class that cannot be had holds up no other.
func (p *pipelines) restore(ctx context.Context, classes classLister) error {
	var started []*pipeline
	for cursor := ""; ; {
		page, next, err := classes.List(ctx, restorePage, cursor)
		if err != nil {
			return fmt.Errorf("list classes: %w", err)
		}
		for i := range page {
			if s := page[i].State; s != class.Live && s != class.Interrupted {
				continue
			}
			if err = p.ensure(ctx, page[i].ID); err != nil { //nolint:contextcheck // the pipeline outlives the call
				continue // the registry's announcement tries again, and logs
			}
			if v, ok := p.byClass.Load(page[i].ID); ok {
				started = append(started, v.(*pipeline))
			}
		}
		if next == "" {
			break
		}
		cursor = next
	}
	for _, pl := range started {
		select {
		case <-pl.tried:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}
