package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

const (
	// leaveTime is how long a worker may take to end once it was asked to, or once
	// it has closed a pipe.
	leaveTime = 2 * time.Second

	// sendTime is how long it may take a frame from its stdin.
	sendTime = 15 * time.Second

	// batchBytes is how much is sent at once, if it is there.
	batchBytes = 32 << 10
)

// attendance is the care for one process.
type attendance struct {
	// Set by attend, then read-only.
	p    process
	over chan struct{} // closed when the process has ended

	heard   atomic.Uint64 // frames received
	sending atomic.Uint64 // odd while a frame is sent; rises at each begin and end
	greeted atomic.Bool   // the worker has said hello
	leaving atomic.Bool   // the worker should end

	once sync.Once
	end  ending // set once: why the process was killed
}

// fail kills the process, for the reason that comes first.
func (a *attendance) fail(e ending) {
	a.once.Do(func() { a.end = e })
	a.p.kill()
}

// attend runs one process to its end. It returns when the process was waited for
// and all it had written was read.
func (h *Host) attend(ctx context.Context) ending {
	a := &attendance{p: h.start(), over: make(chan struct{})}
	var all, tending sync.WaitGroup
	defer all.Wait()
	started := make(chan struct{})
	var end ending
	all.Go(func() {
		end = a.p.run(func() { close(started) })
		close(a.over)
	})
	select {
	case <-started:
	case <-a.over:
	}
	select {
	case <-started: // though it may be over by now, what it wrote can be read
	default:
		a.p.release()
		return end
	}
	h.attach(a.p.pid())
	tending.Go(func() { h.receive(a) })
	tending.Go(func() { h.send(a) })
	tending.Go(func() { logLines(a.p.stderr(), h.logger, h.now, h.metrics.lines.Inc) })
	tending.Go(func() { h.monitor(a) })
	select {
	case <-ctx.Done():
		a.leaving.Store(true)
		_ = a.p.stdin().Close() // the worker's sign to end
		<-a.over
	case <-a.over:
	}
	tending.Wait()
	a.p.release()
	h.detach()
	a.once.Do(func() { a.end = end })
	return a.end
}

// attach prepares the run for a new process.
func (h *Host) attach(pid int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.starts++
	h.metrics.starts.Inc()
	h.metrics.running.Inc()
	h.proc, h.status.PID, h.status.Retry = true, pid, time.Time{}
	h.attachedAt = h.now()
	h.renewLocked()
	again := h.feed.attach()
	if h.intake != nil {
		h.intake.restart()
		if again {
			h.intake.start = h.startLocked()
		}
	}
}

// startLocked returns where a process that comes new to the run begins: at the
// keyframe it gets first. On a grid it may be later, where all that came before is
// delivered; then the keyframe may be long ago.
func (h *Host) startLocked() time.Duration {
	at := h.spec.Start
	if from, ok := h.feed.from(); ok {
		at = max(at, from)
	}
	if until, ok := h.intake.resume(); ok && h.spec.Grid > 0 {
		at = max(at, until.Truncate(h.spec.Grid))
	}
	return at
}

func (h *Host) detach() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.metrics.running.Dec()
	h.metrics.memory.Sub(float64(h.status.ResidentBytes))
	h.metrics.lag(h, -1)
	h.proc, h.status.PID, h.status.ResidentBytes = false, 0, 0
	h.openSent = false
	h.feed.detach()
}

// send writes frames to the process until it has ended.
func (h *Host) send(a *attendance) {
	buf, err := wire.AppendHello(nil, h.build)
	if err != nil {
		a.fail(ending{reason: reasonProtocol, text: err.Error(), final: true})
		return
	}
	for {
		if len(buf) > 0 {
			a.sending.Add(1)
			n, err := a.p.stdin().Write(buf)
			a.sending.Add(1)
			h.metrics.sent.Add(float64(n))
			if err != nil {
				a.leaving.Store(true) // it has closed its stdin, or has ended
				return
			}
		}
		if cap(buf) > keptBytes {
			buf = nil
		}
		if buf = h.frames(buf[:0]); len(buf) > 0 {
			continue
		}
		select {
		case <-h.fed:
		case <-a.over:
			return
		}
	}
}

// frames appends what is to be sent next.
func (h *Host) frames(dst []byte) []byte {
	dst, units, generation := h.takeFrames(dst)
	for _, i := range units {
		var err error
		dst, err = wire.AppendUnit(dst, wire.Unit{Run: generation, Received: i.received, AccessUnit: i.au})
		if err != nil { // Write has checked it
			h.metrics.drop(dropInvalid, 1)
		}
	}
	return dst
}

// takeFrames appends control frames, or returns access units to be encoded
// without the lock.
func (h *Host) takeFrames(dst []byte) (frames []byte, units []item, generation uint32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.wanted {
		return dst, nil, 0
	}
	var err error
	switch {
	case !h.openSent:
		spec := h.spec
		spec.Start = h.intake.start
		h.openSent = true
		dst, err = wire.AppendOpen(dst, h.generation, spec)
	case !h.effortSent:
		h.effortSent = true
		dst, err = wire.AppendEffort(dst, h.generation, *h.effort)
	default:
		for size := 0; size < batchBytes; {
			i, ok := h.feed.take()
			if !ok {
				break
			}
			units, size = append(units, i), size+i.size()
		}
		if len(units) == 0 && h.draining && !h.drainSent {
			h.drainSent = true
			dst, err = wire.AppendDrain(dst, h.generation)
		}
	}
	if err != nil { // Open has checked the spec
		h.giveUpLocked(lostSpec(err))
	}
	return dst, units, h.generation
}

// receive reads frames until the pipe ends.
func (h *Host) receive(a *attendance) {
	r := wire.NewWorkerReader(counter{a.p.stdout(), h.metrics.received.Add})
	for {
		kind, body, err := r.Next()
		if err != nil {
			if errors.Is(err, wire.ErrFrame) {
				a.fail(ending{reason: reasonProtocol, text: err.Error()})
			}
			a.leaving.Store(true) // it has ended or should
			return
		}
		a.heard.Add(1)
		if !a.greeted.Load() {
			if e := h.greet(kind, body); e != nil {
				a.fail(*e)
				return
			}
			a.greeted.Store(true)
			continue
		}
		if e := h.take(kind, body); e != nil {
			a.fail(*e)
			return
		}
	}
}

// greet checks a worker's first frame.
func (h *Host) greet(kind wire.Kind, body []byte) *ending {
	if kind != wire.KindHello {
		return &ending{reason: reasonProtocol, text: fmt.Sprintf("it began with %s", kind)}
	}
	build, err := wire.ParseHello(body)
	if err != nil {
		return &ending{reason: reasonProtocol, text: err.Error(), final: errors.Is(err, wire.ErrVersion)}
	}
	if build != h.build {
		text := "the program was replaced while the server ran; restart the server"
		return &ending{reason: reasonProtocol, text: text, final: true}
	}
	return nil
}

// counter counts the bytes it lets through.
type counter struct {
	r   io.Reader
	add func(float64)
}

// Read implements io.Reader.
func (c counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.add(float64(n))
	return n, err
}
