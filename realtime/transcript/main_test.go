package transcript_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room/state"
	"github.com/lectern/lectern/realtime/transcript"
	"github.com/lectern/lectern/storage/kv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const class = "algebra-1"

// start is the first moment: minute 29529600 of the media's clock.
const start = int64(1_771_776_000_000)

// world is a room whose clock the test sets, with its log in memory.
type world struct {
	t      testing.TB
	s      *state.State
	now    state.Moment
	people map[string]realtime.Principal
	log    *memory
	next   int
	heard  func(state.Entry, state.Effects)
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{
		t: tb, now: state.Moment{Now: start + 2000, Edge: start}, people: map[string]realtime.Principal{}, log: &memory{epoch: "one"},
		s: state.New(state.Rules{
			EditWindow: 2 * time.Minute, DisplayPerSecond: 10, HandTimeout: 10 * time.Minute, VoteGrace: 30 * time.Second,
			Settings: realtime.Settings{Chat: realtime.ChatOpen, Names: realtime.NamesBoth},
		}),
	}
	w.join("host", "Dr Byron", realtime.RoleHost)
	return w
}

func (w *world) join(id, name string, role realtime.Role) {
	w.people[id] = realtime.Principal{ID: "person-" + id, Name: name, Role: role, Permissions: role.Permissions()}
	w.apply(state.Entry{TS: w.now.Now, MediaTS: w.now.Edge, By: &state.Author{ID: "person-" + id, Name: name, Role: role}, Fact: state.Joined{}})
}

func (w *world) leave(id string) {
	who := w.people[id]
	w.apply(state.Entry{TS: w.now.Now, By: &state.Author{ID: who.ID, Name: who.Name, Role: who.Role}, Fact: state.Left{At: w.now.Now}})
}

func (w *world) tick() {
	w.apply(state.Entry{TS: w.now.Now, MediaTS: w.now.Edge, Fact: state.Ticked{}})
}

func (w *world) pass(d time.Duration) {
	w.now.Now += d.Milliseconds()
	w.now.Edge += d.Milliseconds()
	for _, f := range w.s.Due(w.now.Now) {
		w.apply(state.Entry{TS: w.now.Now, MediaTS: w.now.Edge, Fact: f})
	}
}

func (w *world) apply(e state.Entry) {
	w.t.Helper()
	b, err := e.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	w.log.add(b)
	fx := w.s.Apply(e)
	if w.heard != nil {
		w.heard(e, fx)
	}
}

// try has somebody do something, and returns the id of what that made.
func (w *world) try(by string, data realtime.CommandData) (string, error) {
	w.t.Helper()
	w.next++
	d, err := w.s.Decide(realtime.Command{Type: data.CommandType(), ID: fmt.Sprint("command-", w.next), Data: data}, w.people[by], w.now)
	if err == nil && d.Entry != nil {
		w.apply(*d.Entry)
	}
	return d.ID, err
}

func (w *world) do(by string, data realtime.CommandData) string {
	w.t.Helper()
	id, err := w.try(by, data)
	if err != nil {
		w.t.Fatalf("%s: %+v: %v", by, data, err)
	}
	return id
}

// memory is a log in memory.
type memory struct {
	mu      sync.Mutex
	epoch   string
	records []broker.Record
	read    atomic.Int64 // entries that were handed out
}

func (m *memory) add(b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records = append(m.records, broker.Record{Seq: uint64(len(m.records)) + 1, Data: b})
}

// renew makes it another log, with nothing in it.
func (m *memory) renew(epoch string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch, m.records = epoch, nil
}

func (m *memory) History(ctx context.Context, _ string, from broker.Position, limit int) ([]broker.Record, broker.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.records) == 0 && from.Seq == 0 {
		return nil, broker.Position{}, ctx.Err()
	}
	end := broker.Position{Epoch: m.epoch, Seq: uint64(len(m.records))}
	if from != (broker.Position{}) && (from.Epoch != m.epoch || from.Seq > end.Seq) {
		return nil, end, broker.ErrPositionLost
	}
	some := m.records[from.Seq:]
	some = some[:min(limit, len(some))]
	m.read.Add(int64(len(some)))
	return some, end, ctx.Err()
}

// reader is a library with a clock, on a log.
type reader struct {
	*transcript.Library
	t     testing.TB
	now   time.Time
	ended bool
}

func read(tb testing.TB, log transcript.Log) *reader {
	tb.Helper()
	r := &reader{t: tb, now: time.UnixMilli(start)}
	r.Library = transcript.New(transcript.Deps{
		Log: log, Ended: func(context.Context, string) bool { return r.ended }, Now: func() time.Time { return r.now },
	})
	return r
}

// get reads a document into v, once it is looked for anew.
func (r *reader) get(file string, v any) *transcript.Document {
	r.t.Helper()
	r.now = r.now.Add(time.Second)
	d, err := r.Document(r.t.Context(), class, file)
	if err != nil {
		r.t.Fatalf("%s: %v", file, err)
	}
	if err := json.Unmarshal(d.Body, v); err != nil {
		r.t.Fatalf("%s: %v", file, err)
	}
	return d
}

// all returns the index and the messages of all minutes, and their texts.
func (r *reader) all() (index transcript.Index, messages []transcript.Message, text string) {
	r.t.Helper()
	var b strings.Builder
	b.Write(r.get("index.json", &index).Body)
	for _, m := range index.Minutes {
		var minute transcript.Minute
		b.Write(r.get(fmt.Sprintf("%d.json", m.Minute), &minute).Body)
		if minute.Minute != m.Minute || len(minute.Messages) != m.Messages {
			r.t.Errorf("minute %d has %d messages, the index says %d", minute.Minute, len(minute.Messages), m.Messages)
		}
		messages = append(messages, minute.Messages...)
	}
	return index, messages, b.String()
}

// running is the real broker on a file.
func running(tb testing.TB, path string) (b *broker.Embedded, stop func()) {
	tb.Helper()
	db, err := kv.Open(path, kv.Options{SkipFreelist: true})
	if err != nil {
		tb.Fatal(err)
	}
	b = broker.NewEmbedded(broker.DefaultConfig(), broker.Deps{DB: db})
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := b.Run(ctx); err != nil {
			tb.Errorf("run: %v", err)
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		wait.Wait()
		if err := db.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	tb.Cleanup(stop)
	return b, stop
}

// store writes a log into a broker.
func store(tb testing.TB, b *broker.Embedded, room string, log *memory) {
	tb.Helper()
	done := make(chan broker.Result, len(log.records))
	for _, r := range log.records {
		if err := b.Enqueue(room, broker.Event{Data: r.Data}, func(res broker.Result) { done <- res }); err != nil {
			tb.Fatal(err)
		}
	}
	for range log.records {
		if res := <-done; res.Err != nil {
			tb.Fatal(res.Err)
		}
	}
}

func database(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(tb.TempDir(), "rooms.db")
}
