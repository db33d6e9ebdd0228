//go:build e2e

package main_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room/state"
	"github.com/lectern/lectern/storage/kv"
)

// killsEnv says how often the server is killed under its room; the default suits a
// test that is run often.
const killsEnv = "LECTERN_KILLS"

// TestRoomSurvivesKill kills the whole server again and again while 60 people write
// 500 messages a second, as far as the machine can, and vote. Everybody comes back by
// themselves and sends again what was not acknowledged. In the end every message and
// vote that was acknowledged is there once, where it was said to be, in the order in
// which its author sent it, and nobody's record has a gap.
func TestRoomSurvivesKill(t *testing.T) {
	t.Parallel()
	const people = 60
	kills := 6
	if s := os.Getenv(killsEnv); s != "" {
		var err error
		if kills, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	environ := []string{"LECTERN_WS_COMMAND_RATE=1000", "LECTERN_ROOM_LOG_RESUME_EVENTS=20000"}
	srv := startServer(t, dir, environ...)
	environ = append(environ, "LECTERN_LISTEN_HTTP="+srv.HTTP)
	c, err := srv.api.Create(t.Context(), api.CreateClass{ID: "algebra", Title: "Linear algebra"})
	if err != nil {
		t.Fatal(err)
	}
	come := func(name string, role realtime.Role) *member {
		// Who keeps order may write ten times a second.
		grant, gerr := srv.api.CreateGrant(t.Context(), c.ID, api.CreateGrant{Role: role, Person: name, Name: name})
		if gerr != nil {
			t.Fatal(gerr)
		}
		return newMember(name, srv.HTTP, c.ID, grant.Pass)
	}
	host, listener := come("host", realtime.RoleHost), come("listener", realtime.RoleObserver)
	var all []*member
	for i := range people {
		m := come(fmt.Sprintf("p_%02d", i), realtime.RoleModerator)
		m.talks, m.votes = true, true
		all = append(all, m)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running, talking sync.WaitGroup
	running.Go(func() { host.run(ctx) })
	running.Go(func() { listener.run(ctx) })
	for _, m := range all {
		talking.Go(func() { m.run(ctx) })
	}
	wait := func(complain func() string) { until(t, complain) }
	further := func(from, n int) {
		wait(func() string {
			got, problems := listener.look()
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			if got < from+n {
				return fmt.Sprintf("%d messages came, %d of them since the kill", got, got-from)
			}
			return ""
		})
	}
	begun, polls := time.Now(), []string{}
	for n := range kills {
		from, _ := listener.look()
		further(from, 500)
		poll := host.do(wait, fmt.Sprintf("host-save-%d", n), "poll.save", map[string]any{"kind": "single", "prompt": "?", "options": []string{"a", "b", "c"}, "results": "live"}).ID
		host.do(wait, fmt.Sprintf("host-open-%d", n), "poll.open", map[string]any{"poll": poll})
		polls = append(polls, poll)
		select {
		case <-time.After(time.Duration(rand.Int64N(int64(200 * time.Millisecond)))): // in the middle of the votes, mostly
		case <-t.Context().Done():
		}
		srv.kill9(t)
		srv = startServer(t, dir, environ...)
		for _, m := range all {
			wait(func() string {
				if _, problems := m.look(); !m.hasVoted(poll) {
					return fmt.Sprintf("%s has not voted in %s after kill %d: %v", m.name, poll, n+1, problems)
				}
				return ""
			})
		}
		host.do(wait, fmt.Sprintf("host-close-%d", n), "poll.close", map[string]any{"poll": poll})
	}
	from, _ := listener.look()
	further(from, 100)
	took := time.Since(begun)
	for _, m := range all {
		m.hush()
	}
	talking.Wait() // until all is acknowledged
	said := map[string]uint64{}
	resumed, fresh := 0, 0
	for _, m := range append(all, host, listener) {
		if _, problems := m.look(); len(problems) > 0 {
			t.Error(problems)
		}
		resumed, fresh = resumed+m.joins-1-m.fresh, fresh+m.fresh
		maps.Copy(said, m.acked)
	}
	wait(func() string { // until the last message is there
		if got, _ := listener.look(); got > 0 && listener.last() < highest(all) {
			return fmt.Sprintf("the listener is at %d", listener.last())
		}
		return ""
	})

	// Over a new connection all polls are as people voted, and the last messages
	// are those that the listener has.
	again := come("again", realtime.RoleHost)
	running.Go(func() { again.run(ctx) })
	wait(again.in)
	again.mu.Lock()
	snapshot := again.welcome.Snapshot
	again.mu.Unlock()
	cancel()
	running.Wait()
	for _, p := range snapshot.Polls {
		want := make([]int, 3)
		for _, m := range all {
			want[choice(m.name, p.Poll)]++
		}
		if p.Tally == nil || p.Tally.Voters != people || fmt.Sprint(p.Tally.Counts) != fmt.Sprint(want) {
			t.Errorf("poll %s: %+v, want %v", p.Poll, p.Tally, want)
		}
	}
	if len(snapshot.Polls) != min(len(polls), 20) || len(snapshot.Messages) != 100 {
		t.Errorf("the snapshot has %d polls and %d messages", len(snapshot.Polls), len(snapshot.Messages))
	}
	for i, msg := range snapshot.Messages {
		if h := listener.heard[len(listener.heard)-100+i]; h.text != msg.Text || h.seq != msg.Seq {
			t.Errorf("the snapshot has %q at %d, the listener %q at %d", msg.Text, msg.Seq, h.text, h.seq)
		}
	}
	wantOnce(t, listener, said, fresh)

	stopServer(t, srv)
	messages, votes, rate := wantLog(t, dir, said)
	t.Logf("%d kills in %s: %d messages (up to %d in a second) and %d votes, all there once; %d resumed, %d came back to a snapshot",
		kills, took.Round(time.Second), messages, rate, votes, resumed, fresh)
	if messages == 0 || votes != kills*people {
		t.Errorf("%d votes in %d polls of %d people", votes, kills, people)
	}
}

// in complains unless the member is in the room.
func (m *member) in() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.joins == 0 {
		return m.name + " is not in the room"
	}
	return ""
}

// last returns the place of the last message that came.
func (m *member) last() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.heard[len(m.heard)-1].seq
}

// highest returns the place of the last message that was acknowledged.
func highest(all []*member) (seq uint64) {
	for _, m := range all {
		m.mu.Lock()
		for id, s := range m.acked {
			if id[0] == 'p' {
				seq = max(seq, s)
			}
		}
		m.mu.Unlock()
	}
	return seq
}

// wantOnce wants every message that was acknowledged to have come to the listener
// once, from its place in the log: all of them if it could always resume.
func wantOnce(t *testing.T, listener *member, said map[string]uint64, fresh int) {
	t.Helper()
	came := map[string]bool{}
	for _, h := range listener.heard {
		if came[h.text] {
			t.Errorf("%s came twice", h.text)
		}
		came[h.text] = true
		if seq, ok := said[h.text]; !ok || seq != h.seq {
			t.Errorf("%s came from %d, and was acknowledged at %d (%t)", h.text, h.seq, seq, ok)
		}
	}
	if listener.fresh > 0 {
		t.Logf("the listener came back to a snapshot %d times (all: %d)", listener.fresh, fresh)
		return
	}
	first := listener.heard[0].seq
	for id, seq := range said {
		if id[0] == 'p' && seq > first && !came[id] {
			t.Errorf("%s is at %d, and the listener did not get it", id, seq)
		}
	}
}

// stopServer stops the server, so that its files can be read.
func stopServer(t *testing.T, s *server) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t, func() string {
		if err := syscall.Kill(s.cmd.Process.Pid, 0); err == nil {
			return "the server is still there"
		}
		return ""
	})
}

// wantLog reads the log itself: it has everything that was acknowledged, once, where
// it was said to be, and what each person said in the order in which they did. rate
// is the most messages of a second.
func wantLog(t *testing.T, dir string, said map[string]uint64) (messages, votes, rate int) {
	t.Helper()
	db, err := kv.Open(filepath.Join(dir, "rooms.db"), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	log := broker.NewEmbedded(broker.DefaultConfig(), broker.Deps{DB: db})
	seconds := map[int64]int{}
	there, order, voted, next := map[string]uint64{}, map[string]string{}, map[string]bool{}, uint64(1)
	if _, err = broker.Each(t.Context(), log, "algebra", func(rec broker.Record) error {
		e, derr := state.DecodeEntry(rec.Data)
		if derr != nil {
			return derr
		}
		if rec.Seq != next {
			t.Errorf("%d follows %d", rec.Seq, next-1)
		}
		next = rec.Seq + 1
		if e.Command != "" {
			if _, twice := there[e.Command]; twice {
				t.Errorf("%s is there twice", e.Command)
			}
			there[e.Command] = rec.Seq
		}
		switch f := e.Fact.(type) {
		case state.Said:
			if messages++; f.Text != e.Command || f.Text <= order[e.By.ID] {
				t.Errorf("%s says %q behind %q", e.By.ID, f.Text, order[e.By.ID])
			}
			order[e.By.ID] = f.Text
			seconds[e.TS/1000]++
			rate = max(rate, seconds[e.TS/1000])
		case state.Voted:
			if votes++; voted[f.Poll+e.By.ID] || f.Choices[0] != choice(e.By.ID, f.Poll) {
				t.Errorf("%s votes %v in %s, voted before: %t", e.By.ID, f.Choices, f.Poll, voted[f.Poll+e.By.ID])
			}
			voted[f.Poll+e.By.ID] = true
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for id, seq := range said {
		if there[id] != seq {
			t.Errorf("%s was acknowledged at %d, and is at %d", id, seq, there[id])
		}
	}
	return messages, votes, rate
}
