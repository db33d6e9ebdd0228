package rtsp

import (
	"sync"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/stream"
)

// fakePublication records what it is given.
type fakePublication struct {
	mediatest.Recorder
	done chan struct{}

	mu     sync.Mutex // guards the field below
	reason stream.CloseReason
}

func newFakePublication() *fakePublication {
	return &fakePublication{done: make(chan struct{})}
}

func (p *fakePublication) Close(reason stream.CloseReason) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.done:
	default:
		p.reason = reason
		close(p.done)
	}
}

func (p *fakePublication) Done() <-chan struct{} { return p.done }

func (p *fakePublication) Reason() stream.CloseReason {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reason
}

// sender packs samples into RTP packets.
type sender struct {
	tb    testing.TB
	desc  *description.Session
	video *description.Media
	audio *description.Media

	packPicture func([][]byte) ([]*rtp.Packet, error)
	packSound   func([][]byte) ([]*rtp.Packet, error)
	audioRate   media.Timescale
	base        uint32 // random start of the video timestamps
}

// newSender describes tracks, with their parameter sets unless bare.
func newSender(tb testing.TB, tracks []media.Track, bare bool) *sender {
	tb.Helper()
	s := &sender{tb: tb, desc: &description.Session{}, base: 0xfffff000}
	for _, t := range tracks {
		switch t.Codec {
		case media.CodecH264:
			f := &format.H264{PayloadTyp: 96, PacketizationMode: 1}
			if !bare {
				f.SPS, f.PPS = t.Video.ParameterSets[0], t.Video.ParameterSets[1]
			}
			e, err := f.CreateEncoder()
			must(tb, err)
			s.packPicture = e.Encode
			s.video = &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{f}}
			s.desc.Medias = append(s.desc.Medias, s.video)
		case media.CodecHEVC:
			f := &format.H265{PayloadTyp: 96}
			if !bare {
				f.VPS, f.SPS, f.PPS = t.Video.ParameterSets[0], t.Video.ParameterSets[1], t.Video.ParameterSets[2]
			}
			e, err := f.CreateEncoder()
			must(tb, err)
			s.packPicture = e.Encode
			s.video = &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{f}}
			s.desc.Medias = append(s.desc.Medias, s.video)
		default:
			var config mpeg4audio.AudioSpecificConfig
			must(tb, config.Unmarshal(t.Audio.Config))
			f := &format.MPEG4Audio{PayloadTyp: 97, Config: &config, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3}
			e, err := f.CreateEncoder()
			must(tb, err)
			s.packSound, s.audioRate = e.Encode, t.Timescale
			s.audio = &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{f}}
			s.desc.Medias = append(s.desc.Medias, s.audio)
		}
	}
	return s
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// pack returns the packets of one sample.
func (s *sender) pack(sample media.Sample) []*rtp.Packet {
	s.tb.Helper()
	pack, raw := s.packPicture, s.base+uint32(media.TimescaleVideo.Ticks(sample.PTS))
	if sample.Track == media.AudioTrackID {
		pack, raw = s.packSound, 777+uint32(s.audioRate.Ticks(sample.PTS))
	}
	pkts, err := pack(sample.Payload)
	must(s.tb, err)
	for _, p := range pkts {
		p.Timestamp = raw
	}
	return pkts
}
