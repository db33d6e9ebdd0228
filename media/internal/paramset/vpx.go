package paramset

import (
	"encoding/binary"

	"github.com/lectern/lectern/media"
)

// vpxKeyframe is what a keyframe of VP8 or VP9 says. Others have no format.
type vpxKeyframe struct {
	key                       bool
	profile, bitDepth, chroma int
	width, height             int
}

// track describes what the keyframe starts. These codecs have no parameter sets:
// what stands in their place tells formats apart (Track.SameFormat) and is for no
// decoder.
func (k vpxKeyframe) track(c media.Codec) (media.Track, error) {
	id := []byte{byte(k.profile), byte(k.bitDepth), byte(k.chroma)}
	id = binary.BigEndian.AppendUint32(id, uint32(k.width))
	id = binary.BigEndian.AppendUint32(id, uint32(k.height))
	v := media.VideoFormat{ParameterSets: [][]byte{id}, Profile: k.profile, BitDepth: k.bitDepth, ChromaFormat: k.chroma}
	return sized(c, v, k.width, k.height)
}

// readVP8 reads the header of a VP8 frame (RFC 6386 §9.1).
func readVP8(b []byte) (vpxKeyframe, error) {
	if len(b) < 3 {
		return vpxKeyframe{}, malformed("VP8 frame of %d bytes", len(b))
	}
	k := vpxKeyframe{key: b[0]&1 == 0, profile: int(b[0] >> 1 & 7), bitDepth: 8, chroma: 1}
	if !k.key {
		return k, nil
	}
	if len(b) < 10 || b[3] != 0x9D || b[4] != 0x01 || b[5] != 0x2A {
		return vpxKeyframe{}, malformed("VP8 keyframe without start code")
	}
	k.width = int(binary.LittleEndian.Uint16(b[6:]) & 0x3FFF)
	k.height = int(binary.LittleEndian.Uint16(b[8:]) & 0x3FFF)
	return k, nil
}

// readVP9 reads the uncompressed header (VP9 bitstream specification §6.2) of the
// first frame in b, which may be a superframe.
func readVP9(b []byte) (vpxKeyframe, error) {
	r := bitReader{buf: b}
	marker := r.read(2)
	low := r.read(1)
	k := vpxKeyframe{profile: r.read(1)<<1 | low, bitDepth: 8, chroma: 1}
	if k.profile == 3 {
		r.read(1)
	}
	if r.bad || marker != 2 {
		return vpxKeyframe{}, malformed("VP9 frame of %d bytes without frame marker", len(b))
	}
	if r.flag() { // show_existing_frame
		return k, nil
	}
	k.key = !r.flag()
	r.read(2) // show_frame, error_resilient_mode
	if !k.key {
		return k, nil
	}
	sync := r.read(24)
	k.readColours(&r)
	k.width, k.height = r.read(16)+1, r.read(16)+1
	if r.bad || sync != 0x498342 {
		return vpxKeyframe{}, malformed("VP9 keyframe without sync code")
	}
	return k, nil
}

// readColours reads color_config (VP9 §6.2.2).
func (k *vpxKeyframe) readColours(r *bitReader) {
	if k.profile >= 2 {
		k.bitDepth = 10
		if r.flag() {
			k.bitDepth = 12
		}
	}
	const rgb = 7
	subsampled := k.profile == 1 || k.profile == 3
	if r.read(3) == rgb {
		k.chroma = 3
		if subsampled {
			r.read(1)
		}
		return
	}
	r.read(1) // color_range
	if subsampled {
		x, y := r.flag(), r.flag()
		k.chroma = subsampling(x, y)
		r.read(1)
	}
}
