package stream_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/stream"
)

// BenchmarkWrite is the fan-out: one sample written, and taken by each reader.
func BenchmarkWrite(b *testing.B) {
	for _, readers := range []int{1, 3, 10} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
			r := newRig(b, stream.Config{}, nil)
			src := mediatest.New(b, mediatest.Config{})
			samples := src.Take(10 * time.Second)
			p := r.publish(src)
			var all []*stream.Reader
			for range readers {
				all = append(all, r.stream.AddReader("hls", 16<<20))
			}
			var shift time.Duration
			i := 0
			write := func() {
				s := samples[i]
				s.DTS += shift
				s.PTS += shift
				if i++; i == len(samples) {
					i, shift = 0, shift+10*time.Second
				}
				if err := p.Write(s); err != nil {
					b.Fatal(err)
				}
			}
			ended, cancel := context.WithCancel(b.Context())
			cancel() // readers take what there is and do not wait
			written, taken := 0, 0
			b.ReportAllocs()
			for b.Loop() {
				write()
				if written++; written%100 != 0 {
					continue
				}
				for _, reader := range all {
					for {
						if _, err := reader.Next(ended); err != nil {
							break
						}
						taken++
					}
				}
			}
			if want := (written - 200) * readers * 99 / 100; taken < want {
				b.Fatalf("%d items taken, want at least %d", taken, want)
			}
		})
	}
}
