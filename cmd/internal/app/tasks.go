package app

import (
	"context"
	"errors"
	"sync"
)

// errStopping is returned for what a stopping server begins no more.
var errStopping = errors.New("the server is stopping")

// tasks runs work that belongs to the server as a whole and starts while it
// serves: pipelines, pulls, followers of publications. It refuses new work once
// it is stopping, so that waiting for the end cannot be raced.
type tasks struct {
	ctx    context.Context //nolint:containedctx // the life of the server, longer than that of any caller
	cancel context.CancelFunc

	mu      sync.Mutex // guards stopped, and starts against the wait
	stopped bool
	running sync.WaitGroup
}

// task is one piece of work under way.
type task struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// newTasks returns a group whose work keeps ctx's values and outlives ctx.
func newTasks(ctx context.Context) *tasks {
	t := &tasks{}
	t.ctx, t.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return t
}

// start runs fn until it returns; its ctx ends with the task or the group. It
// returns errStopping, and starts nothing, once the group is stopping.
func (t *tasks) start(fn func(ctx context.Context)) (*task, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return nil, errStopping
	}
	ctx, cancel := context.WithCancel(t.ctx)
	one := &task{cancel: cancel, done: make(chan struct{})}
	t.running.Go(func() {
		defer close(one.done)
		defer cancel()
		fn(ctx)
	})
	return one, nil
}

// stop ends the work and waits for it. It may be called more than once.
func (t *tasks) stop() {
	t.mu.Lock()
	t.stopped = true
	t.mu.Unlock()
	t.cancel()
	t.running.Wait()
}

// stop ends the task and waits for it.
func (t *task) stop() {
	t.cancel()
	<-t.done
}
