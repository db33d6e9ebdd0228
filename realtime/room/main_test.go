package room_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room"
	"github.com/lectern/lectern/storage/kv"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		talkUntilKilled(path)
		return
	}
	goleak.VerifyTestMain(m)
}

// edge is a clock two seconds behind the bubble's.
type edge struct{}

func (edge) Edge(string) (time.Time, bool) { return time.Now().Add(-2 * time.Second), true }

// server is rooms on a database, in a bubble whose time stands until all wait.
type server struct {
	t    *testing.T
	path string
	cfg  room.Config
	deps room.Deps

	rooms *room.Rooms
	stop  func()
}

func start(t *testing.T, cfg room.Config) *server {
	t.Helper()
	s := &server{t: t, path: filepath.Join(t.TempDir(), "rooms.db"), cfg: cfg}
	s.start(nil)
	t.Cleanup(func() { s.stop() })
	return s
}

// start opens the database and runs everything. wrap may put something between the
// rooms and the broker.
func (s *server) start(wrap func(broker.Broker) broker.Broker) {
	s.t.Helper()
	db, err := kv.Open(s.path, kv.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	b := broker.NewEmbedded(s.cfg.Log, broker.Deps{DB: db})
	s.deps.Broker = b
	if wrap != nil {
		s.deps.Broker = wrap(b)
	}
	if s.deps.Clock == nil {
		s.deps.Clock = edge{}
	}
	s.rooms = room.New(s.cfg, s.deps)
	keeping, stopKeeping := context.WithCancel(context.Background())
	running, stopRunning := context.WithCancel(context.Background())
	var brokers, rooms sync.WaitGroup
	brokers.Go(func() { _ = b.Run(keeping) })
	rooms.Go(func() { _ = s.rooms.Run(running) })
	s.stop = sync.OnceFunc(func() {
		stopRunning()
		rooms.Wait()
		stopKeeping()
		brokers.Wait()
		if err := db.Close(); err != nil {
			s.t.Error(err)
		}
	})
}

// restart is a new server on the same database.
func (s *server) restart() {
	s.t.Helper()
	s.stop()
	s.start(nil)
}

func principal(id string, role realtime.Role) realtime.Principal {
	return realtime.Principal{ID: id, Name: "Name of " + id, Role: role, Permissions: role.Permissions()}
}

// client is a connection that checks what it gets, as a page would.
type client struct {
	t   *testing.T
	who realtime.Principal

	mu      sync.Mutex
	m       *room.Member
	epoch   string
	seq     uint64
	welcome realtime.Welcome
	events  []realtime.Event // all of them
	closed  realtime.CloseCode
	after   time.Duration
	next    int
}

func (c *client) Send(frames ...*room.Frame) {
	for _, f := range frames {
		c.take(f)
	}
}

func (c *client) take(f *room.Frame) {
	var ev realtime.Event
	if err := json.Unmarshal(f.Bytes, &ev); err != nil || ev.V != realtime.Version || ev.Type.Delivery() != f.Delivery {
		c.t.Errorf("%s gets %s as %v: %v", c.who.ID, f.Bytes, f.Delivery, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed != 0 {
		return
	}
	if len(c.events) == 0 && ev.Type != realtime.EventWelcome && ev.Type != realtime.EventError {
		c.t.Errorf("%s gets %s before welcome", c.who.ID, f.Bytes)
	}
	c.events = append(c.events, ev)
	switch {
	case ev.Type == realtime.EventWelcome:
		if err := json.Unmarshal(ev.Data, &c.welcome); err != nil {
			c.t.Error(err)
		}
		c.epoch, c.seq = c.welcome.Epoch, c.welcome.Seq
	case ev.Prev != nil:
		if *ev.Prev != c.seq || ev.Epoch != c.epoch || ev.Seq <= c.seq {
			c.t.Errorf("%s gets %d %s behind %d, and has %d", c.who.ID, ev.Seq, ev.Type, *ev.Prev, c.seq)
		}
		c.seq = ev.Seq
	}
}

func (c *client) Close(code realtime.CloseCode, after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed == 0 {
		c.closed, c.after = code, after
	}
}

func (s *server) connect(who realtime.Principal, from room.Position) (*client, error) {
	s.t.Helper()
	c := &client{t: s.t, who: who}
	m, err := s.rooms.Join(s.t.Context(), "algebra", who, from, c)
	c.mu.Lock()
	c.m = m
	c.mu.Unlock()
	return c, err
}

// join connects somebody and waits for the welcome.
func (s *server) join(id string, role realtime.Role) *client {
	s.t.Helper()
	c, err := s.connect(principal(id, role), room.Position{})
	if err != nil {
		s.t.Fatalf("%s: %v", id, err)
	}
	settle()
	if c.welcome.Epoch == "" || c.welcome.Recovered == (c.welcome.Snapshot != nil) {
		s.t.Fatalf("%s is welcomed with %+v", id, c.welcome)
	}
	return c
}

// settle waits until everything that was asked for is done and told.
func settle() { pass(50 * time.Millisecond) }

// pass has time go by in the bubble.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // in a synctest bubble
	synctest.Wait()
}

// do sends a command and returns its answer: the ack, or the error.
func (c *client) do(data realtime.CommandData) (realtime.Ack, realtime.Refusal) {
	c.t.Helper()
	c.next++
	return c.send(fmt.Sprintf("command-%d-%d", time.Now().UnixNano(), c.next), data)
}

func (c *client) send(id string, data realtime.CommandData) (ack realtime.Ack, refusal realtime.Refusal) {
	c.t.Helper()
	pass(time.Second) // within all limits
	before := len(c.all())
	c.m.Do(realtime.Command{Type: data.CommandType(), ID: id, Data: data})
	settle()
	answers := 0
	for _, ev := range c.all()[before:] {
		if ev.Re != id {
			continue
		}
		answers++
		var err error
		if ev.Type == realtime.EventAck {
			err = json.Unmarshal(ev.Data, &ack)
		} else {
			err = json.Unmarshal(ev.Data, &refusal)
		}
		if err != nil {
			c.t.Error(err)
		}
	}
	if answers != 1 {
		c.t.Fatalf("%s: %+v has %d answers", c.who.ID, data, answers)
	}
	return ack, refusal
}

// must is do for what is to be accepted; it returns the id of what was made.
func (c *client) must(data realtime.CommandData) string {
	c.t.Helper()
	ack, refusal := c.do(data)
	if refusal.Code != "" {
		c.t.Fatalf("%s: %+v: %+v", c.who.ID, data, refusal)
	}
	return ack.ID
}

func (c *client) refused(code realtime.ErrorCode, data realtime.CommandData) realtime.Refusal {
	c.t.Helper()
	_, refusal := c.do(data)
	if refusal.Code != code {
		c.t.Errorf("%s: %+v: %+v, want %s", c.who.ID, data, refusal, code)
	}
	return refusal
}

func (c *client) all() []realtime.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]realtime.Event(nil), c.events...)
}

// of returns the events of a type, decoded.
func of[T realtime.EventData](c *client) []T {
	c.t.Helper()
	var zero T
	var out []T
	for _, ev := range c.all() {
		if ev.Type == zero.EventType() {
			var d T
			if err := json.Unmarshal(ev.Data, &d); err != nil {
				c.t.Fatal(err)
			}
			out = append(out, d)
		}
	}
	return out
}

func last[T realtime.EventData](c *client) T {
	c.t.Helper()
	all := of[T](c)
	if len(all) == 0 {
		var zero T
		c.t.Fatalf("%s got no %s", c.who.ID, zero.EventType())
	}
	return all[len(all)-1]
}

// leave ends the connection, as the transport does.
func (c *client) leave() {
	c.m.Leave()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = nil
}

func (c *client) position() room.Position {
	c.mu.Lock()
	defer c.mu.Unlock()
	return room.Position{Epoch: c.epoch, Seq: c.seq}
}

func (c *client) closeCode() realtime.CloseCode {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// bubble runs a test with a server in a bubble.
func bubble(t *testing.T, fn func(s *server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, room.DefaultConfig())
		fn(s)
		s.stop()
	})
}
