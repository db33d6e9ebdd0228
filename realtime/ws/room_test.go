package ws_test

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room"
	"github.com/lectern/lectern/realtime/ws"
	"github.com/lectern/lectern/storage/kv"
)

// serveRooms runs a server with the real rooms.
func serveRooms(t *testing.T) *harness {
	t.Helper()
	return serveRoomsAs(t, false, nil)
}

// serveRoomsAs is serveRooms, in memory or not, as the test wants it.
func serveRoomsAs(t *testing.T, inMemory bool, edit func(*ws.Config)) *harness {
	t.Helper()
	db, err := kv.Open(filepath.Join(t.TempDir(), "rooms.db"), kv.Options{})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	cfg := room.DefaultConfig()
	cfg.DisplayPerSecond = 1000
	b := broker.NewEmbedded(cfg.Log, broker.Deps{DB: db})
	rooms := room.New(cfg, room.Deps{Broker: b})
	keep, stopKeeping := context.WithCancel(context.WithoutCancel(t.Context()))
	run, stopRunning := context.WithCancel(context.WithoutCancel(t.Context()))
	var keeping, running sync.WaitGroup
	keeping.Go(func() { _ = b.Run(keep) })
	running.Go(func() { _ = rooms.Run(run) })
	t.Cleanup(func() { // after the server's own, which is registered later
		stopRunning()
		running.Wait()
		stopKeeping()
		keeping.Wait()
	})
	return serve(t, ws.Of(rooms), inMemory, edit)
}

// person is a client that checks what it gets as a page would have to.
type person struct {
	*client

	id      string
	epoch   string
	last    uint64 // position
	welcome realtime.Welcome
}

// enter joins the room, resuming from before if it is not nil.
func enter(t *testing.T, h *harness, id string, role realtime.Role, before *person) *person {
	t.Helper()
	p := &person{client: h.open(), id: id}
	if before != nil {
		p.spy = before.spy // who comes back is watched as before
	}
	return p.hello(t, h, role, before)
}

// hello says hello, resuming from before if it is not nil.
func (p *person) hello(t *testing.T, h *harness, role realtime.Role, before *person) *person {
	t.Helper()
	id := p.id
	hello := map[string]any{"grant": h.grant(access.Person{ID: id, Name: id, Role: role})}
	if before != nil {
		hello["epoch"], hello["seq"] = before.epoch, before.last
		p.epoch, p.last = before.epoch, before.last
	}
	p.say("hello", hello)
	p.data(t, realtime.EventWelcome, &p.welcome)
	p.epoch, p.last = p.welcome.Epoch, p.welcome.Seq
	return p
}

// data reads up to an event of the type, and what it holds.
func (p *person) data(t *testing.T, want realtime.EventType, into any) realtime.Event {
	t.Helper()
	for {
		e := p.next()
		p.check(t, e)
		if e.Type == want {
			must(t, json.Unmarshal(e.Data, into))
			return e
		}
		if e.Type == realtime.EventError {
			t.Fatalf("%s: waits for %s and gets %s", p.id, want, e.Data)
		}
	}
}

// check holds an event against the protocol, and follows the log.
func (p *person) check(t *testing.T, e realtime.Event) {
	t.Helper()
	for _, info := range realtime.Events() {
		if info.Type != e.Type {
			continue
		}
		dec := json.NewDecoder(bytes.NewReader(e.Data))
		dec.DisallowUnknownFields()
		if err := dec.Decode(reflect.New(reflect.TypeOf(info.Data)).Interface()); err != nil {
			t.Errorf("%s: %s: %v", e.Type, e.Data, err)
		}
		if (info.Delivery == realtime.DeliverLog && (e.Seq == 0 || e.Epoch != p.epoch)) || (info.Delivery == realtime.DeliverState && e.Rev == 0) {
			t.Errorf("%s: %+v", e.Type, e)
		}
		if e.Prev != nil {
			if *e.Prev != p.last {
				t.Errorf("%s at %d follows %d, and %s has %d", e.Type, e.Seq, *e.Prev, p.id, p.last)
			}
			p.last = e.Seq
		}
		return
	}
	t.Errorf("%s: is not in the protocol", e.Type)
}

// do sends a command and returns what it made.
func (p *person) do(t *testing.T, id, typ string, data map[string]any) realtime.Ack {
	t.Helper()
	b, err := json.Marshal(map[string]any{"v": 1, "type": typ, "id": id, "data": data})
	must(t, err)
	must(t, p.sock.WriteMessage(1, b))
	var a realtime.Ack
	for {
		if e := p.data(t, realtime.EventAck, &a); e.Re == id {
			return a
		}
	}
}

// TestRoomOverTheWire has a lesson in small: chat, a poll, a lost connection, a
// command that is sent again, a ban.
func TestRoomOverTheWire(t *testing.T) {
	h := serveRooms(t)
	host := enter(t, h, "host", realtime.RoleHost, nil)
	ada := enter(t, h, "p_ada", realtime.RoleParticipant, nil)
	bob := enter(t, h, "p_bob", realtime.RoleParticipant, nil)
	if ada.welcome.Recovered || ada.welcome.Snapshot == nil || ada.welcome.Role != realtime.RoleParticipant || ada.welcome.Limits.Chat == 0 {
		t.Errorf("welcome: %+v", ada.welcome)
	}

	made := ada.do(t, "ada-00001", "chat.send", map[string]any{"text": "Good morning"})
	var m realtime.ChatMessage
	if e := bob.data(t, realtime.EventChatMessage, &m); m.Text != "Good morning" || m.ID != made.ID || e.From == nil || e.From.ID != "p_ada" {
		t.Errorf("bob reads %+v from %+v", m, e.From)
	}
	_ = bob.sock.Close()

	poll := host.do(t, "host-00001", "poll.save", map[string]any{"kind": "single", "prompt": "2+2?", "options": []string{"3", "4"}, "correct": []int{1}, "results": "live", "quiz": true}).ID
	host.do(t, "host-00002", "poll.open", map[string]any{"poll": poll})
	var opened realtime.PollOpened
	if ada.data(t, realtime.EventPollOpened, &opened); opened.Poll != poll || opened.Correct != nil {
		t.Errorf("opened: %+v", opened)
	}
	ada.do(t, "ada-00002", "poll.vote", map[string]any{"poll": poll, "choices": []int{1}})
	var tally realtime.Tally
	for tally.Voters != 1 {
		host.data(t, realtime.EventTally, &tally)
	}

	// Bob comes back, and misses nothing.
	bob = enter(t, h, "p_bob", realtime.RoleParticipant, bob)
	if !bob.welcome.Recovered || bob.welcome.Snapshot != nil {
		t.Errorf("bob is back: %+v", bob.welcome)
	}
	if bob.data(t, realtime.EventPollOpened, &opened); opened.Poll != poll {
		t.Errorf("opened: %+v", opened)
	}

	// Ada did not get the ack, so she thinks.
	_ = ada.sock.Close()
	ada = enter(t, h, "p_ada", realtime.RoleParticipant, ada)
	if again := ada.do(t, "ada-00001", "chat.send", map[string]any{"text": "Good morning"}); !again.Dup || again.ID != made.ID {
		t.Errorf("sent again: %+v, made %+v", again, made)
	}

	host.do(t, "host-00003", "moderate", map[string]any{"participant": "p_bob", "action": "ban"})
	if code, closing := bob.end(); code != int(realtime.CloseBanned) || closing.Return != realtime.ReturnNever {
		t.Errorf("bob is closed with %d %+v", code, closing)
	}
	c := h.open()
	c.say("hello", map[string]any{"grant": h.grant(access.Person{ID: "p_bob", Role: realtime.RoleParticipant})})
	if got := c.refusal(); got != realtime.CodeBanned {
		t.Errorf("bob tries again: %s", got)
	}
	if code, _ := c.end(); code != int(realtime.CloseBanned) {
		t.Errorf("bob tries again and is closed with %d", code)
	}
}
