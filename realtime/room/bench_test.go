package room_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room"
	"github.com/lectern/lectern/realtime/room/state"
	"github.com/lectern/lectern/storage/kv"
)

// counter is a connection that counts what it gets.
type counter struct {
	log    *atomic.Int64 // frames of the log, of all connections
	acks   chan<- time.Duration
	asked  atomic.Int64 // when, in Unix nanoseconds
	closed atomic.Bool
	ready  func()
}

func (c *counter) Send(frames ...*room.Frame) {
	for _, f := range frames {
		c.take(f)
	}
}

func (c *counter) take(f *room.Frame) {
	switch f.Delivery {
	case realtime.DeliverLog:
		c.log.Add(1)
	case realtime.DeliverReply:
		if c.ready != nil {
			c.ready() // welcome
			c.ready = nil
			return
		}
		c.acks <- time.Since(time.Unix(0, c.asked.Load()))
	case realtime.DeliverState, realtime.DeliverEphemeral:
	}
}

func (c *counter) Close(realtime.CloseCode, time.Duration) { c.closed.Store(true) }

// crowd is a room with many people.
type crowd struct {
	rooms   *room.Rooms
	host    *room.Member
	members []*room.Member
	log     atomic.Int64
	conns   []*counter
	acks    chan time.Duration
}

func newCrowd(b *testing.B, people int) *crowd {
	b.Helper()
	db, err := kv.Open(filepath.Join(b.TempDir(), "rooms.db"), kv.Options{SkipFreelist: true})
	if err != nil {
		b.Fatal(err)
	}
	cfg := room.DefaultConfig()
	cfg.DisplayPerSecond = 1000
	br := broker.NewEmbedded(cfg.Log, broker.Deps{DB: db})
	c := &crowd{rooms: room.New(cfg, room.Deps{Broker: br}), acks: make(chan time.Duration, 2*people+1000)}
	keeping, stopKeeping := context.WithCancel(context.Background())
	running, stopRunning := context.WithCancel(context.Background())
	var brokers, rooms sync.WaitGroup
	brokers.Go(func() { _ = br.Run(keeping) })
	rooms.Go(func() { _ = c.rooms.Run(running) })
	b.Cleanup(func() {
		stopRunning()
		rooms.Wait()
		stopKeeping()
		brokers.Wait()
		_ = db.Close()
	})
	c.host = c.join(b, "host", realtime.RoleHost)
	for i := range people {
		c.members = append(c.members, c.join(b, fmt.Sprint("p", i), realtime.RoleParticipant))
	}
	return c
}

func (c *crowd) join(b *testing.B, id string, role realtime.Role) *room.Member {
	b.Helper()
	ready := make(chan struct{})
	conn := &counter{log: &c.log, acks: c.acks, ready: func() { close(ready) }}
	m, err := c.rooms.Join(b.Context(), "algebra", principal(id, role), room.Position{}, conn)
	if err != nil {
		b.Fatal(err)
	}
	if role == realtime.RoleParticipant {
		c.conns = append(c.conns, conn)
	}
	if id == "host" || role == realtime.RoleObserver {
		<-ready
	}
	return m
}

// BenchmarkMessage is a message to 2,000 connections: one after another, and as
// many at once as the disk takes together.
func BenchmarkMessage(b *testing.B) {
	for _, atOnce := range []int{1, 64} {
		b.Run(fmt.Sprint(atOnce), func(b *testing.B) {
			c := newCrowd(b, 2000)
			say(b, c, c.members[0], "first", 1)
			c.log.Store(0)
			b.ResetTimer()
			b.ReportAllocs()
			n := 0
			for n < b.N {
				batch := min(atOnce, b.N-n)
				for i := range batch {
					c.members[(n+i)%2000].Do(realtime.Command{
						Type: realtime.CommandChatSend, ID: fmt.Sprintf("command-%d", n+i), Data: realtime.ChatSend{Text: "what does the second term on the slide stand for?"},
					})
				}
				for range batch {
					<-c.acks
				}
				n += batch
			}
			b.StopTimer()
			for c.log.Load() < int64(n) { // staff at least; shards may lag behind
				time.Sleep(time.Millisecond) //nolint:forbidigo // a benchmark
			}
			b.ReportMetric(float64(c.log.Load())/b.Elapsed().Seconds(), "frames/s")
		})
	}
}

func say(b *testing.B, c *crowd, m *room.Member, id string, n int) {
	b.Helper()
	for i := range n {
		m.Do(realtime.Command{Type: realtime.CommandChatSend, ID: fmt.Sprintf("command-%s-%d", id, i), Data: realtime.ChatSend{Text: "x"}})
		<-c.acks
	}
}

// BenchmarkPoll is 2,000 people who vote within three seconds: each is counted
// once, and acknowledged at once.
func BenchmarkPoll(b *testing.B) {
	for b.Loop() {
		c := newCrowd(b, 2000)
		do := func(m *room.Member, id string, d realtime.CommandData) {
			m.Do(realtime.Command{Type: d.CommandType(), ID: id, Data: d})
		}
		do(c.host, "command-save", realtime.PollSave{PollDraft: realtime.PollDraft{Kind: realtime.PollSingle, Prompt: "?", Options: []string{"a", "b"}, Results: realtime.ResultsLive}})
		<-c.acks
		var poll string
		if err := c.rooms.Read(b.Context(), "algebra", func(st *state.State) {
			poll = st.Snapshot(principal("host", realtime.RoleHost)).Polls[0].Poll
		}); err != nil {
			b.Fatal(err)
		}
		do(c.host, "command-open", realtime.PollOpen{Poll: poll})
		<-c.acks
		var delays []time.Duration
		start := time.Now()
		tick := time.NewTicker(1500 * time.Microsecond)
		sent := len(c.members)
		for i, m := range c.members {
			<-tick.C
			c.conns[i].asked.Store(time.Now().UnixNano())
			do(m, fmt.Sprintf("command-vote-%d", i), realtime.PollVote{Poll: poll, Choices: []int{i % 2}})
			if i%10 == 0 {
				do(m, fmt.Sprintf("command-vote-%d", i), realtime.PollVote{Poll: poll, Choices: []int{i % 2}}) // sent twice
				sent++
			}
		}
		for range sent {
			delays = append(delays, <-c.acks)
		}
		tick.Stop()
		took := time.Since(start)
		var tally *realtime.Tally
		if err := c.rooms.Read(b.Context(), "algebra", func(st *state.State) { tally, _ = st.Tally(poll) }); err != nil {
			b.Fatal(err)
		}
		if tally.Voters != 2000 || tally.Counts[0] != 1000 || tally.Counts[1] != 1000 {
			b.Fatalf("tally is %+v", tally)
		}
		slices.Sort(delays)
		b.ReportMetric(took.Seconds(), "s/2000-votes")
		b.ReportMetric(delays[len(delays)/2].Seconds()*1e3, "p50-ms")
		b.ReportMetric(delays[len(delays)*99/100].Seconds()*1e3, "p99-ms")
	}
}

// BenchmarkJoin is 2,000 people who come in at once, to a room in which much has
// been said: new ones, and such who have missed 500 messages.
func BenchmarkJoin(b *testing.B) {
	for _, missed := range []int{0, 500} {
		b.Run(fmt.Sprint("missed ", missed), func(b *testing.B) {
			c := newCrowd(b, 200)
			for i := range 600 {
				c.members[i%200].Do(realtime.Command{
					Type: realtime.CommandChatSend, ID: fmt.Sprintf("command-%d", i), Data: realtime.ChatSend{Text: "what does the second term on the slide stand for?"},
				})
			}
			for range 600 {
				<-c.acks
			}
			from := room.Position{}
			if missed > 0 {
				probe := &welcomed{got: make(chan realtime.Welcome, 1)}
				if _, err := c.rooms.Join(b.Context(), "algebra", principal("probe", realtime.RoleParticipant), from, probe); err != nil {
					b.Fatal(err)
				}
				w := <-probe.got
				from = room.Position{Epoch: w.Epoch, Seq: w.Seq - uint64(missed)} //nolint:gosec // small
			}
			b.ResetTimer()
			for n := range b.N {
				var ready sync.WaitGroup
				ready.Add(2000)
				var joins sync.WaitGroup
				for w := range 8 {
					joins.Go(func() {
						for i := range 250 {
							conn := &counter{log: &c.log, acks: c.acks, ready: ready.Done}
							who := principal(fmt.Sprintf("p%d-%d-%d", n, w, i), realtime.RoleParticipant)
							if _, err := c.rooms.Join(b.Context(), "algebra", who, from, conn); err != nil {
								b.Error(err)
								ready.Done()
							}
						}
					})
				}
				joins.Wait()
				ready.Wait()
			}
			b.StopTimer()
			for want := int64(2000 * missed * b.N); c.log.Load() < want; { // the last ones lag behind
				time.Sleep(time.Millisecond) //nolint:forbidigo // a benchmark
			}
		})
	}
}

// welcomed keeps the welcome.
type welcomed struct {
	got chan realtime.Welcome
}

func (w *welcomed) Send(frames ...*room.Frame) {
	for _, f := range frames {
		w.take(f)
	}
}

func (w *welcomed) take(f *room.Frame) {
	var ev realtime.Event
	var d realtime.Welcome
	if json.Unmarshal(f.Bytes, &ev) == nil && ev.Type == realtime.EventWelcome && json.Unmarshal(ev.Data, &d) == nil {
		w.got <- d
	}
}

func (*welcomed) Close(realtime.CloseCode, time.Duration) {}
