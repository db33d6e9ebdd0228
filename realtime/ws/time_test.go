package ws_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/ws"
)

func TestNoHello(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, true, nil)
		began := time.Now()
		code, closing := h.open().end()
		if took := time.Since(began); code != 4007 || closing.Return != realtime.ReturnResume || took < 5*time.Second || took > 7*time.Second {
			t.Errorf("closed with %d %+v after %s", code, closing, took)
		}
	})
}

func TestHandshakesOfAnAddressAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, true, func(c *ws.Config) { c.HandshakeBurst, c.HandshakeRate = 3, 2 })
		for range 3 {
			h.open()
		}
		_, resp, err := h.connect(nil)
		if err == nil || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
			t.Errorf("the fourth: %v, %v", resp, err)
		}
		time.Sleep(time.Second) //nolint:forbidigo // in a synctest bubble
		h.open()
		h.open()
		if _, _, err = h.connect(nil); err == nil {
			t.Error("a second later three may come")
		}
	})
}

// TestManyWithoutHello has a crowd that says nothing in the way of somebody who
// wants in.
func TestManyWithoutHello(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, true, func(c *ws.Config) { c.MaxUnauthenticated = 20 })
		var wg sync.WaitGroup
		codes := make([]int, 100)
		for i := range codes {
			c := h.open()
			wg.Go(func() { codes[i], _ = c.end() })
			if i == 50 {
				h.join(realtime.RoleParticipant)
			}
		}
		h.join(realtime.RoleParticipant)
		wg.Wait()
		for i, code := range codes {
			if code != 4007 {
				t.Errorf("connection %d was closed with %d", i, code)
			}
		}
		if joined, _ := h.rooms.counts(); joined != 2 {
			t.Errorf("%d joined", joined)
		}
	})
}

func TestSilentClientIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, true, nil)
		c := h.join(realtime.RoleParticipant)
		c.sock.SetPingHandler(func(string) error { return nil })
		began := time.Now()
		code, _ := c.end()
		if took := time.Since(began); code != int(realtime.CloseIdle) || took > 65*time.Second {
			t.Errorf("closed with %d after %s", code, took)
		}
	})
}

func TestSessionExpiresUnlessRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, true, nil)
		person := access.Person{ID: "p_ada", Role: realtime.RoleParticipant}
		c := h.open()
		c.say("hello", map[string]any{"grant": h.grant(person)})
		c.next()
		began := time.Now()
		events := make(chan realtime.Event)
		ended := make(chan int)
		var reader sync.WaitGroup
		reader.Go(func() { // answers pings, too
			for {
				e, err := c.read()
				if err != nil {
					close(events)
					return
				}
				if e.Type == realtime.EventClosing {
					var closing realtime.Closing
					_ = json.Unmarshal(e.Data, &closing)
					ended <- int(closing.Code)
					continue
				}
				events <- e
			}
		})
		time.Sleep(14 * time.Minute) //nolint:forbidigo // in a synctest bubble
		person.Role = realtime.RoleModerator
		c.say("refresh", map[string]any{"grant": h.grant(person)})
		if e := <-events; e.Type != realtime.EventAck {
			t.Errorf("refresh: %s %s", e.Type, e.Data)
		}
		c.say("moderate", map[string]any{"participant": "p", "action": "ban"})
		if e := <-events; e.Type != realtime.EventAck {
			t.Errorf("the new role: %s %s", e.Type, e.Data)
		}
		if m := h.rooms.all(); len(m) != 1 || m[0].person.Role != realtime.RoleModerator {
			t.Errorf("the room was not told")
		}
		if code := <-ended; code != 4002 || time.Since(began) < 28*time.Minute {
			t.Errorf("closed with %d after %s", code, time.Since(began))
		}
		reader.Wait()
	})
}

// TestRefreshThatNeedsANewConnection has a grant with which the room would show
// more than it did so far.
func TestRefreshThatNeedsANewConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, true, nil)
		c := h.open()
		c.say("hello", map[string]any{"grant": h.grant(access.Person{ID: "p_ada", Role: realtime.RoleParticipant})})
		c.next()
		c.say("refresh", map[string]any{"grant": h.grant(access.Person{ID: "p_ada", Role: realtime.RoleHost})})
		c.refusal()
		if code, closing := c.end(); code != 4002 || closing.Return != realtime.ReturnNewGrant {
			t.Errorf("closed with %d %+v", code, closing)
		}
	})
}

func TestRefreshByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, true, nil)
		c := h.join(realtime.RoleParticipant)
		c.say("refresh", map[string]any{"grant": h.grant(access.Person{Role: realtime.RoleHost})})
		if got := c.refusal(); got != realtime.CodeUnauthorized {
			t.Errorf("got %s", got)
		}
		if code, _ := c.end(); code != 4001 {
			t.Errorf("closed with %d", code)
		}
	})
}

// TestStalledReader has one client that stops reading among some that do not.
func TestStalledReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, true, nil)
		h.join(realtime.RoleParticipant) // never read again
		var wg sync.WaitGroup
		const messages = 100
		for range 5 {
			c := h.join(realtime.RoleParticipant)
			wg.Go(func() {
				for i := range messages {
					e, err := c.read()
					if err != nil || e.Seq != uint64(i+1) {
						t.Errorf("got %d, want %d: %v", e.Seq, i+1, err)
						return
					}
				}
			})
		}
		for i := range messages {
			h.rooms.broadcast(t, fmt.Sprint(i))
			time.Sleep(10 * time.Millisecond) //nolint:forbidigo // in a synctest bubble
		}
		wg.Wait()
		time.Sleep(13 * time.Second) //nolint:forbidigo // in a synctest bubble
		if _, left := h.rooms.counts(); left != 1 {
			t.Errorf("%d left", left)
		}
	})
}

// TestSlowReaderIsToldToResume has one that reads, but too slowly.
func TestSlowReaderIsToldToResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, true, func(c *ws.Config) { c.QueueBytes = 64 << 10 })
		c := h.join(realtime.RoleParticipant)
		for range 3000 { // a writer that waits for us, and more than the queue ever holds
			h.rooms.broadcast(t, string(make([]byte, 100)))
		}
		code, closing := c.end()
		if code != 4008 || closing.Return != realtime.ReturnResume {
			t.Errorf("closed with %d %+v", code, closing)
		}
	})
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, true, func(c *ws.Config) { c.DrainSpread = time.Minute })
		var wg sync.WaitGroup
		const clients = 20
		after := make([]int64, clients)
		for i := range clients {
			c := h.join(realtime.RoleParticipant)
			wg.Go(func() {
				code, closing := c.end()
				if after[i] = closing.ReconnectAfterMS; code != 4012 {
					t.Errorf("closed with %d", code)
				}
			})
		}
		h.rooms.broadcast(t, "the last one")
		synctest.Wait()
		h.stop()
		wg.Wait()
		low, high := after[0], after[0]
		for _, ms := range after {
			low, high = min(low, ms), max(high, ms)
		}
		if low < 1000 || high > 61000 || high-low < 10000 {
			t.Errorf("all come back between %d and %d ms", low, high)
		}
		if joined, left := h.rooms.counts(); joined != clients || left != clients {
			t.Errorf("%d joined, %d left", joined, left)
		}
	})
}

func TestDrainDoesNotWaitForStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, true, nil)
		for range 3 {
			h.join(realtime.RoleParticipant) // and do not read
		}
		began := time.Now()
		h.stop()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestStoppedServerRefuses(t *testing.T) {
	h := start(t, false, nil)
	if _, resp, err := h.connect(nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(err)
	}
	h.stop()
	if _, _, err := h.connect(nil); err == nil {
		t.Error("a stopped server takes connections")
	}
}

// TestBurstIsJoined has a room that would write too many frames: all arrives, in
// order, in few frames, and the first event at once.
func TestBurstIsJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, true, func(c *ws.Config) { c.FramesPerSecond = 200 })
		const clients, messages = 10, 200
		var wg sync.WaitGroup
		frames := make([]int, clients)
		calm := make([]time.Duration, clients)
		var sent time.Time
		for i := range clients {
			c := h.join(realtime.RoleParticipant)
			wg.Go(func() {
				before := c.frames
				for n := range messages + 1 {
					e, err := c.read()
					if err != nil || e.Seq != uint64(n+1) {
						t.Errorf("got %d, want %d: %v", e.Seq, n+1, err)
						return
					}
					if n == messages-1 {
						frames[i] = c.frames - before
					}
				}
				calm[i] = time.Since(sent)
			})
		}
		for range messages { // 200 a second, 2,000 frames
			h.rooms.broadcast(t, "x")
			time.Sleep(5 * time.Millisecond) //nolint:forbidigo // in a synctest bubble
		}
		time.Sleep(10 * time.Second) //nolint:forbidigo // in a synctest bubble
		sent = time.Now()
		h.rooms.broadcast(t, "x")
		wg.Wait()
		for i := range clients {
			if frames[i] > 60 {
				t.Errorf("client %d got %d frames", i, frames[i])
			}
			if calm[i] > 10*time.Millisecond {
				t.Errorf("when it was calm again a message took %s", calm[i])
			}
		}
	})
}
