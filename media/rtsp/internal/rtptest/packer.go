package rtptest

import (
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"

	"github.com/lectern/lectern/media"
)

// Add describes f and packs samples of its kind that way. The description says
// what f does.
func (s *Sender) Add(f format.Format) {
	s.tb.Helper()
	switch f := f.(type) {
	case *format.H264:
		e, err := f.CreateEncoder()
		s.must(err)
		s.picture(f, e.Encode)
	case *format.AV1:
		e, err := f.CreateEncoder()
		s.must(err)
		s.picture(f, e.Encode)
	case *format.VP8:
		e, err := f.CreateEncoder()
		s.must(err)
		s.picture(f, single(e))
	case *format.VP9:
		e, err := f.CreateEncoder()
		s.must(err)
		s.picture(f, single(e))
	case *format.MPEG1Audio:
		e, err := f.CreateEncoder()
		s.must(err)
		s.sound(f, e.Encode)
	case *format.AC3:
		e, err := f.CreateEncoder()
		s.must(err)
		s.sound(f, e.Encode)
	case *format.MPEG4AudioLATM:
		e, err := f.CreateEncoder()
		s.must(err)
		s.sound(f, func(frames [][]byte) ([]*rtp.Packet, error) { return e.Encode(s.element(f, frames)) })
	default:
		s.sound(f, s.whole)
	}
}

func (s *Sender) picture(f format.Format, pack func([][]byte) ([]*rtp.Packet, error)) {
	s.packPicture, s.Video = pack, s.add(description.MediaTypeVideo, f)
}

func (s *Sender) sound(f format.Format, pack func([][]byte) ([]*rtp.Packet, error)) {
	s.packSound, s.audioRate, s.Audio = pack, media.Timescale(f.ClockRate()), s.add(description.MediaTypeAudio, f)
}

// element makes an AudioMuxElement (ISO/IEC 14496-3 §1.7.3) of one frame.
func (s *Sender) element(f *format.MPEG4AudioLATM, frames [][]byte) []byte {
	e := mpeg4audio.AudioMuxElement{MuxConfigPresent: f.CPresent, StreamMuxConfig: f.StreamMuxConfig, Payloads: [][][][]byte{{{frames[0]}}}}
	b, err := e.Marshal()
	s.must(err)
	return b
}

// whole packs a frame into a packet.
func (s *Sender) whole(frames [][]byte) ([]*rtp.Packet, error) {
	s.sequence++
	h := rtp.Header{Version: 2, Marker: true, SequenceNumber: s.sequence, SSRC: 7, PayloadType: s.Audio.Formats[0].PayloadType()}
	return []*rtp.Packet{{Header: h, Payload: frames[0]}}, nil
}

// singleEncoder is an encoder of the library.
type singleEncoder interface {
	Encode(b []byte) ([]*rtp.Packet, error)
}

// single adapts an encoder of the library that takes access units in one piece.
func single(e singleEncoder) func([][]byte) ([]*rtp.Packet, error) {
	return func(frames [][]byte) ([]*rtp.Packet, error) { return e.Encode(frames[0]) }
}
