package worker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

// pacedEngine is slow, and checks the contract of its callers.
type pacedEngine struct {
	t       *testing.T
	write   time.Duration // a Write takes
	drain   time.Duration
	fail    error
	flood   int // units a Write makes
	size    int
	efforts []transcode.Effort
	made    atomic.Int64
	open    atomic.Int64
}

type pacedEncoding struct {
	*pacedEngine
	out    transcode.Output
	closed atomic.Bool
	next   int
}

func (e *pacedEngine) Open(_ transcode.Spec, out transcode.Output) (transcode.Encoding, error) {
	if e.open.Add(1) != 1 {
		e.t.Error("two runs are open")
	}
	return &pacedEncoding{pacedEngine: e, out: out}, nil
}

func (e *pacedEncoding) Tracks() []media.Track { return testTracks() }

func (e *pacedEncoding) Write(*media.AccessUnit, time.Time) error {
	time.Sleep(e.write) //nolint:forbidigo // in a synctest bubble
	for range e.flood {
		au := encoded(e.next)
		au.Payload = [][]byte{make([]byte, e.size)}
		e.next++
		e.out.AccessUnit(au)
		e.made.Add(1)
	}
	return e.fail
}

func (e *pacedEncoding) SetEffort(f transcode.Effort) { e.efforts = append(e.efforts, f) }
func (e *pacedEncoding) Drain() error                 { time.Sleep(e.drain); return nil } //nolint:forbidigo // in a synctest bubble

func (e *pacedEncoding) Close() {
	if e.closed.Swap(true) {
		e.t.Error("closed twice")
	}
	e.open.Add(-1)
}

func (e *pacedEncoding) Stats() transcode.Stats {
	if e.closed.Load() {
		e.t.Error("asked for stats after close")
	}
	return transcode.Stats{Decoded: 1}
}

// farEnd is the server of a worker in a bubble.
type farEnd struct {
	t      *testing.T
	in     *io.PipeWriter
	out    *io.PipeReader
	cancel context.CancelFunc
	err    error
	done   sync.WaitGroup

	mu     sync.Mutex // guards the fields below
	counts map[wire.Kind]int
	text   string
}

// frames returns how many frames of a kind came.
func (s *farEnd) frames(k wire.Kind) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[k]
}

// failed returns the text of the latest failed.
func (s *farEnd) failed() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text
}

// served runs serve in a bubble.
func served(t *testing.T, engine *pacedEngine, test func(s *farEnd)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		engine.t = t
		inR, inW := io.Pipe()
		outR, outW := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		s := &farEnd{t: t, in: inW, out: outR, cancel: cancel, counts: map[wire.Kind]int{}}
		s.done.Go(func() {
			s.err = serve(ctx, inR, outW, engine, slog.New(slog.DiscardHandler), "b")
			_ = outW.Close()
			_ = inR.Close()
		})
		test(s)
		cancel()
		_ = outR.Close()
		_ = inW.Close()
		s.done.Wait()
		if engine.open.Load() != 0 && !errors.Is(s.err, ErrStuck) {
			t.Error("a run was not closed")
		}
	})
}

// read counts the frames that come, in the background, until the end.
func (s *farEnd) read() {
	s.done.Go(func() {
		r := wire.NewWorkerReader(s.out)
		for {
			k, body, err := r.Next()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.counts[k]++
			if k == wire.KindFailed {
				_, _, s.text, _ = wire.ParseFailed(body)
			}
			s.mu.Unlock()
		}
	})
}

func (s *farEnd) say(frame []byte, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	_, _ = s.in.Write(frame)
}

func (s *farEnd) open(run uint32) { s.t.Helper(); s.say(wire.AppendOpen(nil, run, testSpec())) }

func (s *farEnd) unit(run uint32) {
	s.t.Helper()
	s.say(wire.AppendUnit(nil, wire.Unit{Run: run, AccessUnit: picture(0)}))
}

func (s *farEnd) hello() { s.t.Helper(); s.say(wire.AppendHello(nil, "b")) }

func TestServeHeartbeat(t *testing.T) {
	served(t, &pacedEngine{write: 9 * time.Second, drain: 20 * time.Second}, func(s *farEnd) {
		s.read()
		s.hello()
		time.Sleep(10*time.Second + time.Millisecond) //nolint:forbidigo // in a synctest bubble
		synctest.Wait()
		if n := s.frames(wire.KindStats); n != 21 {
			t.Errorf("%d heartbeats in 10 idle seconds", n)
		}
		s.open(1)
		s.unit(1)
		time.Sleep(9 * time.Second) //nolint:forbidigo // in a synctest bubble
		s.say(wire.AppendDrain(nil, 1))
		time.Sleep(20 * time.Second) //nolint:forbidigo // in a synctest bubble
		synctest.Wait()
		if n := s.frames(wire.KindStats); n != 21+58+1 { // one is the last word of the run
			t.Errorf("%d heartbeats in 39 seconds", n)
		}
		if s.frames(wire.KindDrained) != 1 || s.frames(wire.KindOpened) != 1 {
			t.Errorf("frames %v", s.counts)
		}
		_ = s.in.Close()
		synctest.Wait()
		if s.err != nil {
			t.Errorf("serve: %v", s.err)
		}
	})
}

func TestServeStuck(t *testing.T) {
	for _, tc := range []struct {
		name   string
		engine *pacedEngine
		after  time.Duration
	}{
		{"in write", &pacedEngine{write: time.Hour}, 11 * time.Second},
		{"in drain", &pacedEngine{drain: time.Hour}, 31 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			served(t, tc.engine, func(s *farEnd) {
				s.read()
				s.hello()
				s.open(1)
				s.unit(1)
				s.say(wire.AppendDrain(nil, 1))
				time.Sleep(tc.after - 2*time.Second) //nolint:forbidigo // in a synctest bubble
				synctest.Wait()
				if s.failed() != "" {
					t.Errorf("failed too early: %s", s.failed())
				}
				time.Sleep(2 * time.Second) //nolint:forbidigo // in a synctest bubble
				synctest.Wait()
				if !errors.Is(s.err, ErrStuck) || s.failed() == "" {
					t.Errorf("serve: %v, failed %q", s.err, s.failed())
				}
				// The engine comes back after all, so that the bubble can end.
				time.Sleep(time.Hour) //nolint:forbidigo // in a synctest bubble
			})
		})
	}
}

// The server reads nothing: the engine waits, the memory is bounded, and the end
// is possible.
func TestServeUnread(t *testing.T) {
	engine := &pacedEngine{flood: 1000, size: 100_000}
	served(t, engine, func(s *farEnd) {
		s.hello()
		s.open(1)
		s.unit(1)
		time.Sleep(time.Second) //nolint:forbidigo // in a synctest bubble
		if n := engine.made.Load(); n < 10 || n > 100 {
			t.Errorf("%d units of 100 kB were made, 4 MiB are allowed", n)
		}
		_ = s.in.Close()
		time.Sleep(2 * time.Second) //nolint:forbidigo // in a synctest bubble
		synctest.Wait()
		if s.err != nil {
			t.Errorf("serve: %v", s.err)
		}
	})
}

func TestServeRuns(t *testing.T) {
	engine := &pacedEngine{flood: 2, size: 10}
	served(t, engine, func(s *farEnd) {
		s.read()
		s.hello()
		s.unit(1) // not open
		s.open(1)
		s.unit(1)
		s.open(2)
		s.unit(1) // over
		s.unit(2)
		s.say(wire.AppendEffort(nil, 2, transcode.Effort{Fast: true}))
		s.say(wire.AppendEffort(nil, 1, transcode.Effort{}))
		synctest.Wait()
		if s.frames(wire.KindUnit) != 4 || s.frames(wire.KindOpened) != 2 || len(engine.efforts) != 1 {
			t.Errorf("frames %v, efforts %v", s.counts, engine.efforts)
		}
	})
}

func TestServeFailure(t *testing.T) {
	served(t, &pacedEngine{fail: errors.New("no more")}, func(s *farEnd) {
		s.read()
		s.hello()
		s.open(1)
		s.unit(1)
		s.unit(1)
		synctest.Wait()
		if s.failed() != "encode: no more" || s.frames(wire.KindFailed) != 1 || s.err != nil {
			t.Errorf("failed %q, frames %v, %v", s.failed(), s.counts, s.err)
		}
		s.open(2) // a run can follow
		synctest.Wait()
		if s.frames(wire.KindOpened) != 2 {
			t.Errorf("frames %v", s.counts)
		}
	})
}

func TestServeHostileServer(t *testing.T) {
	for _, tc := range []struct {
		name string
		say  func(s *farEnd)
		want error
	}{
		{"no hello", func(s *farEnd) { s.open(1) }, wire.ErrFrame},
		{"another build", func(s *farEnd) { s.say(wire.AppendHello(nil, "c")) }, ErrBuild},
		{"junk", func(s *farEnd) { _, _ = s.in.Write([]byte("GET / HTTP/1.1\r\n")) }, wire.ErrFrame},
		{"hello twice", func(s *farEnd) { s.hello(); s.hello() }, wire.ErrFrame},
		{"bad unit", func(s *farEnd) { s.hello(); _, _ = s.in.Write([]byte{0, 0, 0, 2, byte(wire.KindUnit), 1}) }, wire.ErrFrame},
	} {
		t.Run(tc.name, func(t *testing.T) {
			served(t, &pacedEngine{}, func(s *farEnd) {
				s.read()
				tc.say(s)
				synctest.Wait()
				time.Sleep(time.Second) //nolint:forbidigo // in a synctest bubble
				if !errors.Is(s.err, tc.want) {
					t.Errorf("serve: %v, want %v", s.err, tc.want)
				}
			})
		})
	}
}

func TestServeContext(t *testing.T) {
	served(t, &pacedEngine{}, func(s *farEnd) {
		s.read()
		s.hello()
		s.open(1)
		s.cancel()
		synctest.Wait()
		if s.err != nil {
			t.Errorf("serve: %v", s.err)
		}
	})
}
