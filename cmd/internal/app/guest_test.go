package app_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/web"
)

// guest is a client in a room, as a page is.
type guest struct {
	t       *testing.T
	sock    *websocket.Conn
	ready   []realtime.Event
	welcome realtime.Welcome
	epoch   string
	seq     uint64
	said    int
}

// dial opens the socket of a class.
func (s *server) dial(id string) *guest {
	s.t.Helper()
	return s.dialAt("ws://"+s.addrs.HTTP+"/ws/"+id, nil)
}

func (s *server) dialAt(url string, trusted *x509.CertPool) *guest {
	s.t.Helper()
	d := websocket.Dialer{Subprotocols: []string{realtime.Subprotocol}, TLSClientConfig: &tls.Config{RootCAs: trusted}}
	sock, res, err := d.DialContext(s.t.Context(), url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = res.Body.Close()
	s.t.Cleanup(func() { _ = sock.Close() })
	return &guest{t: s.t, sock: sock}
}

// join says hello with a grant, going on where before was.
func (s *server) join(id, grant string, before *guest) *guest {
	s.t.Helper()
	g := s.dial(id)
	hello := map[string]any{"grant": grant}
	if before != nil {
		hello["epoch"], hello["seq"] = before.epoch, before.seq
		g.epoch, g.seq, g.said = before.epoch, before.seq, before.said
	}
	g.say("hello", hello)
	g.want(realtime.EventWelcome, &g.welcome)
	g.epoch, g.seq = g.welcome.Epoch, g.welcome.Seq
	return g
}

func (g *guest) say(kind string, data any) string {
	g.t.Helper()
	g.said++
	id := fmt.Sprintf("command-%05d", g.said)
	b, err := json.Marshal(map[string]any{"v": 1, "type": kind, "id": id, "data": data})
	if err == nil {
		err = g.sock.WriteMessage(websocket.TextMessage, b)
	}
	if err != nil {
		g.t.Fatal(err)
	}
	return id
}

func (g *guest) next() (realtime.Event, error) {
	for len(g.ready) == 0 {
		_, b, err := g.sock.ReadMessage()
		if err != nil {
			return realtime.Event{}, err
		}
		for line := range strings.SplitSeq(string(b), "\n") {
			var e realtime.Event
			if err = json.Unmarshal([]byte(line), &e); err != nil {
				return e, err
			}
			g.ready = append(g.ready, e)
		}
	}
	e := g.ready[0]
	g.ready = g.ready[1:]
	if e.Prev != nil {
		g.seq = e.Seq
	}
	return e, nil
}

// want reads up to an event of the type, and what it holds.
func (g *guest) want(kind realtime.EventType, into any) realtime.Event {
	g.t.Helper()
	for {
		e, err := g.next()
		switch {
		case err != nil:
			g.t.Fatalf("waits for %s: %v", kind, err)
		case e.Type == kind:
			if err = json.Unmarshal(e.Data, into); err != nil {
				g.t.Fatal(err)
			}
			return e
		case e.Type == realtime.EventError:
			g.t.Fatalf("waits for %s and gets %s", kind, e.Data)
		}
	}
}

// do carries out a command and returns its ack.
func (g *guest) do(kind string, data any) (ack realtime.Ack) {
	g.t.Helper()
	for id := g.say(kind, data); ; {
		if e := g.want(realtime.EventAck, &ack); e.Re == id {
			return ack
		}
	}
}

// closed reads until the connection is closed and returns the code.
func (g *guest) closed() realtime.CloseCode {
	g.t.Helper()
	for {
		_, err := g.next()
		var c *websocket.CloseError
		if errors.As(err, &c) {
			return realtime.CloseCode(c.Code)
		}
		if err != nil {
			g.t.Fatal(err)
		}
	}
}

// post asks a page's endpoint, with a bearer token unless it is empty.
func (s *server) post(path, bearer, body string) (int, string) {
	s.t.Helper()
	var header []string
	if bearer != "" {
		header = []string{"Authorization", "Bearer " + bearer}
	}
	return s.request(http.MethodPost, "http://"+s.addrs.HTTP+path, body, append(header, "Content-Type", "application/json")...)
}

// enter gets what lets into a room.
func (s *server) enter(path, bearer, pass string) web.Entrance {
	s.t.Helper()
	body := "{}"
	if pass != "" {
		body = `{"pass":"` + pass + `"}`
	}
	code, answer := s.post(path, bearer, body)
	var e web.Entrance
	if err := json.Unmarshal([]byte(answer), &e); err != nil || code != http.StatusOK || e.Grant == "" || e.Pass == "" {
		s.t.Fatalf("%s: %d %s, %v", path, code, answer, err)
	}
	return e
}

// status is what the studio is told.
func (s *server) status(id, credential string) (out web.Status) {
	s.t.Helper()
	code, answer := s.request(http.MethodGet, "http://"+s.addrs.HTTP+"/studio/"+id+"/status.json", "", "Authorization", "Bearer "+credential)
	if err := json.Unmarshal([]byte(answer), &out); err != nil || code != http.StatusOK {
		s.t.Fatalf("status of %s: %d %s, %v", id, code, answer, err)
	}
	return out
}

// secretOf returns the secret in a studio link.
func secretOf(t *testing.T, c api.Class) string {
	t.Helper()
	_, secret, ok := strings.Cut(c.Studio, "#k=")
	if !ok {
		t.Fatalf("studio link of %s has no secret", c.ID)
	}
	return secret
}
