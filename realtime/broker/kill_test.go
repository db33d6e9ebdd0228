package broker_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/storage/kv"
)

// childFile names the environment variable that makes the test binary a server:
// it publishes into that database until it is killed.
const childFile = "LECTERN_BROKER_TEST_FILE"

// fact is one event that the child was told is kept.
type fact struct {
	Room, ID string
	Position broker.Position
}

// publishUntilKilled has several publishers send to a few rooms as fast as they
// can, and prints each event once it is acknowledged.
func publishUntilKilled(path string) {
	check := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	db, err := kv.Open(path, kv.Options{SkipFreelist: true})
	check(err)
	b := broker.NewEmbedded(broker.DefaultConfig(), broker.Deps{DB: db})
	ctx := context.Background()
	var wait sync.WaitGroup
	wait.Go(func() { check(b.Run(ctx)) })
	var mu sync.Mutex
	out := json.NewEncoder(os.Stdout)
	for p := range 100 {
		wait.Go(func() {
			for i := 0; ; i++ {
				room := fmt.Sprint("room-", i%3)
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), p, i)
				pos, again, err := b.Publish(ctx, room, broker.Event{ID: id, Data: []byte(id)})
				check(err)
				if i%5 == 0 { // a client that sends again
					pos, again, err = b.Publish(ctx, room, broker.Event{ID: id, Data: []byte(id)})
					check(err)
				}
				if again != (i%5 == 0) {
					panic("again")
				}
				mu.Lock()
				check(out.Encode(fact{room, id, pos}))
				mu.Unlock()
			}
		})
	}
	wait.Wait()
}

// kill lets a child publish for a while and returns what it said.
func kill(t *testing.T, path string, after time.Duration) []fact {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childFile+"="+path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var facts []fact
	lines := bufio.NewReader(pipe)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break // the last line may be cut
		}
		var f fact
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatalf("child says %q: %v", line, err)
		}
		if facts = append(facts, f); len(facts) == 1 {
			timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
			defer timer.Stop()
		}
	}
	if err := cmd.Wait(); len(facts) == 0 || stderr.Len() > 0 {
		t.Fatalf("child: %v, %d facts\n%s", err, len(facts), stderr.Bytes())
	}
	return facts
}

// Whatever moment the process is killed at, every event that was acknowledged is
// there once, where it was said to be, and no number is missing.
func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rooms.db")
	const kills = 20
	acked := make(map[fact]bool)
	for range kills {
		for _, f := range kill(t, path, time.Duration(rand.IntN(40_000))*time.Microsecond) {
			acked[f] = true
		}
	}
	r := run(t, path, broker.DefaultConfig(), broker.Deps{})
	kept := 0
	for i := range 3 {
		room := fmt.Sprint("room-", i)
		_, end, err := r.History(t.Context(), room, broker.Position{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[string]bool)
		next := uint64(1)
		if _, err = broker.Each(t.Context(), r, room, func(rec broker.Record) error {
			if rec.Seq != next || seen[rec.ID] || string(rec.Data) != rec.ID {
				return fmt.Errorf("event %d is %q, %q; %d is next; seen: %v", rec.Seq, rec.ID, rec.Data, next, seen[rec.ID])
			}
			seen[rec.ID] = true
			next++
			delete(acked, fact{room, rec.ID, broker.Position{Epoch: end.Epoch, Seq: rec.Seq}})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		kept += len(seen)
	}
	for f := range acked {
		t.Errorf("lost: %+v", f)
	}
	t.Logf("%d kills, %d events kept", kills, kept)
}
