package origin

import (
	"context"
	"net/http"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/storage/segment"
)

// Holder is implemented by the ResponseWriter of a server that must not be blocked.
type Holder interface {
	// Hold takes over a request that cannot be answered yet: ServeHTTP returns, and
	// neither the request nor the writer is over. The server calls resume when changed
	// is closed, at until at the latest, and with gone set when the client has left or
	// the server stops. resume either answers and returns nil, or returns the channel
	// that the request waits for now, at most until the same time. It never waits. The
	// server calls it from one goroutine at a time, and not after it has returned nil;
	// it must do so in the end, for the request is counted until then.
	Hold(changed <-chan struct{}, until time.Time, resume func(gone bool) (next <-chan struct{}))
}

// held is a request for a playlist or a part that does not exist yet.
type held struct {
	o *Origin
	w *response
	r *http.Request

	p    Presentation
	to   target
	snap *hls.Snapshot // the latest

	d directives // of a playlist

	item segment.Item // a part, once it was found
	err  error        // why it was not

	started, until time.Time
}

// ready reports whether h can be answered now, with what was asked for or with the
// reason why that will never be.
func (h *held) ready() bool {
	h.snap = h.p.Playlists.Snapshot(h.to.rendition)
	if h.to.object == objectPart {
		h.item, h.err = h.p.Media.FindPart(h.to.rendition, h.to.name.Epoch, h.to.name.MSN, h.to.name.Part)
		return !hinted(h.p.Playlists, h.snap, h.to.name, h.err)
	}
	return h.snap == nil || h.snap.Has(h.d.msn, h.d.part)
}

// answer says how it ended. It returns a code for metrics, or 0.
func (h *held) answer(how outcome) (code int) {
	switch {
	case h.to.object == objectPart && how == outcomeServed:
		return h.o.sendFound(h.w, h.r, h.p, h.to, h.item, h.err)
	case h.to.object == objectPart:
		return h.o.refusePart(h.w, how)
	case how == outcomeServed:
		return h.o.sendSnapshot(h.w, h.r, h.p.Playlists, h.to, h.snap, h.d)
	default:
		return h.o.refuse(h.w, how)
	}
}

// end answers, and forgets the request.
func (h *held) end(how outcome) {
	h.o.metrics.held(how, time.Since(h.started))
	h.o.waiting.Add(-1)
	h.o.metrics.waiters.Dec()
	h.o.done(h.w, h.to.object, h.answer(how))
}

// resume looks whether h can be answered; see [Holder].
func (h *held) resume(gone bool) <-chan struct{} {
	switch {
	case gone:
		h.end(outcomeClientGone)
	case h.ready():
		h.end(outcomeServed)
	case time.Now().Before(h.until):
		return h.snap.Changed
	default:
		h.end(outcomeTimeout)
	}
	return nil
}

// hold holds h until it can be answered: here, or in the hands of w. It takes no lock.
func (o *Origin) hold(w http.ResponseWriter, h *held) {
	if o.waiting.Add(1) > int64(o.cfg.MaxWaiters) {
		o.waiting.Add(-1)
		o.metrics.held(outcomeOverload, 0)
		o.done(h.w, h.to.object, h.answer(outcomeOverload))
		return
	}
	o.metrics.waiters.Inc()
	h.started = time.Now()
	hold := min(3*h.p.Playlists.TargetDuration(), o.cfg.HoldCap)
	h.until = h.started.Add(hold)
	if holder, ok := w.(Holder); ok {
		holder.Hold(h.snap.Changed, h.until, h.resume)
		return
	}
	h.hang(h.r.Context(), hold)
}

// hang holds the caller. It starts no goroutine and allocates one timer however often
// it wakes.
func (h *held) hang(ctx context.Context, hold time.Duration) {
	timer := time.NewTimer(hold)
	defer timer.Stop()
	for changed := h.snap.Changed; changed != nil; {
		select {
		case <-changed:
			changed = h.resume(false)
		case <-ctx.Done():
			changed = h.resume(true)
		case <-timer.C:
			changed = h.resume(false)
		}
	}
}
