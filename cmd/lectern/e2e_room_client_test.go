//go:build e2e

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/web"
)

// member is a client of a room as a page is one: it comes back as the same person
// when the connection is lost, from where it was, and sends again, under the same id,
// what was not acknowledged.
type member struct {
	name, host, class, pass string
	talks, votes            bool

	orders chan command // besides what it says and votes by itself

	mu       sync.Mutex // guards the fields below
	quiet    bool       // says nothing new any more
	pending  *command
	n        int // of commands
	epoch    string
	seq      uint64
	heard    []heard           // messages, in the order in which they came
	acked    map[string]uint64 // what was acknowledged, with its place in the log
	done     map[string]realtime.Ack
	voted    map[string]bool
	welcome  realtime.Welcome
	joins    int
	fresh    int // joins, after the first, that could not resume
	problems []string
}

type command struct {
	id, typ string
	data    map[string]any
}

// heard is a message that came.
type heard struct {
	seq  uint64
	text string
}

func newMember(name, host, class, pass string) *member {
	return &member{
		name: name, host: host, class: class, pass: pass, orders: make(chan command, 64),
		acked: map[string]uint64{}, done: map[string]realtime.Ack{}, voted: map[string]bool{},
	}
}

// run is in the room until ctx ends, or there is no more to say and all of it is
// acknowledged.
func (m *member) run(ctx context.Context) {
	for ctx.Err() == nil && !m.through() {
		_ = m.visit(ctx) // the server was killed, mostly
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (m *member) through() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.quiet && m.pending == nil && m.talks
}

func (m *member) complain(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.problems = append(m.problems, m.name+": "+fmt.Sprintf(format, args...))
}

// visit is one connection.
func (m *member) visit(ctx context.Context) error {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	grant, err := m.grant(ctx)
	if err != nil {
		return err
	}
	d := websocket.Dialer{Subprotocols: []string{realtime.Subprotocol}}
	sock, res, err := d.DialContext(ctx, "ws://"+m.host+"/ws/"+m.class, nil)
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	stop := context.AfterFunc(ctx, func() { _ = sock.Close() })
	defer stop()
	m.mu.Lock()
	hello := map[string]any{"grant": grant}
	if m.epoch != "" {
		hello["epoch"], hello["seq"] = m.epoch, m.seq
	}
	m.mu.Unlock()
	if err = sock.WriteJSON(map[string]any{"v": 1, "type": "hello", "id": "hello-0001", "data": hello}); err != nil {
		return err
	}
	answers := make(chan realtime.Event, 64)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer leave()
		m.read(ctx, sock, answers)
	})
	err = m.speak(ctx, sock, answers)
	leave()
	reading.Wait()
	return err
}

// grant exchanges the pass.
func (m *member) grant(ctx context.Context) (string, error) {
	body, err := json.Marshal(map[string]string{"pass": m.pass})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+m.host+"/watch/"+m.class+"/grant", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	var e web.Entrance
	err = json.NewDecoder(res.Body).Decode(&e)
	if err = errors.Join(err, res.Body.Close()); err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(res.Status)
	}
	return e.Grant, err
}

// speak sends one command after the other, each until it is acknowledged.
func (m *member) speak(ctx context.Context, sock *websocket.Conn, answers <-chan realtime.Event) error {
	for {
		c, err := m.next(ctx)
		if err != nil || c == nil {
			return err
		}
		if err = sock.WriteJSON(map[string]any{"v": 1, "type": c.typ, "id": c.id, "data": c.data}); err != nil {
			return err
		}
		for answered := false; !answered; {
			select {
			case e := <-answers:
				if e.Re != c.id {
					m.complain("%s is an answer to %s, not %s", e.Data, e.Re, c.id)
					continue
				}
				if wait := m.settle(*c, e); wait > 0 {
					select {
					case <-time.After(wait):
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				answered = true
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// next returns what to send: again what was not acknowledged, or something new; nil
// if there is nothing more.
func (m *member) next(ctx context.Context) (*command, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pending != nil {
		return m.pending, nil
	}
	var tick <-chan time.Time
	if m.talks {
		if m.quiet && len(m.orders) == 0 {
			return nil, nil //nolint:nilnil // there is no more
		}
		timer := time.NewTimer(100 * time.Millisecond)
		defer timer.Stop()
		tick = timer.C
	}
	m.mu.Unlock()
	var c command
	select {
	case c = <-m.orders:
	case <-tick:
		c = command{typ: "chat.send"}
	case <-ctx.Done():
	}
	m.mu.Lock()
	if ctx.Err() != nil && c.typ == "" {
		return nil, ctx.Err()
	}
	m.n++
	if c.id == "" {
		c.id = fmt.Sprintf("%s-%05d", m.name, m.n)
	}
	if c.typ == "chat.send" {
		c.data = map[string]any{"text": c.id}
	}
	m.pending = &c
	return m.pending, nil
}

// settle hears the answer to a command, and returns how long to wait before it is
// sent again, 0 if it is done.
func (m *member) settle(c command, e realtime.Event) time.Duration {
	if e.Type == realtime.EventError {
		var r realtime.Refusal
		if err := json.Unmarshal(e.Data, &r); err != nil || !r.Retryable {
			m.complain("%s %v is refused: %s", c.typ, c.data, e.Data)
		}
		return max(time.Duration(r.RetryAfterMS), 10) * time.Millisecond
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var a realtime.Ack
	if err := json.Unmarshal(e.Data, &a); err != nil {
		m.problems = append(m.problems, err.Error())
	}
	m.acked[c.id], m.done[c.id] = e.Seq, a
	m.pending = nil
	return 0
}

// read takes what comes until the connection ends.
func (m *member) read(ctx context.Context, sock *websocket.Conn, answers chan<- realtime.Event) {
	for {
		_, frame, err := sock.ReadMessage()
		if err != nil {
			return
		}
		for line := range strings.SplitSeq(string(frame), "\n") {
			var e realtime.Event
			if err = json.Unmarshal([]byte(line), &e); err != nil {
				m.complain("%q: %v", line, err)
				return
			}
			if e.Type == realtime.EventAck || e.Type == realtime.EventError {
				select {
				case answers <- e:
				case <-ctx.Done():
					return
				}
				continue
			}
			m.take(e)
		}
	}
}

func (m *member) take(e realtime.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fail := func(format string, args ...any) {
		m.problems = append(m.problems, m.name+": "+fmt.Sprintf(format, args...))
	}
	if e.Type == realtime.EventWelcome {
		m.welcome = realtime.Welcome{}
		if err := json.Unmarshal(e.Data, &m.welcome); err != nil {
			fail("%v", err)
		}
		if m.epoch != "" && m.welcome.Epoch != m.epoch {
			fail("the log began anew")
		}
		if m.joins++; m.joins > 1 && !m.welcome.Recovered {
			m.fresh++
		}
		m.epoch, m.seq = m.welcome.Epoch, m.welcome.Seq
		if snap := m.welcome.Snapshot; snap != nil {
			for _, p := range snap.Polls {
				if p.State == realtime.PollIsOpen && p.Mine == nil {
					m.vote(p.Poll)
				}
			}
		}
		return
	}
	if e.Prev == nil {
		return
	}
	if *e.Prev != m.seq || e.Seq <= m.seq {
		fail("%s at %d follows %d, and the last was %d", e.Type, e.Seq, *e.Prev, m.seq)
	}
	m.seq = e.Seq
	switch e.Type {
	case realtime.EventChatMessage:
		var d realtime.ChatMessage
		if err := json.Unmarshal(e.Data, &d); err != nil {
			fail("%v", err)
		}
		m.heard = append(m.heard, heard{e.Seq, d.Text})
	case realtime.EventPollOpened:
		var d realtime.PollOpened
		if err := json.Unmarshal(e.Data, &d); err != nil {
			fail("%v", err)
		}
		m.vote(d.Poll)
	}
}

// vote votes in a poll, once. The lock is held.
func (m *member) vote(poll string) {
	if m.votes && !m.voted[poll] {
		m.voted[poll] = true
		m.orders <- command{id: "vote-" + m.name + "-" + poll, typ: "poll.vote", data: map[string]any{"poll": poll, "choices": []int{choice(m.name, poll)}}}
	}
}

// choice is how somebody votes.
func choice(name, poll string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name + poll))
	return int(h.Sum32() % 3)
}

// do has the member carry out a command, over whatever happens, and waits for it.
func (m *member) do(complain func(func() string), id, typ string, data map[string]any) (a realtime.Ack) {
	m.orders <- command{id: id, typ: typ, data: data}
	complain(func() string {
		m.mu.Lock()
		defer m.mu.Unlock()
		var ok bool
		if a, ok = m.done[id]; !ok {
			return fmt.Sprintf("%s %s is not acknowledged; %v", typ, id, m.problems[:min(len(m.problems), 3)])
		}
		return ""
	})
	return a
}

// look returns how many messages came, and what was wrong.
func (m *member) look() (messages int, problems []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.heard), slices.Clone(m.problems)
}

func (m *member) hasVoted(poll string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.done["vote-"+m.name+"-"+poll]
	return ok
}

func (m *member) hush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.quiet = true
}
