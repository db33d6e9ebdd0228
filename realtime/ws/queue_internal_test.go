package ws

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/room"
)

// queueOf returns a connection whose writer never comes.
func queueOf(t *testing.T, bytes int) *Conn {
	t.Helper()
	return &Conn{server: &Server{cfg: Config{QueueBytes: bytes}, metrics: newMetrics(nil)}, writer: true}
}

func frameOf(d realtime.Delivery, key string, size int) *room.Frame {
	return &room.Frame{Delivery: d, Key: key, Bytes: []byte(strings.Repeat("x", size-1))}
}

func TestQueueDropsWhatMayBeDropped(t *testing.T) {
	c := queueOf(t, 1000)
	send := func(d realtime.Delivery, key string, size int) { c.Send(frameOf(d, key, size)) }
	want := func(frames, bytes int) {
		t.Helper()
		if len(c.queue) != frames || c.queued != bytes || c.end.code != 0 {
			t.Fatalf("%d frames of %d bytes, closed with %d; want %d of %d", len(c.queue), c.queued, c.end.code, frames, bytes)
		}
	}
	send(realtime.DeliverEphemeral, "", 100)
	send(realtime.DeliverState, "tally/1", 100)
	send(realtime.DeliverState, "tally/1", 100) // below half all are kept
	send(realtime.DeliverLog, "", 200)
	want(4, 500)
	send(realtime.DeliverEphemeral, "", 50) // dropped
	want(4, 500)
	send(realtime.DeliverState, "tally/1", 150) // in the place of the newest of its kind
	want(4, 550)
	if len(c.queue[2].Bytes) != 149 {
		t.Error("the older one was replaced")
	}
	send(realtime.DeliverState, "tally/2", 50)
	send(realtime.DeliverReply, "", 100)
	send(realtime.DeliverLog, "", 300)
	want(7, 1000)
	send(realtime.DeliverEphemeral, "", 50)
	want(7, 1000)
	send(realtime.DeliverLog, "", 2)
	if c.end.code != realtime.CloseTooSlow || len(c.queue) != 0 {
		t.Errorf("closed with %d, %d frames wait", c.end.code, len(c.queue))
	}
	send(realtime.DeliverLog, "", 2)
	if len(c.queue) != 0 {
		t.Error("a closed connection queues")
	}
}

// TestResumeFits has a client that gets more at once than may wait otherwise.
func TestResumeFits(t *testing.T) {
	c := queueOf(t, 1000)
	c.resumes = time.Now().Add(time.Hour)
	for range 80 {
		c.Send(frameOf(realtime.DeliverLog, "", 100))
	}
	if c.end.code != 0 || c.queued != 8000 {
		t.Errorf("closed with %d, %d bytes wait", c.end.code, c.queued)
	}
	c.resumes = time.Now().Add(-time.Second)
	c.Send(frameOf(realtime.DeliverLog, "", 100))
	if c.end.code != realtime.CloseTooSlow {
		t.Errorf("is not closed later")
	}
}

func TestFirstCloseCounts(t *testing.T) {
	c := queueOf(t, 1000)
	c.Close(realtime.CloseBanned, 0)
	c.Close(realtime.CloseRestart, 1)
	if c.end.code != realtime.CloseBanned {
		t.Errorf("closed with %d", c.end.code)
	}
}

// TestLargeQueueIsWrittenInPieces has a client that resumes, and misses much.
func TestLargeQueueIsWrittenInPieces(t *testing.T) {
	c := queueOf(t, 1<<20)
	for range 1000 {
		c.Send(frameOf(realtime.DeliverLog, "", 500))
	}
	total := 0
	for {
		w := c.take()
		if len(w.batch) == 0 {
			break
		}
		size := 0
		for _, f := range w.batch {
			size += len(f.Bytes) + 1
		}
		if size > maxBatchBytes {
			t.Errorf("a frame of %d bytes", size)
		}
		total += len(w.batch)
		c.written(w.batch)
	}
	if total != 1000 || c.queued != 0 || c.writer {
		t.Errorf("%d were written, %d bytes wait, writer %t", total, c.queued, c.writer)
	}
}

// TestBatchesAreShared has two connections with the same events, and one with one
// more.
func TestBatchesAreShared(t *testing.T) {
	p := &pace{}
	a, b, other := frameOf(1, "", 10), frameOf(1, "", 10), frameOf(1, "", 10)
	tests := []struct {
		name   string
		events []*room.Frame
		again  bool
	}{
		{"the first", []*room.Frame{a, b}, false},
		{"the same", []*room.Frame{a, b}, true},
		{"another order", []*room.Frame{b, a}, false},
		{"equal bytes, not the same", []*room.Frame{a, other}, false},
		{"fewer", []*room.Frame{a}, false},
		{"the same again", []*room.Frame{a, b}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if m, again, err := p.prepare(tt.events, 20); err != nil || again != tt.again || m == nil {
				t.Errorf("again %t, %v", again, err)
			}
		})
	}
}

func TestOrigins(t *testing.T) {
	for origin, valid := range map[string]bool{
		"https://lms.example.edu": true, "http://10.0.0.1:8080": true, "https://lms.example.edu/": false, "lms.example.edu": false,
		"https://*.example.edu": false, "https://LMS.example.edu": false, "ftp://x": false, "https://": false, "null": false, "https://a@b": false,
	} {
		if validOrigin(origin) != valid {
			t.Errorf("%q is valid: %t", origin, !valid)
		}
	}
}

func TestConfigReportsAllProblems(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	err := Config{Origins: []string{"x"}}.Validate()
	if err == nil || strings.Count(err.Error(), "ws.") != 13 {
		t.Errorf("got %v", err)
	}
}

func TestGate(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:1234": "192.0.2.1", "[::ffff:192.0.2.1]:1": "192.0.2.1", "[2001:db8:1:2:3::4]:1": "2001:db8:1:2::", "[fe80::1%eth0]:1": "fe80::", "pipe": "invalid IP",
	} {
		if got := addressOf(remote).String(); got != want {
			t.Errorf("%s counts as %s, want %s", remote, got, want)
		}
	}
}

func TestGateIsBounded(t *testing.T) {
	g, now := newGate(1, 2), time.Now()
	for i := range maxAddresses {
		g.admit(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255), now)
	}
	for i, want := range []bool{true, true, false} { // one bucket for all the others
		if g.admit(fmt.Sprintf("192.0.2.%d:1", i), now) != want {
			t.Errorf("address %d: %t", i, !want)
		}
	}
	if n := len(g.buckets); n > maxAddresses+1 {
		t.Errorf("%d addresses are kept", n)
	}
	g.sweep(now.Add(time.Minute))
	if n := len(g.buckets); n != 0 {
		t.Errorf("%d addresses are kept for nothing", n)
	}
}

// BenchmarkSend is what the room's goroutines pay for a frame and a connection.
func BenchmarkSend(b *testing.B) {
	c := &Conn{server: &Server{cfg: DefaultConfig(), metrics: newMetrics(nil)}, writer: true, pace: &pace{}}
	c.pace.active.Store(true)
	f := &room.Frame{Delivery: realtime.DeliverLog, Bytes: make([]byte, 200)}
	for i := 0; b.Loop(); i++ {
		c.Send(f)
		if i%25 == 24 {
			c.written(c.take().batch)
		}
	}
}
