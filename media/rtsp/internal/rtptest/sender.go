package rtptest

import (
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"

	"github.com/lectern/lectern/media"
)

const (
	videoBase = 0xfffff000 // a start that wraps soon
	audioBase = 777
)

// Sender packs samples into RTP packets. It belongs to one goroutine.
type Sender struct {
	// Desc describes what is sent; Video and Audio are its medias, or nil.
	Desc  *description.Session
	Video *description.Media
	Audio *description.Media

	tb          testing.TB
	packPicture func([][]byte) ([]*rtp.Packet, error)
	packSound   func([][]byte) ([]*rtp.Packet, error)
	audioRate   media.Timescale
	sequence    uint16
}

// New returns a sender of tracks. It describes them with their parameter sets
// unless bare.
func New(tb testing.TB, tracks []media.Track, bare bool) *Sender {
	tb.Helper()
	s := &Sender{tb: tb, Desc: &description.Session{}}
	for _, t := range tracks {
		switch t.Codec {
		case media.CodecH264:
			f := &format.H264{PayloadTyp: 96, PacketizationMode: 1}
			if !bare {
				f.SPS, f.PPS = t.Video.ParameterSets[0], t.Video.ParameterSets[1]
			}
			e, err := f.CreateEncoder()
			s.must(err)
			s.packPicture, s.Video = e.Encode, s.add(description.MediaTypeVideo, f)
		case media.CodecHEVC:
			f := &format.H265{PayloadTyp: 96}
			if !bare {
				f.VPS, f.SPS, f.PPS = t.Video.ParameterSets[0], t.Video.ParameterSets[1], t.Video.ParameterSets[2]
			}
			e, err := f.CreateEncoder()
			s.must(err)
			s.packPicture, s.Video = e.Encode, s.add(description.MediaTypeVideo, f)
		default:
			var config mpeg4audio.AudioSpecificConfig
			s.must(config.Unmarshal(t.Audio.Config))
			f := &format.MPEG4Audio{PayloadTyp: 97, Config: &config, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3}
			e, err := f.CreateEncoder()
			s.must(err)
			s.packSound, s.audioRate = e.Encode, t.Timescale
			s.Audio = s.add(description.MediaTypeAudio, f)
		}
	}
	return s
}

func (s *Sender) add(kind description.MediaType, f format.Format) *description.Media {
	m := &description.Media{Type: kind, Formats: []format.Format{f}}
	s.Desc.Medias = append(s.Desc.Medias, m)
	return m
}

func (s *Sender) must(err error) {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatal(err)
	}
}

// SetAudio describes the audio as f instead.
func (s *Sender) SetAudio(f format.Format) { s.Audio.Formats = []format.Format{f} }

// Media returns the media of the description that sample belongs to.
func (s *Sender) Media(sample media.Sample) *description.Media {
	if sample.Track == media.AudioTrackID {
		return s.Audio
	}
	return s.Video
}

// Pack returns the packets of one sample.
func (s *Sender) Pack(sample media.Sample) []*rtp.Packet {
	s.tb.Helper()
	pack, raw := s.packPicture, videoBase+uint32(media.TimescaleVideo.Ticks(sample.PTS))
	if sample.Track == media.AudioTrackID {
		pack, raw = s.packSound, audioBase+uint32(s.audioRate.Ticks(sample.PTS))
	}
	pkts, err := pack(sample.Payload)
	s.must(err)
	for _, p := range pkts {
		p.Timestamp = raw
	}
	return pkts
}
