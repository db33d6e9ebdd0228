package ffmpeg

import (
	"bytes"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/transcode"
)

// ccSEI returns an SEI NAL unit with closed captions (ANSI/SCTE 128 §8.1).
func ccSEI(triplets []byte) []byte {
	payload := []byte{0xb5, 0x00, 0x31, 'G', 'A', '9', '4', 0x03, 0x40 | byte(len(triplets)/3), 0xff}
	payload = append(append(payload, triplets...), 0xff)
	rbsp := append([]byte{4, byte(len(payload))}, payload...)
	rbsp = append(rbsp, 0x80)
	nal := []byte{6}
	zeros := 0
	for _, b := range rbsp {
		if zeros >= 2 && b <= 3 {
			nal, zeros = append(nal, 3), 0
		}
		nal = append(nal, b)
		if b == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return nal
}

// ccOf returns the triplets in the SEI of an access unit, reading the message as
// a player does.
func ccOf(au *media.AccessUnit) []byte {
	var out []byte
	for _, n := range au.Payload {
		if n[0]&0x1f != 6 {
			continue
		}
		rbsp := bytes.ReplaceAll(n[1:], []byte{0, 0, 3}, []byte{0, 0})
		for len(rbsp) > 2 {
			kind, size := int(rbsp[0]), 0
			rbsp = rbsp[1:]
			for rbsp[0] == 0xff {
				size += 255
				rbsp = rbsp[1:]
			}
			size += int(rbsp[0])
			rbsp = rbsp[1:]
			if size > len(rbsp) {
				break
			}
			if p := rbsp[:size]; kind == 4 && bytes.HasPrefix(p, []byte{0xb5, 0, 0x31, 'G', 'A', '9', '4', 3}) {
				out = append(out, p[10:10+3*int(p[8]&0x1f)]...)
			}
			rbsp = rbsp[size:]
		}
	}
	return out
}

// sink is an Output that keeps access units.
type sink struct {
	mu    sync.Mutex
	units map[media.TrackID][]*media.AccessUnit
}

func (s *sink) AccessUnit(au *media.AccessUnit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.units == nil {
		s.units = map[media.TrackID][]*media.AccessUnit{}
	}
	s.units[au.Track] = append(s.units[au.Track], au)
}
func (*sink) Stopped(media.TrackID, int64)  {}
func (*sink) Thumbnail(transcode.Thumbnail) {}
func (*sink) Loudness(transcode.Loudness)   {}
func (s *sink) of(id media.TrackID) []*media.AccessUnit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.units[id])
}

// Captions in the publisher's pictures are on each rung, byte for byte and in the
// order in which they are shown, also where pictures are left out or repeated.
func TestCaptionsSurvive(t *testing.T) {
	for _, tc := range []struct {
		name string
		src  mediatest.Config
		grid time.Duration
		rate float64 // of the small rung
	}{
		{"passthrough", mediatest.Config{GOP: 30}, 0, 0},
		{"B pictures, on the grid", mediatest.Config{GOP: 300, BFrames: true}, time.Second, 0},
		{"HEVC", mediatest.Config{Codec: media.CodecHEVC, GOP: 30}, 0, 0},
		{"half the pictures", mediatest.Config{GOP: 30, FPS: 60}, 0, 30},
		{"a quarter of the pictures", mediatest.Config{GOP: 60, FPS: 60}, 0, 15},
		{"5 a second, on the grid", mediatest.Config{GOP: 60, FPS: 5}, 2100 * time.Millisecond, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.src.NoAudio = true
			src := mediatest.New(t, tc.src)
			small := transcode.VideoRung{Track: 12, Rendition: "small", Width: 32, Height: 18, MaxFrameRate: tc.rate, CRF: 23, MaxRate: 300_000, Buffer: 600_000, Level: 30}
			large := small
			large.Track, large.Rendition, large.Width, large.Height, large.MaxFrameRate = 11, "large", 64, 36, 0
			out := &sink{}
			engine := New(DefaultConfig(), Deps{Logger: slog.New(slog.DiscardHandler)})
			enc, err := engine.Open(transcode.Spec{
				Tracks: src.Tracks(), Grid: tc.grid, Patient: true, Video: []transcode.VideoRung{large, small},
			}, out)
			if err != nil {
				t.Fatal(err)
			}
			defer enc.Close()

			type shown struct {
				pts int64
				cc  []byte
			}
			var in []shown
			for n, s := range src.Take(4 * time.Second) {
				a, b := byte(0x20+n%0x50), byte(0x20+n/0x50)
				cc := []byte{0xfc, a, b, 0xfd, b, a, 0xff, byte(n), 0x00, 0xfe, 0x00, 0x01}
				sei := ccSEI(cc)
				if src.Tracks()[0].Codec == media.CodecHEVC {
					sei = append([]byte{39 << 1, 1}, sei[1:]...) // a prefix SEI (ITU-T H.265 table 7-1)
				}
				pts := media.TimescaleVideo.Ticks(s.PTS)
				in = append(in, shown{pts, cc})
				err = enc.Write(&media.AccessUnit{
					Track: s.Track, PTS: pts, DTS: media.TimescaleVideo.Ticks(s.DTS), RandomAccess: s.RandomAccess,
					Payload: append([][]byte{sei}, s.Payload...),
				}, time.Now())
				if err != nil {
					t.Fatal(err)
				}
			}
			if err = enc.Drain(); err != nil {
				t.Fatal(err)
			}
			slices.SortFunc(in, func(a, b shown) int { return int(a.pts - b.pts) })
			var want []byte
			for _, s := range in {
				want = append(want, s.cc...)
			}
			for _, id := range []media.TrackID{11, 12} {
				aus := out.of(id)
				slices.SortFunc(aus, func(a, b *media.AccessUnit) int { return int(a.PTS - b.PTS) })
				var got []byte
				for _, au := range aus {
					got = append(got, ccOf(au)...)
				}
				// What was on the pictures left out at the very end has no picture to go to.
				if len(got) < len(want)-4*12 || !bytes.HasPrefix(want, got) {
					t.Errorf("track %d: %d bytes of captions, want the %d of the source", id, len(got), len(want))
				}
			}
		})
	}
}

func TestCaptionQueue(t *testing.T) {
	pad := []byte{0xfa, 0, 0}
	null := []byte{0xfc, 0x80, 0x80}
	text := func(n int) []byte { return []byte{0xff, byte(n), byte(n >> 8)} }

	t.Run("padding stays where there is room", func(t *testing.T) {
		var q captionQueue
		in := slices.Concat(text(1), pad, null)
		q.add(in)
		if got := q.take(); !bytes.Equal(got, in) {
			t.Errorf("took % x, want % x", got, in)
		}
		if got := q.take(); len(got) != 0 {
			t.Errorf("took % x from an empty queue", got)
		}
	})
	t.Run("padding goes first", func(t *testing.T) {
		var q captionQueue
		var want []byte
		for n := range 20 {
			q.add(slices.Concat(pad, text(n), null))
			want = append(want, text(n)...)
		}
		if got := q.take(); !bytes.Equal(got, want) {
			t.Errorf("took % x, want % x", got, want)
		}
	})
	t.Run("31 a picture", func(t *testing.T) {
		var q captionQueue
		var want, got []byte
		for n := range 100 {
			q.add(text(n))
			want = append(want, text(n)...)
		}
		for range 4 {
			b := q.take()
			if len(b) > 93 {
				t.Errorf("%d bytes for one picture", len(b))
			}
			got = append(got, b...)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("took % x, want % x", got, want)
		}
	})
	t.Run("bounded", func(t *testing.T) {
		var q captionQueue
		for n := range 5000 {
			q.add(text(n))
		}
		q.add([]byte{1, 2}) // no whole triplet
		if len(q.waiting) > maxCaptionBytes || !bytes.HasSuffix(q.waiting, text(4999)) {
			t.Errorf("%d bytes wait, the last % x", len(q.waiting), q.waiting[len(q.waiting)-3:])
		}
	})
}
