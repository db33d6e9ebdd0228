package rtmp_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lectern/lectern/media/rtmp"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
	"github.com/lectern/lectern/media/stream"
)

// pipes is a listener of in-memory connections, for tests on a fake clock.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once

	accepts func() error // what Accept fails with, nil to go on
}

func newPipes() *pipes {
	return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case <-p.closed:
		return nil, net.ErrClosed
	default:
	}
	if p.accepts != nil {
		if err := p.accepts(); err != nil {
			return nil, err
		}
	}
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	a, b := net.Pipe()
	p.conns <- a
	return b
}

func (p *pipes) listener() []rtmp.Listener {
	return []rtmp.Listener{{Listener: p, Protocol: "rtmp"}}
}

// hungUp waits until the server closes c and returns how long that took.
func hungUp(c net.Conn) time.Duration {
	begin := time.Now()
	b := make([]byte, 4096)
	for {
		if _, err := c.Read(b); err != nil {
			return time.Since(begin)
		}
	}
}

// F5: whoever does not come to publish in time is cut off: silent, or with a
// byte a second, at whatever byte of the handshake it stops.
func TestF5HandshakeSlowLoris(t *testing.T) {
	for _, at := range []int{0, 1, 2, 1536, 1537, 1538, 3072, 3073} {
		synctest.Test(t, func(t *testing.T) {
			l := newPipes()
			r := startOn(t, l.listener())
			c := l.dial()
			hello := make([]byte, 4000)
			hello[0] = 3
			var w sync.WaitGroup
			w.Go(func() {
				if _, err := c.Write(hello[:at]); err != nil {
					t.Errorf("write of %d bytes: %v", at, err)
				}
				for { // then one byte a second
					time.Sleep(time.Second) //nolint:forbidigo // in a synctest bubble
					if _, err := c.Write([]byte{3}); err != nil {
						return
					}
				}
			})
			if d := hungUp(c); d != 10*time.Second {
				t.Errorf("after %d bytes: cut off in %s, want 10s", at, d)
			}
			_ = c.Close()
			w.Wait()
			r.closed("publish_timeout", 1)
		})
	}
}

func TestF5ConnectedButNotPublishing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		r := startOn(t, l.listener())
		c := rtmptest.NewClient(l.dial())
		if err := c.Handshake(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.Connect(t.Context(), "live"); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if err := c.Closed(t.Context()); err == nil || time.Since(begin) != 10*time.Second {
			t.Errorf("closed after %s with %v", time.Since(begin), err)
		}
		c.Drop()
		r.closed("publish_timeout", 1)
	})
}

// Case 32: a publisher whose machine vanished sends no FIN. Nothing comes for
// the read timeout; then the publication is dropped.
func TestF5HalfOpenPublisher(t *testing.T) {
	for _, timeout := range []time.Duration{10 * time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			l := newPipes()
			r := startOn(t, l.listener(), func(c *rtmp.Config, _ *rtmp.Deps) { c.ReadTimeout = timeout })
			c := rtmptest.NewClient(l.dial())
			if err := c.Start(t.Context(), "live", goodKey); err != nil {
				t.Fatal(err)
			}
			for range 30 { // alive, with pauses just short of the timeout
				time.Sleep(timeout - time.Millisecond) //nolint:forbidigo // in a synctest bubble
				if err := c.WriteVideo(0, []byte{0x17, 9}); err != nil {
					t.Fatal(err)
				}
			}
			begin := time.Now()
			<-r.publication().Done()
			if d := time.Since(begin); d < timeout || d > timeout+timeout/8+time.Second {
				t.Errorf("dropped after %s, want about %s", d, timeout)
			}
			if got := r.publication().Reason(); got != stream.CloseDropped {
				t.Errorf("reason = %v", got)
			}
			c.Drop()
			r.closed("idle", 1)
		})
	}
}

// A peer that reads nothing does not hold a goroutine: writes have a deadline.
func TestF5PeerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		r := startOn(t, l.listener())
		c := l.dial()
		if _, err := c.Write([]byte{3}); err != nil { // the server answers S0 S1 now
			t.Fatal(err)
		}
		time.Sleep(6 * time.Second) //nolint:forbidigo // in a synctest bubble
		r.metric(`lectern_rtmp_connections{protocol="rtmp"}`, 0)
		_ = c.Close()
	})
}

// F6: a failing Accept is retried with a growing pause, and serves again.
func TestF6AcceptErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		var calls, failed atomic.Int64
		failUntil := time.Now().Add(20 * time.Second)
		l.accepts = func() error {
			calls.Add(1)
			if time.Now().Before(failUntil) {
				failed.Add(1)
				return &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
			}
			return nil
		}
		r := startOn(t, l.listener())
		c := rtmptest.NewClient(l.dial()) // waits until the server accepts
		if n := calls.Load(); n > 40 {
			t.Errorf("%d accepts in 20 s", n)
		}
		if d := time.Since(failUntil); d > time.Second {
			t.Errorf("accepts again %s after the cause has gone", d)
		}
		if err := c.Start(t.Context(), "live", goodKey); err != nil {
			t.Error(err)
		}
		c.Drop()
		if got := r.value("lectern_rtmp_accept_errors_total"); got != float64(failed.Load()) {
			t.Errorf("%v accept errors counted of %d", got, failed.Load())
		}
	})
}

type slowKeys struct{}

func (slowKeys) Authorize(ctx context.Context, _ string, _ netip.Addr) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

func TestSlowAuthorizer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		r := startOn(t, l.listener(), func(_ *rtmp.Config, d *rtmp.Deps) { d.Authorizer = slowKeys{} })
		c := rtmptest.NewClient(l.dial())
		begin := time.Now()
		err := c.Start(t.Context(), "live", goodKey)
		wantStatus(t, err, "NetStream.Publish.Denied", "could not be checked")
		if d := time.Since(begin); d != 10*time.Second {
			t.Errorf("refused after %s", d)
		}
		c.Drop()
		r.closed("refused", 1)
	})
}

// From the third wrong key of an address on, the answer takes 5 s, in which
// others publish, and ends at once when the server stops.
func TestWrongKeysAreAnsweredLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		r := startOn(t, l.listener())
		guess := func() (took time.Duration, err error) {
			c := rtmptest.NewClient(l.dial())
			defer c.Drop()
			begin := time.Now()
			err = c.Start(t.Context(), "live", "guess")
			return time.Since(begin), err
		}
		for i, want := range []time.Duration{0, 0, 5 * time.Second} {
			took, err := guess()
			wantStatus(t, err, "NetStream.Publish.Denied", "not known")
			if took != want {
				t.Errorf("key %d: refused after %s, want %s", i+1, took, want)
			}
		}
		var last sync.WaitGroup
		last.Go(func() {
			if _, err := guess(); err == nil {
				t.Error("a guess was right")
			}
		})
		synctest.Wait() // it is held back
		begin := time.Now()
		c := rtmptest.NewClient(l.dial())
		if err := c.Start(t.Context(), "live", goodKey); err != nil {
			t.Error(err)
		}
		c.Drop()
		r.ended(r.publication(), stream.CloseDropped)
		r.stop()
		last.Wait()
		if d := time.Since(begin); d > time.Second {
			t.Errorf("publishing and stopping took %s", d)
		}
	})
}
