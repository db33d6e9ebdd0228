package brokertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lectern/lectern/realtime/broker"
)

// Who decides on what is there is refused when something else has come between,
// and so is all that was decided after.
func testExpected(t *testing.T, open Open) {
	t.Helper()
	b := start(t, open)
	publish(t, b, "a", "first", "1")
	results := make(chan broker.Result, 4)
	for _, at := range []uint64{2, 2, 4, 3} { // the second comes late; the third relied on one that failed
		if err := b.Enqueue("a", broker.Event{At: at}, func(r broker.Result) { results <- r }); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []uint64{2, 0, 0, 3} {
		r := <-results
		if r.Position.Seq != want || (want == 0) != errors.Is(r.Err, broker.ErrConflict) {
			t.Errorf("result %d is %+v, want position %d", i, r, want)
		}
	}
	pos, again, err := b.Publish(t.Context(), "a", broker.Event{ID: "first", At: 17})
	if err != nil || !again || pos.Seq != 1 {
		t.Errorf("an event that is there already: %+v, again %v, %v", pos, again, err)
	}
	// One of many that expect the same is first.
	var won atomic.Int32
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			_, _, err := b.Publish(t.Context(), "a", broker.Event{At: 4})
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, broker.ErrConflict):
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 {
		t.Errorf("%d are first", won.Load())
	}
}

func testHistory(t *testing.T, open Open) {
	t.Helper()
	b := start(t, open)
	if records, end, err := b.History(t.Context(), "nobody", broker.Position{}, 10); err != nil || len(records) > 0 || end != (broker.Position{}) {
		t.Errorf("a room without a log: %v, %+v, %v", records, end, err)
	}
	const n = 40
	var pos broker.Position
	for i := range n {
		pos = publish(t, b, "a", "", fmt.Sprint(i+1))
	}
	for from := range uint64(n + 1) {
		for _, limit := range []int{-1, 0, 1, 7, n, 10 * n} {
			records, end, err := b.History(t.Context(), "a", broker.Position{Epoch: pos.Epoch, Seq: from}, limit)
			if err != nil || end != pos || len(records) != min(max(limit, 0), n-int(from)) { //nolint:gosec // small
				t.Fatalf("%d from %d: %d records, end %+v, %v", limit, from, len(records), end, err)
			}
			for i, r := range records {
				if r.Seq != from+uint64(i)+1 || string(r.Data) != fmt.Sprint(r.Seq) { //nolint:gosec // small
					t.Fatalf("%d from %d: record %d is %d %q", limit, from, i, r.Seq, r.Data)
				}
			}
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := b.History(gone, "a", broker.Position{}, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is over: %v", err)
	}
	if err := b.Subscribe(gone, "a", broker.Position{}, func(broker.Position, broker.Record) error { return nil }); err != nil {
		t.Errorf("with a context that is over: %v", err)
	}
}

// Positions of a log that was deleted are lost, not mistaken for new ones.
func testEpochs(t *testing.T, open Open) {
	t.Helper()
	b, stop := open(t)
	for range 5 {
		publish(t, b, "a", "", "old")
	}
	old := publish(t, b, "a", "again", "old")
	other := publish(t, b, "b", "", "other")
	if _, _, err := b.PutIf(t.Context(), "a", "key", 0, []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if records := all(t, b, "a"); len(records) > 0 {
		t.Errorf("%d events of a deleted log", len(records))
	}
	if rev, _, err := b.PutIf(t.Context(), "a", "key", 0, []byte("new")); err != nil || rev != 1 {
		t.Errorf("a key of a deleted room: %d, %v", rev, err)
	}
	fresh := publish(t, b, "a", "again", "new")
	if fresh.Seq != 1 || fresh.Epoch == old.Epoch || fresh.Epoch == "" || fresh.Epoch == other.Epoch {
		t.Errorf("%+v after %+v was deleted, beside %+v", fresh, old, other)
	}
	check := func() {
		t.Helper()
		for _, lost := range []broker.Position{
			old, {Epoch: old.Epoch}, {Epoch: old.Epoch, Seq: 1}, {Epoch: fresh.Epoch, Seq: 2}, {Seq: 1}, other,
		} {
			if _, _, err := b.History(t.Context(), "a", lost, 10); !errors.Is(err, broker.ErrPositionLost) {
				t.Errorf("history from %+v: %v", lost, err)
			}
			err := b.Subscribe(t.Context(), "a", lost, func(broker.Position, broker.Record) error {
				return errors.New("an event of another epoch")
			})
			if !errors.Is(err, broker.ErrPositionLost) {
				t.Errorf("subscribe from %+v: %v", lost, err)
			}
		}
		if records := all(t, b, "a"); len(records) != 1 || string(records[0].Data) != "new" {
			t.Errorf("the log is %v", records)
		}
	}
	check()
	stop()
	b = start(t, open)
	check()
	if len(all(t, b, "b")) != 1 {
		t.Error("the log of another room has changed")
	}
}

// A subscriber hears that its log was deleted, even if it is longer than before
// by the time it looks.
func testDeletedUnderSubscriber(t *testing.T, open Open) {
	t.Helper()
	b := start(t, open)
	publish(t, b, "a", "", "old")
	heard := make(chan string)
	ended := make(chan error)
	var wait sync.WaitGroup
	wait.Go(func() {
		ended <- b.Subscribe(t.Context(), "a", broker.Position{}, func(_ broker.Position, r broker.Record) error {
			heard <- string(r.Data)
			return nil
		})
	})
	if got := <-heard; got != "old" {
		t.Errorf("heard %q", got)
	}
	if err := b.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		publish(t, b, "a", "", "new")
	}
	select {
	case got := <-heard:
		t.Errorf("heard %q of another epoch", got)
		<-ended
	case err := <-ended:
		if !errors.Is(err, broker.ErrPositionLost) {
			t.Errorf("subscribe: %v", err)
		}
	}
	wait.Wait()
}

func testKeys(t *testing.T, open Open) {
	t.Helper()
	b, stop := open(t)
	const racers = 100
	var won atomic.Int32
	var wait sync.WaitGroup
	for i := range racers {
		wait.Go(func() {
			mine := fmt.Append(nil, i)
			rev, current, err := b.PutIf(t.Context(), "a", "vote", 0, mine)
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, broker.ErrConflict) || bytes.Equal(current, mine):
				t.Errorf("second: %q, %v", current, err)
			}
			if rev != 1 {
				t.Errorf("revision %d", rev)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of %d racers won", won.Load(), racers)
	}
	if rev, _, err := b.PutIf(t.Context(), "b", "vote", 0, nil); err != nil || rev != 1 {
		t.Errorf("the same key of another room: %d, %v", rev, err)
	}
	if rev, current, err := b.PutIf(t.Context(), "a", "vote", 1, []byte("changed")); err != nil || rev != 2 || string(current) != "changed" {
		t.Errorf("change: %d %q, %v", rev, current, err)
	}
	stop()
	b = start(t, open)
	for _, rev := range []uint64{0, 1, 3} {
		have, current, err := b.PutIf(t.Context(), "a", "vote", rev, []byte("late"))
		if !errors.Is(err, broker.ErrConflict) || have != 2 || string(current) != "changed" {
			t.Errorf("revision %d after a restart: %d %q, %v", rev, have, current, err)
		}
	}
}

func testLimits(t *testing.T, open Open) {
	t.Helper()
	b := start(t, open)
	long := string(make([]byte, 200))
	for _, tc := range []struct {
		name string
		room string
		ev   broker.Event
	}{
		{"no room", "", broker.Event{}},
		{"long room", long, broker.Event{}},
		{"long id", "a", broker.Event{ID: long}},
		{"much data", "a", broker.Event{Data: make([]byte, broker.MaxData+1)}},
	} {
		if _, _, err := b.Publish(t.Context(), tc.room, tc.ev); !errors.Is(err, broker.ErrTooLarge) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	for _, err := range []error{
		b.Delete(t.Context(), ""),
		b.Subscribe(t.Context(), long, broker.Position{}, nil),
		func() error { _, _, err := b.PutIf(t.Context(), "a", "", 0, nil); return err }(),
	} {
		if !errors.Is(err, broker.ErrTooLarge) {
			t.Errorf("no or long names: %v", err)
		}
	}
	id := string(bytes.Repeat([]byte{'x'}, broker.MaxID))
	pos, _, err := b.Publish(t.Context(), "a", broker.Event{ID: id, Data: make([]byte, broker.MaxData)})
	if err != nil || pos.Seq != 1 {
		t.Errorf("the largest event: %+v, %v", pos, err)
	}
	if r := all(t, b, "a"); len(r) != 1 || len(r[0].Data) != broker.MaxData || r[0].ID != id {
		t.Error("the largest event was changed")
	}
	if h := b.Health(); h.Err != nil || h.Waiting != 0 {
		t.Errorf("health is %+v", h)
	}
}

func testSignals(t *testing.T, open Open) {
	t.Helper()
	b := start(t, open)
	heard := make(chan string, 10)
	cancel := b.OnSignal("a", "typing", func(p []byte) { heard <- "one " + string(p) })
	defer b.OnSignal("a", "typing", func(p []byte) { heard <- "two " + string(p) })()
	signal := func(room, kind, payload string) {
		t.Helper()
		if err := b.Signal(t.Context(), room, kind, []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	signal("b", "typing", "x")
	signal("a", "other", "x")
	signal("a", "typing", "p")
	got := map[string]bool{<-heard: true, <-heard: true}
	if !got["one p"] || !got["two p"] {
		t.Errorf("heard %v", got)
	}
	cancel()
	signal("a", "typing", "q")
	if g := <-heard; g != "two q" {
		t.Errorf("heard %q", g)
	}
}
