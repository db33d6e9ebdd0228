package ws_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/ws"
)

// ear is a person who reads all the time.
type ear struct {
	*person

	reading sync.WaitGroup

	mu    sync.Mutex // guards the fields below
	texts map[string]int
	code  int // the connection was closed with
}

// listen has a person read on, from where before was if it is not nil.
func listen(t *testing.T, p *person, before *ear) *ear {
	t.Helper()
	e := &ear{person: p, texts: map[string]int{}}
	if before != nil {
		e.texts = before.texts
	}
	e.reading.Go(func() {
		for {
			ev, err := p.read()
			e.mu.Lock()
			var closed *websocket.CloseError
			if errors.As(err, &closed) {
				e.code = closed.Code
			}
			if err != nil {
				e.mu.Unlock()
				return
			}
			p.check(t, ev)
			var m realtime.ChatMessage
			if ev.Type == realtime.EventChatMessage && json.Unmarshal(ev.Data, &m) == nil {
				e.texts[m.Text]++
			}
			e.mu.Unlock()
		}
	})
	return e
}

func (e *ear) closed() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.code
}

// has reports whether each of n messages came once.
func (e *ear) has(n int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range n {
		if text := fmt.Sprint("message ", i); e.texts[text] != 1 {
			return fmt.Errorf("%q came %d times", text, e.texts[text])
		}
	}
	return nil
}

func (h *harness) closes(reason string) int {
	h.tb.Helper()
	families, err := h.gauges.Gather()
	must(h.tb, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "lectern_ws_closes_total" && m.GetLabel()[0].GetValue() == reason {
				return int(m.GetCounter().GetValue())
			}
		}
	}
	return 0
}

// TestHostileCrowd has all kinds of unkind clients at once in the room of a lesson:
// each gets the code that it is to get, and those who only take part notice nothing.
func TestHostileCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const stalled, returning, silent, unauthenticated = 20, 200, 300, 50
		h := serveRoomsAs(t, true, func(c *ws.Config) { c.MaxUnauthenticated = unauthenticated })
		sent := 0
		host := listen(t, enter(t, h, "host", realtime.RoleHost, nil), nil)
		say := func(n int) {
			for range n {
				host.tell(t, sent)
				sent++
				time.Sleep(150 * time.Millisecond) //nolint:forbidigo // in a synctest bubble
			}
			synctest.Wait()
		}
		kind := []*ear{host}
		for i := range 5 {
			kind = append(kind, listen(t, enter(t, h, fmt.Sprint("p_kind", i), realtime.RoleParticipant, nil), nil))
		}
		say(5)

		// 20 who read nothing any more, 200 who lose their connection at once.
		var slow []*person
		for i := range stalled {
			slow = append(slow, enter(t, h, fmt.Sprint("p_slow", i), realtime.RoleParticipant, nil))
		}
		var back []*ear
		for i := range returning {
			back = append(back, listen(t, enter(t, h, fmt.Sprint("p_back", i), realtime.RoleParticipant, nil), nil))
		}
		say(5)
		for _, p := range back {
			_ = p.sock.Close()
			p.reading.Wait()
		}
		say(20)

		// 300 who say nothing, and somebody who says too much.
		for range silent {
			go h.open().end()
		}
		flood := listen(t, enter(t, h, "p_flood", realtime.RoleParticipant, nil), nil)
		for i := range 1000 {
			text := fmt.Sprintf(`{"v":1,"type":"chat.send","id":"flood-%05d","data":{"text":"spam"}}`, i)
			if flood.sock.WriteMessage(websocket.TextMessage, []byte(text)) != nil {
				break // closed already
			}
			time.Sleep(time.Millisecond) //nolint:forbidigo // in a synctest bubble
		}

		// And the 200 are back, before the 300 are gone.
		for i, p := range back {
			again := enter(t, h, p.id, realtime.RoleParticipant, p.person)
			if !again.welcome.Recovered {
				t.Fatalf("%s is not recovered", p.id)
			}
			back[i] = listen(t, again, p)
		}
		say(60)

		// Who breaks the rules when they are in.
		bad := map[string]*ear{}
		for name, frame := range map[string]string{
			"no JSON": "hello", "invalid UTF-8": "{\"v\":1,\"type\":\"chat.send\",\"id\":\"command-1\",\"data\":{\"text\":\"\xff\"}}",
			"deep": `{"v":1,"data":` + strings.Repeat("[", 4000), "forged": `{"v":1,"type":"refresh","id":"command-1","data":{"grant":"a.b.c"}}`,
		} {
			bad[name] = listen(t, enter(t, h, "p_bad", realtime.RoleParticipant, nil), nil)
			must(t, bad[name].sock.WriteMessage(websocket.TextMessage, []byte(frame)))
			say(5)
		}
		other, err := h.grants.Grant("maths", access.Person{ID: "p_other", Role: realtime.RoleHost}, time.Now())
		must(t, err)
		bad["of another"] = listen(t, enter(t, h, "p_bad", realtime.RoleParticipant, nil), nil)
		bad["of another"].say("refresh", map[string]any{"grant": other.Text})
		say(5)

		for name, want := range map[string]realtime.CloseCode{
			"no JSON": realtime.CloseProtocolError, "invalid UTF-8": realtime.CloseProtocolError, "deep": realtime.CloseProtocolError,
			"forged": realtime.CloseInvalidGrant, "of another": realtime.CloseInvalidGrant,
		} {
			if got := bad[name].closed(); got != int(want) {
				t.Errorf("%s: closed with %d, want %d", name, got, want)
			}
		}
		if got := flood.closed(); got != int(realtime.CloseLimit) {
			t.Errorf("the flood was closed with %d", got)
		}
		for reason, want := range map[string]int{"too_slow": stalled, "hello_timeout": silent, "limit": 1} {
			if got := h.closes(reason); got != want {
				t.Errorf("%d were closed for %s, want %d", got, reason, want)
			}
		}
		for _, p := range kind {
			if err := p.has(sent); err != nil || p.closed() != 0 {
				t.Errorf("%s was closed with %d: %v", p.id, p.closed(), err)
			}
		}
		for _, p := range append(back, kind...) {
			if p.closed() != 0 {
				t.Errorf("%s was closed with %d", p.id, p.closed())
			}
		}
		for _, p := range slow { // nothing is lost for them either
			again := enter(t, h, p.id, realtime.RoleParticipant, p)
			if !again.welcome.Recovered {
				t.Errorf("%s comes back as %+v", p.id, again.welcome)
			}
			_ = again.sock.Close()
		}
	})
}

// tell writes one message of the lesson, without waiting for its ack.
func (e *ear) tell(t *testing.T, n int) {
	t.Helper()
	text := fmt.Sprintf(`{"v":1,"type":"chat.send","id":"lesson-%05d","data":{"text":"message %d"}}`, n, n)
	must(t, e.sock.WriteMessage(websocket.TextMessage, []byte(text)))
}
