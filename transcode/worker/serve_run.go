package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

// work calls the engine, in a goroutine of its own: it may be slow, while the
// reader goes on to notice the end and the heartbeat goes on in any case.
func (s *server) work() {
	defer s.close()
	for {
		select {
		case m := <-s.frames:
			s.do(m)
		case <-s.stop:
			return
		}
	}
}

// do does one thing. Frames of a run that is not open are of no use any more.
func (s *server) do(m message) {
	if m.spec != nil {
		s.open(m.run, *m.spec)
		return
	}
	if s.encoding == nil || s.current != m.run { // only this goroutine writes them
		return
	}
	switch {
	case m.unit != nil:
		err := s.during(false, func() error { return s.encoding.Write(m.unit.AccessUnit, m.unit.Received) })
		if err != nil {
			s.fail(m.run, fmt.Errorf("encode: %w", err))
		}
	case m.effort != nil:
		_ = s.during(true, func() error { s.encoding.SetEffort(*m.effort); return nil })
	case m.drain:
		if err := s.during(true, s.encoding.Drain); err != nil {
			s.fail(m.run, fmt.Errorf("drain: %w", err))
			return
		}
		s.tell(s.stats()) // the last heartbeat was before
		s.close()
		s.tell(wire.AppendDrained(nil, m.run))
	}
}

// open starts a run, and ends the one before.
func (s *server) open(run uint32, spec transcode.Spec) {
	s.close()
	s.output = &runOutput{run: run, box: s.box, logger: s.logger}
	var e transcode.Encoding
	err := s.during(true, func() (err error) {
		e, err = s.engine.Open(spec, s.output)
		return err
	})
	if err != nil {
		s.fail(run, fmt.Errorf("open the encoders: %w", err))
		return
	}
	s.setEncoding(e, run)
	s.tell(wire.AppendOpened(nil, run, e.Tracks()))
}

// close frees the run that is open, if there is one.
func (s *server) close() {
	if s.output != nil {
		s.output.end() // lets go an engine that waits for the server to read
		s.output = nil
	}
	if e := s.encoding; e != nil {
		s.setEncoding(nil, 0) // before Close: Stats may not be called after it
		_ = s.during(true, func() error { e.Close(); return nil })
	}
}

// fail ends a run by an error of the engine.
func (s *server) fail(run uint32, err error) {
	s.tell(wire.AppendFailed(nil, run, errors.Is(err, transcode.ErrSpec), err.Error()))
	s.close()
}

// tell sends a short frame. It can fail only when the worker is ending.
func (s *server) tell(frame []byte, err error) {
	if err = s.box.say(frame, err); err != nil && !errors.Is(err, errClosed) {
		s.quit(err)
	}
}

func (s *server) setEncoding(e transcode.Encoding, run uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.encoding, s.current = e, run
}

// run returns the run that is open, or 0.
func (s *server) run() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// during marks a call of the engine, for the watchdog.
func (s *server) during(slow bool, call func() error) error {
	s.slow.Store(slow)
	s.call.Add(1)
	defer s.call.Add(1)
	return call()
}

// beat tells the stats at once and with every tick, also when nothing goes on,
// and watches over the calls of the engine, until work has ended.
func (s *server) beat(every time.Duration, over <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var last uint64
	beats := 0
	for {
		if err := s.box.beat(s.stats()); err != nil {
			s.logger.Warn("stats cannot be sent", "err", err)
		}
		select {
		case <-tick.C:
		case <-over:
			return
		}
		call := s.call.Load()
		if call != last || call%2 == 0 {
			last, beats = call, 0
			continue
		}
		beats++
		most := writeBeats
		if s.slow.Load() {
			most = callBeats
		}
		if beats < most {
			continue
		}
		err := fmt.Errorf("%w: a call has not returned for %s", ErrStuck, time.Duration(beats)*every)
		_ = s.box.say(wire.AppendFailed(nil, s.run(), false, err.Error())) // the box may be closed
		s.stuck <- err                                                     // once
		return
	}
}

// stats returns a frame with those of the run that is open. The lock is held
// meanwhile, since an Encoding may not be asked once it is closed; the outbox's is
// not, since the engine may hold a lock of its own when it waits for that.
func (s *server) stats() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.encoding == nil {
		return wire.AppendStats(nil, 0, transcode.Stats{})
	}
	return wire.AppendStats(nil, s.current, s.encoding.Stats())
}
