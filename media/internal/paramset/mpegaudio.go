package paramset

import (
	"github.com/lectern/lectern/media"
)

// maxMP3Frames bounds the frames of a message.
const maxMP3Frames = 64

// mp3Frame is a frame header of MPEG audio layer III.
type mp3Frame struct {
	size     int // bytes, header included
	rate     int
	channels int
	samples  int
}

// readMP3 reads a frame header (ISO/IEC 11172-3 §2.4.1.3, ISO/IEC 13818-3, and the
// lower rates known as MPEG 2.5). Free format and other layers are malformed.
func readMP3(b []byte) (mp3Frame, error) {
	const (
		version25, reserved, version2 = 0, 1, 2
		layer3                        = 1
	)
	if len(b) < 4 || b[0] != 0xFF || b[1]&0xE0 != 0xE0 {
		return mp3Frame{}, malformed("no MPEG audio frame in %d bytes", len(b))
	}
	version, layer := b[1]>>3&3, b[1]>>1&3
	bitRate, rate := int(b[2]>>4), int(b[2]>>2&3)
	if version == reserved || layer != layer3 || bitRate == 0 || bitRate == 15 || rate == 3 {
		return mp3Frame{}, malformed("MPEG audio header %x is not of layer III", b[:4])
	}
	f := mp3Frame{rate: [...]int{44100, 48000, 32000}[rate], channels: 2, samples: 1152}
	kbits := [...]int{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}[bitRate]
	slots := 144
	if version == version2 || version == version25 {
		kbits = [...]int{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}[bitRate]
		f.rate, f.samples, slots = f.rate/2, 576, 72
	}
	if version == version25 {
		f.rate /= 2
	}
	f.size = slots*kbits*1000/f.rate + int(b[2]>>1&1)
	if b[3]>>6 == 3 {
		f.channels = 1
	}
	return f, nil
}

// MP3Size returns the size in bytes of the frame whose first four bytes, at
// least, are b. The error wraps ErrMalformed.
func MP3Size(b []byte) (int, error) {
	f, err := readMP3(b)
	return f.size, err
}

// MP3 describes the audio track that a frame of MPEG audio layer III belongs to.
// The error wraps ErrMalformed.
func MP3(frame []byte) (media.Track, error) {
	f, err := readMP3(frame)
	if err != nil {
		return media.Track{}, err
	}
	return Sound(media.CodecMP3, nil, f.rate, f.channels, f.samples)
}

// SplitMP3 returns the frames of b, which must consist of whole ones; a tag or
// padding may end it. They alias b. The error wraps ErrMalformed.
func SplitMP3(b []byte) ([][]byte, error) {
	var frames [][]byte
	for len(b) > 0 {
		f, err := readMP3(b)
		if err != nil && len(frames) > 0 {
			return frames, nil //nolint:nilerr // what follows the frames is none
		}
		if err != nil {
			return nil, err
		}
		if f.size > len(b) || len(frames) == maxMP3Frames {
			return nil, malformed("MPEG audio frame of %d bytes in %d", f.size, len(b))
		}
		frames = append(frames, b[:f.size:f.size])
		b = b[f.size:]
	}
	return frames, nil
}

// AC3 describes the audio track that a frame of AC-3 belongs to (ATSC A/52 §5.3).
// The error wraps ErrMalformed.
func AC3(frame []byte) (media.Track, error) {
	const blocks, blockSamples = 6, 256
	r := bitReader{buf: frame[:min(len(frame), 16)]}
	sync := r.read(16)
	r.read(16) // crc1
	rate := r.read(2)
	r.read(6) // frmsizecod
	id := r.read(5)
	r.read(3) // bsmod
	mode := r.read(3)
	if mode&1 != 0 && mode != 1 {
		r.read(2) // cmixlev
	}
	if mode&4 != 0 {
		r.read(2) // surmixlev
	}
	if mode == 2 {
		r.read(2) // dsurmod
	}
	lfe := r.read(1)
	if r.bad || sync != 0x0B77 || rate == 3 || id > 10 {
		return media.Track{}, malformed("no AC-3 frame in %d bytes", len(frame))
	}
	hz := [...]int{48000, 44100, 32000}[rate]
	if id > 8 { // half and quarter rates, beyond the standard
		hz >>= id - 8
	}
	return Sound(media.CodecAC3, nil, hz, ac3Channels(mode)+lfe, blocks*blockSamples)
}

// EAC3 describes the audio track that a frame of E-AC-3 belongs to (ATSC A/52
// §E.1.2). The channels are those of the first substream. The error wraps
// ErrMalformed.
func EAC3(frame []byte) (media.Track, error) {
	const blockSamples = 256
	r := bitReader{buf: frame[:min(len(frame), 16)]}
	sync := r.read(16)
	kind := r.read(2)
	r.read(3 + 11) // substreamid, frmsiz
	rate, code := r.read(2), r.read(2)
	mode, lfe, id := r.read(3), r.read(1), r.read(5)
	if !r.bad && id <= 10 {
		return asEAC3(AC3(frame)) // AC-3 under another name
	}
	if r.bad || sync != 0x0B77 || kind == 3 || id > 16 {
		return media.Track{}, malformed("no E-AC-3 frame in %d bytes", len(frame))
	}
	blocks := [...]int{1, 2, 3, 6}[code]
	var hz int
	if rate == 3 {
		if code == 3 {
			return media.Track{}, malformed("E-AC-3 frame with a reserved sampling rate")
		}
		hz, blocks = [...]int{24000, 22050, 16000}[code], 6
	} else {
		hz = [...]int{48000, 44100, 32000}[rate]
	}
	return Sound(media.CodecEAC3, nil, hz, ac3Channels(mode)+lfe, blocks*blockSamples)
}

func asEAC3(t media.Track, err error) (media.Track, error) {
	t.Codec = media.CodecEAC3
	return t, err
}

// ac3Channels returns the number of full-range channels of acmod (ATSC A/52 Table
// 5.8).
func ac3Channels(mode int) int { return [...]int{2, 1, 2, 3, 3, 4, 4, 5}[mode] }
