package ffmpeg

import (
	"bytes"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// FuzzEncoding feeds byte streams of H.264 and HEVC, made from real ones, through
// decoder, filters and encoder. A fault in C ends the test program. What comes out
// must keep the rules for times, whatever went in.
func FuzzEncoding(f *testing.F) {
	for _, name := range []string{"h264_b.h264", "h264_128x72.h264", "hevc_b.h265"} {
		b, err := os.ReadFile("../../media/mediatest/testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name == "hevc_b.h265", uint16(0), b[:min(len(b), 1500)])
		f.Add(name == "hevc_b.h265", uint16(300), b[:min(len(b), 1500)])
	}
	f.Fuzz(func(t *testing.T, hevc bool, grid uint16, stream []byte) {
		units := splitAnnexB(stream[:min(len(stream), 1<<14)])
		track := media.Track{
			ID: media.VideoTrackID, Codec: media.CodecH264, Timescale: media.TimescaleVideo,
			Video: media.VideoFormat{Width: 64, Height: 36, FrameRate: 30},
		}
		if hevc {
			track.Codec = media.CodecHEVC
		}
		for i, u := range units {
			if i < 3 && len(u) > 0 {
				track.Video.ParameterSets = append(track.Video.ParameterSets, u)
			}
		}
		out := &sink{}
		engine := New(DefaultConfig(), Deps{Logger: slog.New(slog.DiscardHandler)})
		enc, err := engine.Open(transcode.Spec{
			Tracks: []media.Track{track}, Grid: time.Duration(grid) * time.Millisecond, Patient: true,
			Video: []transcode.VideoRung{{Track: 11, Width: 32, Height: 18, CRF: 30, MaxRate: 100_000, Buffer: 200_000, Level: 30, MaxFrameRate: 30}},
		}, out)
		if err != nil {
			if n := engine.Objects(); n != 0 {
				t.Fatalf("%d objects left after %v", n, err)
			}
			return // the decoder refuses such parameter sets
		}
		for n, u := range units {
			pts := int64(n) * 3000
			if len(u) > 2 && u[1]&3 == 0 {
				pts += 3000 // as if reordered
			}
			au := &media.AccessUnit{
				Track: media.VideoTrackID, PTS: pts, DTS: int64(n) * 3000,
				RandomAccess: n == 0 || u[0]&0x1f == nalIDR, Payload: [][]byte{u},
			}
			if err = enc.Write(au, time.Time{}); err != nil {
				break
			}
		}
		if err == nil {
			err = enc.Drain()
		}
		enc.Close()
		if n := engine.Objects(); n != 0 {
			t.Fatalf("%d objects left, err %v", n, err)
		}
		last := int64(-1)
		for i, au := range out.of(11) {
			if au.DTS <= last || au.PTS < au.DTS || i == 0 && !au.RandomAccess {
				t.Fatalf("picture %d: PTS %d, DTS %d after %d, keyframe %t", i, au.PTS, au.DTS, last, au.RandomAccess)
			}
			last = au.DTS
		}
	})
}

// FuzzSplitAnnexB checks that what is split off can be put together again.
func FuzzSplitAnnexB(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0})
	f.Add([]byte{0, 0, 1})
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		units := splitAnnexB(b)
		for _, u := range units {
			if len(u) == 0 || u[len(u)-1] == 0 || bytes.Contains(u, []byte{0, 0, 1}) {
				t.Fatalf("unit % x of % x", u, b)
			}
		}
		again := splitAnnexB(bytes.Join(annexB(units), nil))
		if len(again) != len(units) {
			t.Fatalf("%d units, then %d", len(units), len(again))
		}
		for i := range units {
			if !bytes.Equal(units[i], again[i]) {
				t.Fatalf("unit %d differs", i)
			}
		}
	})
}

func TestLowOverhead(t *testing.T) {
	for _, tc := range []struct {
		name     string
		in, want [][]byte
	}{
		{"has a size", [][]byte{{0x0a, 1, 7}}, [][]byte{{0x0a, 1, 7}}},
		{"gets one", [][]byte{{0x08, 7, 8}}, [][]byte{{0x0a, 2}, {7, 8}}},
		{"with extension", [][]byte{{0x0c, 0x40, 7}}, [][]byte{{0x0e, 0x40, 1}, {7}}},
		{"long", [][]byte{append([]byte{0x30}, make([]byte, 300)...)}, [][]byte{{0x32, 0xac, 0x02}, make([]byte, 300)}},
		{"empty and cut short", [][]byte{{}, {0x0c}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, want := bytes.Join(lowOverhead(tc.in), nil), bytes.Join(tc.want, nil)
			if !bytes.Equal(got, want) {
				t.Errorf("% x, want % x", got, want)
			}
		})
	}
}
