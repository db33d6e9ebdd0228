package flv

import (
	"encoding/binary"
	"time"
)

// enhanced is what the Enhanced RTMP headers of audio and video have in common
// (Enhanced RTMP v2, ExAudioTagHeader and ExVideoTagHeader).
type enhanced struct {
	packetType  byte
	fourCC      [4]byte
	otherTracks int // tracks besides track 0
	trackZero   bool
	body        []byte
}

// packetModEx is ModEx of both AudioPacketType and VideoPacketType.
const packetModEx = 7

// readModEx skips the modifiers in front of a packet of type ModEx and returns
// the packet's real type and what follows. Of the modifiers it takes the
// nanosecond offset.
func readModEx(packetType byte, b []byte) (realType byte, nanoOffset time.Duration, rest []byte, err error) {
	for packetType == packetModEx {
		if len(b) < 1 {
			return 0, 0, nil, malformed("modifier without size")
		}
		size := int(b[0]) + 1
		b = b[1:]
		if size == 256 {
			if len(b) < 2 {
				return 0, 0, nil, malformed("modifier without size")
			}
			size = int(binary.BigEndian.Uint16(b)) + 1
			b = b[2:]
		}
		if len(b) < size+1 {
			return 0, 0, nil, malformed("modifier of %d bytes in %d", size, len(b))
		}
		const timestampOffsetNano = 0
		modifier, next := b[:size], b[size]
		b = b[size+1:]
		if next>>4 == timestampOffsetNano && size >= 3 {
			// Less than a millisecond, says the specification.
			nanoOffset = min(time.Duration(uint24(modifier)), time.Millisecond-1)
		}
		packetType = next & 0x0F
	}
	return packetType, nanoOffset, b, nil
}

// Multitrack types (AvMultitrackType).
const (
	multitrackOne    = 0
	multitrackMany   = 1
	multitrackCodecs = 2
)

// readTracks reads the FourCC and body of a packet that is no ModEx. multitrack is
// the value of Multitrack among its packet types. Of several tracks it takes the
// one with identifier 0.
func readTracks(packetType, multitrack byte, b []byte) (enhanced, error) {
	e := enhanced{packetType: packetType, trackZero: true}
	if packetType != multitrack {
		if len(b) < len(e.fourCC) {
			return enhanced{}, malformed("no room for a FourCC in %d bytes", len(b))
		}
		e.fourCC = [4]byte(b)
		e.body = b[4:]
		return e, nil
	}

	if len(b) < 1 {
		return enhanced{}, malformed("multitrack packet without type")
	}
	kind := b[0] >> 4
	e.packetType = b[0] & 0x0F
	b = b[1:]
	if kind > multitrackCodecs || e.packetType == multitrack || e.packetType == packetModEx {
		return enhanced{}, malformed("multitrack type %d of packet type %d", kind, e.packetType)
	}
	var fourCC [4]byte
	if kind != multitrackCodecs {
		if len(b) < 4 {
			return enhanced{}, malformed("no room for a FourCC in %d bytes", len(b))
		}
		fourCC, b = [4]byte(b), b[4:]
	}
	e.trackZero = false
	for len(b) > 0 {
		if kind == multitrackCodecs {
			if len(b) < 4 {
				return enhanced{}, malformed("no room for a FourCC in %d bytes", len(b))
			}
			fourCC, b = [4]byte(b), b[4:]
		}
		if len(b) < 1 {
			return enhanced{}, malformed("track without identifier")
		}
		id := b[0]
		b = b[1:]
		size := len(b)
		if kind != multitrackOne {
			if len(b) < 3 {
				return enhanced{}, malformed("track without size")
			}
			size = int(uint24(b))
			b = b[3:]
			if size > len(b) {
				return enhanced{}, malformed("track of %d bytes in %d", size, len(b))
			}
		}
		if id == 0 && !e.trackZero {
			e.trackZero = true
			e.fourCC = fourCC
			e.body = b[:size]
		} else {
			e.otherTracks++
		}
		b = b[size:]
	}
	return e, nil
}

func uint24(b []byte) uint32 {
	return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
}

// int24 reads SI24 of the FLV specification.
func int24(b []byte) int32 {
	return int32(uint24(b)<<8) >> 8
}
