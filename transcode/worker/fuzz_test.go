package worker

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

// FuzzHost lets a worker say anything to a Host with an open run: what comes out
// is bounded, rises in each track, and begins with Opened.
func FuzzHost(f *testing.F) {
	const generation = 2 // of Open and attach
	frame := func(b []byte, err error) []byte {
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	opened := frame(wire.AppendOpened(nil, generation, testTracks()))
	for _, b := range [][]byte{
		frame(wire.AppendUnit(nil, wire.Unit{Run: generation, AccessUnit: encoded(0)})),
		frame(wire.AppendUnit(nil, wire.Unit{Run: generation, AccessUnit: encoded(30)})),
		frame(wire.AppendStopped(nil, generation, transcode.Stopped{Track: testRung, At: 3000})),
		frame(wire.AppendStats(nil, generation, transcode.Stats{Rungs: make([]transcode.RungStats, 2)})),
		frame(wire.AppendThumbnail(nil, generation, transcode.Thumbnail{Width: 2, Height: 2, JPEG: []byte{0xff, 0xd8}})),
		frame(wire.AppendLoudness(nil, generation, transcode.Loudness{ShortTerm: -20})),
		frame(wire.AppendFailed(nil, generation, false, "no")),
		frame(wire.AppendDrained(nil, generation)),
	} {
		f.Add(b)
		f.Add(append(bytes.Clone(opened), b...))
		f.Add(append(append(bytes.Clone(opened), b...), b...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h := newHost(DefaultConfig(), Deps{
			Logger: slog.New(slog.DiscardHandler), Metrics: NewMetrics(prometheus.NewRegistry()), Now: time.Now,
		}, nil)
		h.Open(1, testSpec(), false)
		h.attach(1)
		h.Write(picture(0))
		if len(h.frames(nil)) == 0 || h.generation != generation {
			t.Fatal("no open was sent")
		}
		r := wire.NewWorkerReader(bytes.NewReader(b))
		for {
			kind, body, err := r.Next()
			if err != nil {
				break
			}
			if h.take(kind, body) != nil {
				break
			}
		}
		last := map[media.TrackID]int64{}
		for first := true; ; first = false {
			e, ok := h.Poll()
			if !ok {
				break
			}
			if first != (e.Opened != nil) {
				t.Fatalf("%+v", e)
			}
			au := e.AccessUnit
			if au == nil {
				continue
			}
			if before, began := last[au.Track]; began && au.DTS <= before || !began && !au.RandomAccess {
				t.Fatalf("%+v after dts %d", au, before)
			}
			last[au.Track] = au.DTS
			if au.PTS < au.DTS || au.PTS > 11*90000 || len(au.Payload) == 0 || len(au.Payload[0]) == 0 {
				t.Fatalf("%+v", au)
			}
		}
	})
}
