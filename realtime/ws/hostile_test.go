package ws_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/ws"
)

func TestHandshake(t *testing.T) {
	h := start(t, false, func(c *ws.Config) { c.Origins = []string{"https://lms.example.edu"} })
	tests := []struct {
		name   string
		origin []string
		edit   func(*websocket.Dialer)
		status int
	}{
		{"no page", nil, nil, 101},
		{"our own page", []string{"http://" + h.host}, nil, 101},
		{"our own page behind TLS", []string{"https://" + h.host}, nil, 101},
		{"the LMS", []string{"https://lms.example.edu"}, nil, 101},
		{"another site", []string{"https://evil.example"}, nil, 403},
		{"a longer name", []string{"https://lms.example.edu.evil.example"}, nil, 403},
		{"another scheme", []string{"http://lms.example.edu"}, nil, 403},
		{"another port", []string{"https://lms.example.edu:444"}, nil, 403},
		{"a path", []string{"https://lms.example.edu/"}, nil, 403},
		{"a user", []string{"https://evil@" + h.host}, nil, 403},
		{"null", []string{"null"}, nil, 403},
		{"empty", []string{""}, nil, 403},
		{"two", []string{"https://lms.example.edu", "https://evil.example"}, nil, 403},
		{"no subprotocol", nil, func(d *websocket.Dialer) { d.Subprotocols = nil }, 400},
		{"another subprotocol", nil, func(d *websocket.Dialer) { d.Subprotocols = []string{"lectern.v2.json"} }, 400},
		{"ours among others", nil, func(d *websocket.Dialer) { d.Subprotocols = []string{"x", realtime.Subprotocol} }, 101},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			edit := tt.edit
			if edit == nil {
				edit = func(*websocket.Dialer) {}
			}
			c, resp, err := h.connect(http.Header{"Origin": tt.origin}, edit)
			if resp == nil || resp.StatusCode != tt.status {
				t.Fatalf("got %v, %v", resp, err)
			}
			if (err == nil) != (tt.status == 101) {
				t.Error(err)
			}
			if err == nil {
				if got := c.sock.Subprotocol(); got != realtime.Subprotocol {
					t.Errorf("speaks %q", got)
				}
				_ = c.sock.Close()
			}
		})
	}
	resp, err := http.Get("http://" + h.host + "/ws/maths")
	must(t, err)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("a plain GET gets %d", resp.StatusCode)
	}
}

func TestPlacesAreLimited(t *testing.T) {
	h := start(t, false, func(c *ws.Config) { c.MaxConnections = 2 })
	h.open()
	h.open()
	_, resp, err := h.connect(nil)
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("when full: %v, %v", resp, err)
	}
}

// TestEachGetsItsCode has one unkind client after the other, beside a kind one
// that notices nothing.
func TestEachGetsItsCode(t *testing.T) {
	h := start(t, false, nil)
	kind := h.join(realtime.RoleParticipant)
	const id = `"v":1,"id":"01JABCDEFGH"`
	good := h.grant(access.Person{Role: realtime.RoleParticipant})
	hello := func(grant string) string { return `{` + id + `,"type":"hello","data":{"grant":"` + grant + `"}}` }
	old, err := h.grants.Grant("maths", access.Person{Role: realtime.RoleHost}, time.Now().Add(-time.Hour))
	must(t, err)
	other, err := h.grants.Grant("physics", access.Person{Role: realtime.RoleHost}, time.Now())
	must(t, err)
	pass, err := h.grants.Pass("maths", access.Person{Role: realtime.RoleHost}, time.Now())
	must(t, err)
	tests := []struct {
		name    string
		message string
		binary  bool
		code    realtime.ErrorCode
		closed  int
	}{
		{"no JSON", "hello", false, realtime.CodeBadRequest, 4006},
		{"invalid UTF-8", hello("\xff\xfe"), false, realtime.CodeBadRequest, 4006},
		{"deep JSON", strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000), false, realtime.CodeBadRequest, 4006},
		{"deep list", strings.Repeat("[", 8000), false, realtime.CodeBadRequest, 4006},
		{"a field twice", `{` + id + `,"type":"hello","type":"hello"}`, false, realtime.CodeBadRequest, 4006},
		{"binary", hello(good), true, realtime.CodeBadRequest, 4006},
		{"a command before hello", `{` + id + `,"type":"hand.raise"}`, false, realtime.CodeUnauthorized, 4006},
		{"forged", hello(good[:len(good)-4] + "AAAA"), false, realtime.CodeUnauthorized, 4001},
		{"not signed", hello("eyJhbGciOiJub25lIn0.e30."), false, realtime.CodeUnauthorized, 4001},
		{"expired", hello(old.Text), false, realtime.CodeUnauthorized, 4002},
		{"of another class", hello(other.Text), false, realtime.CodeUnauthorized, 4001},
		{"a pass", hello(pass.Text), false, realtime.CodeUnauthorized, 4001},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := h.open()
			kindOf := websocket.TextMessage
			if tt.binary {
				kindOf = websocket.BinaryMessage
			}
			c.write(kindOf, []byte(tt.message))
			if got := c.refusal(); got != tt.code {
				t.Errorf("got %s, want %s", got, tt.code)
			}
			if code, closing := c.end(); code != tt.closed || int(closing.Code) != tt.closed {
				t.Errorf("closed with %d %+v, want %d", code, closing, tt.closed)
			}
		})
	}
	kind.say("hand.raise", map[string]any{})
	if e := kind.next(); e.Type != realtime.EventAck {
		t.Errorf("the kind one got %s", e.Type)
	}
}

func TestOversizeFrames(t *testing.T) {
	h := start(t, false, nil)
	c := h.join(realtime.RoleParticipant)
	c.write(websocket.TextMessage, []byte(strings.Repeat("a", realtime.MaxFrameBytes+1)))
	if got := c.refusal(); got != realtime.CodeTooLarge {
		t.Errorf("a little too large: %s", got)
	}
	c.say("hand.raise", map[string]any{})
	if e := c.next(); e.Type != realtime.EventAck {
		t.Errorf("then %s", e.Type)
	}
	// The server may stop reading before all of it is written.
	_ = c.sock.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("a", 100<<10)))
	if code, _ := c.end(); code != websocket.CloseMessageTooBig {
		t.Errorf("much too large: %d", code)
	}

	// What is small when compressed may still be large.
	c = h.join(realtime.RoleParticipant, func(d *websocket.Dialer) { d.EnableCompression = true })
	c.sock.EnableWriteCompression(true)
	c.write(websocket.TextMessage, make([]byte, 8<<20))
	if got := c.refusal(); got != realtime.CodeTooLarge {
		t.Errorf("a bomb: %s", got)
	}
}

func TestFloodIsClosed(t *testing.T) {
	h := start(t, false, nil)
	c := h.join(realtime.RoleParticipant)
	kind := h.join(realtime.RoleParticipant)
	for range 1000 {
		if err := c.sock.WriteMessage(websocket.TextMessage, []byte(`{"v":1,"type":"chat.send","id":"01JABCDEFGH","data":{"text":"spam"}}`)); err != nil {
			break // closed already
		}
	}
	code, closing := c.end()
	if code != int(realtime.CloseLimit) || closing.ReconnectAfterMS < 1000 {
		t.Errorf("closed with %d %+v", code, closing)
	}
	kind.say("hand.raise", map[string]any{})
	if e := kind.next(); e.Type != realtime.EventAck {
		t.Errorf("the kind one got %s", e.Type)
	}
}

func TestRoleThatReachesTooFar(t *testing.T) {
	h := start(t, false, nil)
	tests := []struct {
		role realtime.Role
		typ  string
		data map[string]any
		ok   bool
	}{
		{realtime.RoleObserver, "chat.send", map[string]any{"text": "a"}, false},
		{realtime.RoleObserver, "react", map[string]any{"kind": "clap"}, false},
		{realtime.RoleObserver, "position", map[string]any{}, true},
		{realtime.RoleParticipant, "chat.send", map[string]any{"text": "a"}, true},
		{realtime.RoleParticipant, "moderate", map[string]any{"participant": "p", "action": "ban"}, false},
		{realtime.RoleParticipant, "poll.open", map[string]any{"poll": "p"}, false},
		{realtime.RoleModerator, "moderate", map[string]any{"participant": "p", "action": "ban"}, true},
		{realtime.RoleModerator, "poll.open", map[string]any{"poll": "p"}, false},
		{realtime.RoleHost, "poll.open", map[string]any{"poll": "p"}, true},
	}
	for _, tt := range tests {
		t.Run(string(tt.role)+" "+tt.typ, func(t *testing.T) {
			c := h.join(tt.role)
			c.say(tt.typ, tt.data)
			e := c.next()
			if tt.ok != (e.Type == realtime.EventAck) || (!tt.ok && !strings.Contains(string(e.Data), `"forbidden"`)) {
				t.Errorf("got %s %s", e.Type, e.Data)
			}
		})
	}
}

func TestRoomRefuses(t *testing.T) {
	tests := []struct {
		err    error
		closed realtime.CloseCode
	}{
		{realtime.NewError(realtime.CodeBanned, "no"), realtime.CloseBanned},
		{realtime.NewError(realtime.CodeNotFound, "no"), realtime.CloseClassEnded},
		{realtime.NewError(realtime.CodeForbidden, "locked"), realtime.CloseInvalidGrant},
		{&realtime.Error{Code: realtime.CodeBusy, RetryAfter: 3 * time.Second}, realtime.CloseLimit},
		{http.ErrServerClosed, realtime.CloseLimit},
	}
	for _, tt := range tests {
		t.Run(tt.err.Error(), func(t *testing.T) {
			h := start(t, false, nil)
			h.rooms.refuse = tt.err
			c := h.open()
			c.say("hello", map[string]any{"grant": h.grant(access.Person{Role: realtime.RoleHost})})
			c.refusal()
			if code, _ := c.end(); code != int(tt.closed) {
				t.Errorf("closed with %d", code)
			}
			if joined, left := h.rooms.counts(); joined != 0 || left != 0 {
				t.Errorf("%d joined, %d left", joined, left)
			}
		})
	}
}

func TestHelloOnceAndInTheRightClass(t *testing.T) {
	h := start(t, false, nil)
	c := h.join(realtime.RoleParticipant)
	c.say("hello", map[string]any{"grant": h.grant(access.Person{Role: realtime.RoleHost})})
	if got := c.refusal(); got != realtime.CodeConflict {
		t.Errorf("a second hello: %s", got)
	}
	c.write(websocket.TextMessage, []byte(`{"v":1,"type":"hand.raise","id":"01JABCDEFGH","room":"physics"}`))
	if got := c.refusal(); got != realtime.CodeBadRequest {
		t.Errorf("another room: %s", got)
	}
	c.say("chat.sing", map[string]any{})
	if got := c.refusal(); got != realtime.CodeUnsupported {
		t.Errorf("an unknown command: %s", got)
	}
}

func TestName(t *testing.T) {
	h := start(t, false, nil)
	tests := []struct {
		name   string
		person access.Person
		says   string
		want   string
	}{
		{"the grant's", access.Person{Role: realtime.RoleParticipant, Name: "Ada"}, "Eve", "Ada"},
		{"the person's own", access.Person{Role: realtime.RoleParticipant}, "  Ada\u202e ", "Ada"},
		{"staff's", access.Person{Role: realtime.RoleParticipant}, "Host", ""},
		{"staff's for staff", access.Person{Role: realtime.RoleHost}, "Host", "Host"},
		{"none", access.Person{Role: realtime.RoleParticipant, Anonymous: true}, "Ada", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.person.ID = strings.ReplaceAll("p_"+strings.ReplaceAll(tt.name, "'", ""), " ", "_")
			c := h.open()
			c.say("hello", map[string]any{"grant": h.grant(tt.person), "name": tt.says})
			e := c.next()
			if has := strings.Contains(string(e.Data), `"name":"`+tt.want+`"`); has != (tt.want != "") || (!has && strings.Contains(string(e.Data), `"name"`)) {
				t.Errorf("welcome is %s", e.Data)
			}
		})
	}
}

func TestPanicCostsOneConnection(t *testing.T) {
	h := start(t, false, nil)
	kind, c := h.join(realtime.RoleParticipant), h.join(realtime.RoleParticipant)
	c.say("chat.send", map[string]any{"text": "panic"})
	c.end()
	kind.say("hand.raise", map[string]any{})
	if e := kind.next(); e.Type != realtime.EventAck {
		t.Errorf("the kind one got %s", e.Type)
	}
	h.stop()
	if joined, left := h.rooms.counts(); joined != 2 || left != 2 {
		t.Errorf("%d joined, %d left", joined, left)
	}
}
