package rtmptest

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// Object is an AMF0 object. Encode writes its keys in sorted order.
type Object map[string]any

// Undefined is the AMF0 undefined value.
type Undefined struct{}

var errAMF = errors.New("not amf0")

// Encode returns the AMF0 form of values: float64, int, bool, string, nil,
// Undefined, Object or []any. Raw bytes ([]byte) are taken over as they are.
func Encode(values ...any) []byte {
	var b []byte
	for _, v := range values {
		b = appendValue(b, v)
	}
	return b
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 0), math.Float64bits(v))
	case int:
		return appendValue(b, float64(v))
	case bool:
		if v {
			return append(b, 1, 1)
		}
		return append(b, 1, 0)
	case string:
		if len(v) > math.MaxUint16 {
			return append(binary.BigEndian.AppendUint32(append(b, 12), uint32(len(v))), v...)
		}
		return append(binary.BigEndian.AppendUint16(append(b, 2), uint16(len(v))), v...)
	case nil:
		return append(b, 5)
	case Undefined:
		return append(b, 6)
	case []byte:
		return append(b, v...)
	case []any:
		b = binary.BigEndian.AppendUint32(append(b, 10), uint32(len(v)))
		for _, e := range v {
			b = appendValue(b, e)
		}
		return b
	case Object:
		b = append(b, 3)
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(k))), k...)
			b = appendValue(b, v[k])
		}
		return append(b, 0, 0, 9)
	default:
		return append(b, 13) // unsupported
	}
}

// Decode returns the values of b: float64, bool, string, nil, Undefined, Object
// or []any.
func Decode(b []byte) ([]any, error) {
	var out []any
	for len(b) > 0 {
		v, rest, err := decodeValue(b)
		if err != nil {
			return out, err
		}
		out, b = append(out, v), rest
	}
	return out, nil
}

func decodeValue(b []byte) (v any, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, errAMF
	}
	marker, b := b[0], b[1:]
	switch marker {
	case 0:
		if len(b) < 8 {
			return nil, nil, errAMF
		}
		return math.Float64frombits(binary.BigEndian.Uint64(b)), b[8:], nil
	case 1:
		if len(b) < 1 {
			return nil, nil, errAMF
		}
		return b[0] != 0, b[1:], nil
	case 2:
		s, rest, err := decodeKey(b)
		return s, rest, err
	case 3:
		return decodeObject(b)
	case 5:
		return nil, b, nil
	case 6:
		return Undefined{}, b, nil
	case 8:
		if len(b) < 4 {
			return nil, nil, errAMF
		}
		return decodeObject(b[4:])
	default:
		return nil, nil, errAMF
	}
}

func decodeKey(b []byte) (string, []byte, error) {
	if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
		return "", nil, errAMF
	}
	n := int(binary.BigEndian.Uint16(b))
	return string(b[2 : 2+n]), b[2+n:], nil
}

func decodeObject(b []byte) (any, []byte, error) {
	o := Object{}
	for {
		key, rest, err := decodeKey(b)
		if err != nil {
			return nil, nil, err
		}
		if key == "" && len(rest) > 0 && rest[0] == 9 {
			return o, rest[1:], nil
		}
		v, rest, err := decodeValue(rest)
		if err != nil {
			return nil, nil, err
		}
		o[key], b = v, rest
	}
}
