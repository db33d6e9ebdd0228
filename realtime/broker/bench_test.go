package broker_test

import (
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime/broker"
)

// BenchmarkPublish is the throughput of many senders to ten rooms that each wait
// for their acknowledgement.
func BenchmarkPublish(b *testing.B) {
	for _, senders := range []int{1, 256, 1000} {
		b.Run(strconv.Itoa(senders), func(b *testing.B) {
			r := run(b, filepath.Join(b.TempDir(), "rooms.db"), broker.DefaultConfig(), broker.Deps{})
			data := make([]byte, 200)
			work := make(chan int)
			var wait sync.WaitGroup
			for range senders {
				wait.Go(func() {
					for i := range work {
						ev := broker.Event{ID: strconv.Itoa(i), Data: data}
						if _, _, err := r.Publish(b.Context(), "room-"+strconv.Itoa(i%10), ev); err != nil {
							b.Error(err)
						}
					}
				})
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				work <- i
			}
			close(work)
			wait.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkAck is the delay from enqueuing to the acknowledgement at 500 events
// a second.
func BenchmarkAck(b *testing.B) {
	r := run(b, filepath.Join(b.TempDir(), "rooms.db"), broker.DefaultConfig(), broker.Deps{})
	data := make([]byte, 200)
	delays := make(chan time.Duration, b.N)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for i := range b.N {
		<-tick.C
		start := time.Now()
		ev := broker.Event{ID: strconv.Itoa(i), Data: data}
		if err := r.Enqueue("a", ev, func(broker.Result) { delays <- time.Since(start) }); err != nil {
			b.Fatal(err)
		}
	}
	all := make([]time.Duration, b.N)
	for i := range all {
		all[i] = <-delays
	}
	slices.Sort(all)
	b.ReportMetric(all[len(all)/2].Seconds()*1e3, "p50-ms")
	b.ReportMetric(all[len(all)*99/100].Seconds()*1e3, "p99-ms")
}

// BenchmarkResume is what it costs to give one client the last 500 events.
func BenchmarkResume(b *testing.B) {
	r := run(b, filepath.Join(b.TempDir(), "rooms.db"), broker.DefaultConfig(), broker.Deps{})
	done := make(chan broker.Result, 2000)
	var last broker.Position
	for range 2000 {
		if err := r.Enqueue("a", broker.Event{Data: make([]byte, 200)}, func(r broker.Result) { done <- r }); err != nil {
			b.Fatal(err)
		}
	}
	for range 2000 {
		last = (<-done).Position
	}
	last.Seq -= 500
	b.ReportAllocs()
	for b.Loop() {
		if records, _, err := r.History(b.Context(), "a", last, 1000); err != nil || len(records) != 500 {
			b.Fatal(len(records), err)
		}
	}
}
