package reception

import (
	"fmt"

	"github.com/bluenviron/gortsplib/v4/pkg/format"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/paramset"
)

// mapSound maps all formats of audio.
func mapSound(f format.Format) (Stream, error) {
	switch f := f.(type) {
	case *format.MPEG4Audio:
		return mapAAC(f)
	case *format.MPEG4AudioLATM:
		return mapLATM(f)
	case *format.Opus:
		return mapOpus(f)
	case *format.MPEG1Audio:
		// Rate and channels are in the frames; the clock is that of RFC 2250 §2.
		const rate = 90000
		return Stream{Format: f, rate: rate, Track: media.Track{ID: media.AudioTrackID, Codec: media.CodecMP3, Timescale: rate}}, nil
	case *format.AC3:
		const samples = 6 * 256
		return described(f, media.CodecAC3, nil, f.SampleRate, f.ChannelCount, samples)
	case *format.G711:
		codec := media.CodecG711A
		if f.MULaw {
			codec = media.CodecG711U
		}
		return described(f, codec, nil, f.SampleRate, f.ChannelCount, f.SampleRate/usualPackets)
	case *format.LPCM:
		config := map[int]string{8: "u8", 16: "s16be", 24: "s24be"}[f.BitDepth]
		return described(f, media.CodecPCM, []byte(config), f.SampleRate, f.ChannelCount, f.SampleRate/usualPackets)
	case *format.Speex:
		return described(f, media.CodecSpeex, nil, f.SampleRate, 1, f.SampleRate/usualPackets)
	default:
		return Stream{}, &media.RefusalError{
			Code: "audio_codec",
			Text: fmt.Sprintf("The stream uses %s, which Lectern cannot read. Set the audio codec to AAC, or switch audio off.", formatName(f)),
		}
	}
}

// usualPackets is how many packets a second there are of codecs that leave it
// open: 20 ms each (RFC 3551 §4.2).
const usualPackets = 50

// described maps audio that its description says all about.
func described(f format.Format, c media.Codec, config []byte, rate, channels, samples int) (Stream, error) {
	track, err := paramset.Sound(c, config, rate, channels, samples)
	if err != nil {
		return Stream{}, refuseConfig(c)
	}
	return Stream{Format: f, Track: track, rate: track.Timescale, complete: true}, nil
}

func mapOpus(f *format.Opus) (Stream, error) {
	if f.ChannelCount > 2 {
		// The library does not tell how the channels are mapped.
		return Stream{}, &media.RefusalError{
			Code: "audio_channels",
			Text: "The stream uses Opus with more than two channels, which Lectern cannot read. Choose stereo.",
		}
	}
	track, err := paramset.Opus(paramset.OpusHead(max(f.ChannelCount, 1)), nil)
	if err != nil {
		return Stream{}, refuseConfig(media.CodecOpus)
	}
	return Stream{Format: f, Track: track, rate: track.Timescale, complete: true}, nil
}

// maxAUHeaderBits bounds the field widths of RFC 3640 §3.2.1, which the library
// takes from the peer; the AU-size of AAC-hbr has 13 bits.
const maxAUHeaderBits = 32

func mapAAC(f *format.MPEG4Audio) (Stream, error) {
	if f.SizeLength > maxAUHeaderBits || f.IndexLength > maxAUHeaderBits || f.IndexDeltaLength > maxAUHeaderBits {
		return Stream{}, &media.RefusalError{
			Code: "audio_packing",
			Text: "The AAC audio is packed in a way that Lectern cannot read. Choose the packing AAC-hbr (RFC 3640).",
		}
	}
	config, err := f.Config.Marshal()
	if err != nil {
		return Stream{}, refuseConfig(media.CodecAAC)
	}
	track, err := paramset.AAC(config)
	if err != nil {
		return Stream{}, refuseConfig(media.CodecAAC)
	}
	// The clock is the rate as played (RFC 3640 §4.1), with or without SBR.
	return Stream{Format: f, Track: track, rate: track.Timescale, complete: true}, nil
}

// mapLATM maps AAC in LATM (RFC 6416). Without the configuration in the
// description the first frame brings it.
func mapLATM(f *format.MPEG4AudioLATM) (Stream, error) {
	if f.CPresent {
		const rate = 90000 // the library takes no other
		return Stream{Format: f, rate: rate, Track: media.Track{ID: media.AudioTrackID, Codec: media.CodecAAC, Timescale: rate}}, nil
	}
	track, err := describeLATM(f.StreamMuxConfig)
	if err != nil {
		return Stream{}, refuseConfig(media.CodecAAC)
	}
	return Stream{Format: f, Track: track, rate: track.Timescale, complete: true}, nil
}

func refuseConfig(c media.Codec) *media.RefusalError {
	return &media.RefusalError{
		Code: "audio_config",
		Text: fmt.Sprintf("The %s audio is described in a way that Lectern cannot read. Set the audio codec to AAC-LC, 48 kHz, stereo.", c),
	}
}
