package origin

import (
	"context"
	"time"
)

// hold is how long a request for something of p may be held.
func (o *Origin) hold(p Playlists) time.Duration {
	return min(3*p.TargetDuration(), o.cfg.HoldCap)
}

// wait holds the caller until ready returns nil, at most for hold, and ends
// with ctx. changed is closed at the next change; ready is called after it and
// returns the channel of the change after that.
//
// It starts no goroutine and allocates one timer however often it wakes.
func (o *Origin) wait(ctx context.Context, hold time.Duration, changed <-chan struct{}, ready func() <-chan struct{}) outcome {
	if o.waiting.Add(1) > int64(o.cfg.MaxWaiters) {
		o.waiting.Add(-1)
		o.metrics.held(outcomeOverload, 0)
		return outcomeOverload
	}
	o.metrics.waiters.Inc()
	started := time.Now()
	how := hang(ctx, hold, changed, ready)
	o.metrics.held(how, time.Since(started))
	o.waiting.Add(-1)
	o.metrics.waiters.Dec()
	return how
}

func hang(ctx context.Context, hold time.Duration, changed <-chan struct{}, ready func() <-chan struct{}) outcome {
	timer := time.NewTimer(hold)
	defer timer.Stop()
	for {
		select {
		case <-changed:
			if changed = ready(); changed == nil {
				return outcomeServed
			}
		case <-ctx.Done():
			return outcomeClientGone
		case <-timer.C:
			if ready() == nil { // it came at the last moment
				return outcomeServed
			}
			return outcomeTimeout
		}
	}
}
