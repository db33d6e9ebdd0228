package rtsp

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
)

// discard is a publication that keeps nothing.
type discard struct{ *fakePublication }

func (discard) Write(media.Sample) error { return nil }

// BenchmarkIngest measures one picture of 20 kB, which at 30 a second is
// 4.8 Mbit/s, from RTP packets to a sample.
func BenchmarkIngest(b *testing.B) {
	src := mediatest.New(b, mediatest.Config{NoAudio: true})
	send := newSender(b, src.Tracks(), false)
	p, err := mapDescription(send.desc, false)
	must(b, err)
	in, err := newIngest(p, discard{newFakePublication()}, 10*time.Second, NewMetrics(prometheus.NewRegistry()),
		slog.New(slog.DiscardHandler), epoch, func(err error) { b.Error(err) })
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
		pkts := send.pack(picture)
		b.StartTimer()
		for _, pkt := range pkts {
			in.packet(media.VideoTrackID, pkt, epoch.Add(at))
		}
		at += time.Second / 30
	}
}
