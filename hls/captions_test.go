package hls

import (
	"slices"
	"testing"

	"github.com/lectern/lectern/media"
)

// a53 is an SEI NAL unit (H.264, without HEVC's second header byte) with cc_data
// triplets.
func a53(header []byte, triplets ...[3]byte) []byte {
	data := []byte{0xb5, 0x00, 0x31, 'G', 'A', '9', '4', 3, 0x40 | byte(len(triplets)), 0xff}
	for _, t := range triplets {
		data = append(data, t[:]...)
	}
	data = append(data, 0xff)
	out := append(slices.Clone(header), 4, byte(len(data)))
	return append(append(out, data...), 0x80)
}

func TestCaptions(t *testing.T) {
	avc, prefix, suffix := []byte{0x06}, []byte{39 << 1, 1}, []byte{40 << 1, 1}
	hello := [3]byte{0xfc, 0xc8, 0xe5}
	// A message of another kind stands before, with a size over 255.
	long := append([]byte{0x06, 5, 0xff, 45}, make([]byte, 300)...)
	for i := range 300 {
		long[4+i] = 0x55
	}
	long = append(long, a53(nil, hello)...)
	for _, tc := range []struct {
		name  string
		codec media.Codec
		unit  []byte
		want  captionSet
	}{
		{"first field", media.CodecH264, a53(avc, hello), captionCC1},
		{"second field", media.CodecH264, a53(avc, [3]byte{0xfd, 0xc8, 0xe5}), captionCC3},
		{"both fields and 708", media.CodecH264, a53(avc, hello, [3]byte{0xfd, 0xc8, 0xe5}, [3]byte{0xff, 2, 0x21}), captionCC1 | captionCC3 | captionService1},
		{"only filling", media.CodecH264, a53(avc, [3]byte{0xfc, 0x80, 0x80}, [3]byte{0xfd, 0x80, 0x80}, [3]byte{0xfa, 0, 0}), 0},
		{"708 goes on, starts elsewhere", media.CodecH264, a53(avc, [3]byte{0xfe, 2, 0x21}), 0},
		{"not valid", media.CodecH264, a53(avc, [3]byte{0xf8, 0xc8, 0xe5}), 0},
		{"emulation prevention", media.CodecH264, a53(avc, [3]byte{0xf8, 0, 0}, [3]byte{3, 0xf8, 0}), 0},
		{"behind a long message", media.CodecH264, long, captionCC1},
		{"HEVC prefix", media.CodecHEVC, a53(prefix, hello), captionCC1},
		{"HEVC suffix", media.CodecHEVC, a53(suffix, hello), captionCC1},
		{"HEVC unit read as H.264", media.CodecH264, a53(prefix, hello), 0},
		{"a slice", media.CodecH264, append([]byte{0x65}, a53(avc, hello)[1:]...), 0},
		{"cut short", media.CodecH264, a53(avc, hello)[:12], 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := findCaptions([][]byte{{0x09, 0x10}, tc.unit}, tc.codec); got != tc.want {
				t.Errorf("found %v, want %v", got.instream(), tc.want.instream())
			}
		})
	}
}

func TestEmulationPrevention(t *testing.T) {
	for _, tc := range [][2][]byte{
		{{1, 2, 3}, {1, 2, 3}},
		{{0, 0, 3, 1}, {0, 0, 1}},
		{{0, 0, 3, 0, 0, 3, 0}, {0, 0, 0, 0, 0}},
		{{0, 3, 0, 0, 0, 3}, {0, 3, 0, 0, 0}},
	} {
		if got := withoutEmulation(tc[0]); !slices.Equal(got, tc[1]) {
			t.Errorf("%v became %v, want %v", tc[0], got, tc[1])
		}
	}
}

func FuzzCaptions(f *testing.F) {
	f.Add(a53([]byte{0x06}, [3]byte{0xfc, 0xc8, 0xe5}), true)
	f.Add(a53([]byte{39 << 1, 1}, [3]byte{0xff, 2, 0x21}), false)
	f.Add([]byte{0x06, 0xff, 0xff, 4, 0xff, 0, 0, 3, 0, 0, 3}, true)
	f.Fuzz(func(t *testing.T, unit []byte, avc bool) {
		codec := media.CodecHEVC
		if avc {
			codec = media.CodecH264
		}
		before := slices.Clone(unit)
		got := findCaptions([][]byte{unit}, codec)
		if got > captionCC1|captionCC3|captionService1 {
			t.Errorf("found %b", got)
		}
		if !slices.Equal(unit, before) {
			t.Error("the unit was changed: readers share it")
		}
	})
}
