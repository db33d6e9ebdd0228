//go:build !linux

package bench

import (
	"context"
	"errors"
	"fmt"
)

// loop needs epoll.
type loop struct {
	swarm  *swarm
	agenda agenda
}

func newLoop(*swarm) (*loop, error) {
	return nil, fmt.Errorf("viewers by the thousand need Linux: %w", errors.ErrUnsupported)
}

func (l *loop) run(context.Context) error  { return errors.ErrUnsupported }
func (l *loop) close() error               { return nil }
func (l *loop) hangUp(*connection)         {}
func (c *connection) get(req []byte) error { return errors.ErrUnsupported }
