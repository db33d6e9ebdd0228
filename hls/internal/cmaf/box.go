package cmaf

import "encoding/binary"

// boxes appends boxes to a byte slice. Sizes are filled in by end, so the zero
// value is ready for use and nothing can fail: every box here is far below the
// 4 GiB of a 32-bit size.
type boxes struct {
	buf []byte
}

// begin starts a box and returns where; give that to end.
func (b *boxes) begin(name string) int {
	at := len(b.buf)
	b.u32(0)
	b.buf = append(b.buf, name...)
	return at
}

// beginFull starts a FullBox (ISO/IEC 14496-12 §4.2).
func (b *boxes) beginFull(name string, version uint8, flags uint32) int {
	at := b.begin(name)
	b.u32(uint32(version)<<24 | flags)
	return at
}

// end fills in the size of the box that started at at.
func (b *boxes) end(at int) {
	binary.BigEndian.PutUint32(b.buf[at:], uint32(len(b.buf)-at))
}

func (b *boxes) u8(v uint8)     { b.buf = append(b.buf, v) }
func (b *boxes) u16(v uint16)   { b.buf = binary.BigEndian.AppendUint16(b.buf, v) }
func (b *boxes) u32(v uint32)   { b.buf = binary.BigEndian.AppendUint32(b.buf, v) }
func (b *boxes) u64(v uint64)   { b.buf = binary.BigEndian.AppendUint64(b.buf, v) }
func (b *boxes) bytes(p []byte) { b.buf = append(b.buf, p...) }
func (b *boxes) text(s string)  { b.buf = append(b.buf, s...) }
func (b *boxes) zeros(n int)    { b.buf = append(b.buf, make([]byte, n)...) }
