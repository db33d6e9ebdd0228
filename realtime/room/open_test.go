package room_test

import (
	"context"
	"fmt"
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

// lessonLog is n entries of a large lesson, of 2,000 people who write, vote for
// questions and in polls, and come and go.
func lessonLog(n int) []state.Entry {
	ts := int64(1_800_000_000_000)
	log := make([]state.Entry, 0, n)
	add := func(by string, command string, f state.Fact) {
		e := state.Entry{TS: ts, MediaTS: ts - 2000, Fact: f, Command: command}
		if by != "" {
			role := realtime.RoleParticipant
			if by == "host" {
				role = realtime.RoleHost
			}
			e.By = &state.Author{ID: by, Name: "Name of " + by, Role: role}
		}
		log = append(log, e)
		ts += 50
	}
	add("host", "", state.Joined{})
	for i := range 2000 {
		add(fmt.Sprint("p_", i), "", state.Joined{})
	}
	poll, question := "", ""
	for i := 0; len(log) < n; i++ {
		by, command := fmt.Sprint("p_", i*7919%2000), fmt.Sprintf("01K9ZQ4R7W3T8Y2N%010d", i)
		switch {
		case i%2500 == 0:
			poll = fmt.Sprint("p", len(log)+1)
			add("host", command, state.PollSaved{Poll: poll, Draft: realtime.PollDraft{
				Kind: realtime.PollSingle, Prompt: "What is the derivative?", Options: []string{"x", "2x", "x³/3"}, Quiz: true, Correct: []int{1}, Results: realtime.ResultsLive,
			}})
			add("host", command+"o", state.PollOpened{Poll: poll, At: ts})
		case i%2500 == 2400:
			add("host", command, state.PollClosed{Poll: poll, At: ts})
		case i%200 == 1:
			question = fmt.Sprint("q", len(log)+1)
			add(by, command, state.Asked{Text: "Why does the limit exist if the sequence is only bounded from above?"})
		case i%10 < 4:
			add(by, command, state.Said{Text: "what does the second term on the slide stand for?"})
		case i%10 < 7:
			add(by, command, state.Voted{Poll: poll, Choices: []int{i % 3}, MediaTS: ts - 4000})
		case i%10 < 8 && question != "":
			add(by, command, state.Upvoted{Question: question, Up: true})
		case i%20 == 18:
			add(by, "", state.Left{At: ts - 30_000, Playing: 60_000})
			add(by, "", state.Joined{})
		default:
			add("", "", state.Ticked{})
		}
	}
	return log[:n]
}

// BenchmarkOpen is a room that is opened from a log of 100,000 entries.
func BenchmarkOpen(b *testing.B) {
	const entries = 100_000
	db, err := kv.Open(filepath.Join(b.TempDir(), "rooms.db"), kv.Options{SkipFreelist: true})
	if err != nil {
		b.Fatal(err)
	}
	cfg := room.DefaultConfig()
	keep := func(fn func(br broker.Broker)) {
		br := broker.NewEmbedded(cfg.Log, broker.Deps{DB: db})
		ctx, cancel := context.WithCancel(context.Background())
		var wait sync.WaitGroup
		wait.Go(func() { _ = br.Run(ctx) })
		fn(br)
		cancel()
		wait.Wait()
	}
	keep(func(br broker.Broker) {
		var kept sync.WaitGroup
		for _, e := range lessonLog(entries) {
			data, err := e.Encode()
			if err != nil {
				b.Fatal(err)
			}
			ev := broker.Event{Data: data}
			if e.Command != "" {
				ev.ID = state.CommandKey(e.By.ID, e.Command)
			}
			kept.Add(1)
			for br.Enqueue("algebra", ev, func(r broker.Result) {
				if r.Err != nil {
					b.Error(r.Err)
				}
				kept.Done()
			}) != nil {
				time.Sleep(time.Millisecond) //nolint:forbidigo // a benchmark
			}
		}
		kept.Wait()
	})
	for b.Loop() {
		keep(func(br broker.Broker) {
			rooms := room.New(cfg, room.Deps{Broker: br})
			ctx, cancel := context.WithCancel(context.Background())
			var wait sync.WaitGroup
			wait.Go(func() { _ = rooms.Run(ctx) })
			if err := rooms.Read(b.Context(), "algebra", func(st *state.State) {
				if st.Seq() < entries {
					b.Errorf("%d entries", st.Seq())
				}
			}); err != nil {
				b.Error(err)
			}
			cancel()
			wait.Wait()
		})
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/entries, "us/entry")
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}
