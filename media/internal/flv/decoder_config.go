package flv

import (
	"encoding/binary"

	"github.com/lectern/lectern/media/internal/paramset"
)

// DecoderConfig is what a sequence header of H.264 or HEVC says.
type DecoderConfig struct {
	// LengthSize is how many bytes the length before each NAL unit has: 1, 2, 4.
	LengthSize int

	// Sets are the NAL units of the header, mostly parameter sets, in its order.
	// They alias the header.
	Sets [][]byte
}

// maxConfigSets bounds the NAL units of a header. Encoders write two or three.
const maxConfigSets = 64

// ParseAVCConfig reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15
// §5.3.3.1). What follows the picture parameter sets is ignored. The error wraps
// ErrMalformed.
func ParseAVCConfig(b []byte) (DecoderConfig, error) {
	const fixed = 6
	if len(b) < fixed || b[0] != 1 {
		return DecoderConfig{}, malformed("AVC decoder configuration of %d bytes", len(b))
	}
	c := DecoderConfig{LengthSize: int(b[4]&3) + 1}
	if c.LengthSize == 3 {
		return DecoderConfig{}, malformed("NAL unit lengths of 3 bytes")
	}
	count := int(b[5] & 0x1F)
	rest, err := c.readUnits(b[fixed:], count)
	if err != nil {
		return DecoderConfig{}, err
	}
	if len(rest) < 1 {
		if count == 0 { // nothing announced: the parameter sets will come in band
			return c, nil
		}
		return DecoderConfig{}, malformed("AVC decoder configuration without PPS")
	}
	if _, err = c.readUnits(rest[1:], int(rest[0])); err != nil {
		return DecoderConfig{}, err
	}
	return c, nil
}

// ParseHEVCConfig reads an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15
// §8.3.3.1). Version 0, of drafts, is taken like 1. The error wraps
// ErrMalformed.
func ParseHEVCConfig(b []byte) (DecoderConfig, error) {
	const fixed = 23
	if len(b) < fixed || b[0] > 1 {
		return DecoderConfig{}, malformed("HEVC decoder configuration of %d bytes", len(b))
	}
	c := DecoderConfig{LengthSize: int(b[21]&3) + 1}
	if c.LengthSize == 3 {
		return DecoderConfig{}, malformed("NAL unit lengths of 3 bytes")
	}
	arrays := int(b[22])
	b = b[fixed:]
	for range arrays {
		if len(b) < 3 {
			return DecoderConfig{}, malformed("array cut short")
		}
		var err error
		if b, err = c.readUnits(b[3:], int(binary.BigEndian.Uint16(b[1:]))); err != nil {
			return DecoderConfig{}, err
		}
	}
	return c, nil
}

// readUnits appends count NAL units with lengths of 16 bits to c.Sets.
func (c *DecoderConfig) readUnits(b []byte, count int) (rest []byte, err error) {
	for range count {
		if len(b) < 2 {
			return nil, malformed("NAL unit without length")
		}
		size := int(binary.BigEndian.Uint16(b))
		b = b[2:]
		if size > len(b) {
			return nil, malformed("NAL unit of %d bytes in %d", size, len(b))
		}
		if len(c.Sets) == maxConfigSets {
			return nil, malformed("more than %d NAL units", maxConfigSets)
		}
		c.Sets = append(c.Sets, b[:size])
		b = b[size:]
	}
	return b, nil
}

// SplitAVCC appends the NAL units of b, an access unit with lengths of
// lengthSize bytes (ISO/IEC 14496-15 §4.3.2), to dst. Empty units are included;
// zero bytes too few for a length may end b. The units alias b. The error wraps
// ErrMalformed; what was appended before it is of no use.
func SplitAVCC(dst [][]byte, b []byte, lengthSize int) ([][]byte, error) {
	n := 0
	for len(b) > 0 {
		if len(b) < lengthSize {
			for _, c := range b {
				if c != 0 {
					return dst, malformed("%d bytes left for a length", len(b))
				}
			}
			return dst, nil
		}
		var size uint32
		for _, c := range b[:lengthSize] {
			size = size<<8 | uint32(c)
		}
		b = b[lengthSize:]
		if uint64(size) > uint64(len(b)) {
			return dst, malformed("NAL unit of %d bytes in %d", size, len(b))
		}
		if n++; n > paramset.MaxUnits {
			return dst, malformed("more than %d NAL units", paramset.MaxUnits)
		}
		dst = append(dst, b[:size:size])
		b = b[size:]
	}
	return dst, nil
}
