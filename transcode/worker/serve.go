package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

const (
	// heartbeat is how often a worker tells its Stats.
	heartbeat = 500 * time.Millisecond

	// writeBeats and callBeats are how many heartbeats a Write and any other call
	// of the engine may take: 10 s and 30 s. Beats are counted, not time, so that
	// a machine that was suspended does not end its workers.
	writeBeats = 20
	callBeats  = 60

	// flushTime is how long Serve waits for its last frames to be read.
	flushTime = time.Second
)

// Serve is a worker process: it does what the server asks over in with engine and
// answers on out, until in ends or ctx does, and returns nil then. Any other end
// is an error, after which the process must exit with a code that is not 0. A
// panic of the engine is not recovered: it ends the process, its trace on stderr.
//
// If in still blocks when ctx ends, if out is not read, or if the engine is stuck
// (ErrStuck), goroutines remain that cannot be ended from here: call Serve as the
// last thing of a process.
func Serve(ctx context.Context, in io.Reader, out io.Writer, engine transcode.Engine, logger *slog.Logger) error {
	return serve(ctx, in, out, engine, logger, BuildID())
}

func serve(ctx context.Context, in io.Reader, out io.Writer, engine transcode.Engine, logger *slog.Logger, build string) error {
	s := &server{
		engine: engine, logger: logger, build: build, box: newOutbox(),
		frames: make(chan message), stop: make(chan struct{}), end: make(chan error, 1), stuck: make(chan error, 1),
	}
	if err := s.box.hello(build); err != nil {
		return fmt.Errorf("say hello: %w", err)
	}
	var beating, loops sync.WaitGroup // loops are waited for one by one, if at all
	defer beating.Wait()
	loops.Go(func() { s.quit(s.read(in)) })
	decoded, written := make(chan struct{}), make(chan struct{})
	loops.Go(func() { defer close(decoded); s.work() })
	loops.Go(func() { defer close(written); s.quit(wrap("write to the server", s.box.write(out))) })
	beating.Go(func() { s.beat(heartbeat, decoded) })

	var err error
	select {
	case err = <-s.end:
	case err = <-s.stuck:
	case <-ctx.Done():
	}
	close(s.stop)
	if errors.Is(err, ErrStuck) {
		s.flush(written)
		return err
	}
	if err != nil {
		_ = s.box.say(wire.AppendFailed(nil, s.run(), false, err.Error())) // the box is closed if out failed
	}
	s.flush(written)
	select {
	case <-decoded: // the engine's last call has ended by itself
		return err
	case err = <-s.stuck: // or the watchdog noticed
		return err
	}
}

// quit ends Serve; the first reason counts.
func (s *server) quit(err error) {
	select {
	case s.end <- err:
	default: // it is ending
	}
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// server is the state of Serve.
type server struct {
	// Set by Serve, then read-only.
	engine transcode.Engine
	logger *slog.Logger
	build  string
	box    *outbox
	frames chan message  // from read to work
	stop   chan struct{} // closed when Serve ends
	end    chan error    // capacity 1: the first one ends Serve
	stuck  chan error    // capacity 1: the watchdog's

	// Owned by work.
	output *runOutput

	call atomic.Uint64 // odd while the engine is called; rises at each begin and end
	slow atomic.Bool   // the call is one that may take long

	mu       sync.Mutex         // guards the fields below
	encoding transcode.Encoding // nil if no run is open
	current  uint32             // its run
}

// message is what work does: exactly one field is set, beside run.
type message struct {
	run    uint32
	spec   *transcode.Spec
	unit   *wire.Unit
	effort *transcode.Effort
	drain  bool
}

// flush closes the outbox and waits a moment for its rest to be read.
func (s *server) flush(written <-chan struct{}) {
	s.box.close()
	patience := time.NewTimer(flushTime)
	defer patience.Stop()
	select {
	case <-written:
	case <-patience.C:
	}
}

// read reads frames until in ends, which is the server's way to end a worker.
func (s *server) read(in io.Reader) error {
	r := wire.NewServerReader(in)
	greeted := false
	for {
		kind, body, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read from the server: %w", err)
		}
		if !greeted {
			if err = s.greet(kind, body); err != nil {
				return err
			}
			greeted = true
			continue
		}
		m, err := parse(kind, body)
		if err != nil {
			return fmt.Errorf("read from the server: %w", err)
		}
		select {
		case s.frames <- m:
		case <-s.stop:
			return nil
		}
	}
}

// greet checks the server's first frame.
func (s *server) greet(kind wire.Kind, body []byte) error {
	if kind != wire.KindHello {
		return fmt.Errorf("read from the server: %w: %s before hello", wire.ErrFrame, kind)
	}
	build, err := wire.ParseHello(body)
	if err != nil {
		return fmt.Errorf("greet the server: %w", err)
	}
	if build != s.build {
		return fmt.Errorf("%w: %q and %q", ErrBuild, build, s.build)
	}
	return nil
}

// parse reads a frame of the server.
func parse(kind wire.Kind, body []byte) (m message, err error) {
	switch kind {
	case wire.KindOpen:
		m.spec = new(transcode.Spec)
		m.run, *m.spec, err = wire.ParseOpen(body)
	case wire.KindUnit:
		m.unit = new(wire.Unit)
		*m.unit, err = wire.ParseUnit(body)
		m.run = m.unit.Run
	case wire.KindEffort:
		m.effort = new(transcode.Effort)
		m.run, *m.effort, err = wire.ParseEffort(body)
	case wire.KindDrain:
		m.drain = true
		m.run, err = wire.ParseRun(kind, body)
	default:
		err = fmt.Errorf("%w: unexpected %s", wire.ErrFrame, kind)
	}
	return m, err
}
