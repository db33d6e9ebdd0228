package paramset

// Types of OBU (AV1 bitstream specification §6.2.2).
const (
	obuSequenceHeader    = 1
	obuTemporalDelimiter = 2
	obuFrameHeader       = 3
	obuTileGroup         = 4
	obuMetadata          = 5
	obuFrame             = 6
	obuRedundantHeader   = 7
	obuTileList          = 8
	obuPadding           = 15
)

// obu is one open bitstream unit (AV1 §5.3). It aliases what it was read from.
type obu struct {
	kind    byte
	whole   []byte // header, size field if there is one, payload
	header  []byte // one byte, or two with the extension
	payload []byte
}

// nextOBU reads the first OBU of b. Without a size field it is all of b.
func nextOBU(b []byte) (o obu, rest []byte, err error) {
	const forbidden, extension, hasSize = 0x80, 0x04, 0x02
	if len(b) == 0 || b[0]&forbidden != 0 {
		return obu{}, nil, malformed("OBU header in %d bytes", len(b))
	}
	head := 1
	if b[0]&extension != 0 {
		head = 2
	}
	if len(b) < head {
		return obu{}, nil, malformed("OBU cut short in its header")
	}
	o = obu{kind: b[0] >> 3 & 0x0F, header: b[:head]}
	if b[0]&hasSize == 0 {
		o.whole, o.payload = b, b[head:]
		return o, nil, nil
	}
	size, n := readLEB128(b[head:])
	if n == 0 || size > uint64(len(b)-head-n) {
		return obu{}, nil, malformed("OBU of %d bytes in %d", size, len(b))
	}
	end := head + n + int(size)
	o.whole, o.payload = b[:end:end], b[head+n:end]
	return o, b[end:], nil
}

// unsized returns a copy of o without size field.
func (o obu) unsized() []byte {
	out := make([]byte, 0, len(o.header)+len(o.payload))
	out = append(out, o.header...)
	out[0] &^= 0x02
	return append(out, o.payload...)
}

// readLEB128 reads leb128() (AV1 §4.10.5) and returns how many bytes it took, 0
// if it is cut short or larger than 32 bits.
func readLEB128(b []byte) (v uint64, n int) {
	for i := range min(len(b), 8) {
		v |= uint64(b[i]&0x7F) << (7 * i)
		if b[i]&0x80 == 0 {
			if v > 1<<32-1 {
				return 0, 0
			}
			return v, i + 1
		}
	}
	return 0, 0
}
