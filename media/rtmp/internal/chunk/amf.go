package chunk

import (
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"
)

const (
	maxDepth  = 8    // nesting of AMF0 values
	maxValues = 2000 // AMF0 values of one message
)

// AMF0 type markers (AMF0 specification §2.1).
const (
	amfNumber      = 0x00
	amfBoolean     = 0x01
	amfString      = 0x02
	amfObject      = 0x03
	amfNull        = 0x05
	amfUndefined   = 0x06
	amfReference   = 0x07
	amfECMAArray   = 0x08
	amfObjectEnd   = 0x09
	amfStrictArray = 0x0a
	amfDate        = 0x0b
	amfLongString  = 0x0c
	amfUnsupported = 0x0d
	amfXML         = 0x0f
	amfTypedObject = 0x10
)

// amfReader walks AMF0 values in b without building anything from them. Every
// length and count is checked against the bytes that are left.
type amfReader struct {
	b      []byte
	values int // values seen so far
}

// checkValues walks all values of b and turns undefined into null on the way:
// the library knows no undefined.
func checkValues(b []byte) error {
	r := amfReader{b: b}
	for len(r.b) > 0 {
		if err := r.skip(0); err != nil {
			return err
		}
	}
	return nil
}

func (r *amfReader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.b) {
		return nil, ErrAMF
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b, nil
}

// sized reads a length of n bytes and then as many bytes as it says.
func (r *amfReader) sized(n int) ([]byte, error) {
	b, err := r.take(n)
	if err != nil {
		return nil, err
	}
	if n == 2 {
		return r.take(int(binary.BigEndian.Uint16(b)))
	}
	size := binary.BigEndian.Uint32(b)
	if size > math.MaxInt32 {
		return nil, ErrAMF
	}
	return r.take(int(size))
}

// skip passes over one value that is nested depth levels deep.
func (r *amfReader) skip(depth int) error {
	r.values++
	if depth > maxDepth || r.values > maxValues || len(r.b) == 0 {
		return ErrAMF
	}
	marker := r.b[0]
	if marker == amfUndefined {
		r.b[0] = amfNull
	}
	r.b = r.b[1:]
	var err error
	switch marker {
	case amfNumber:
		_, err = r.take(8)
	case amfBoolean:
		_, err = r.take(1)
	case amfString:
		_, err = r.sized(2)
	case amfNull, amfUndefined, amfUnsupported:
	case amfReference:
		_, err = r.take(2)
	case amfDate:
		_, err = r.take(10)
	case amfLongString, amfXML:
		_, err = r.sized(4)
	case amfStrictArray:
		err = r.skipArray(depth)
	case amfObject, amfECMAArray, amfTypedObject:
		if err = r.openObject(marker); err == nil {
			err = r.pairs(func(string) error { return r.skip(depth + 1) })
		}
	default:
		err = ErrAMF // AMF3 inside, object end out of place, unknown
	}
	return err
}

func (r *amfReader) skipArray(depth int) error {
	b, err := r.take(4)
	if err != nil {
		return err
	}
	count := binary.BigEndian.Uint32(b)
	if uint64(count) > uint64(len(r.b)) { // a value has one byte at least
		return ErrAMF
	}
	for range count {
		if err := r.skip(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

// openObject reads what stands between an object's marker and its first pair.
func (r *amfReader) openObject(marker byte) error {
	switch marker {
	case amfECMAArray:
		b, err := r.take(4)
		// The count is a hint; real encoders send 0 or one too many.
		if err != nil || uint64(binary.BigEndian.Uint32(b)) > uint64(len(r.b)) {
			return ErrAMF
		}
	case amfTypedObject:
		_, err := r.sized(2) // class name
		return err
	}
	return nil
}

// pairs calls value for each key of an object; value must consume the value.
func (r *amfReader) pairs(value func(key string) error) error {
	for {
		key, err := r.sized(2)
		if err != nil {
			return err
		}
		if len(key) == 0 && len(r.b) > 0 && r.b[0] == amfObjectEnd {
			r.b = r.b[1:]
			return nil
		}
		if err := value(string(key)); err != nil {
			return err
		}
	}
}

// str reads a value if it is a string, else skips it and reports false.
func (r *amfReader) str(depth int) (string, bool, error) {
	var lengthSize int
	switch {
	case len(r.b) > 0 && r.b[0] == amfString:
		lengthSize = 2
	case len(r.b) > 0 && r.b[0] == amfLongString:
		lengthSize = 4
	default:
		return "", false, r.skip(depth)
	}
	r.values++
	r.b = r.b[1:]
	b, err := r.sized(lengthSize)
	if err != nil {
		return "", false, err
	}
	s := string(b)
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return s, true, nil
}

// num reads a value if it is a finite number or a boolean (0 or 1), else skips
// it and reports false.
func (r *amfReader) num(depth int) (float64, bool, error) {
	if len(r.b) >= 2 && r.b[0] == amfBoolean {
		v := float64(0)
		if r.b[1] != 0 {
			v = 1
		}
		return v, true, r.skip(depth)
	}
	if len(r.b) < 9 || r.b[0] != amfNumber {
		return 0, false, r.skip(depth)
	}
	v := math.Float64frombits(binary.BigEndian.Uint64(r.b[1:]))
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, false, r.skip(depth)
	}
	return v, true, r.skip(depth)
}
