package reception

import (
	"errors"
	"fmt"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpac3"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpav1"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpfragmented"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmpeg4audio"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpvp8"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpvp9"
	"github.com/pion/rtp"
)

// decodeFunc returns the parts of an access unit when pkt makes it whole. What it
// returns aliases the packets.
type decodeFunc func(pkt *rtp.Packet) ([][]byte, error)

// newDecoder returns the reader of a format's packets.
func newDecoder(f format.Format) (decodeFunc, error) {
	switch f := f.(type) {
	case *format.H264:
		d, err := f.CreateDecoder()
		return several(d, err)
	case *format.H265:
		d, err := f.CreateDecoder()
		return several(d, err)
	case *format.AV1:
		d, err := f.CreateDecoder()
		return several(d, err)
	case *format.VP8:
		d, err := f.CreateDecoder()
		return single(d, err)
	case *format.VP9:
		d, err := f.CreateDecoder()
		return single(d, err)
	case *format.MPEG4Audio:
		d, err := f.CreateDecoder()
		return several(d, err)
	case *format.MPEG4AudioLATM:
		d, err := f.CreateDecoder()
		return single(d, err)
	case *format.AC3:
		d, err := f.CreateDecoder()
		return several(d, err)
	case *format.MPEG1Audio:
		return new(mp3Packets).decode, nil
	case *format.Opus, *format.G711, *format.LPCM, *format.Speex:
		return whole, nil
	default:
		return nil, fmt.Errorf("no depacketiser for %T", f)
	}
}

// severalDecoder and singleDecoder are the decoders of the library.
type (
	severalDecoder interface {
		Decode(pkt *rtp.Packet) ([][]byte, error)
	}
	singleDecoder interface {
		Decode(pkt *rtp.Packet) ([]byte, error)
	}
)

// several adapts a decoder of the library that yields access units in parts.
func several(d severalDecoder, err error) (decodeFunc, error) {
	if err != nil {
		return nil, fmt.Errorf("create depacketiser: %w", err)
	}
	return d.Decode, nil
}

// single adapts a decoder of the library that yields access units in one piece.
func single(d singleDecoder, err error) (decodeFunc, error) {
	if err != nil {
		return nil, fmt.Errorf("create depacketiser: %w", err)
	}
	return func(pkt *rtp.Packet) ([][]byte, error) {
		b, err := d.Decode(pkt)
		if err != nil {
			return nil, err //nolint:wrapcheck // compared with the library's errors
		}
		if len(b) == 0 {
			return nil, errUnreadablePacket
		}
		return [][]byte{b}, nil
	}, nil
}

// whole is for codecs that put an access unit into a packet.
func whole(pkt *rtp.Packet) ([][]byte, error) {
	if len(pkt.Payload) == 0 {
		return nil, errUnreadablePacket
	}
	return [][]byte{pkt.Payload}, nil
}

// isMoreNeeded reports whether err, of a decodeFunc, tells that an access unit is
// not whole yet, or that its beginning came before we did.
func isMoreNeeded(err error) bool {
	for _, more := range [...]error{
		errFragment,
		rtph264.ErrMorePacketsNeeded, rtph264.ErrNonStartingPacketAndNoPrevious,
		rtph265.ErrMorePacketsNeeded, rtph265.ErrNonStartingPacketAndNoPrevious,
		rtpav1.ErrMorePacketsNeeded, rtpav1.ErrNonStartingPacketAndNoPrevious,
		rtpvp8.ErrMorePacketsNeeded, rtpvp8.ErrNonStartingPacketAndNoPrevious,
		rtpvp9.ErrMorePacketsNeeded, rtpvp9.ErrNonStartingPacketAndNoPrevious,
		rtpac3.ErrMorePacketsNeeded, rtpac3.ErrNonStartingPacketAndNoPrevious,
		rtpmpeg4audio.ErrMorePacketsNeeded, rtpfragmented.ErrMorePacketsNeeded,
	} {
		if errors.Is(err, more) {
			return true
		}
	}
	return false
}
