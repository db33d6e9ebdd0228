package flv

import (
	"time"

	"github.com/lectern/lectern/media"
)

// Packet is what a message carries.
type Packet uint8

// The kinds of packet.
const (
	// PacketOther carries nothing for a decoder: metadata, commands, channel
	// layouts, messages without track 0.
	PacketOther Packet = iota
	// PacketHeader carries decoder settings ("sequence header", SequenceStart).
	PacketHeader
	// PacketFrames carries coded data.
	PacketFrames
	// PacketEnd says that the track ends.
	PacketEnd
)

// Tag is the parsed header of an audio or video message.
type Tag struct {
	// Codec is media.CodecUnknown for what Lectern has no name for.
	Codec media.Codec

	// Name names the codec to people, also when Codec is CodecUnknown.
	Name string

	Packet Packet

	// CompositionTime is PTS - DTS, in milliseconds on the wire; it may be
	// negative. Audio has none.
	CompositionTime time.Duration

	// NanoOffset, less than a millisecond, is to be added to the timestamp.
	NanoOffset time.Duration

	// Sound is what the header of a legacy audio message says.
	Sound SoundFormat

	// OtherTracks is how many tracks besides track 0 the message had.
	OtherTracks int

	// Body follows the header. It aliases the message.
	Body []byte
}

// SoundFormat is SoundRate, SoundSize and SoundType of the FLV AudioTagHeader. Only
// for linear PCM are they true.
type SoundFormat struct {
	Rate     int // Hz
	Bits     int // a sample: 8 or 16
	Channels int // 1 or 2
}

// FLV frame type of a message that commands the player.
const frameCommand = 5

// ParseVideoTag reads the header of a video message: VideoTagHeader of FLV, or
// ExVideoTagHeader of Enhanced RTMP. FLV's keyframe flag is not reported, for
// encoders get it wrong. The error wraps ErrMalformed.
func ParseVideoTag(b []byte) (Tag, error) {
	if len(b) < 1 {
		return Tag{}, malformed("empty video message")
	}
	frameType := b[0] >> 4 & 7
	if b[0]&0x80 != 0 {
		return parseExVideo(frameType, b[0]&0x0F, b[1:])
	}
	name := legacyVideo(b[0] & 0x0F)
	t := Tag{Codec: name.codec, Name: name.name, Body: b[1:]}
	if frameType == frameCommand {
		return t, nil
	}
	switch t.Codec {
	case media.CodecH264, media.CodecHEVC, media.CodecAV1:
	default:
		t.Packet = PacketFrames
		return t, nil
	}

	// AVCVIDEOPACKET: type, composition time, data.
	if len(b) < 2 {
		return Tag{}, malformed("video message of %d bytes", len(b))
	}
	switch b[1] {
	case 0:
		t.Packet = PacketHeader
	case 1:
		t.Packet = PacketFrames
	case 2:
		t.Packet = PacketEnd
		t.Body = nil
		return t, nil
	default:
		return Tag{}, malformed("video packet type %d", b[1])
	}
	if len(b) < 5 {
		return Tag{}, malformed("video message of %d bytes", len(b))
	}
	if t.Packet == PacketFrames {
		t.CompositionTime = time.Duration(int24(b[2:])) * time.Millisecond
	}
	t.Body = b[5:]
	return t, nil
}

// VideoPacketType of Enhanced RTMP.
const (
	videoSequenceStart = 0
	videoCodedFrames   = 1
	videoSequenceEnd   = 2
	videoCodedFramesX  = 3
	videoMetadata      = 4
	videoMPEG2TSStart  = 5
	videoMultitrack    = 6
)

func parseExVideo(frameType, packetType byte, b []byte) (Tag, error) {
	packetType, nano, b, err := readModEx(packetType, b)
	if err != nil {
		return Tag{}, err
	}
	if frameType == frameCommand && packetType != videoMetadata {
		return Tag{}, nil
	}
	e, err := readTracks(packetType, videoMultitrack, b)
	if err != nil {
		return Tag{}, err
	}
	name := enhancedVideo(e.fourCC)
	t := Tag{Codec: name.codec, Name: name.name, NanoOffset: nano, OtherTracks: e.otherTracks, Body: e.body}
	if !e.trackZero {
		return t, nil
	}
	switch e.packetType {
	case videoSequenceStart, videoMPEG2TSStart:
		t.Packet = PacketHeader
	case videoCodedFrames:
		t.Packet = PacketFrames
		if string(e.fourCC[:]) == "avc1" || string(e.fourCC[:]) == "hvc1" || string(e.fourCC[:]) == "vvc1" {
			if len(t.Body) < 3 {
				return Tag{}, malformed("video frame of %d bytes", len(t.Body))
			}
			t.CompositionTime = time.Duration(int24(t.Body)) * time.Millisecond
			t.Body = t.Body[3:]
		}
	case videoCodedFramesX:
		t.Packet = PacketFrames
	case videoSequenceEnd:
		t.Packet = PacketEnd
	case videoMetadata:
	default:
		return Tag{}, malformed("video packet type %d", e.packetType)
	}
	return t, nil
}

// AudioPacketType of Enhanced RTMP.
const (
	audioSequenceStart = 0
	audioCodedFrames   = 1
	audioSequenceEnd   = 2
	audioChannels      = 4
	audioMultitrack    = 5
)

// ParseAudioTag reads the header of an audio message: AudioTagHeader of FLV, or
// ExAudioTagHeader of Enhanced RTMP. The error wraps ErrMalformed.
func ParseAudioTag(b []byte) (Tag, error) {
	if len(b) < 1 {
		return Tag{}, malformed("empty audio message")
	}
	const enhancedFormat = 9
	format := b[0] >> 4
	if format == enhancedFormat {
		return parseExAudio(b[0]&0x0F, b[1:])
	}
	name := legacyAudio(format)
	t := Tag{Codec: name.codec, Name: name.name, Packet: PacketFrames, Sound: soundFormat(b[0]), Body: b[1:]}
	if t.Codec != media.CodecAAC {
		return t, nil
	}
	if len(b) < 2 {
		return Tag{}, malformed("AAC message of %d bytes", len(b))
	}
	switch b[1] {
	case 0:
		t.Packet = PacketHeader
	case 1:
	default:
		return Tag{}, malformed("AAC packet type %d", b[1])
	}
	t.Body = b[2:]
	return t, nil
}

func soundFormat(head byte) SoundFormat {
	return SoundFormat{
		Rate:     [...]int{5512, 11025, 22050, 44100}[head>>2&3],
		Bits:     8 + 8*int(head>>1&1),
		Channels: 1 + int(head&1),
	}
}

func parseExAudio(packetType byte, b []byte) (Tag, error) {
	packetType, nano, b, err := readModEx(packetType, b)
	if err != nil {
		return Tag{}, err
	}
	e, err := readTracks(packetType, audioMultitrack, b)
	if err != nil {
		return Tag{}, err
	}
	name := enhancedAudio(e.fourCC)
	t := Tag{Codec: name.codec, Name: name.name, NanoOffset: nano, OtherTracks: e.otherTracks, Body: e.body}
	if !e.trackZero {
		return t, nil
	}
	switch e.packetType {
	case audioSequenceStart:
		t.Packet = PacketHeader
	case audioCodedFrames:
		t.Packet = PacketFrames
	case audioSequenceEnd:
		t.Packet = PacketEnd
	case audioChannels:
	default:
		return Tag{}, malformed("audio packet type %d", e.packetType)
	}
	return t, nil
}
