package ws

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/room"
)

const (
	// readLimit is what a message may have at most without the connection being
	// closed for it (1009); one above realtime.MaxFrameBytes is refused only.
	readLimit = 2 * realtime.MaxFrameBytes

	maxRefused = 10               // refused commands in a minute
	limitPause = 30 * time.Second // after which a client that had too many may come back
)

// serve reads from a connection until it has ended, and waits for its writer.
func (s *Server) serve(ctx context.Context, c *Conn) {
	reason := c.read(ctx)
	if c.member != nil {
		c.member.Leave()
	}
	code := c.stop()
	c.writers.Wait()
	s.pacer.leave(c)
	s.remove(c)
	if code != 0 {
		reason = code.Info().Name
	}
	s.metrics.closes.WithLabelValues(reason).Inc()
}

// read reads until the connection has ended, and returns why if it was the
// client who ended it.
func (c *Conn) read(ctx context.Context) (reason string) {
	c.sock.SetReadLimit(readLimit)
	c.sock.SetPongHandler(func(string) error { c.hear(); return nil })
	c.sock.SetPingHandler(func(data string) error {
		c.hear()
		if !c.allowed(time.Now()) {
			c.Close(realtime.CloseLimit, limitPause)
			return nil
		}
		err := c.sock.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
		if errors.Is(err, websocket.ErrCloseSent) {
			return nil
		}
		return err
	})
	for {
		kind, r, err := c.sock.NextReader()
		if err != nil {
			return c.readError(err)
		}
		c.hear()
		if c.ending().code != 0 {
			continue // until the client closes, too
		}
		if kind != websocket.TextMessage {
			c.refuse(realtime.Command{}, &realtime.Error{Code: realtime.CodeBadRequest, Message: "frame: must be text", Broken: true})
			continue
		}
		// Bounded here too, since what was compressed may be larger than the read
		// limit.
		frame, err := io.ReadAll(io.LimitReader(r, realtime.MaxFrameBytes+1))
		if err != nil {
			return c.readError(err)
		}
		// In a goroutine of its own: decoding needs a deep stack, and the reader would
		// keep it for as long as the connection lasts.
		var message sync.WaitGroup
		message.Go(func() { reason = c.guarded(ctx, frame) })
		message.Wait()
		if reason != "" {
			return reason
		}
	}
}

// guarded is message for a room that may panic: that costs the connection.
func (c *Conn) guarded(ctx context.Context, frame []byte) (reason string) {
	defer func() {
		if p := recover(); p != nil {
			c.server.logger.Error("connection panicked", "class", c.class, "err", p, "stack", string(debug.Stack()))
			reason = "panic"
		}
	}()
	c.message(ctx, frame)
	return ""
}

func (c *Conn) hear() { c.heard.Store(time.Now().Unix()) }

// readError returns why the client ended the connection.
func (c *Conn) readError(err error) string {
	var closed *websocket.CloseError
	switch {
	case errors.Is(err, websocket.ErrReadLimit):
		// The client has been told with 1009. To close with its message unread would
		// take that back.
		if tcp, plain := tcpOf(c.sock.NetConn()); tcp != nil && plain {
			_ = tcp.CloseWrite()
			_ = tcp.SetReadDeadline(time.Now().Add(linger))
			_, _ = io.CopyN(io.Discard, tcp, 1<<20)
		}
		return "too_large"
	case errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure:
		return "client"
	}
	return "lost"
}

// message carries out one message.
func (c *Conn) message(ctx context.Context, frame []byte) {
	command, err := realtime.DecodeCommand(frame)
	if err == nil && command.Room != "" && command.Room != c.class {
		err = realtime.NewError(realtime.CodeBadRequest, "room: is not the class of this connection")
	}
	if err != nil {
		c.refuse(command, err)
		return
	}
	if !c.allowed(time.Now()) {
		c.refuse(command, &realtime.Error{Code: realtime.CodeRateLimited, Message: "too many commands", RetryAfter: time.Second})
		return
	}
	hello, greets := command.Data.(realtime.Hello)
	refresh, renews := command.Data.(realtime.Refresh)
	switch {
	case greets && c.member == nil:
		c.hello(ctx, command.ID, hello)
	case c.member == nil:
		c.refuse(command, &realtime.Error{Code: realtime.CodeUnauthorized, Message: "say hello first", Broken: true})
	case greets:
		c.refuse(command, realtime.NewError(realtime.CodeConflict, "hello was said"))
	case renews:
		c.refresh(command.ID, refresh)
	default:
		info, _ := command.Type.Info()
		if !c.person.Permissions.Has(info.Needs) {
			c.refuse(command, realtime.NewError(realtime.CodeForbidden, "your grant does not allow this"))
			return
		}
		c.server.metrics.commands.WithLabelValues("accepted").Inc()
		c.member.Do(command)
	}
}

// allowed takes one of the commands that a client may send.
func (c *Conn) allowed(now time.Time) bool {
	return c.commands.take(now, float64(c.server.cfg.CommandRate), float64(c.server.cfg.CommandBurst))
}

// refuse answers a command that does not reach the room, and closes a connection
// that has had too many.
func (c *Conn) refuse(command realtime.Command, err error) {
	var e *realtime.Error
	if !errors.As(err, &e) {
		e = realtime.NewError(realtime.CodeInternal, "internal error")
	}
	c.server.metrics.commands.WithLabelValues(string(e.Code)).Inc()
	c.reply(command.ID, e.Refusal())
	if now := time.Now(); now.Sub(c.began) > time.Minute {
		c.began, c.refused = now, 0
	}
	c.refused++
	switch {
	case e.Broken:
		c.Close(realtime.CloseProtocolError, 0)
	case c.refused >= maxRefused:
		c.Close(realtime.CloseLimit, limitPause)
	}
}

// reply sends an event for this client alone.
func (c *Conn) reply(re string, d realtime.EventData) {
	b, err := realtime.Event{Re: re, Room: c.class, TS: time.Now().UnixMilli()}.Encode(d)
	if err != nil {
		c.server.logger.Error("reply not encoded", "err", err)
		return
	}
	c.Send(&room.Frame{Bytes: b, Delivery: realtime.DeliverReply})
}

// hello lets the client into the room, or ends the connection.
func (c *Conn) hello(ctx context.Context, id string, d realtime.Hello) {
	person, code, err := c.verify(d.Grant)
	if err != nil {
		c.refuse(realtime.Command{ID: id}, err)
		c.Close(code, 0)
		return
	}
	if person.Name == "" && !person.Anonymous {
		if name := access.CleanName(d.Name); person.Staff() || !access.ReservedName(name) {
			person.Name = name
		}
	}
	if !c.server.known(c) {
		return // closed meanwhile
	}
	c.mu.Lock()
	c.expires, c.resumes = person.ExpiresAt, time.Now().Add(c.server.cfg.SlowAfter)
	c.mu.Unlock()
	c.server.pacer.join(c)
	member, err := c.server.rooms.Join(ctx, c.class, person, room.Position{Epoch: d.Epoch, Seq: d.Seq}, c)
	if err != nil {
		var e *realtime.Error
		if !errors.As(err, &e) {
			if ctx.Err() == nil {
				c.server.logger.Warn("room not joined", "class", c.class, "err", err)
			}
			e = realtime.NewError(realtime.CodeUnavailable, "the room cannot be entered just now")
		}
		c.refuse(realtime.Command{ID: id}, e)
		c.Close(closeFor(e.Code), e.RetryAfter)
		return
	}
	c.member, c.person = member, person
	c.server.metrics.commands.WithLabelValues("accepted").Inc()
}

// closeFor returns how a connection ends whose person was not let in.
func closeFor(code realtime.ErrorCode) realtime.CloseCode {
	switch code {
	case realtime.CodeBanned:
		return realtime.CloseBanned
	case realtime.CodeUnauthorized, realtime.CodeForbidden:
		return realtime.CloseInvalidGrant
	case realtime.CodeNotFound, realtime.CodeClosed:
		return realtime.CloseClassEnded
	}
	return realtime.CloseLimit
}

// refresh extends the connection by a new grant of the same person.
func (c *Conn) refresh(id string, d realtime.Refresh) {
	person, code, err := c.verify(d.Grant)
	if err != nil && code == realtime.CloseExpiredGrant {
		c.refuse(realtime.Command{ID: id}, err) // the connection's own is still good
		return
	}
	if err == nil && person.ID != c.person.ID {
		code, err = realtime.CloseInvalidGrant, realtime.NewError(realtime.CodeUnauthorized, "the grant is of another person")
	}
	if err != nil {
		c.refuse(realtime.Command{ID: id}, err)
		c.Close(code, 0)
		return
	}
	if person.Name == "" {
		person.Name = c.person.Name
	}
	if err = c.member.Refresh(person); err != nil {
		c.refuse(realtime.Command{ID: id}, err)
		c.Close(realtime.CloseExpiredGrant, 0) // the client comes back with a new one
		return
	}
	c.person = person
	c.mu.Lock()
	c.expires = person.ExpiresAt
	c.mu.Unlock()
	c.server.metrics.commands.WithLabelValues("accepted").Inc()
	c.reply(id, realtime.Ack{ExpiresAt: person.ExpiresAt.UnixMilli()})
}

// verify returns who holds the grant, or how to end the connection. It tells the
// client no more than whether a new grant would help.
func (c *Conn) verify(grant realtime.Credential) (realtime.Principal, realtime.CloseCode, error) {
	person, err := c.server.grants.Verify(grant, c.class, time.Now())
	switch {
	case errors.Is(err, access.ErrGrantExpired):
		return person, realtime.CloseExpiredGrant, realtime.NewError(realtime.CodeUnauthorized, "the grant has expired")
	case err != nil:
		return person, realtime.CloseInvalidGrant, realtime.NewError(realtime.CodeUnauthorized, "the grant is not good for this class")
	}
	return person, 0, nil
}
