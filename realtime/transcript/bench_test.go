package transcript_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/transcript"
)

// busy is a class of 90 minutes with 54,000 messages of 500 people.
func busy(b *testing.B) *world {
	b.Helper()
	w := newWorld(b)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 500 {
		w.join(fmt.Sprint(i), fmt.Sprintf("Participant %d", i), realtime.RoleParticipant)
	}
	words := []string{"light", "carbon", "is", "the", "cycle", "of", "a", "plant", "why", "green", "thanks", "chlorophyll", "not", "water", "and"}
	for i := range 54_000 {
		var text strings.Builder
		for range 4 + rng.IntN(12) {
			text.WriteString(words[rng.IntN(len(words))] + " ")
		}
		w.do(fmt.Sprint(rng.IntN(500)), realtime.ChatSend{Text: text.String() + fmt.Sprint(i)})
		w.pass(100 * time.Millisecond)
		if i%300 == 0 {
			w.tick()
		}
	}
	return w
}

// BenchmarkFold is the time for a log entry, from a file, and how large the whole is.
func BenchmarkFold(b *testing.B) {
	w := busy(b)
	log, stop := running(b, database(b))
	defer stop()
	for at := 0; at < len(w.log.records); at += 10_000 {
		store(b, log, class, &memory{records: w.log.records[at:min(at+10_000, len(w.log.records))]})
	}
	for b.Loop() {
		r := read(b, log)
		if _, err := r.Document(b.Context(), class, "index.json"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(len(w.log.records)), "us/entry")
	r := read(b, log)
	index, messages, _ := r.all()
	var body, zipped, most int
	for _, m := range index.Minutes {
		d := r.get(fmt.Sprintf("%d.json", m.Minute), &transcript.Minute{})
		body, zipped, most = body+len(d.Body), zipped+len(d.Gzip), max(most, len(d.Gzip))
	}
	b.ReportMetric(float64(len(messages)), "messages")
	b.ReportMetric(float64(body)/1e6, "MB")
	b.ReportMetric(float64(zipped)/1e6, "MB-gzip")
	b.ReportMetric(float64(most)/1e3, "kB-gzip/minute")
}

// BenchmarkSeal is the time to write all documents.
func BenchmarkSeal(b *testing.B) {
	w := busy(b)
	for b.Loop() {
		b.StopTimer()
		r := read(b, w.log)
		r.ended = true
		r.get("index.json", &transcript.Index{})
		r.now = r.now.Add(time.Second)
		b.StartTimer()
		if _, err := r.Document(b.Context(), class, "index.json"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDocument is the time to get a document that is there.
func BenchmarkDocument(b *testing.B) {
	w := busy(b)
	r := read(b, w.log)
	r.ended = true
	r.get("index.json", &transcript.Index{})
	r.get("index.json", &transcript.Index{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Document(b.Context(), class, "29529630.json"); err != nil {
			b.Fatal(err)
		}
	}
}
