package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room"
	"github.com/lectern/lectern/realtime/transcript"
	"github.com/lectern/lectern/realtime/web"
	"github.com/lectern/lectern/realtime/ws"
	"github.com/lectern/lectern/storage/kv"
)

// hostSecret opens the studio of every class here.
const hostSecret = "open-sesame"

// lounge is the real rooms, for the classes that a test gave one.
type lounge struct {
	stage  *stage
	folder string
	db     *kv.DB
	grants *access.GrantRing
	log    *broker.Embedded
	rooms  *room.Rooms
	socket *ws.Server
	past   *transcript.Library

	// mu guards the fields below.
	mu     sync.Mutex
	guests map[string]*room.Member // by class and name
}

func newLounge(s *stage) (*lounge, error) {
	folder, err := os.MkdirTemp("", "lectern-room-")
	if err != nil {
		return nil, err
	}
	l := &lounge{stage: s, folder: folder, guests: map[string]*room.Member{}}
	if l.db, err = kv.Open(filepath.Join(folder, "rooms.db"), kv.Options{}); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if l.grants, err = access.NewGrantRing(access.DefaultGrantConfig(), access.Deps{DB: l.db}); err != nil {
		return nil, errors.Join(err, l.close())
	}
	l.log = broker.NewEmbedded(broker.DefaultConfig(), broker.Deps{DB: l.db})
	l.past = transcript.New(transcript.Deps{Log: l.log, Ended: s.over})
	l.rooms = room.New(room.DefaultConfig(), room.Deps{Broker: l.log, Clock: s, Cue: s.cue})
	if l.socket, err = ws.New(ws.DefaultConfig(), ws.Deps{Grants: l.grants, Rooms: ws.Of(l.rooms)}); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *lounge) close() error { return errors.Join(l.db.Close(), os.RemoveAll(l.folder)) }

// run keeps the rooms open until ctx ends: first the sockets go, the log last.
func (l *lounge) run(ctx context.Context) error {
	var group errgroup.Group
	logging, stopLog := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error { return l.log.Run(logging) })
	group.Go(func() error {
		defer stopLog()
		var inner errgroup.Group
		inner.Go(func() error { return l.rooms.Run(ctx) })
		inner.Go(func() error { return l.socket.Run(ctx) })
		return inner.Wait()
	})
	return group.Wait()
}

func (l *lounge) open(class string) bool {
	l.stage.mu.Lock()
	defer l.stage.mu.Unlock()
	c, ok := l.stage.classes[class]
	return ok && c.room
}

// Enter implements web.Rooms.
func (l *lounge) Enter(_ *http.Request, class, pass string) (web.Entrance, error) {
	return l.enter(class, pass, access.Person{Role: realtime.RoleParticipant})
}

func (l *lounge) enter(class, pass string, p access.Person) (web.Entrance, error) {
	if !l.open(class) {
		return web.Entrance{}, web.ErrNoRoom
	}
	now := time.Now()
	grant, err := l.grants.Exchange(pass, class, now)
	if err != nil {
		fresh, err := l.grants.Pass(class, p, now)
		if err != nil {
			return web.Entrance{}, err
		}
		if grant, err = l.grants.Exchange(fresh.Text, class, now); err != nil {
			return web.Entrance{}, err
		}
		pass = fresh.Text
	}
	return web.Entrance{Grant: grant.Text, Pass: pass}, nil
}

// host is the studio of every class.
type host struct{ *lounge }

func (h host) admitted(class, credential string) bool {
	if credential == hostSecret {
		return true
	}
	grant, err := h.grants.Exchange(credential, class, time.Now())
	if err != nil {
		return false
	}
	p, err := h.grants.Verify(realtime.Credential(grant.Text), class, time.Now())
	return err == nil && p.Role == realtime.RoleHost
}

// Enter implements web.Studio.
func (h host) Enter(_ *http.Request, class, credential string) (web.Entrance, error) {
	if !h.admitted(class, credential) {
		return web.Entrance{}, web.ErrRefused
	}
	return h.enter(class, credential, access.Person{ID: "p_host", Name: "Dr Ada Byron", Role: realtime.RoleHost})
}

// Status implements web.Studio.
func (h host) Status(_ *http.Request, class, credential string) (web.Status, error) {
	if !h.admitted(class, credential) {
		return web.Status{}, web.ErrRefused
	}
	h.stage.mu.Lock()
	defer h.stage.mu.Unlock()
	c := h.stage.classes[class]
	if c == nil {
		return web.Status{}, web.ErrNoRoom
	}
	st := web.Status{State: c.public.State, Viewers: c.viewers, Problems: c.problems}
	if st.State != web.StateEnded {
		st.Server, st.StreamKey = "rtmp://live.example.edu/live", "k_7Q2m-9vXcL0pTgAeRwZb4"
	}
	if len(c.air.runs) > 0 {
		st.LiveSince = c.air.runs[0].begun
	}
	if c.air.onAir() {
		st.Ingest = &web.Ingest{
			Protocol: "rtmp", Since: c.air.runs[len(c.air.runs)-1].begun,
			Width: 1920, Height: 1080, FrameRate: 30, BitRate: 4_180_000, VideoCodec: "H.264", AudioCodec: "AAC",
		}
	}
	return st, nil
}

// End implements web.Studio.
func (h host) End(r *http.Request, class, credential string) error {
	if !h.admitted(class, credential) {
		return web.ErrRefused
	}
	h.stage.mu.Lock()
	c := h.stage.classes[class]
	if c != nil {
		c.public.State = web.StateEnded
		c.air.stop(time.Now())
		c.air.ended = true
	}
	h.stage.mu.Unlock()
	return h.rooms.End(r.Context(), class)
}

// cue has the playlists tell of a cue.
func (s *stage) cue(id string, c room.Cue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if on := s.classes[id]; on != nil {
		on.air.cues = append(on.air.cues, c)
	}
}

// Edge implements room.Clock.
func (s *stage) Edge(id string) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.classes[id]
	if c == nil {
		return time.Time{}, false
	}
	if c.edge >= 0 && len(c.air.runs) > 0 {
		return c.air.runs[0].begun.Add(c.edge), true
	}
	all := c.air.segments(time.Now())
	if len(all) == 0 {
		return time.Time{}, false
	}
	last := all[len(all)-1]
	if last.open {
		return last.date.Add(time.Duration(last.parts) * partLength), true
	}
	return last.date.Add(c.air.unit()), true
}

// servePass answers with a pass for somebody with the name and the role that the query
// has.
func (l *lounge) servePass(w http.ResponseWriter, r *http.Request) {
	name, role := r.FormValue("name"), realtime.Role(r.FormValue("role"))
	who := access.Person{ID: fmt.Sprintf("p_%x", name), Name: name, Role: role, Permissions: role.Permissions()}
	pass, err := l.grants.Pass(r.PathValue("class"), who, time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(w, pass.Text)
}

// said is one element of the body of POST /fake/{class}/room: a guest does
// something. The role is participant unless it is said; a name of "" is that of
// nobody.
type said struct {
	Name    string          `json:"name"`
	Role    realtime.Role   `json:"role"`
	Command json.RawMessage `json:"command"` // empty: just come in
}

func (l *lounge) serveGuests(w http.ResponseWriter, r *http.Request) {
	var list []said
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&list); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	class := r.PathValue("class")
	answers := []json.RawMessage{}
	for _, s := range list {
		answer, err := l.guest(r.Context(), class, s)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if answer != nil {
			answers = append(answers, answer)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answers)
}

// guest has somebody do something, and returns the answer.
func (l *lounge) guest(ctx context.Context, class string, s said) (json.RawMessage, error) {
	if s.Role == "" {
		s.Role = realtime.RoleParticipant
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := class + "/" + s.Name
	m := l.guests[key]
	ear := &earwitness{answers: make(chan json.RawMessage, 1)}
	if m == nil || len(s.Command) > 0 {
		if m != nil {
			m.Leave() //nolint:contextcheck // a room that is gone has nobody to leave: Leave needs no context
		}
		who := realtime.Principal{ID: fmt.Sprintf("p_%x", s.Name), Name: s.Name, Role: s.Role, Permissions: s.Role.Permissions()}
		var err error
		if m, err = l.rooms.Join(ctx, class, who, room.Position{}, ear); err != nil {
			return nil, err
		}
		l.guests[key] = m
	}
	if len(s.Command) == 0 {
		return nil, nil
	}
	command, err := realtime.DecodeCommand(s.Command)
	if err != nil {
		return nil, err
	}
	m.Do(command)
	if command.ID == "" {
		return nil, nil
	}
	select {
	case a := <-ear.answers:
		return a, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// earwitness is a connection that waits for one answer.
type earwitness struct{ answers chan json.RawMessage }

// Send implements room.Conn.
func (e *earwitness) Send(frames ...*room.Frame) {
	for _, f := range frames {
		var ev realtime.Event
		if json.Unmarshal(f.Bytes, &ev) == nil && ev.Re != "" {
			select {
			case e.answers <- f.Bytes:
			default:
			}
		}
	}
}

// Close implements room.Conn.
func (e *earwitness) Close(realtime.CloseCode, time.Duration) {}
