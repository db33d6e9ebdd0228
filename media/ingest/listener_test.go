package ingest

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// told counts events.
type told struct {
	failures int
	rejected []Cap
}

func (t *told) events() Events {
	return Events{
		AcceptFailed: func() { t.failures++ },
		Rejected:     func(c Cap) { t.rejected = append(t.rejected, c) },
	}
}

// failingListener fails n times, then blocks until closed.
type failingListener struct {
	net.Listener
	left   int
	times  []time.Time
	closed chan struct{}
}

func (l *failingListener) Accept() (net.Conn, error) {
	l.times = append(l.times, time.Now())
	if l.left--; l.left >= 0 {
		return nil, errors.New("too many open files")
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *failingListener) Close() error {
	close(l.closed)
	return nil
}

func TestAcceptBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &failingListener{left: 12, closed: make(chan struct{})}
		var counted told
		var log bytes.Buffer
		l := NewDoor(Caps{}).Listener(inner, slog.New(slog.NewTextHandler(&log, nil)), counted.events())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Accept: %v", err)
			}
		})
		time.Sleep(20 * time.Second) //nolint:forbidigo // in a synctest bubble
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if n := len(inner.times); n != 13 {
			t.Fatalf("%d calls of accept in 20 s, want 13", n)
		}
		if last := inner.times[12].Sub(inner.times[11]); last != maxAcceptPause {
			t.Errorf("last pause %s, want %s", last, maxAcceptPause)
		}
		if n := strings.Count(log.String(), "\n"); counted.failures != 12 || n != 1 {
			t.Errorf("%d failures counted and %d logged, want 12 and 1", counted.failures, n)
		}
	})
}

func TestCloseEndsThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &failingListener{left: 1000, closed: make(chan struct{})}
		var counted told
		l := NewDoor(Caps{}).Listener(inner, slog.New(slog.DiscardHandler), counted.events())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := l.AcceptConn(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("AcceptConn: %v", err)
			}
		})
		time.Sleep(9500 * time.Millisecond) //nolint:forbidigo // in a synctest bubble
		begin := time.Now()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if d := time.Since(begin); d != 0 {
			t.Errorf("closing took %s", d)
		}
	})
}

// One door may have several listeners: the caps are for all of them.
func TestListenerKeepsTheCaps(t *testing.T) {
	door := NewDoor(Caps{Total: 3, PerAddress: 2})
	var counted told
	listen := func() *Listener {
		inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l := door.Listener(inner, slog.New(slog.DiscardHandler), counted.events())
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	first, second := listen(), listen()
	dial := func(l *Listener) net.Conn {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	accept := func(l *Listener) *Conn {
		c, err := l.AcceptConn()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	dial(first)
	dial(second)
	one, two := accept(first), accept(second)
	if got := one.Remote(); got != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("remote = %s", got)
	}

	turnedAway := dial(first)
	var later sync.WaitGroup
	later.Go(func() {
		if _, err := first.AcceptConn(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("AcceptConn: %v", err)
		}
	})
	if _, err := turnedAway.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the third connection of an address: %v, want the end", err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	later.Wait()
	if len(counted.rejected) != 1 || counted.rejected[0] != CapAddress {
		t.Errorf("rejected for %v", counted.rejected)
	}

	for range 3 { // the place is given back once
		_ = two.Close()
	}
	if door.total != 1 {
		t.Errorf("%d places taken after one of two was left", door.total)
	}
	_ = one.Close()
	if door.total != 0 || len(door.byAddr) != 0 {
		t.Errorf("left: %d in all, %v", door.total, door.byAddr)
	}
}
