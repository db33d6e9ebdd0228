package loop

import "golang.org/x/sys/unix"

// watch is a channel that connections of a loop are parked for.
type watch struct {
	changed <-chan struct{}
	cancel  chan struct{} // closed when nobody waits any more
	conns   []*conn
}

// park lets c wait until changed is closed, at most until the time that its answer
// names.
func (l *loop) park(c *conn, changed <-chan struct{}) {
	w := l.watches[changed]
	if w == nil {
		w = &watch{changed: changed, cancel: make(chan struct{})}
		l.watches[changed] = w
		l.watchers.Go(func() {
			select {
			case <-w.changed:
				l.mu.Lock()
				l.woken = append(l.woken, w)
				l.mu.Unlock()
				l.wake()
			case <-w.cancel:
			}
		})
	}
	c.watch, c.index = w, len(w.conns)
	w.conns = append(w.conns, c)
	l.server.metrics.parked.Inc()
	l.wheel.set(c, l.deadline(c.exchange.answer.held.until))
	if c.over { // the event for it has been
		l.unpark(c)
		l.resume(c, true)
	}
}

// unpark takes c out of those that wait.
func (l *loop) unpark(c *conn) {
	w := c.watch
	last := len(w.conns) - 1
	w.conns[c.index] = w.conns[last]
	w.conns[c.index].index = c.index
	w.conns[last] = nil
	w.conns = w.conns[:last]
	c.watch = nil
	l.server.metrics.parked.Dec()
	if last == 0 && l.watches[w.changed] == w {
		delete(l.watches, w.changed)
		close(w.cancel)
	}
}

// resume lets the handler look again at the request of c, which was parked, and sends
// the answer if there is one now.
func (l *loop) resume(c *conn, gone bool) {
	var next <-chan struct{}
	if !l.guarded(func() { next = c.exchange.answer.held.resume(gone) }) {
		l.fail(c)
		return
	}
	if next != nil {
		l.park(c, next)
		return
	}
	l.send(c)
}

// changed answers all that have waited for one of the channels that were closed.
func (l *loop) changed() {
	l.mu.Lock()
	woken := l.woken
	l.woken = nil
	l.mu.Unlock()
	for _, w := range woken {
		if l.watches[w.changed] == w { // else all have left
			delete(l.watches, w.changed)
		}
		conns := w.conns
		w.conns = nil
		for _, c := range conns {
			c.watch = nil
			l.server.metrics.parked.Dec()
			l.resume(c, false)
			l.advance(c)
		}
	}
}

// wake makes the loop look around.
func (l *loop) wake() {
	one := [8]byte{0: 1}
	_, _ = unix.Write(l.eventfd, one[:]) // it can only be full, and then the loop is awake
}
