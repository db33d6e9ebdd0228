package ws_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/room"
	"github.com/lectern/lectern/realtime/ws"
	"github.com/lectern/lectern/storage/kv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// fakeRooms is rooms that send what the test says.
type fakeRooms struct {
	refuse error // of Join

	mu      sync.Mutex
	members map[*fakeMember]struct{}
	joined  int
	left    int
	seq     uint64
}

type fakeMember struct {
	rooms  *fakeRooms
	conn   room.Conn
	person realtime.Principal

	mu   sync.Mutex
	got  []realtime.Command
	left int
}

func (r *fakeRooms) Join(_ context.Context, classID string, who realtime.Principal, _ room.Position, conn room.Conn) (ws.Member, error) {
	if r.refuse != nil {
		return nil, r.refuse
	}
	m := &fakeMember{rooms: r, conn: conn, person: who}
	b, err := realtime.Event{Room: classID}.Encode(realtime.Welcome{Participant: who.ID, Name: who.Name, Role: who.Role, Permissions: who.Permissions, Epoch: "e1"})
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members == nil {
		r.members = map[*fakeMember]struct{}{}
	}
	r.members[m] = struct{}{}
	r.joined++
	conn.Send(&room.Frame{Bytes: b, Delivery: realtime.DeliverReply})
	return m, nil
}

func (m *fakeMember) Do(c realtime.Command) {
	if chat, ok := c.Data.(realtime.ChatSend); ok && chat.Text == "panic" {
		panic("room")
	}
	m.mu.Lock()
	m.got = append(m.got, c)
	m.mu.Unlock()
	if c.ID == "" {
		return
	}
	b, err := realtime.Event{Re: c.ID}.Encode(realtime.Ack{})
	if err == nil {
		m.conn.Send(&room.Frame{Bytes: b, Delivery: realtime.DeliverReply})
	}
}

func (m *fakeMember) Refresh(p realtime.Principal) error {
	if p.Role == realtime.RoleHost {
		return realtime.NewError(realtime.CodeUnauthorized, "comes with a new connection only")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.person = p
	return nil
}

func (m *fakeMember) Leave() {
	m.mu.Lock()
	m.left++
	m.mu.Unlock()
	m.rooms.mu.Lock()
	defer m.rooms.mu.Unlock()
	m.rooms.left++
	delete(m.rooms.members, m)
}

func (r *fakeRooms) all() []*fakeMember {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*fakeMember
	for m := range r.members {
		all = append(all, m)
	}
	return all
}

func (r *fakeRooms) counts() (joined, left int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.joined, r.left
}

// broadcast sends one chat message to all.
func (r *fakeRooms) broadcast(tb testing.TB, text string) {
	tb.Helper()
	r.mu.Lock()
	r.seq++
	prev := r.seq - 1
	b, err := realtime.Event{Room: "maths", Epoch: "e1", Seq: r.seq, Prev: &prev}.Encode(realtime.ChatMessage{ID: "m", Text: text})
	r.mu.Unlock()
	must(tb, err)
	for _, m := range r.all() {
		m.conn.Send(&room.Frame{Bytes: b, Delivery: realtime.DeliverLog})
	}
}

// harness is a server with a room, on a listener.
type harness struct {
	tb     testing.TB
	rooms  *fakeRooms
	grants *access.GrantRing
	server *ws.Server
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	host   string
	gauges *prometheus.Registry
	stop   func() // ends Run and waits for it
}

// pipes is a listener of connections in memory, for tests of time.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	a, b := net.Pipe()
	select {
	case p.conns <- b:
		return a, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// start runs a server with fake rooms: in memory if inMemory, otherwise on the
// loopback.
func start(tb testing.TB, inMemory bool, edit func(*ws.Config)) *harness {
	tb.Helper()
	rooms := &fakeRooms{}
	h := serve(tb, rooms, inMemory, edit)
	h.rooms = rooms
	return h
}

// serve runs a server with the rooms.
func serve(tb testing.TB, rooms ws.Rooms, inMemory bool, edit func(*ws.Config)) *harness {
	tb.Helper()
	db, err := kv.Open(filepath.Join(tb.TempDir(), "lectern.db"), kv.Options{})
	must(tb, err)
	tb.Cleanup(func() { _ = db.Close() })
	h := &harness{tb: tb, gauges: prometheus.NewRegistry()}
	h.grants, err = access.NewGrantRing(access.DefaultGrantConfig(), access.Deps{DB: db})
	must(tb, err)
	cfg := ws.DefaultConfig()
	cfg.DrainSpread = 2 * time.Second
	if edit != nil {
		edit(&cfg)
	}
	h.server, err = ws.New(cfg, ws.Deps{Grants: h.grants, Rooms: rooms, Registerer: h.gauges})
	must(tb, err)

	var listener net.Listener
	if inMemory {
		p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		listener, h.dial, h.host = p, p.dial, "lectern.test"
	} else {
		listener, err = (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
		must(tb, err)
		h.host = listener.Addr().String()
	}
	mux := http.NewServeMux()
	mux.Handle("/ws/{class}", h.server)
	site := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = site.Serve(listener) })
	running.Go(func() {
		if runErr := h.server.Run(ctx); runErr != nil {
			tb.Errorf("run: %v", runErr)
		}
	})
	var once sync.Once
	h.stop = func() {
		once.Do(func() {
			cancel()
			_ = site.Close()
			running.Wait()
		})
	}
	tb.Cleanup(h.stop)
	return h
}

// connect opens a connection that has not said hello.
func (h *harness) connect(header http.Header, edit ...func(*websocket.Dialer)) (*client, *http.Response, error) {
	d := websocket.Dialer{Subprotocols: []string{realtime.Subprotocol}, NetDialContext: h.dial}
	for _, e := range edit {
		e(&d)
	}
	sock, resp, err := d.DialContext(h.tb.Context(), "ws://"+h.host+"/ws/maths", header)
	if err != nil {
		return nil, resp, err
	}
	c := &client{tb: h.tb, sock: sock}
	h.tb.Cleanup(func() { _ = sock.Close() })
	return c, resp, nil
}

func (h *harness) open(edit ...func(*websocket.Dialer)) *client {
	h.tb.Helper()
	c, _, err := h.connect(nil, edit...)
	must(h.tb, err)
	return c
}

func (h *harness) grant(p access.Person) string {
	h.tb.Helper()
	g, err := h.grants.Grant("maths", p, time.Now())
	must(h.tb, err)
	return g.Text
}

// join opens a connection of a participant, or of another role, and says hello.
func (h *harness) join(role realtime.Role, edit ...func(*websocket.Dialer)) *client {
	h.tb.Helper()
	c := h.open(edit...)
	c.say("hello", map[string]any{"grant": h.grant(access.Person{Role: role})})
	if e := c.next(); e.Type != realtime.EventWelcome {
		h.tb.Fatalf("got %s %s, want a welcome", e.Type, e.Data)
	}
	return c
}

// client is the other end of a connection.
type client struct {
	tb     testing.TB
	sock   *websocket.Conn
	ready  []realtime.Event
	frames int // that came
	spy    func(frame []byte)
}

func (c *client) say(typ string, data any) {
	c.tb.Helper()
	b, err := json.Marshal(map[string]any{"v": 1, "type": typ, "id": "01JABCDEFGH", "data": data})
	must(c.tb, err)
	c.write(websocket.TextMessage, b)
}

func (c *client) write(kind int, b []byte) {
	c.tb.Helper()
	must(c.tb, c.sock.WriteMessage(kind, b))
}

// read returns the next event, or the error of the connection.
func (c *client) read() (realtime.Event, error) {
	for len(c.ready) == 0 {
		_, b, err := c.sock.ReadMessage()
		if err != nil {
			return realtime.Event{}, err
		}
		c.frames++
		if c.spy != nil {
			c.spy(b)
		}
		for line := range strings.SplitSeq(string(b), "\n") {
			var e realtime.Event
			if err = json.Unmarshal([]byte(line), &e); err != nil {
				return e, err
			}
			c.ready = append(c.ready, e)
		}
	}
	e := c.ready[0]
	c.ready = c.ready[1:]
	return e, nil
}

func (c *client) next() realtime.Event {
	c.tb.Helper()
	e, err := c.read()
	must(c.tb, err)
	return e
}

// refusal returns the code of the error event that comes next.
func (c *client) refusal() realtime.ErrorCode {
	c.tb.Helper()
	e := c.next()
	var r realtime.Refusal
	if e.Type != realtime.EventError || json.Unmarshal(e.Data, &r) != nil {
		c.tb.Fatalf("got %s %s, want an error", e.Type, e.Data)
	}
	return r.Code
}

// end reads until the connection ends and returns its close code, and what the
// event before it said.
func (c *client) end() (code int, closing realtime.Closing) {
	c.tb.Helper()
	for {
		e, err := c.read()
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			return closed.Code, closing
		}
		if err != nil {
			c.tb.Logf("ended with %v", err)
			return 0, closing
		}
		if e.Type == realtime.EventClosing {
			must(c.tb, json.Unmarshal(e.Data, &closing))
		}
	}
}
