package reception

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/ingest"
	"github.com/lectern/lectern/media/ingest/ingesttest"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtsp/internal/rtptest"
)

// newFormatBench receives the given formats.
func newFormatBench(t *testing.T, ignoreAudio bool, formats ...format.Format) *bench {
	t.Helper()
	b := &bench{pub: ingesttest.NewPublication(), send: rtptest.New(t, nil, false), metrics: NewMetrics(prometheus.NewRegistry())}
	for _, f := range formats {
		b.send.Add(f)
	}
	b.open(t, ignoreAudio, b.pub)
	return b
}

// open starts to receive for pub.
func (b *bench) open(t *testing.T, ignoreAudio bool, pub ingest.Publication) {
	t.Helper()
	p, err := Map(b.send.Desc, ignoreAudio)
	must(t, err)
	b.Receiver, err = New(p, pub, Deps{
		MediaTimeout: 10 * time.Second, Stop: func(err error) { b.stopped = err },
		Metrics: b.metrics, Logger: slog.New(slog.DiscardHandler),
	}, epoch)
	must(t, err)
}

// clip makes samples of a clip, step apart.
func clip(tb testing.TB, name string, id media.TrackID, step time.Duration) []media.Sample {
	tb.Helper()
	_, frames := mediatest.Frames(tb, name)
	var out []media.Sample
	for i, f := range frames {
		at := time.Duration(i) * step
		out = append(out, media.Sample{Track: id, DTS: at, PTS: at, RandomAccess: true, Payload: [][]byte{f}})
	}
	return out
}

// obus splits the low-overhead temporal units of an AV1 clip, as RTP has them.
func obus(samples []media.Sample) []media.Sample {
	for i, s := range samples {
		var units [][]byte
		for b := s.Payload[0]; len(b) > 0; {
			n := 2 + int(b[1]&0x7F) // header and size
			if b[1]&0x80 != 0 {
				n += 1 + int(b[2])<<7
			}
			units, b = append(units, b[:n]), b[n:]
		}
		samples[i].Payload = units
	}
	return samples
}

func TestReceiverPlainVideo(t *testing.T) {
	const step = 100 * time.Millisecond
	for _, tc := range []struct {
		name   string
		format format.Format
		clip   string
		want   string // codec, size, depth, chroma
	}{
		{"case 36: AV1", &format.AV1{PayloadTyp: 96}, "av1", "AV1 128x72 8 1"},
		{"case 37: AV1 with 10 bits", &format.AV1{PayloadTyp: 96}, "av1_10bit", "AV1 128x72 10 1"},
		{"AV1 with hidden pictures", &format.AV1{PayloadTyp: 96}, "av1_svt", "AV1 128x72 8 1"},
		{"VP8", &format.VP8{PayloadTyp: 96}, "vp8", "VP8 128x72 8 1"},
		{"VP9", &format.VP9{PayloadTyp: 96}, "vp9", "VP9 128x72 8 1"},
		{"case 37: VP9 in 4:2:2 with 10 bits", &format.VP9{PayloadTyp: 96}, "vp9_422_10bit", "VP9 128x72 10 2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newFormatBench(t, false, tc.format)
			sent := clip(t, tc.clip, media.VideoTrackID, step)
			if tc.format.Codec() == "AV1" {
				sent = obus(sent)
			}
			b.feed(sent, nil)
			if b.stopped != nil {
				t.Fatalf("stopped: %v", b.stopped)
			}
			lists := b.pub.Tracks()
			if len(lists) != 1 {
				t.Fatalf("%d announcements", len(lists))
			}
			v := lists[0][0].Video
			if got := fmt.Sprintf("%s %dx%d %d %d", lists[0][0].Codec, v.Width, v.Height, v.BitDepth, v.ChromaFormat); got != tc.want {
				t.Errorf("announced %s, want %s", got, tc.want)
			}
			got := b.pub.Samples()
			if len(got) != len(sent) {
				t.Fatalf("%d samples of %d", len(got), len(sent))
			}
			for i, s := range got {
				whole, want := bytes.Join(s.Payload, nil), bytes.Join(sent[i].Payload, nil)
				if !bytes.HasSuffix(want, whole) || len(whole) < len(want)-32 {
					t.Errorf("sample %d: %d bytes, want %d", i, len(whole), len(want))
				}
				if s.DTS != s.PTS || s.PTS-got[0].PTS != time.Duration(i)*step {
					t.Errorf("sample %d: DTS %s, PTS %s", i, s.DTS, s.PTS)
				}
				if i == 0 && !s.RandomAccess || (tc.clip != "av1_svt") && s.RandomAccess != (i%6 == 0) {
					t.Errorf("sample %d: random access is %v", i, s.RandomAccess)
				}
			}
		})
		t.Run(tc.name+" after a loss", func(t *testing.T) {
			b := newFormatBench(t, false, tc.format)
			sent := clip(t, tc.clip, media.VideoTrackID, step)
			if tc.format.Codec() == "AV1" {
				sent = obus(sent)
			}
			b.feed(sent, func(i int, pkts []*rtp.Packet) []*rtp.Packet {
				if i == 1 {
					return pkts[:0]
				}
				return pkts
			})
			got := b.pub.Samples()
			if len(got) < 2 || len(got) > 1+6 || !got[1].RandomAccess {
				t.Errorf("case 43: %d samples, want the first and those of the second keyframe", len(got))
			}
		})
	}
}

func TestReceiverSound(t *testing.T) {
	ms := time.Millisecond
	_, mp2 := mediatest.Frames(t, "mp2")
	aac := mediatest.New(t, mediatest.Config{NoVideo: true})
	var asc mpeg4audio.AudioSpecificConfig
	must(t, asc.Unmarshal(aac.Tracks()[0].Audio.Config))
	mux := &mpeg4audio.StreamMuxConfig{Programs: []*mpeg4audio.StreamMuxConfigProgram{{Layers: []*mpeg4audio.StreamMuxConfigLayer{{AudioSpecificConfig: &asc, LatmBufferFullness: 255}}}}}
	tone := func(size, n int, step time.Duration) []media.Sample {
		var out []media.Sample
		for i := range n {
			at := time.Duration(i) * step
			out = append(out, media.Sample{Track: media.AudioTrackID, DTS: at, PTS: at, RandomAccess: true, Payload: [][]byte{bytes.Repeat([]byte{byte(i)}, size)}})
		}
		return out
	}
	sound := func(name string, step time.Duration) []media.Sample { return clip(t, name, media.AudioTrackID, step) }
	for _, tc := range []struct {
		name   string
		format format.Format
		sent   []media.Sample
		want   string // codec, rate, channels, samples, config
	}{
		{"Opus", &format.Opus{PayloadTyp: 97, ChannelCount: 2}, sound("opus", 20*ms), "Opus 48000 2 960 OpusHead\x01\x02\x00\x00\x80\xbb\x00\x00\x00\x00\x00"},
		{"Opus, 60 ms a packet", &format.Opus{PayloadTyp: 97, ChannelCount: 1}, sound("opus_60ms", 60*ms), "Opus 48000 1 960 OpusHead\x01\x01\x00\x00\x80\xbb\x00\x00\x00\x00\x00"},
		{"MP3", &format.MPEG1Audio{}, sound("mp3", 24*ms), "MP3 48000 2 1152 "},
		{"case 41: MP3 at 22,050 Hz", &format.MPEG1Audio{}, nil, "MP3 22050 1 576 "},
		{"case 41: AC-3 in 5.1", &format.AC3{PayloadTyp: 97, SampleRate: 48000, ChannelCount: 6}, sound("ac3", 32*ms), "AC-3 48000 6 1536 "},
		{"case 41: G.711 A-law", &format.G711{PayloadTyp: 8, SampleRate: 8000, ChannelCount: 1}, tone(320, 9, 40*ms), "G.711 A-law 8000 1 160 "},
		{"case 41: G.711 µ-law", &format.G711{PayloadTyp: 0, MULaw: true, SampleRate: 8000, ChannelCount: 1}, tone(160, 9, 20*ms), "G.711 µ-law 8000 1 160 "},
		{"case 41: linear PCM at 16 kHz", &format.LPCM{PayloadTyp: 97, BitDepth: 16, SampleRate: 16000, ChannelCount: 1}, tone(640, 9, 20*ms), "PCM 16000 1 320 s16be"},
		{"linear PCM with 24 bits", &format.LPCM{PayloadTyp: 97, BitDepth: 24, SampleRate: 48000, ChannelCount: 2}, tone(288, 9, ms), "PCM 48000 2 960 s24be"},
		{"linear PCM with 8 bits", &format.LPCM{PayloadTyp: 97, BitDepth: 8, SampleRate: 8000, ChannelCount: 1}, tone(160, 9, 20*ms), "PCM 8000 1 160 u8"},
		{"Speex", &format.Speex{PayloadTyp: 97, SampleRate: 16000}, sound("speex", 20*ms), "Speex 16000 1 320 "},
		{"case 19: LATM", &format.MPEG4AudioLATM{PayloadTyp: 97, StreamMuxConfig: mux}, aac.Take(time.Second), "AAC 48000 2 1024 \x11\x90"},
		{"case 19: LATM with its configuration in band", &format.MPEG4AudioLATM{PayloadTyp: 97, CPresent: true, StreamMuxConfig: mux}, aac.Take(time.Second), "AAC 48000 2 1024 \x11\x90"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newFormatBench(t, false, tc.format)
			if tc.sent == nil { // the library's encoder does not know MPEG-2 rates
				tc.sent = sound("mp3_22050", 576*time.Second/22050)
				for i, s := range tc.sent {
					h := rtp.Header{SequenceNumber: uint16(i), Timestamp: uint32(media.Timescale(90000).Ticks(s.PTS))}
					b.packet(media.AudioTrackID, &rtp.Packet{Header: h, Payload: append([]byte{0, 0, 0, 0}, s.Payload[0]...)}, epoch.Add(s.PTS))
				}
			} else {
				b.feed(tc.sent, nil)
			}
			if b.stopped != nil {
				t.Fatalf("stopped: %v", b.stopped)
			}
			lists := b.pub.Tracks()
			if len(lists) != 1 {
				t.Fatalf("%d announcements", len(lists))
			}
			a := lists[0][0].Audio
			if got := fmt.Sprintf("%s %d %d %d %s", lists[0][0].Codec, a.SampleRate, a.Channels, a.FrameSamples, a.Config); got != tc.want || lists[0][0].Timescale != media.Timescale(a.SampleRate) {
				t.Errorf("announced %q, want %q", got, tc.want)
			}
			rtptest.CheckSamples(t, tc.sent, b.pub.Samples(), media.AudioTrackID)
			if n := testutil.ToFloat64(b.metrics.PacketsUnreadable); n != 0 {
				t.Errorf("%v packets unreadable", n)
			}
		})
	}
	t.Run("layer II instead of MP3 is refused after 5 s", func(t *testing.T) {
		b := newFormatBench(t, false, &format.MPEG1Audio{})
		h := rtp.Header{Timestamp: 1}
		b.packet(media.AudioTrackID, &rtp.Packet{Header: h, Payload: append([]byte{0, 0, 0, 0}, mp2[0]...)}, epoch)
		if n := testutil.ToFloat64(b.metrics.PacketsUnreadable); n != 1 {
			t.Errorf("%v packets unreadable", n)
		}
		if err := b.Check(epoch.Add(5*time.Second + 1)); err == nil {
			t.Error("no refusal")
		}
	})
}

func TestMP3Fragments(t *testing.T) {
	_, frames := mediatest.Frames(t, "mp3")
	pkt := func(offset int, b []byte) *rtp.Packet {
		return &rtp.Packet{Payload: append([]byte{0, 0, byte(offset >> 8), byte(offset)}, b...)}
	}
	var m mp3Packets
	if _, err := m.decode(pkt(0, frames[0][:40])); !isMoreNeeded(err) {
		t.Errorf("first fragment: %v", err)
	}
	if _, err := m.decode(pkt(40, frames[0][40:60])); !isMoreNeeded(err) {
		t.Errorf("second fragment: %v", err)
	}
	got, err := m.decode(pkt(60, frames[0][60:]))
	if err != nil || len(got) != 1 || !bytes.Equal(got[0], frames[0]) {
		t.Errorf("last fragment: %d frames, %v", len(got), err)
	}
	if _, err = m.decode(pkt(60, frames[0][60:])); !isMoreNeeded(err) {
		t.Errorf("fragment of a frame that was not begun: %v", err)
	}
	_, _ = m.decode(pkt(0, frames[0][:40]))
	if _, err = m.decode(pkt(50, frames[0][50:])); err == nil || isMoreNeeded(err) {
		t.Errorf("fragment after a hole: %v", err)
	}
	got, err = m.decode(pkt(0, slices.Concat(frames[0], frames[1])))
	if err != nil || len(got) != 2 {
		t.Errorf("two frames in a packet: %d, %v", len(got), err)
	}
}

// Pictures wait for sound that describes itself only when it comes.
func TestReceiverWaitsForSound(t *testing.T) {
	video := clip(t, "vp8", media.VideoTrackID, 100*time.Millisecond)
	for _, tc := range []struct {
		name      string
		sound     time.Duration // when it starts; 0 for never
		announced int
		first     int // tracks announced first
	}{
		{"soon after the picture", 250 * time.Millisecond, 1, 2},
		{"never", 0, 1, 1},
		{"after more than two seconds", 2500 * time.Millisecond, 2, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newFormatBench(t, false, &format.VP8{PayloadTyp: 96}, &format.MPEG1Audio{})
			var sent []media.Sample
			for i := range 3 {
				for _, s := range video {
					s.PTS += time.Duration(i) * 1200 * time.Millisecond
					s.DTS = s.PTS
					sent = append(sent, s)
				}
			}
			if tc.sound > 0 {
				for _, s := range clip(t, "mp3", media.AudioTrackID, 24*time.Millisecond) {
					s.PTS += tc.sound
					s.DTS = s.PTS
					sent = append(sent, s)
				}
			}
			slices.SortStableFunc(sent, func(a, b media.Sample) int { return int(a.PTS - b.PTS) })
			b.feed(sent, nil)
			lists := b.pub.Tracks()
			if len(lists) != tc.announced || len(lists[0]) != tc.first {
				t.Errorf("case 17: announced %d lists, the first of %d tracks", len(lists), len(lists[0]))
			}
			if n := len(b.pub.Samples()); n != len(sent) {
				t.Errorf("case 17: %d samples of %d", n, len(sent))
			}
		})
	}
}

// askedPublication tells beforehand what it refuses.
type askedPublication struct {
	*ingesttest.Publication
	refuses media.Codec
}

func (p *askedPublication) Admits(tracks []media.Track) error {
	for _, t := range tracks {
		if t.Codec == p.refuses {
			return &media.RefusalError{Code: "audio_codec", Text: "No."}
		}
	}
	return nil
}

func TestReceiverLeavesSoundOut(t *testing.T) {
	for _, tc := range []struct {
		name    string
		asks    bool
		refuses media.Codec
		tracks  int
	}{
		{"refused", true, media.CodecG711A, 1},
		{"taken", true, media.CodecOpus, 2},
		{"nobody knows", false, 0, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := mediatest.New(t, mediatest.Config{NoAudio: true})
			b := &bench{pub: ingesttest.NewPublication(), send: rtptest.New(t, src.Tracks(), false), metrics: NewMetrics(prometheus.NewRegistry())}
			b.send.Add(&format.G711{PayloadTyp: 8, SampleRate: 8000, ChannelCount: 1})
			if tc.asks {
				b.open(t, true, &askedPublication{b.pub, tc.refuses})
			} else {
				b.open(t, true, b.pub)
			}
			b.feed(src.Take(time.Second), nil)
			b.feed([]media.Sample{{Track: media.AudioTrackID, PTS: time.Second, Payload: [][]byte{make([]byte, 160)}}}, nil)
			lists, got := b.pub.Tracks(), b.pub.Samples()
			if len(lists) != 1 || len(lists[0]) != tc.tracks || len(got) != 30+tc.tracks-1 || b.stopped != nil {
				t.Errorf("case 41: announced %v, %d samples, stopped: %v", lists, len(got), b.stopped)
			}
		})
	}
}
