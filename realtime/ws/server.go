package ws

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/room"
)

// Grants says who holds a grant; see access.GrantRing.
type Grants interface {
	Verify(grant realtime.Credential, classID string, now time.Time) (realtime.Principal, error)
}

// Rooms lets people into rooms; see Of.
type Rooms interface {
	// Join lets a person into the room of the class. The room sends what is for
	// them to conn, the welcome first. An error that is a *realtime.Error is told to
	// the client; then nothing is to be sent any more, and there is no member to
	// leave.
	Join(ctx context.Context, classID string, who realtime.Principal, from room.Position, conn room.Conn) (Member, error)
}

// Member is a connection's seat in a room. Its methods are called by one
// goroutine, one after the other, and must not block for long.
type Member interface {
	// Do carries out a command that is well-formed and that the person's grant
	// allows. What becomes of it the room sends.
	Do(c realtime.Command)

	// Refresh replaces the person by what their new grant says. The error is a
	// *realtime.Error if that needs a new connection.
	Refresh(p realtime.Principal) error

	// Leave is the last call, when the connection has ended, whoever ended it.
	Leave()
}

// Of returns the rooms as a Server needs them.
func Of(rooms *room.Rooms) Rooms { return joiner{rooms} }

type joiner struct{ rooms *room.Rooms }

// Join implements Rooms.
func (j joiner) Join(ctx context.Context, classID string, who realtime.Principal, from room.Position, conn room.Conn) (Member, error) {
	m, err := j.rooms.Join(ctx, classID, who, from, conn)
	if err != nil {
		return nil, err // and not a nil *room.Member
	}
	return m, nil
}

// Deps are what a Server works with. Grants and Rooms are required.
type Deps struct {
	Grants     Grants
	Rooms      Rooms
	Logger     *slog.Logger          // nil: discarded
	Registerer prometheus.Registerer // nil: metrics are not exposed
}

// Server serves /ws/{class}. All methods may be called from any goroutine.
type Server struct {
	// Set by New, then read-only.
	cfg      Config
	grants   Grants
	rooms    Rooms
	logger   *slog.Logger
	metrics  *metrics
	upgrader websocket.Upgrader
	gate     *gate
	ping     *websocket.PreparedMessage
	pacer    *pacer

	accepted chan *Conn    // from ServeHTTP to Run
	stopped  chan struct{} // closed when Run takes no more

	mu      sync.Mutex // guards the fields below
	conns   map[*Conn]struct{}
	waiting *list.List // of *Conn without hello, oldest first
	places  int        // connections and upgrades under way
	slot    int        // of the next connection's pings
}

// New returns a server; its Run must be called for it to serve.
func New(cfg Config, deps Deps) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Grants == nil || deps.Rooms == nil {
		return nil, errors.New("websocket server needs grants and rooms")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	ping, err := websocket.NewPreparedMessage(websocket.PingMessage, nil)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, grants: deps.Grants, rooms: deps.Rooms,
		logger: deps.Logger.With("component", "ws"), metrics: newMetrics(deps.Registerer),
		gate: newGate(cfg.HandshakeRate, cfg.HandshakeBurst), ping: ping, pacer: newPacer(cfg.FramesPerSecond),
		accepted: make(chan *Conn), stopped: make(chan struct{}),
		conns: map[*Conn]struct{}{}, waiting: list.New(),
	}
	s.upgrader = websocket.Upgrader{
		HandshakeTimeout: cfg.HelloTimeout,
		ReadBufferSize:   1 << 10, WriteBufferSize: 1 << 10, WriteBufferPool: &sync.Pool{},
		Subprotocols:      []string{realtime.Subprotocol},
		CheckOrigin:       func(*http.Request) bool { return true }, // ServeHTTP has
		EnableCompression: cfg.Compress,
		Error:             func(w http.ResponseWriter, _ *http.Request, status int, _ error) { refuse(w, status, 0) },
	}
	return s, nil
}

// ServeHTTP makes a WebSocket of the request and returns. The class is its path
// value "class".
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	outcome, status, retryAfter := s.admit(r)
	s.metrics.handshakes.WithLabelValues(outcome).Inc()
	if status != http.StatusSwitchingProtocols {
		refuse(w, status, retryAfter)
		return
	}
	sock, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		s.leavePlace() // and the client has been told
		return
	}
	if tcp, _ := tcpOf(sock.NetConn()); tcp != nil {
		_ = tcp.SetWriteBuffer(s.cfg.SendBufferBytes) // the kernel's own choice will do
	}
	c := newConn(s, sock, r.PathValue("class"))
	select {
	case s.accepted <- c:
	case <-s.stopped:
		_ = sock.Close()
		s.leavePlace()
	}
}

// admit says what to answer to a request, and keeps a place for one that is
// upgraded.
func (s *Server) admit(r *http.Request) (outcome string, status int, retryAfter time.Duration) {
	select {
	case <-s.stopped:
		return "stopping", http.StatusServiceUnavailable, time.Second
	default:
	}
	switch {
	case !websocket.IsWebSocketUpgrade(r):
		return "no_websocket", http.StatusUpgradeRequired, 0
	case !s.allowedOrigin(r):
		return "origin", http.StatusForbidden, 0
	case !slices.Contains(websocket.Subprotocols(r), realtime.Subprotocol):
		return "subprotocol", http.StatusBadRequest, 0
	case !s.gate.admit(r.RemoteAddr, time.Now()):
		return "rate", http.StatusTooManyRequests, 5 * time.Second
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.places >= s.cfg.MaxConnections {
		return "full", http.StatusServiceUnavailable, 30 * time.Second
	}
	s.places++
	return "accepted", http.StatusSwitchingProtocols, 0
}

func (s *Server) leavePlace() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.places--
}

func refuse(w http.ResponseWriter, status int, retryAfter time.Duration) {
	if retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
	}
	if status == http.StatusUpgradeRequired {
		w.Header().Set("Upgrade", "websocket")
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}

// tcpOf returns the TCP connection below what net/http was given, nil if there is
// none, and whether it is plain, without TLS above.
func tcpOf(c net.Conn) (tcp *net.TCPConn, plain bool) {
	plain = true
	for {
		if _, secured := c.(*tls.Conn); secured {
			plain = false
		}
		under, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		c = under.NetConn()
	}
	tcp, _ = c.(*net.TCPConn)
	return tcp, plain
}

// Run serves connections until ctx ends. Then it tells every client when to come
// back, and returns when all have gone, a few seconds later at most.
func (s *Server) Run(ctx context.Context) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var conns, pacing sync.WaitGroup
	pacing.Go(func() { s.pacer.run(background) })
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for running := true; running; {
		select {
		case c := <-s.accepted:
			s.add(c)
			conns.Go(func() { s.serve(ctx, c) })
		case now := <-tick.C:
			s.look(now)
		case <-ctx.Done():
			running = false
		}
	}
	close(s.stopped)
	for _, c := range s.all() {
		c.Close(realtime.CloseRestart, s.spread())
	}
	over := make(chan struct{})
	pacing.Go(func() { conns.Wait(); close(over) })
	for gone := false; !gone; {
		select {
		case now := <-tick.C:
			s.look(now)
		case <-over:
			gone = true
		}
	}
	stop()
	pacing.Wait()
	return nil
}

// spread returns when one client is to come back.
func (s *Server) spread() time.Duration {
	return time.Second + time.Duration(rand.Int64N(int64(s.cfg.DrainSpread)+1))
}

// look does what is due on all connections.
func (s *Server) look(now time.Time) {
	for _, c := range s.all() {
		c.look(now)
	}
	s.gate.sweep(now)
}

func (s *Server) all() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	return all
}

// add takes a connection that has not said hello, in place of the one that has
// not for longest if there are too many.
func (s *Server) add(c *Conn) {
	s.mu.Lock()
	s.conns[c] = struct{}{}
	c.slot = s.slot
	s.slot++
	c.place = s.waiting.PushBack(c)
	var longest *Conn
	if s.waiting.Len() > s.cfg.MaxUnauthenticated {
		longest, _ = s.waiting.Remove(s.waiting.Front()).(*Conn)
		longest.place = nil
	}
	s.metrics.connections.Inc()
	s.metrics.unauthenticated.Set(float64(s.waiting.Len()))
	s.mu.Unlock()
	if longest != nil {
		longest.Close(realtime.CloseHelloTimeout, 0)
	}
}

// known moves a connection from those that wait for hello to the room's, and
// reports false if it was closed meanwhile.
func (s *Server) known(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.place == nil {
		return false
	}
	s.waiting.Remove(c.place)
	c.place = nil
	s.metrics.unauthenticated.Set(float64(s.waiting.Len()))
	return true
}

// remove forgets a connection that has ended.
func (s *Server) remove(c *Conn) {
	s.known(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.places--
	s.metrics.connections.Dec()
}
