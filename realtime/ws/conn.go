package ws

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/room"
)

// linger is how long a client has to answer the close frame, and what was sent
// before has to reach it.
const linger = 2 * time.Second

// Conn is one WebSocket. One goroutine reads; another writes, while there is
// something to write; the server's looks at it once a second. It implements
// room.Conn.
type Conn struct {
	// Set by newConn, then read-only.
	server *Server
	sock   *websocket.Conn
	class  string

	// Guarded by the server's mu.
	place *list.Element // among those without hello, nil for others
	slot  int           // which second its pings are in

	heard atomic.Int64 // Unix seconds of the last sign of life

	// Owned by the reader.
	member   Member
	person   realtime.Principal
	commands bucket
	refused  int       // commands refused since refusals began
	began    time.Time // of that minute

	writers sync.WaitGroup // of at most one, started by wakeWriterLocked, waited for by serve

	mu      sync.Mutex // guards the fields below
	writer  bool       // there is one
	over    bool       // there is to be none any more
	pace    *pace      // nil before hello: all is sent at once
	window  uint64     // of pace, in which the last frame was sent
	queue   []*room.Frame
	spare   []*room.Frame // memory for queue
	queued  int           // bytes in queue, see Send
	since   time.Time     // when the first of queue came
	due     bool          // queue is to be written now
	writing time.Time     // since when a write is under way, zero if none is
	ping    bool          // one is to be written
	opened  time.Time
	expires time.Time // of the grant; zero before hello
	resumes time.Time // until when it may be sent what it missed
	end     ending
}

// ending is how the server ends a connection. The zero ending: it does not.
type ending struct {
	code  realtime.CloseCode
	after time.Duration // to come back
	at    time.Time
	hard  bool // the socket was closed without a word
}

func newConn(s *Server, sock *websocket.Conn, class string) *Conn {
	now := time.Now()
	c := &Conn{
		server: s, sock: sock, class: class,
		opened: now, commands: bucket{tokens: float64(s.cfg.CommandBurst), at: now},
	}
	c.heard.Store(now.Unix())
	return c
}

// resumeFactor is how many times Config.QueueBytes may wait for a client that has
// just come: all it has missed is sent at once, and if that did not fit it would
// come back for the same again and again.
const resumeFactor = 8

// Send implements room.Conn. The queue is bounded by Config.QueueBytes, or
// resumeFactor times that in the first Config.SlowAfter of a connection; from half
// of it on ephemeral frames are dropped and state replaces its older self, and
// where a frame does not fit the connection is closed.
func (c *Conn) Send(frames ...*room.Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := len(c.queue)
	for _, f := range frames {
		if c.end.code == 0 && !c.over && len(f.Bytes) > 0 {
			c.queueLocked(f)
		}
	}
	if c.end.code != 0 || len(c.queue) == before {
		return
	}
	if before == 0 {
		c.since = time.Now()
	}
	switch p := c.pace; {
	case c.due:
	case p == nil:
		c.dueLocked()
	case p.immediate():
		c.dueLocked()
		p.wrote()
	case c.window != p.window.Load():
		c.window = p.window.Load()
		c.dueLocked()
		p.wrote()
	default:
		p.waits()
	}
}

// queueLocked queues a frame, drops it, or ends the connection.
func (c *Conn) queueLocked(f *room.Frame) {
	size := len(f.Bytes) + 1
	if c.queued+size > c.server.cfg.QueueBytes/2 {
		if f.Delivery == realtime.DeliverEphemeral {
			c.server.metrics.dropped.WithLabelValues("half_full").Inc()
			return
		}
		if f.Delivery == realtime.DeliverState && c.replaceLocked(f) {
			c.server.metrics.dropped.WithLabelValues("collapsed").Inc()
			return
		}
	}
	if most := c.server.cfg.QueueBytes; c.queued+size > most && (c.queued+size > resumeFactor*most || !time.Now().Before(c.resumes)) {
		c.server.metrics.dropped.WithLabelValues("full").Add(float64(len(c.queue)))
		c.endLocked(ending{code: realtime.CloseTooSlow})
		return
	}
	c.queue = append(c.queue, f)
	c.queued += size
}

// replaceLocked puts a state in the place of its older self, if that waits.
func (c *Conn) replaceLocked(f *room.Frame) bool {
	for i := len(c.queue) - 1; i >= 0; i-- {
		if old := c.queue[i]; old.Delivery == realtime.DeliverState && old.Key == f.Key {
			c.queued += len(f.Bytes) - len(old.Bytes)
			c.queue[i] = f
			return true
		}
	}
	return false
}

// dueLocked has the writer write the queue.
func (c *Conn) dueLocked() {
	c.due = true
	c.wakeWriterLocked()
}

// flush makes what waits due at the end of an interval, and returns how many
// frames that is.
func (c *Conn) flush(window uint64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.queue)
	if n > 0 && !c.due {
		c.window = window
		c.dueLocked()
	}
	return n
}

// wakeWriterLocked starts the writer if there is none. That costs no more than
// to wake one, and saves its stack while nothing is to be written.
func (c *Conn) wakeWriterLocked() {
	if !c.writer && !c.over {
		c.writer = true
		c.writers.Go(c.write)
	}
}

// stop makes the connection fail for whoever works on it, and returns how the
// server had ended it.
func (c *Conn) stop() realtime.CloseCode {
	_ = c.sock.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	c.queue, c.spare, c.queued = nil, nil, 0
	return c.end.code
}

// Close implements room.Conn.
func (c *Conn) Close(code realtime.CloseCode, reconnectAfter time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endLocked(ending{code: code, after: reconnectAfter})
}

func (c *Conn) endLocked(e ending) {
	if c.end.code != 0 {
		return
	}
	e.at = time.Now()
	c.end = e
	if e.code == realtime.CloseTooSlow {
		c.queue, c.queued = nil, 0
	}
	c.wakeWriterLocked()
}

// ending returns how the server ends the connection, if it does.
func (c *Conn) ending() ending {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end
}

// look does what is due: once a second, by the server's goroutine.
func (c *Conn) look(now time.Time) {
	cfg := &c.server.cfg
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.queue, c.spare = nil, nil // a quiet connection keeps nothing
	}
	stalled := !c.writing.IsZero() && now.Sub(c.writing) > cfg.SlowAfter
	switch {
	case stalled || (c.end.code != 0 && now.Sub(c.end.at) > linger):
		c.endLocked(ending{code: realtime.CloseTooSlow})
		if !c.end.hard {
			c.end.hard = true
			_ = c.sock.Close() // what the reader and the writer wait for fails
		}
		return
	case c.end.code != 0:
		return
	case len(c.queue) > 0 && now.Sub(c.since) > cfg.SlowAfter:
		c.endLocked(ending{code: realtime.CloseTooSlow})
	case c.expires.IsZero() && now.Sub(c.opened) > cfg.HelloTimeout:
		c.endLocked(ending{code: realtime.CloseHelloTimeout})
	case !c.expires.IsZero() && !now.Before(c.expires):
		c.endLocked(ending{code: realtime.CloseExpiredGrant})
	case now.Unix()-c.heard.Load() > int64((2*cfg.PingInterval+10*time.Second)/time.Second):
		c.endLocked(ending{code: realtime.CloseIdle})
	case (now.Unix()+int64(c.slot))%int64(cfg.PingInterval/time.Second) == 0:
		c.ping = true
		c.wakeWriterLocked()
	}
}
