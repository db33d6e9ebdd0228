package paramset

import "bytes"

// MaxUnits is how many NAL units an access unit may have. A picture at the
// largest size has a few hundred slices at most; without a bound, a message of
// one-byte units would cost 24 times its size.
const MaxUnits = 1024

// StartsWithStartCode reports whether b begins with a start code of three or
// four bytes (ITU-T H.264 §B.1.1). A length-prefixed access unit may too.
func StartsWithStartCode(b []byte) bool {
	return bytes.HasPrefix(b, []byte{0, 0, 1}) || bytes.HasPrefix(b, []byte{0, 0, 0, 1})
}

// SplitAnnexB appends the NAL units of the byte stream b (ITU-T H.264 §B.1) to
// dst, without start codes, without the zero bytes that may trail them and
// without empty units. The units alias b. Bytes before the first start code are
// skipped. It returns an error wrapping ErrMalformed when there is no start code
// or there are more than MaxUnits units.
func SplitAnnexB(dst [][]byte, b []byte) ([][]byte, error) {
	startCode := []byte{0, 0, 1}
	i := bytes.Index(b, startCode)
	if i < 0 {
		return dst, malformed("byte stream without start code")
	}
	n := 0
	for i >= 0 {
		b = b[i+len(startCode):]
		i = bytes.Index(b, startCode)
		unit := b
		if i >= 0 {
			unit = b[:i]
		}
		// A NAL unit never ends in a zero byte (ITU-T H.264 §7.4.1).
		if unit = bytes.TrimRight(unit, "\x00"); len(unit) == 0 {
			continue
		}
		if n++; n > MaxUnits {
			return dst, malformed("more than %d NAL units", MaxUnits)
		}
		dst = append(dst, unit)
	}
	return dst, nil
}
