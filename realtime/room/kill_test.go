package room_test

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

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room"
	"github.com/lectern/lectern/realtime/room/state"
	"github.com/lectern/lectern/storage/kv"
)

// childFile names the environment variable that makes the test binary a server
// with a busy room in it, until it is killed.
const childFile = "LECTERN_ROOM_TEST_FILE"

// talker is a connection that prints what was acknowledged.
type talker struct {
	mu   *sync.Mutex
	out  *json.Encoder
	acks chan struct{}
}

// acked is a command that was acknowledged, with what it said.
type acked struct {
	Command string
	ID      string
}

func (t *talker) Send(frames ...*room.Frame) {
	for _, f := range frames {
		t.take(f)
	}
}

func (t *talker) take(f *room.Frame) {
	var ev realtime.Event
	var a realtime.Ack
	if json.Unmarshal(f.Bytes, &ev) != nil || ev.Type == realtime.EventError {
		panic(string(f.Bytes))
	}
	if ev.Type != realtime.EventAck {
		return
	}
	if json.Unmarshal(ev.Data, &a) != nil {
		panic(string(f.Bytes))
	}
	t.mu.Lock()
	_ = t.out.Encode(acked{ev.Re, a.ID})
	t.mu.Unlock()
	t.acks <- struct{}{}
}

func (t *talker) Close(code realtime.CloseCode, _ time.Duration) { panic(code.Info().Name) }

// talkUntilKilled has many people write and vote, each as often as they may.
func talkUntilKilled(path string) {
	check := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	db, err := kv.Open(path, kv.Options{SkipFreelist: true})
	check(err)
	b := broker.NewEmbedded(broker.DefaultConfig(), broker.Deps{DB: db})
	rooms := room.New(room.DefaultConfig(), room.Deps{Broker: b})
	ctx := context.Background()
	var wait sync.WaitGroup
	wait.Go(func() { check(b.Run(ctx)) })
	wait.Go(func() { check(rooms.Run(ctx)) })
	var mu sync.Mutex
	out := json.NewEncoder(os.Stdout)
	for p := range 100 {
		wait.Go(func() {
			t := &talker{mu: &mu, out: out, acks: make(chan struct{}, 10)}
			who := principal(fmt.Sprintf("p%d-%d", os.Getpid(), p), realtime.RoleHost) // staff have a wide limit
			m, err := rooms.Join(ctx, "algebra", who, room.Position{}, t)
			check(err)
			do := func(id string, d realtime.CommandData) {
				m.Do(realtime.Command{Type: d.CommandType(), ID: id, Data: d})
				<-t.acks
			}
			for i := range 20 { // the burst
				id := fmt.Sprintf("said-%d-%d-%d", os.Getpid(), p, i)
				do(id, realtime.ChatSend{Text: id})
				if i%5 == 0 {
					do(id, realtime.ChatSend{Text: id}) // sent again
				}
			}
		})
	}
	wait.Wait()
}

// Whatever moment the process is killed at, every message that was acknowledged is
// there once, as what it was said to be.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rooms.db")
	said := make(map[string]string) // ids of messages by text
	for range 8 {
		for _, a := range talkAndKill(t, path, time.Duration(rand.IntN(200_000))*time.Microsecond) {
			if id, again := said[a.Command]; again && id != a.ID {
				t.Errorf("%s is %s and %s", a.Command, id, a.ID)
			}
			said[a.Command] = a.ID
		}
	}
	db, err := kv.Open(path, kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := broker.NewEmbedded(broker.DefaultConfig(), broker.Deps{DB: db})
	seen := make(map[string]bool)
	s := state.New(state.Rules{DisplayPerSecond: 10})
	if _, err = broker.Each(t.Context(), b, "algebra", func(rec broker.Record) error {
		e, derr := state.DecodeEntry(rec.Data)
		if derr != nil {
			return derr
		}
		s.Apply(e)
		if m, ok := e.Fact.(state.Said); ok {
			if seen[m.Text] || rec.Seq != s.Seq() {
				return fmt.Errorf("%q is there twice, or %d is behind %d", m.Text, rec.Seq, s.Seq())
			}
			seen[m.Text] = true
			if id, known := said[m.Text]; known && id != fmt.Sprint("m", rec.Seq) {
				return fmt.Errorf("%q is %d, and was said to be %s", m.Text, rec.Seq, id)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	for text := range said {
		if !seen[text] {
			t.Errorf("lost: %s", text)
		}
	}
	if err = db.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("%d messages were acknowledged, %d are there", len(said), len(seen))
}

func talkAndKill(t *testing.T, path string, after time.Duration) []acked {
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
	var all []acked
	lines := bufio.NewReader(pipe)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break // the last line may be cut
		}
		var a acked
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatalf("child says %q: %v", line, err)
		}
		if all = append(all, a); len(all) == 1 {
			timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
			defer timer.Stop()
		}
	}
	if err := cmd.Wait(); len(all) == 0 || stderr.Len() > 0 {
		t.Fatalf("child: %v, %d acks\n%s", err, len(all), stderr.Bytes())
	}
	return all
}
