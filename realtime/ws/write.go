package ws

import (
	"time"

	"github.com/gorilla/websocket"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/room"
)

const (
	maxBatchBytes = 64 << 10 // of events in one frame
	compressFrom  = 1 << 10  // bytes
	keepQueue     = 128      // frames of room that an empty queue keeps
)

// write is the writer: it writes until nothing is due.
func (c *Conn) write() {
	for {
		w := c.take()
		switch {
		case w.end.code != 0 && len(w.batch) == 0:
			c.finish(w.end)
			return // and is the last one
		case len(w.batch) == 0 && !w.ping:
			return
		}
		err := c.writeBatch(w.pace, w.batch)
		if err == nil && w.ping {
			err = c.sock.WritePreparedMessage(c.server.ping)
		}
		c.written(w.batch)
		if err != nil {
			c.stop() // so the reader ends as well
			return
		}
	}
}

// work is what a writer is to do next.
type work struct {
	batch []*room.Frame
	pace  *pace // of the room that the batch is of
	ping  bool
	end   ending // after the batch
}

// take returns what is to be written next, and marks the write as begun. Before
// an end all that waits is due. If there is nothing, the writer is one no more.
func (c *Conn) take() work {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := work{pace: c.pace, ping: c.ping && c.end.code == 0, end: c.end}
	c.ping = false
	if c.due || c.end.code != 0 {
		size := 0
		n := 0
		for n < len(c.queue) && (n == 0 || size+len(c.queue[n].Bytes) < maxBatchBytes) {
			size += len(c.queue[n].Bytes) + 1
			n++
		}
		if n == len(c.queue) {
			w.batch, c.queue, c.spare = c.queue, c.spare, nil
			c.due = false
		} else {
			w.batch = append(w.batch, c.queue[:n]...)
			rest := copy(c.queue, c.queue[n:])
			clear(c.queue[rest:])
			c.queue = c.queue[:rest]
			c.since = time.Now() // the rest moves: what is slow is the write
		}
		c.queued -= size
	}
	if c.writer = len(w.batch) > 0 || w.ping || w.end.code != 0; c.writer {
		c.writing = time.Now()
	}
	return w
}

// written marks the write of the batch as done.
func (c *Conn) written(batch []*room.Frame) {
	clear(batch) // events are not kept alive by a connection that has sent them
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = time.Time{}
	if cap(batch) <= keepQueue {
		c.spare = batch[:0]
	}
}

// writeBatch writes frames as one message.
func (c *Conn) writeBatch(p *pace, batch []*room.Frame) error {
	if len(batch) == 0 {
		return nil
	}
	m := c.server.metrics
	size := 0
	shared := p != nil
	for i := range batch {
		size += len(batch[i].Bytes) + 1
		shared = shared && batch[i].Delivery != realtime.DeliverReply
	}
	m.frames.Inc()
	m.events.Add(float64(len(batch)))
	m.bytes.Add(float64(size - 1))
	c.sock.EnableWriteCompression(shared && len(batch) > 1 && size > compressFrom)
	if !shared {
		if len(batch) == 1 {
			return c.sock.WriteMessage(websocket.TextMessage, batch[0].Bytes)
		}
		return c.sock.WriteMessage(websocket.TextMessage, join(batch, size))
	}
	prepared, again, err := p.prepare(batch, size)
	if err != nil {
		return err
	}
	outcome := "made"
	if again {
		outcome = "shared"
	}
	m.joins.WithLabelValues(outcome).Inc()
	return c.sock.WritePreparedMessage(prepared)
}

// join returns the events with a line feed between them; size counts one each.
func join(batch []*room.Frame, size int) []byte {
	b := make([]byte, 0, size)
	for i := range batch {
		if i > 0 {
			b = append(b, '\n')
		}
		b = append(b, batch[i].Bytes...)
	}
	return b
}

// finish tells the client why the connection ends, and closes our half of it, so
// that what was sent still arrives. The reader, or look, closes the rest.
func (c *Conn) finish(end ending) {
	info := end.code.Info()
	closing := realtime.Closing{Code: end.code, Return: info.Return, ReconnectAfterMS: end.after.Milliseconds()}
	if b, err := (realtime.Event{}).Encode(closing); err == nil {
		c.sock.EnableWriteCompression(false)
		_ = c.sock.WriteMessage(websocket.TextMessage, b) // whatever fails, the client will notice
	}
	_ = c.sock.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(int(end.code), info.Name), time.Now().Add(linger))
	if tcp, plain := tcpOf(c.sock.NetConn()); tcp != nil && plain {
		_ = tcp.CloseWrite()
	}
	c.written(nil)
}
