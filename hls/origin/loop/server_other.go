//go:build !linux

package loop

import (
	"context"
	"errors"
	"net"
	"time"
)

// pause is how long nothing is accepted after that has failed.
const pause = 250 * time.Millisecond

// Run serves ln until ctx ends, then closes it: every connection is handed over. Call
// it once.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() }) // Accept says so
	defer stop()
	for {
		c, err := ln.Accept()
		switch {
		case err == nil && s.handed.give(c):
			s.metrics.accepted.Inc()
		case err == nil:
			_ = c.Close() // nobody takes it
			s.metrics.closed[endOverload].Inc()
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil
		default: // too many files, or no memory: they can wait
			s.logger.WarnContext(ctx, "connections cannot be accepted", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}
}
