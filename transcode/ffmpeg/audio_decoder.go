package ffmpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// The bounds of what a decoder of sound may give.
const (
	audioMinRate    = 4000
	audioMaxRate    = 192000
	audioMaxSamples = 1 << 18 // sampling times a frame
)

// newAudioDecoder opens a decoder for t. It returns an error that wraps
// transcode.ErrSpec if there is none or it refuses t's configuration.
func newAudioDecoder(objects *objects, t media.Track) (*codec, error) {
	d, err := openAudioDecoder(objects, t)
	if err != nil {
		return nil, fmt.Errorf("%w: decode %s: %w", transcode.ErrSpec, t.Codec, err)
	}
	return d, nil
}

func openAudioDecoder(objects *objects, t media.Track) (*codec, error) {
	what, config, err := audioDecoder(t)
	if err != nil {
		return nil, err
	}
	if rate := t.Audio.SampleRate; rate != 0 && (rate < audioMinRate || rate > audioMaxRate) {
		return nil, fmt.Errorf("a sampling rate of %d Hz", rate)
	}
	d, err := newCodec(objects, what)
	if err != nil {
		return nil, err
	}
	d.raw.SetThreadCount(1)
	d.raw.SetSampleRate(t.Audio.SampleRate)
	switch t.Audio.Channels {
	case 1:
		d.raw.SetChannelLayout(astiav.ChannelLayoutMono)
	case 2:
		d.raw.SetChannelLayout(astiav.ChannelLayoutStereo)
	case 6:
		d.raw.SetChannelLayout(astiav.ChannelLayout5Point1)
	case 8:
		d.raw.SetChannelLayout(astiav.ChannelLayout7Point1)
	}
	if len(config) > 0 {
		if err = d.raw.SetExtraData(config); err != nil {
			d.release()
			return nil, fmt.Errorf("set configuration: %w", err)
		}
	}
	if err = d.open(map[string]string{"max_samples": fmt.Sprint(audioMaxSamples)}); err != nil {
		d.release()
		return nil, err
	}
	return d, nil
}

// audioDecoder returns the decoder for t and the configuration to give it.
func audioDecoder(t media.Track) (*astiav.Codec, []byte, error) {
	config := t.Audio.Config
	switch t.Codec {
	case media.CodecAAC:
		if len(config) == 0 {
			return nil, nil, errors.New("there is no AudioSpecificConfig")
		}
		return astiav.FindDecoder(astiav.CodecIDAac), config, nil
	case media.CodecOpus:
		return astiav.FindDecoder(astiav.CodecIDOpus), opusConfig(t.Audio), nil
	case media.CodecMP3:
		return astiav.FindDecoder(astiav.CodecIDMp3), nil, nil
	case media.CodecAC3:
		return astiav.FindDecoder(astiav.CodecIDAc3), nil, nil
	case media.CodecEAC3:
		return astiav.FindDecoder(astiav.CodecIDEac3), nil, nil
	case media.CodecFLAC:
		return astiav.FindDecoder(astiav.CodecIDFlac), flacConfig(config), nil
	case media.CodecG711A:
		return astiav.FindDecoder(astiav.CodecIDPcmAlaw), nil, nil
	case media.CodecG711U:
		return astiav.FindDecoder(astiav.CodecIDPcmMulaw), nil, nil
	case media.CodecPCM:
		return pcmDecoder(config)
	case media.CodecSpeex:
		return astiav.FindDecoder(astiav.CodecIDSpeex), config, nil
	default:
		return nil, nil, errors.New("it is not sound")
	}
}

// opusConfig returns an identification header (RFC 7845 §5.1), which the decoder
// needs to know about two channels. The number of samples to skip is 0 in it:
// timestamps are true already.
func opusConfig(a media.AudioFormat) []byte {
	const magic = "OpusHead"
	if bytes.HasPrefix(a.Config, []byte(magic)) && len(a.Config) >= 19 {
		config := bytes.Clone(a.Config)
		binary.LittleEndian.PutUint16(config[10:], 0)
		return config
	}
	channels := byte(2)
	if a.Channels == 1 {
		channels = 1
	}
	config := append([]byte(magic), 1, channels, 0, 0)
	config = binary.LittleEndian.AppendUint32(config, audioRate)
	return append(config, 0, 0, 0) // no gain, mapping family 0
}

// flacConfig returns the STREAMINFO block (RFC 9639 §8.2) alone, whether or not
// the stream's marker and the block's header stand before it. Without it the
// decoder reads the frames' own headers.
func flacConfig(config []byte) []byte {
	const size = 34
	config = bytes.TrimPrefix(config, []byte("fLaC"))
	if len(config) >= 4+size && config[0]&0x7f == 0 {
		config = config[4:]
	}
	if len(config) < size {
		return nil
	}
	return config[:size]
}

// pcmDecoder returns the decoder of linear PCM that config names, in FFmpeg's way
// of writing: "s16le", as FLV has it and is taken if there is no configuration,
// "s16be" as RTP has it, "u8" or "s24be".
func pcmDecoder(config []byte) (*astiav.Codec, []byte, error) {
	switch string(config) {
	case "", "s16le":
		return astiav.FindDecoder(astiav.CodecIDPcmS16Le), nil, nil
	case "s16be":
		return astiav.FindDecoder(astiav.CodecIDPcmS16Be), nil, nil
	case "s24be":
		return astiav.FindDecoder(astiav.CodecIDPcmS24Be), nil, nil
	case "u8":
		return astiav.FindDecoder(astiav.CodecIDPcmU8), nil, nil
	default:
		return nil, nil, errors.New("unknown kind of samples")
	}
}
