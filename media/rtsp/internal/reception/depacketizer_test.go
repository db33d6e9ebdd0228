package reception

import (
	"errors"
	"slices"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
)

func TestDepacketizerBoundsFragments(t *testing.T) {
	for _, tc := range []struct {
		name      string
		extension int
		packets   int
	}{
		{"empty fragments", 0, maxUnitPackets},
		{"fragments that are all header", 60_000, maxUnitBytes / 60_000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := newDepacketizer(&format.H264{PayloadTyp: 96, PacketizationMode: 1})
			must(t, err)
			for i := range tc.packets + 2 {
				pkt := &rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(i)}, Payload: []byte{28, 0x05}} // a middle fragment
				if i == 0 {
					pkt.Payload[1] |= 0x80 // the first one
				}
				if tc.extension > 0 {
					pkt.Extension, pkt.ExtensionProfile = true, 0x1234
					must(t, pkt.SetExtension(0, make([]byte, tc.extension)))
				}
				if _, _, err := d.push(pkt); errors.Is(err, errTooManyPackets) {
					return
				}
			}
			t.Error("an endless run of fragments was collected")
		})
	}
}

// FuzzPackets feeds arbitrary payloads to both depacketisers: nothing panics,
// and what is written is decodable by shape.
func FuzzPackets(f *testing.F) {
	f.Add([]byte{0x65, 0x88, 0x84}, []byte{0, 16, 0, 8, 0xff})
	f.Add([]byte{24, 0, 2, 0x67, 0x64, 0, 1, 0x68}, []byte{0, 32, 0, 8, 0, 8, 1, 2})
	f.Add([]byte{28, 0x85, 0x88}, []byte{})
	f.Add([]byte{0, 0, 0, 1, 0x65, 0x88, 0, 0, 0, 1, 0x41}, []byte{0, 16, 0, 64, 0xff, 0xf1, 0x4c, 0x80})
	f.Fuzz(func(t *testing.T, picture, sound []byte) {
		src := mediatest.New(t, mediatest.Config{})
		for _, bare := range []bool{false, true} {
			b := newBench(t, src.Tracks(), bare)
			for i := range 4 {
				h := rtp.Header{SequenceNumber: uint16(i), Timestamp: uint32(i * 3000), Marker: i%2 == 1}
				b.packet(media.VideoTrackID, &rtp.Packet{Header: h, Payload: slices.Clone(picture)}, epoch)
				b.packet(media.AudioTrackID, &rtp.Packet{Header: h, Payload: slices.Clone(sound)}, epoch)
			}
			if n := testutil.ToFloat64(b.metrics.Panics); n != 0 {
				t.Fatalf("panic: %v", b.stopped)
			}
			for _, s := range b.pub.Samples() {
				if len(s.Payload) == 0 || s.Size() == 0 || s.DTS > s.PTS {
					t.Fatalf("bad sample %+v", s)
				}
			}
		}
	})
}

// FuzzFormats feeds arbitrary payloads to the depacketisers of one picture format
// and one of sound: nothing panics, and what is written is announced and in shape.
func FuzzFormats(f *testing.F) {
	formats := func(which uint8) (video, audio format.Format) {
		videos := []format.Format{&format.AV1{PayloadTyp: 96}, &format.VP8{PayloadTyp: 96}, &format.VP9{PayloadTyp: 96}, &format.H264{PayloadTyp: 96, PacketizationMode: 1}}
		sounds := []format.Format{
			&format.MPEG1Audio{}, &format.AC3{PayloadTyp: 97, SampleRate: 48000, ChannelCount: 6}, &format.MPEG4AudioLATM{PayloadTyp: 97, CPresent: true},
			&format.Opus{PayloadTyp: 97, ChannelCount: 2}, &format.G711{PayloadTyp: 8, SampleRate: 8000, ChannelCount: 1},
		}
		return videos[int(which)%len(videos)], sounds[int(which)/len(videos)%len(sounds)]
	}
	clips := []string{"av1", "vp8", "vp9", "h264_refresh"}
	for i := range uint8(20) {
		_, pictures := mediatest.Frames(f, clips[i%4])
		_, sounds := mediatest.Frames(f, []string{"mp3", "ac3", "opus", "opus", "mp2"}[i/4])
		f.Add(i, slices.Concat([]byte{0x10}, pictures[0][:min(200, len(pictures[0]))]), slices.Concat([]byte{0, 0, 0, 0}, sounds[0]))
	}
	f.Fuzz(func(t *testing.T, which uint8, picture, sound []byte) {
		video, audio := formats(which)
		b := newFormatBench(t, false, video, audio)
		for i := range 4 {
			h := rtp.Header{SequenceNumber: uint16(i), Timestamp: uint32(i * 3000), Marker: i%2 == 1}
			b.packet(media.VideoTrackID, &rtp.Packet{Header: h, Payload: slices.Clone(picture)}, epoch)
			b.packet(media.AudioTrackID, &rtp.Packet{Header: h, Payload: slices.Clone(sound)}, epoch)
		}
		if n := testutil.ToFloat64(b.metrics.Panics); n != 0 {
			t.Fatalf("panic: %v", b.stopped)
		}
		lists := b.pub.Tracks()
		for _, s := range b.pub.Samples() {
			if len(lists) == 0 || len(s.Payload) == 0 || s.Size() == 0 || s.DTS > s.PTS {
				t.Fatalf("bad sample %+v, announced %+v", s, lists)
			}
		}
	})
}
