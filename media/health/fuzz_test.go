package health_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/health"
)

// FuzzMonitor feeds anything: nothing breaks, findings make sense, and events
// come in pairs.
func FuzzMonitor(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"))
	var regular []byte
	for i := range 400 {
		regular = append(regular, 2, 1, byte(i%60), 90)
		regular = binary.LittleEndian.AppendUint16(regular, 3000)
	}
	f.Add(regular)
	f.Fuzz(func(t *testing.T, data []byte) {
		raised := map[health.Code]bool{}
		now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		m := health.New(health.DefaultConfig(), health.Deps{Now: func() time.Time { return now }, OnEvent: func(e health.Event) {
			if raised[e.Finding.Code] == e.Raised {
				t.Errorf("%s: raised %t twice", e.Finding.Code, e.Raised)
			}
			raised[e.Finding.Code] = e.Raised
		}})
		take := func(n int) uint64 {
			var b [8]byte
			data = data[copy(b[:n], data):]
			return binary.LittleEndian.Uint64(b[:])
		}
		var dts [3]int64
		payload := make([]byte, 1<<16)
		m.Tracks(encoder{}.withDefaults().tracks())
		for len(data) > 0 {
			switch op := take(1); op % 8 {
			case 0:
				n := take(8)
				m.Tracks([]media.Track{
					{
						ID: media.TrackID(n % 4), Codec: media.Codec(n >> 8 % 8), Timescale: media.Timescale(n >> 16),
						Video: media.VideoFormat{Width: int(int8(n)), Height: int(int16(n >> 4)), FrameRate: math.Float64frombits(take(8)), BitDepth: int(n % 17), ChromaFormat: int(n % 5)},
					},
					{ID: media.AudioTrackID, Codec: media.CodecAAC, Timescale: media.Timescale(take(4)), Audio: media.AudioFormat{Channels: int(n % 9), FrameSamples: int(int32(n >> 20))}},
				})
			case 1:
				m.Tracks(encoder{}.withDefaults().tracks())
			case 2, 3, 4: // time passes as it should, more or less
				track := take(1) % 3
				n := take(1)
				now = now.Add(time.Duration(take(1)) * time.Millisecond / 3)
				dts[track] += int64(take(2))
				m.AccessUnit(&media.AccessUnit{
					Track: media.TrackID(track), DTS: dts[track], PTS: dts[track] + int64(n%5)*3000,
					RandomAccess: n%30 == 0, Payload: [][]byte{payload[:n*n]},
				}, now)
			case 5:
				m.AccessUnit(&media.AccessUnit{Track: media.TrackID(take(1)), DTS: int64(take(8)), PTS: int64(take(8)), RandomAccess: op > 128}, time.Unix(int64(take(5)), 0))
			case 6:
				m.Loudness(time.Duration(take(8)), math.Float64frombits(take(8)), math.Float64frombits(take(8)), int(take(8)))
			case 7:
				m.Interrupted()
			}
		}
		for _, finding := range m.Findings() {
			if !raised[finding.Code] || finding.Text == "" || math.IsNaN(finding.Value) || math.IsInf(finding.Value, 0) ||
				strings.Contains(finding.Text+finding.Setting, "NaN") || strings.Contains(finding.Text+finding.Setting, "Inf") {
				t.Errorf("finding %+v", finding)
			}
		}
		if n := len(m.Events()); n > 100 {
			t.Errorf("%d events", n)
		}
	})
}
