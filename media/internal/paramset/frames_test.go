package paramset_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/paramset"
	"github.com/lectern/lectern/media/mediatest"
)

// Sequence headers that real encoders rarely write, made by hand after AV1 §5.5.1;
// b says the bits.
func sequence(b string) []byte {
	out := []byte{0x08} // no size field
	for bits := range slices.Chunk([]byte(b), 8) {
		var v byte
		for i, c := range bits {
			v |= (c - '0') << (7 - i)
		}
		out = append(out, v)
	}
	return out
}

// The pieces of a sequence header.
const (
	size64x36   = "0110" + "0110" + "0111111" + "0100011" // widths of 7 bits
	tools       = "0" + "000" + "0000" + "0" + "1" + "1" + "000"
	eightBit420 = "0" + "0" + "0" + "0" + "00" + "0"
)

func TestAV1(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                 string
		obu                  []byte
		depth, chroma, level int
		frameRate            float64
	}{
		{"plain", sequence("000" + "00" + "0" + "0" + "00000" + "000000000000" + "00101" + size64x36 + tools + eightBit420), 8, 1, 5, 0},
		{
			"timing, decoder model, display delay, two operating points",
			sequence("000" + "00" + "1" +
				"00000000000000000000001111101001" + "00000000000000000111010100110000" + "1" + "1" + // 1001 / 30000
				"1" + "00000" + "00000000000000000000000000000001" + "00000" + "00000" +
				"1" + "00001" +
				"000000000000" + "01000" + "0" + "1" + "1" + "1" + "0" + "1" + "0011" +
				"000000000001" + "00100" + "0" + "0" +
				size64x36 + tools + eightBit420),
			8, 1, 8, 30000.0 / 1001,
		},
		{"reduced still picture header, monochrome", sequence("000" + "11" + "00000" + size64x36 + "000" + "000" + "0" + "1" + "0" + "0"), 8, 0, 0, 0},
		{"4:4:4 with 10 bits", sequence("001" + "00" + "0" + "0" + "00000" + "000000000000" + "00101" + size64x36 + tools + "1" + "0" + "0" + "0"), 10, 3, 5, 0},
		{"4:2:2 with 12 bits", sequence("010" + "00" + "0" + "0" + "00000" + "000000000000" + "00101" + size64x36 + tools + "1" + "1" + "0" + "0" + "0" + "1" + "0" + "0"), 12, 2, 5, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			track, err := paramset.AV1(tt.obu)
			if err != nil {
				t.Fatal(err)
			}
			v := track.Video
			if v.Width != 64 || v.Height != 36 || v.BitDepth != tt.depth || v.ChromaFormat != tt.chroma || v.Level != tt.level || v.FrameRate != tt.frameRate {
				t.Errorf("format %+v", v)
			}
			if !bytes.Equal(v.ParameterSets[0], tt.obu) {
				t.Errorf("parameter sets %x, want %x", v.ParameterSets[0], tt.obu)
			}
			for n := range tt.obu {
				if _, err = paramset.AV1(tt.obu[:n]); err == nil && n < len(tt.obu)-1 {
					t.Errorf("the first %d bytes of %d are a sequence header too", n, len(tt.obu))
				}
			}
		})
	}
}

func TestFramesStart(t *testing.T) {
	t.Parallel()
	_, av1 := mediatest.Frames(t, "av1")
	f := paramset.NewFrames(media.CodecAV1)
	if _, ok := f.Track(); ok {
		t.Error("a track before the first frame")
	}
	frame, err := f.Read([][]byte{av1[1]})
	if err != nil || frame.RandomAccess || !frame.Coded {
		t.Errorf("a frame that refers to others: %+v, %v", frame, err)
	}
	withPadding := slices.Concat([]byte{0x12, 0x00}, av1[0], []byte{0x7A, 0x02, 0x00, 0x80})
	frame, err = f.Read([][]byte{withPadding})
	if err != nil || !frame.RandomAccess || !frame.NewTrack || frame.Dropped.Padding != 2 || len(frame.Units) != 1 {
		t.Errorf("keyframe between delimiter and padding: %+v, %v", frame, err)
	}
	frame, err = f.Read([][]byte{av1[0]})
	if err != nil || !frame.RandomAccess || frame.NewTrack {
		t.Errorf("the same keyframe again: %+v, %v", frame, err)
	}
	for _, bad := range [][]byte{{0x80}, {0x32}, {0x32, 0x05, 0x10}, {0x32, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F}, {0x34}} {
		if _, err = f.Read([][]byte{bad}); !errors.Is(err, paramset.ErrMalformed) {
			t.Errorf("%x: error %v", bad, err)
		}
	}
	vp9 := paramset.NewFrames(media.CodecVP9)
	if frame, err = vp9.Read([][]byte{{0x88}}); err != nil || frame.RandomAccess {
		t.Errorf("VP9 frame that shows an earlier one: %+v, %v", frame, err)
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	const idr, point, other = 'I', 'r', '.'
	for _, tt := range []struct {
		name     string
		pictures string // one a second; j is a jump of the clock before the next
		want     string // random access points are x
	}{
		{"a jump of the clock", "Ijr..r", "x....x"},
		{"IDR pictures only", "I..I..I", "x..x..x"},
		{"recovery points between close IDR pictures", "I.rI.rI", "x..x..x"},
		{"one IDR picture, then recovery points", "I.r..r.r", "x....x.x"},
		{"recovery points from the start", ".rr.r", "..x.x"},
		{"recovery points, then IDR pictures", "rrrrI.r.I", "..xxx.x.x"},
		{"neither", "......", "......"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var r paramset.Refresh
			var got []byte
			at := time.Duration(0)
			for _, kind := range tt.pictures {
				if kind == 'j' {
					at += time.Hour
				}
				at += time.Second
				p := paramset.Picture{Coded: true, RandomAccess: kind == idr, Recovery: kind == point}
				if r.Judge(&p, at); p.RandomAccess {
					got = append(got, 'x')
				} else {
					got = append(got, other)
				}
			}
			if string(got) != tt.want {
				t.Errorf("case 23: %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRecoveryPoint(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		sei  []byte
		want bool
	}{
		{"after 9 pictures", []byte{6, 6, 1, 0x14, 0x80}, true},
		{"after another message", []byte{6, 5, 3, 1, 2, 3, 6, 1, 0x84, 0x80}, true},
		{"after a long message", slices.Concat([]byte{6, 5, 0xFF, 0x01}, make([]byte, 256), []byte{6, 1, 0x84, 0x80}), false},
		{"after 70,000 pictures", []byte{6, 6, 5, 0, 0, 0x88, 0xB9, 0x40, 0x80}, false},
		{"another message", []byte{6, 4, 1, 0x84, 0x80}, false},
		{"cut short", []byte{6, 6}, false},
		{"cut short in the size", []byte{6, 6, 0xFF}, false},
		{"without payload", []byte{6, 6, 0, 0x80}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var p paramset.Picture
			p.Sift(media.CodecH264, [][]byte{tt.sei, {0x41, 0x9A}})
			if p.Recovery != tt.want {
				t.Errorf("case 23: recovery point: %v, want %v", p.Recovery, tt.want)
			}
		})
	}
}
