package paramset

import (
	"slices"

	"github.com/lectern/lectern/media"
)

// The bounds of sound that is described.
const (
	minSoundRate     = 4000 // Hz
	maxSoundRate     = 192000
	maxSoundChannels = 8
	maxSoundFrame    = 1 << 16 // sampling times
)

// opusRate is the clock of Opus, whatever was sampled.
const opusRate = 48000

// Sound describes an audio track that says little about itself: G.711, linear PCM
// and Speex. rate is in Hz, samples the length of an access unit at that rate.
// For PCM config names the samples: "u8", "s16le", "s16be", "s24be"; the others
// have none. The error wraps ErrMalformed.
func Sound(c media.Codec, config []byte, rate, channels, samples int) (media.Track, error) {
	if rate < minSoundRate || rate > maxSoundRate || channels < 1 || channels > maxSoundChannels || samples < 1 || samples > maxSoundFrame {
		return media.Track{}, malformed("%s of %d Hz, %d channels, %d samples", c, rate, channels, samples)
	}
	return media.Track{
		ID: media.AudioTrackID, Codec: c, Timescale: media.Timescale(rate),
		Audio: media.AudioFormat{Config: slices.Clone(config), SampleRate: rate, Channels: channels, FrameSamples: samples},
	}, nil
}

// OpusHead returns an identification header (RFC 7845 §5.1) for one or two
// channels.
func OpusHead(channels int) []byte {
	return []byte{
		'O', 'p', 'u', 's', 'H', 'e', 'a', 'd', 1, byte(channels),
		0, 0, // pre-skip: timestamps are true already
		0x80, 0xBB, 0, 0, // 48,000 Hz
		0, 0, // gain
		0, // mapping family
	}
}

// Opus describes the audio track of head, an identification header (RFC 7845
// §5.1), or of packet alone if head is empty. FrameSamples is the length of
// packet, 20 ms if it is empty; others may differ. The error wraps ErrMalformed.
func Opus(head, packet []byte) (media.Track, error) {
	if len(head) == 0 {
		channels := 1
		if len(packet) > 0 && packet[0]&0x04 != 0 {
			channels = 2
		}
		head = OpusHead(channels)
	}
	const fixed = 19
	if len(head) < fixed || len(head) > 256+fixed || string(head[:8]) != "OpusHead" || head[8]>>4 != 0 {
		return media.Track{}, malformed("Opus header of %d bytes", len(head))
	}
	channels, family := int(head[9]), head[18]
	if family == 0 && channels > 2 || family != 0 && len(head) < fixed+2+channels {
		return media.Track{}, malformed("Opus header with %d channels in mapping family %d", channels, family)
	}
	samples := opusRate / 50
	if len(packet) > 0 {
		samples = opusSamples(packet)
	}
	return Sound(media.CodecOpus, head, opusRate, channels, samples)
}

// opusSamples returns the length of an Opus packet (RFC 6716 §3.1), 0 for one
// that is cut short.
func opusSamples(packet []byte) int {
	const perMillisecond = opusRate / 1000
	config := int(packet[0] >> 3)
	var frame int
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		frame = [...]int{10, 20, 40, 60}[config&3] * perMillisecond
	case config < 16: // hybrid: 10, 20 ms
		frame = (10 + 10*(config&1)) * perMillisecond
	default: // CELT: 2.5, 5, 10, 20 ms
		frame = 120 << (config & 3)
	}
	switch packet[0] & 3 {
	case 0:
		return frame
	case 1, 2:
		return 2 * frame
	default:
		if len(packet) < 2 {
			return 0
		}
		return int(packet[1]&0x3F) * frame
	}
}

// FLAC describes the audio track of header: a STREAMINFO block (RFC 9639 §8.2),
// with or without its block header and the stream's marker before it. The track
// holds the block alone; FrameSamples is the longest block. The error wraps
// ErrMalformed.
func FLAC(header []byte) (media.Track, error) {
	const size = 34
	b := header
	if len(b) >= 4 && string(b[:4]) == "fLaC" {
		b = b[4:]
	}
	if len(b) >= 4+size && b[0]&0x7F == 0 && b[1] == 0 && b[2] == 0 && b[3] == size {
		b = b[4:]
	}
	if len(b) < size {
		return media.Track{}, malformed("FLAC header of %d bytes", len(header))
	}
	r := bitReader{buf: b[:size]}
	r.read(16)
	block := r.read(16)
	r.read(24)
	r.read(24)
	rate, channels := r.read(20), r.read(3)+1
	return Sound(media.CodecFLAC, b[:size], rate, channels, block)
}
