package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lectern/lectern/realtime"
)

const (
	roomStalled  = 20   // people who do not read
	roomReturn   = 200  // people who lose their connections at once, and come back
	roomSilent   = 5000 // connections that do not say hello
	roomJunk     = 100  // connections that say what nobody understands
	floodRate    = 1000 // commands a second of one person
	hostileRate  = 200  // messages a second of the others
	stalledLimit = 15 * time.Second
	heapLimit    = 10 << 20
)

// HostileRoom lets Count people talk for Duration, and again for at least as long
// while 20 people do not read, 200 are cut off and come back at once, one sends a
// thousand commands a second, 5,000 connections say nothing and others junk. It
// returns ErrMissed if the others notice, if one of those is not closed with its code,
// or if it costs the server much memory: RT6 and more.
func HostileRoom(ctx context.Context, o Options) error {
	env := []string{"LECTERN_WS_HANDSHAKE_BURST=100000", "LECTERN_WS_HANDSHAKE_RATE=100000", "LECTERN_ROOM_DISPLAY_PER_SECOND=1000"}
	return inRoom(ctx, o, env, func(ctx context.Context, h *hall) error {
		h.words = strings.Repeat(" word", 80) // what is not read is to fill the kernel's buffers
		if err := h.fill(ctx, o.Count); err != nil {
			return err
		}
		v := &verdicts{out: o.Out}
		calm, err := h.delays(ctx, hostileRate, o.Duration, nil)
		if err != nil {
			return err
		}
		before, err := h.remember(ctx)
		if err != nil {
			return err
		}
		x := &roomAttack{hall: h, v: v, out: o.Out}
		var after memory
		rough, err := h.delays(ctx, hostileRate, max(o.Duration, stalledLimit+5*time.Second), func(ctx context.Context) error {
			if rerr := x.run(ctx); rerr != nil {
				return rerr
			}
			var merr error
			after, merr = h.remember(ctx)
			return merr
		})
		if err != nil {
			return err
		}
		was, is := percentile(calm, 99), percentile(rough, 99)
		grown := int64(after.heap - before.heap)
		report(o.Out, "%d people, %d messages a second: p99 %s, among the hostile %s; heap %.1f MB, then %.1f MB\n",
			o.Count, hostileRate, was.Round(time.Millisecond), is.Round(time.Millisecond), before.heap/1e6, after.heap/1e6)
		v.say(is <= was+was/5, "RT6: 99 %% of the messages of the others take at most 20 %% longer: %s, %s before", is.Round(time.Millisecond), was.Round(time.Millisecond))
		v.say(grown <= heapLimit, "RT6: the heap grows by at most %d MB: %.1f MB", heapLimit>>20, float64(grown)/(1<<20))
		return v.err()
	})
}

// roomAttack is everything at once that may happen to a room.
type roomAttack struct {
	*hall

	v   *verdicts
	out io.Writer
}

func (x *roomAttack) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, attack := range []func(context.Context) error{x.stall, x.comeBack, x.flood, x.silence, x.junk} {
		g.Go(func() error { return attack(ctx) })
	}
	return g.Wait()
}

// guest returns a person beside those that are measured.
func (x *roomAttack) guest(ctx context.Context, name string) (*seat, error) {
	return x.person(ctx, realtime.RoleParticipant, "p_"+name, name)
}

// stall has people come in and read nothing more.
func (x *roomAttack) stall(ctx context.Context) error {
	var stalled []*seat
	for i := range roomStalled {
		s, err := x.guest(ctx, fmt.Sprintf("stalled_%d", i))
		if err != nil {
			return err
		}
		if err = s.connect(ctx, x.http, x.class); err != nil {
			return err
		}
		defer s.hangUp()
		stalled = append(stalled, s)
	}
	if err := wait(ctx, stalledLimit); err != nil {
		return err
	}
	// Who is still in the room would be sent more for ever. Who is not gets the end of
	// what the kernels hold.
	var closed atomic.Int64
	var reading sync.WaitGroup
	for _, s := range stalled {
		reading.Go(func() {
			_ = s.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			if ended(s.conn) {
				closed.Add(1)
			}
		})
	}
	reading.Wait()
	x.v.say(closed.Load() == roomStalled, "RT6: people who do not read are closed within %s: %d of %d", stalledLimit, closed.Load(), roomStalled)
	return nil
}

// ended reads what there is, and reports whether the connection ends before its
// deadline.
func ended(conn net.Conn) bool {
	_, err := io.Copy(io.Discard, conn)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// comeBack cuts people off and has them come back, all at once.
func (x *roomAttack) comeBack(ctx context.Context) error {
	var people []*seat
	for i := range roomReturn {
		s, err := x.guest(ctx, fmt.Sprintf("return_%d", i))
		if err != nil {
			return err
		}
		people = append(people, s)
	}
	defer func() {
		for _, s := range people {
			s.hangUp()
		}
	}()
	for range 3 {
		for _, s := range people {
			if err := x.sit(ctx, s); err != nil {
				return err
			}
		}
		if err := x.seated(ctx, people...); err != nil {
			return err
		}
		for _, s := range people {
			s.hangUp()
		}
		if err := x.gone(ctx, people...); err != nil {
			return err
		}
	}
	report(x.out, "%d people came back at once, three times\n", roomReturn)
	return nil
}

// flood has one person send much more than anybody may, until they are closed.
func (x *roomAttack) flood(ctx context.Context) error {
	s, err := x.guest(ctx, "flood")
	if err != nil {
		return err
	}
	if err = x.sit(ctx, s); err != nil {
		return err
	}
	defer s.hangUp()
	if err = x.seated(ctx, s); err != nil {
		return err
	}
	sent := 0
	for begun := time.Now(); s.there() && sent < 20*floodRate; sent++ {
		if err = wait(ctx, time.Until(begun.Add(time.Duration(sent)*time.Second/floodRate))); err != nil {
			return err
		}
		if s.command("react", fmt.Sprintf("flood-%06d", sent), `{"kind":"clap"}`) != nil {
			break // it has been closed
		}
	}
	_ = poll(ctx, 5*time.Second, func() error { return x.all([]*seat{s}, func(s *seat) bool { return !s.there() }, "closed") })
	code := realtime.CloseCode(s.closedWith()) //nolint:gosec // 16 bits
	x.v.say(code == realtime.CloseLimit, "who sends %d commands a second is closed with %d: with %d after %d", floodRate, realtime.CloseLimit, code, sent)
	return nil
}

// silence opens connections that do not say hello.
func (x *roomAttack) silence(ctx context.Context) error {
	request := fmt.Appendf(nil, "GET /ws/%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: %s\r\n\r\n", x.class, x.http, realtime.Subprotocol)
	var conns []net.Conn
	for range roomSilent {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", x.http)
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		defer conn.Close() //nolint:errcheck // nothing was written that matters
		if _, err = conn.Write(request); err != nil {
			return fmt.Errorf("ask for a socket: %w", err)
		}
		conns = append(conns, conn)
	}
	closed := 0
	deadline := time.Now().Add(20 * time.Second)
	for _, conn := range conns {
		_ = conn.SetReadDeadline(deadline)
		if ended(conn) {
			closed++
		}
	}
	x.v.say(closed == roomSilent, "connections that do not say hello are closed: %d of %d", closed, roomSilent)
	return nil
}

// junk has people say what a client does not.
func (x *roomAttack) junk(ctx context.Context) error {
	sayings := []struct {
		text string
		code realtime.CloseCode // that it is closed with; 0: it is told an error
	}{
		{"\xff\xfe", realtime.CloseProtocolError},
		{string(bytes.Repeat([]byte("x"), 32<<10)), 1009},
		{string(bytes.Repeat([]byte("["), 4<<10)), realtime.CloseProtocolError},
		{`{"v":1,"type":"poll.open","id":"junk-0001","data":{"poll":"q_1"}}`, 0},
		{`{"v":1,"type":"room.set","id":"junk-0001","data":{"chat":"off"}}`, 0},
	}
	right := 0
	for i := range roomJunk {
		saying := sayings[i%len(sayings)]
		s, err := x.guest(ctx, fmt.Sprintf("junk_%d", i))
		if err != nil {
			return err
		}
		if err = x.sit(ctx, s); err != nil {
			return err
		}
		if err = x.seated(ctx, s); err != nil {
			return err
		}
		_ = s.write(1, saying.text) // it may be closed before all of it is written
		if err = poll(ctx, 10*time.Second, func() error {
			if saying.code == 0 && s.refused.Load() > 0 && s.there() || saying.code != 0 && !s.there() && s.closedWith() == int(saying.code) {
				return nil
			}
			return fmt.Errorf("%.20q: closed with %d after %d errors", saying.text, s.closedWith(), s.refused.Load())
		}); err == nil {
			right++
		} else {
			report(x.out, "%s\n", err)
		}
		s.hangUp()
	}
	x.v.say(right == roomJunk, "who says what nobody understands, or may not, is told so or closed: %d of %d", right, roomJunk)
	return nil
}
