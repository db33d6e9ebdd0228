package broker_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/storage/kv"
)

func open(t *testing.T) *kv.DB {
	t.Helper()
	db, err := kv.Open(filepath.Join(t.TempDir(), "rooms.db"), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// While the disk does not move, the queue fills up and then says so.
func TestFullQueueIsBusy(t *testing.T) {
	for _, tc := range []struct {
		name string
		data int
		fits int
	}{
		{"events", 10, 1000},
		{"bytes", broker.MaxData, 511}, // 32 MiB, less the names
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := broker.NewEmbedded(broker.Config{ResumeEvents: 100, QueueEvents: 1000}, broker.Deps{DB: open(t)})
			ev := broker.Event{Data: make([]byte, tc.data)}
			n := 0
			for ; n < 2000; n++ {
				if err := b.Enqueue("a", ev, func(broker.Result) {}); err != nil {
					if !errors.Is(err, broker.ErrBusy) {
						t.Fatal(err)
					}
					break
				}
			}
			if n != tc.fits || b.Health().Waiting != n {
				t.Errorf("%d events were taken, %+v; want %d", n, b.Health(), tc.fits)
			}
		})
	}
}

// A disk that fails is told to everyone whose event it loses, and shows in the
// health.
func TestFailureIsTold(t *testing.T) {
	r := run(t, filepath.Join(t.TempDir(), "rooms.db"), broker.DefaultConfig(), broker.Deps{})
	if _, _, err := r.Publish(t.Context(), "a", broker.Event{}); err != nil {
		t.Fatal(err)
	}
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, _, err := r.Publish(t.Context(), "a", broker.Event{}); !errors.Is(err, kv.ErrClosed) {
			t.Errorf("publish: %v", err)
		}
		if h := r.Health(); !errors.Is(h.Err, kv.ErrClosed) {
			t.Errorf("health is %+v", h)
		}
	}
	if _, _, err := r.PutIf(t.Context(), "a", "key", 0, nil); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("put: %v", err)
	}
	if _, end, err := r.History(t.Context(), "a", broker.Position{}, 0); err != nil || end.Seq != 1 {
		t.Errorf("memory says %+v, %v, though nothing was kept since", end, err)
	}
}

// Those who come back read memory, also right after a restart: a thousand of them
// cost no read of the disk.
func TestResumeReadsNoDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rooms.db")
	cfg := broker.DefaultConfig()
	cfg.ResumeEvents = 100
	r := run(t, path, cfg, broker.Deps{})
	done := make(chan broker.Result, 300)
	for range 300 {
		if err := r.Enqueue("a", broker.Event{Data: []byte("x")}, func(r broker.Result) { done <- r }); err != nil {
			t.Fatal(err)
		}
	}
	for range 300 {
		<-done
	}
	reads := func() int {
		t.Helper()
		n, err := testutil.GatherAndCount(r.reg, "lectern_broker_disk_reads_total")
		if err != nil || n != 1 {
			t.Fatal(n, err)
		}
		families, err := r.reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "lectern_broker_disk_reads_total" {
				return int(f.GetMetric()[0].GetCounter().GetValue())
			}
		}
		return -1
	}
	check := func(end uint64) {
		t.Helper()
		_, pos, herr := r.History(t.Context(), "a", broker.Position{}, 0)
		if herr != nil || pos.Seq != end {
			t.Fatal(pos, herr)
		}
		before := reads()
		for back := range uint64(101) {
			got, _, err := r.History(t.Context(), "a", broker.Position{Epoch: pos.Epoch, Seq: end - back}, 1000)
			if err != nil || len(got) != int(back) { //nolint:gosec // small
				t.Fatalf("%d back: %d events, %v", back, len(got), err)
			}
		}
		if n := reads() - before; n != 0 {
			t.Errorf("%d reads of the disk", n)
		}
		got, _, err := r.History(t.Context(), "a", broker.Position{Epoch: pos.Epoch, Seq: end - 101}, 1000)
		if err != nil || len(got) != 101 || reads() != before+1 {
			t.Errorf("101 back: %d events, %v, %d reads", len(got), err, reads()-before)
		}
	}
	check(300)
	r.stop()
	r = run(t, path, cfg, broker.Deps{})
	if _, _, err := r.Publish(t.Context(), "a", broker.Event{}); err != nil {
		t.Fatal(err)
	}
	check(301)
}

// Ids are remembered for two minutes, by the clock of the events, also those that
// memory does not hold the event of.
func TestIDsAreForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rooms.db")
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	deps := broker.Deps{Now: func() time.Time { return now }}
	cfg := broker.Config{ResumeEvents: 1, QueueEvents: 256}
	r := run(t, path, cfg, deps)
	publish := func(id string) (uint64, bool) {
		t.Helper()
		pos, again, err := r.Publish(t.Context(), "a", broker.Event{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		return pos.Seq, again
	}
	publish("one")
	for i := range 5 {
		publish(fmt.Sprint(i))
	}
	now = now.Add(2 * time.Minute)
	publish("last")
	if seq, again := publish("one"); seq != 1 || !again {
		t.Errorf("after two minutes: %d, again %v", seq, again)
	}
	r.stop()
	r = run(t, path, cfg, deps)
	if seq, again := publish("one"); seq != 1 || !again {
		t.Errorf("after a restart: %d, again %v", seq, again)
	}
	now = now.Add(time.Second)
	publish("much later")
	if seq, again := publish("one"); seq != 9 || again {
		t.Errorf("after more than two minutes: %d, again %v", seq, again)
	}
	if seq, again := publish("last"); seq != 7 || !again {
		t.Errorf("a younger one: %d, again %v", seq, again)
	}
}

func TestConfig(t *testing.T) {
	if err := broker.DefaultConfig().Validate(); err != nil {
		t.Errorf("default: %v", err)
	}
	err := broker.Config{Linger: time.Second, ResumeEvents: 1, QueueEvents: 1}.Validate()
	want := "room.log.linger: 1s is outside 0s to 100ms\n" +
		"room.log.resume_events: 1 is outside 100 to 100000\n" +
		"room.log.queue_events: 1 is outside 256 to 1048576"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
