package hls

import (
	"slices"

	"github.com/lectern/lectern/media"
)

// captionSet tells which closed captions were seen in a video track. Its bits are
// kept in the index of segments: add, never renumber.
type captionSet uint8

// The services that are told apart: the first channel of each field of CEA-608,
// and CEA-708.
const (
	captionCC1 captionSet = 1 << iota
	captionCC3
	captionService1
)

// see notes closed captions in the rendition's pictures. What is new the multivariant
// playlists must say.
func (r *rendition) see(found captionSet) {
	if found&^r.captions != 0 {
		r.captions |= found
		r.pack.stale = true
	}
}

// instream returns the values of INSTREAM-ID (RFC 8216bis §4.4.6.1).
func (c captionSet) instream() []string {
	var out []string
	for _, s := range []struct {
		bit  captionSet
		name string
	}{{captionCC1, "CC1"}, {captionCC3, "CC3"}, {captionService1, "SERVICE1"}} {
		if c&s.bit != 0 {
			out = append(out, s.name)
		}
	}
	return out
}

// NAL unit types of supplemental enhancement information (ITU-T H.264 table 7-1,
// H.265 table 7-1).
const (
	avcSEI        = 6
	hevcPrefixSEI = 39
	hevcSuffixSEI = 40
)

// seiRegistered is payloadType user_data_registered_itu_t_t35 (H.264 §D.1.6).
const seiRegistered = 4

// findCaptions returns the closed captions that one picture carries as ATSC A/53
// Part 4 §6.2.3 puts them.
func findCaptions(payload [][]byte, codec media.Codec) captionSet {
	var found captionSet
	for _, unit := range payload {
		switch {
		case codec == media.CodecH264 && len(unit) > 1 && unit[0]&0x1f == avcSEI:
			found |= captionsInSEI(unit[1:])
		case codec == media.CodecHEVC && len(unit) > 2 &&
			(unit[0]>>1&0x3f == hevcPrefixSEI || unit[0]>>1&0x3f == hevcSuffixSEI):
			found |= captionsInSEI(unit[2:])
		}
	}
	return found
}

// captionsInSEI reads the messages of an SEI NAL unit without its header
// (H.264 §7.3.2.3.1). What is cut short is as if it were not there.
func captionsInSEI(b []byte) captionSet {
	var found captionSet
	b = withoutEmulation(b)
	number := func() int {
		n := 0
		for len(b) > 0 {
			v := b[0]
			b = b[1:]
			if n += int(v); v != 0xff {
				return n
			}
		}
		return -1
	}
	for len(b) > 2 {
		kind, size := number(), number()
		if kind < 0 || size < 0 || size > len(b) {
			return found
		}
		if kind == seiRegistered {
			found |= captionsInUserData(b[:size])
		}
		b = b[size:]
	}
	return found
}

// withoutEmulation removes emulation_prevention_three_byte (H.264 §7.4.1). It
// returns b itself if there is none.
func withoutEmulation(b []byte) []byte {
	stop := func(b []byte, i int) bool { return i >= 2 && b[i] == 3 && b[i-1] == 0 && b[i-2] == 0 }
	for i := range b {
		if !stop(b, i) {
			continue
		}
		out := slices.Clone(b[:i])
		for k := i + 1; k < len(b); k++ {
			if !stop(b, k) {
				out = append(out, b[k])
			}
		}
		return out
	}
	return b
}

// captionsInUserData reads cc_data of a user data payload (CTA-708 §4.3.5).
func captionsInUserData(b []byte) captionSet {
	// United States, ATSC, "GA94", cc_data.
	header := []byte{0xb5, 0x00, 0x31, 'G', 'A', '9', '4', 3}
	if len(b) < len(header)+2 || !slices.Equal(b[:len(header)], header) {
		return 0
	}
	flags := b[len(header)]
	b = b[len(header)+2:]
	if flags&0x40 == 0 { // process_cc_data_flag
		return 0
	}
	var found captionSet
	for range flags & 0x1f {
		if len(b) < 3 {
			break
		}
		valid, kind := b[0]&4 != 0, b[0]&3
		filled := (b[1]|b[2])&0x7f != 0 // a pair of zeros, with parity or without, is filling
		switch {
		case !valid:
		case kind == 0 && filled:
			found |= captionCC1
		case kind == 1 && filled:
			found |= captionCC3
		case kind == 3: // the start of a packet
			found |= captionService1
		}
		b = b[3:]
	}
	return found
}
