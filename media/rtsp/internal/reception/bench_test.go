package reception

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/ingest/ingesttest"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtsp/internal/rtptest"
)

// discard is a publication that keeps nothing.
type discard struct{ *ingesttest.Publication }

func (discard) Write(media.Sample) error { return nil }

// BenchmarkReceiver measures one picture of 20 kB, which at 30 a second is
// 4.8 Mbit/s, from RTP packets to a sample.
func BenchmarkReceiver(b *testing.B) {
	src := mediatest.New(b, mediatest.Config{NoAudio: true})
	send := rtptest.New(b, src.Tracks(), false)
	p, err := Map(send.Desc, false)
	must(b, err)
	in, err := New(p, discard{ingesttest.NewPublication()}, Deps{
		MediaTimeout: 10 * time.Second, Stop: func(err error) { b.Error(err) },
		Metrics: NewMetrics(prometheus.NewRegistry()), Logger: slog.New(slog.DiscardHandler),
	}, epoch)
	must(b, err)
	picture := src.Next()
	big := append(bytes.Clone(picture.Payload[len(picture.Payload)-1]), bytes.Repeat([]byte{0x5a}, 20_000)...)
	picture.Payload = [][]byte{big}
	b.SetBytes(int64(len(big)))
	b.ReportAllocs()
	at := time.Duration(0)
	for b.Loop() {
		b.StopTimer()
		picture.PTS = at
		pkts := send.Pack(picture)
		b.StartTimer()
		for _, pkt := range pkts {
			in.packet(media.VideoTrackID, pkt, epoch.Add(at))
		}
		at += time.Second / 30
	}
}
