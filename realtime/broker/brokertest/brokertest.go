// Package brokertest holds what every [broker.Broker] must guarantee: nothing
// that was acknowledged is lost or there twice (G1), one order without gaps (G2),
// one event for one id however often and from wherever it is sent (G3, G4), and
// no mixing of epochs (G8).
package brokertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/lectern/lectern/realtime/broker"
)

// Open starts a broker on the storage of one test. It may be called again after
// stop, which returns when the broker has ended: then it finds what was kept.
type Open func(t *testing.T) (b broker.Broker, stop func())

// Run runs all tests. fresh gives each of them a storage of its own.
func Run(t *testing.T, fresh func(t *testing.T) Open) {
	t.Helper()
	for _, tc := range []struct {
		name string
		run  func(t *testing.T, open Open)
	}{
		{"order", testOrder},
		{"restart", testRestart},
		{"duplicates", testDuplicates},
		{"ambiguous publish", testAmbiguous},
		{"results in order", testResults},
		{"expected position", testExpected},
		{"pages of history", testHistory},
		{"epochs", testEpochs},
		{"deleted under a subscriber", testDeletedUnderSubscriber},
		{"keys", testKeys},
		{"limits", testLimits},
		{"signals", testSignals},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.run(t, fresh(t))
		})
	}
}

// start opens a broker and stops it at the end of the test.
func start(t *testing.T, open Open) broker.Broker {
	t.Helper()
	b, stop := open(t)
	t.Cleanup(stop)
	return b
}

func publish(t *testing.T, b broker.Broker, room, id, data string) broker.Position {
	t.Helper()
	pos, again, err := b.Publish(t.Context(), room, broker.Event{ID: id, Data: []byte(data)})
	if err != nil || again {
		t.Fatalf("publish %q: %+v, again %v, %v", data, pos, again, err)
	}
	return pos
}

// all reads a room's log, which must have no gap.
func all(t *testing.T, b broker.Broker, room string) []broker.Record {
	t.Helper()
	var records []broker.Record
	_, err := broker.Each(t.Context(), b, room, func(r broker.Record) error {
		if r.Seq != uint64(len(records))+1 {
			t.Fatalf("event %d of %s is behind %d", r.Seq, room, len(records))
		}
		records = append(records, r)
		return nil
	})
	if err != nil {
		t.Fatalf("read %s: %v", room, err)
	}
	return records
}

// collect subscribes and returns the next n records.
func collect(t *testing.T, b broker.Broker, room string, from broker.Position, n int) []broker.Record {
	t.Helper()
	var records []broker.Record
	enough := errors.New("enough")
	err := b.Subscribe(t.Context(), room, from, func(pos broker.Position, r broker.Record) error {
		if pos.Seq != r.Seq {
			t.Errorf("event %d comes with position %+v", r.Seq, pos)
		}
		if records = append(records, r); len(records) == n {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Errorf("subscribe to %s from %+v: %v", room, from, err)
	}
	return records
}

func same(t *testing.T, what string, a, b []broker.Record) {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%s: %d and %d events", what, len(a), len(b))
	}
	for i := range a {
		if a[i].Seq != b[i].Seq || a[i].ID != b[i].ID || string(a[i].Data) != string(b[i].Data) || !a[i].Time.Equal(b[i].Time) {
			t.Fatalf("%s: %+v and %+v", what, a[i], b[i])
		}
	}
}

// Everybody sees the same order, whenever they began to listen.
func testOrder(t *testing.T, open Open) {
	t.Helper()
	b := start(t, open)
	const publishers, each = 12, 20
	rooms := []string{"a", "b", "c"}
	var wait sync.WaitGroup
	heard := make([][]broker.Record, 2*len(rooms))
	for i, room := range rooms {
		wait.Go(func() { heard[2*i] = collect(t, b, room, broker.Position{}, publishers*each) })
	}
	var half sync.WaitGroup
	for p := range publishers {
		half.Add(1)
		wait.Go(func() {
			for i := range each {
				if i == each/2 {
					half.Done()
				}
				for _, room := range rooms {
					_, _, err := b.Publish(t.Context(), room, broker.Event{Data: fmt.Appendf(nil, "%s %d %d", room, p, i)})
					if err != nil {
						t.Errorf("publish: %v", err)
					}
				}
			}
		})
	}
	half.Wait()
	for i, room := range rooms {
		wait.Go(func() { heard[2*i+1] = collect(t, b, room, broker.Position{}, publishers*each) })
	}
	wait.Wait()
	for i, room := range rooms {
		log := all(t, b, room)
		same(t, "early listener", heard[2*i], log)
		same(t, "late listener", heard[2*i+1], log)
		next := make([]int, publishers)
		for _, r := range log {
			var in string
			var p, n int
			if _, err := fmt.Sscanf(string(r.Data), "%s %d %d", &in, &p, &n); err != nil || in != room || n != next[p] {
				t.Fatalf("%s has %q, the next of that publisher is %d", room, r.Data, next[p])
			}
			next[p]++
		}
	}
}

// What was acknowledged is there after a restart, and goes on.
func testRestart(t *testing.T, open Open) {
	t.Helper()
	b, stop := open(t)
	for i := range 30 {
		publish(t, b, "a", fmt.Sprint("id-", i), fmt.Sprint("event ", i))
	}
	before := all(t, b, "a")
	_, end, err := b.History(t.Context(), "a", broker.Position{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if _, _, err = b.Publish(t.Context(), "a", broker.Event{}); !errors.Is(err, broker.ErrClosed) {
		t.Errorf("publish after stop: %v", err)
	}

	b = start(t, open)
	same(t, "after a restart", all(t, b, "a"), before)
	pos, again, err := b.Publish(t.Context(), "a", broker.Event{ID: "id-7"})
	if err != nil || !again || pos != (broker.Position{Epoch: end.Epoch, Seq: 8}) {
		t.Errorf("the same id after a restart: %+v, again %v, %v", pos, again, err)
	}
	if pos = publish(t, b, "a", "", "next"); pos != (broker.Position{Epoch: end.Epoch, Seq: 31}) {
		t.Errorf("the next event is %+v, the end was %+v", pos, end)
	}
	if got := collect(t, b, "a", end, 1); string(got[0].Data) != "next" {
		t.Errorf("resumed at the end: %q", got[0].Data)
	}
}

// A hundred deliveries of one command are one event.
func testDuplicates(t *testing.T, open Open) {
	t.Helper()
	b := start(t, open)
	const senders, ids = 25, 8
	var wait sync.WaitGroup
	var mu sync.Mutex
	first, positions := make(map[string]int), make(map[string]broker.Position)
	for range senders {
		wait.Go(func() {
			for i := range ids {
				id := fmt.Sprint("id-", i)
				pos, again, err := b.Publish(t.Context(), "a", broker.Event{ID: id, Data: []byte(id)})
				if err != nil {
					t.Errorf("publish: %v", err)
				}
				mu.Lock()
				if !again {
					first[id]++
				}
				if had, ok := positions[id]; ok && had != pos {
					t.Errorf("%s is at %+v and %+v", id, had, pos)
				}
				positions[id] = pos
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	for id, n := range first {
		if n != 1 {
			t.Errorf("%s was new %d times", id, n)
		}
	}
	log := all(t, b, "a")
	if len(log) != ids || len(first) != ids {
		t.Errorf("%d events, %d firsts of %d ids", len(log), len(first), ids)
	}
	for _, r := range log {
		if positions[r.ID].Seq != r.Seq || string(r.Data) != r.ID {
			t.Errorf("%+v was acknowledged at %+v", r, positions[r.ID])
		}
	}
	// Ids of one room say nothing about another; no id is not an id.
	publish(t, b, "b", "id-0", "id-0")
	publish(t, b, "b", "", "x")
	publish(t, b, "b", "", "x")
}

// A sender that gave up waiting, and asks again, is told of the one event.
func testAmbiguous(t *testing.T, open Open) {
	t.Helper()
	b := start(t, open)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for i := range 20 {
		ev := broker.Event{ID: fmt.Sprint(i), Data: []byte("x")}
		_, _, err := b.Publish(gone, "a", ev)
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if _, _, err = b.Publish(t.Context(), "a", ev); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(all(t, b, "a")); n != 20 {
		t.Errorf("%d events of 20", n)
	}
}

// The results of a room come in the order of its positions, and after all of
// them are on the disk.
func testResults(t *testing.T, open Open) {
	t.Helper()
	b := start(t, open)
	const n = 500
	results := make(chan broker.Result, n)
	for i := range n {
		if err := b.Enqueue("a", broker.Event{ID: fmt.Sprint(i)}, func(r broker.Result) { results <- r }); err != nil {
			t.Fatal(err)
		}
	}
	var epoch string
	for i := range n {
		r := <-results
		if i == 0 {
			epoch = r.Position.Epoch
		}
		if r != (broker.Result{Position: broker.Position{Epoch: epoch, Seq: uint64(i) + 1}}) || epoch == "" {
			t.Fatalf("result %d is %+v", i, r)
		}
	}
	if got := len(all(t, b, "a")); got != n {
		t.Errorf("%d events of %d", got, n)
	}
}
