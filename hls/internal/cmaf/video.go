package cmaf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/lectern/lectern/media"
)

// NAL unit types of parameter sets (ITU-T H.264 table 7-1, H.265 table 7-1).
const (
	avcSPS  = 7
	avcPPS  = 8
	hevcVPS = 32
	hevcSPS = 33
	hevcPPS = 34
)

func avcType(nal []byte) int {
	if len(nal) == 0 {
		return -1
	}
	return int(nal[0] & 0x1f)
}

func hevcType(nal []byte) int {
	if len(nal) < 2 {
		return -1
	}
	return int(nal[0] >> 1 & 0x3f)
}

// pick returns the parameter sets of one type.
func pick(sets [][]byte, typeOf func([]byte) int, want int) [][]byte {
	var out [][]byte
	for _, s := range sets {
		if typeOf(s) == want {
			out = append(out, s)
		}
	}
	return out
}

func avcSampleEntry(v media.VideoFormat) ([]byte, error) {
	sps, pps := pick(v.ParameterSets, avcType, avcSPS), pick(v.ParameterSets, avcType, avcPPS)
	if len(sps) == 0 || len(sps) > 31 || len(sps[0]) < 4 || len(pps) == 0 || len(pps) > 255 {
		return nil, fmt.Errorf("H.264 parameter sets: %w", ErrFormat)
	}
	var b boxes
	avc1 := appendVisualSampleEntry(&b, "avc1", v)
	avcC := b.begin("avcC")
	b.u8(1)
	b.bytes(sps[0][1:4])             // profile, compatibility, level
	b.u8(0xfc | (nalLengthSize - 1)) // six reserved bits
	b.u8(0xe0 | uint8(len(sps)))
	appendSets(&b, sps)
	b.u8(uint8(len(pps)))
	appendSets(&b, pps)
	switch sps[0][1] {
	case 66, 77, 88: // Baseline, Main and Extended have no such fields
	default:
		b.u8(0xfc | uint8(v.ChromaFormat)&3)
		b.u8(0xf8 | bitDepth(v))
		b.u8(0xf8 | bitDepth(v))
		b.u8(0)
	}
	b.end(avcC)
	var s h264.SPS
	if s.Unmarshal(sps[0]) == nil && s.VUI != nil && s.VUI.ColourDescriptionPresentFlag {
		appendColour(&b, s.VUI.ColourPrimaries, s.VUI.TransferCharacteristics, s.VUI.MatrixCoefficients, s.VUI.VideoFullRangeFlag)
	}
	appendPixelAspect(&b, v)
	b.end(avc1)
	return b.buf, nil
}

func hevcSampleEntry(v media.VideoFormat) ([]byte, error) {
	ptl, err := hevcProfile(v)
	if err != nil {
		return nil, err
	}
	vps := pick(v.ParameterSets, hevcType, hevcVPS)
	sps := pick(v.ParameterSets, hevcType, hevcSPS)
	pps := pick(v.ParameterSets, hevcType, hevcPPS)
	if len(vps) == 0 || len(pps) == 0 {
		return nil, fmt.Errorf("HEVC parameter sets: %w", ErrFormat)
	}
	var b boxes
	hvc1 := appendVisualSampleEntry(&b, "hvc1", v)
	hvcC := b.begin("hvcC")
	b.u8(1)
	b.bytes(ptl.general[:])
	b.u16(0xf000) // min_spatial_segmentation_idc unknown
	b.u8(0xfc)    // parallelismType unknown
	b.u8(0xfc | uint8(v.ChromaFormat)&3)
	b.u8(0xf8 | bitDepth(v))
	b.u8(0xf8 | bitDepth(v))
	b.u16(0) // avgFrameRate unspecified
	b.u8(ptl.temporalLayers<<3 | ptl.temporalNesting<<2 | (nalLengthSize - 1))
	b.u8(3)
	for _, array := range []struct {
		nalType uint8
		sets    [][]byte
	}{{hevcVPS, vps}, {hevcSPS, sps}, {hevcPPS, pps}} {
		b.u8(0x80 | array.nalType) // complete: none in the samples, as hvc1 asks
		b.u16(uint16(len(array.sets)))
		appendSets(&b, array.sets)
	}
	b.end(hvcC)
	var s h265.SPS
	if s.Unmarshal(sps[0]) == nil && s.VUI != nil && s.VUI.ColourDescriptionPresentFlag {
		appendColour(&b, s.VUI.ColourPrimaries, s.VUI.TransferCharacteristics, s.VUI.MatrixCoefficients, s.VUI.VideoFullRangeFlag)
	}
	appendPixelAspect(&b, v)
	b.end(hvc1)
	return b.buf, nil
}

func appendVisualSampleEntry(b *boxes, name string, v media.VideoFormat) int {
	at := b.begin(name)
	b.zeros(6)
	b.u16(1) // data_reference_index
	b.zeros(16)
	b.u16(uint16(v.Width))
	b.u16(uint16(v.Height))
	b.u32(0x00480000) // 72 dpi
	b.u32(0x00480000)
	b.u32(0)
	b.u16(1)    // frame_count
	b.zeros(32) // compressorname
	b.u16(0x0018)
	b.u16(0xffff) // pre_defined = -1
	return at
}

func appendSets(b *boxes, sets [][]byte) {
	for _, s := range sets {
		b.u16(uint16(len(s)))
		b.bytes(s)
	}
}

func bitDepth(v media.VideoFormat) uint8 {
	if v.BitDepth < 8 || v.BitDepth > 15 {
		return 0
	}
	return uint8(v.BitDepth - 8)
}

// appendColour writes what the VUI says of the colours, for players that look
// at the container only.
func appendColour(b *boxes, primaries, transfer, matrix uint8, full bool) {
	colr := b.begin("colr")
	b.text("nclx")
	b.u16(uint16(primaries))
	b.u16(uint16(transfer))
	b.u16(uint16(matrix))
	if full {
		b.u8(0x80)
	} else {
		b.u8(0)
	}
	b.end(colr)
}

func appendPixelAspect(b *boxes, v media.VideoFormat) {
	if v.SARWidth <= 0 || v.SARHeight <= 0 || v.SARWidth == v.SARHeight {
		return
	}
	pasp := b.begin("pasp")
	b.u32(uint32(v.SARWidth))
	b.u32(uint32(v.SARHeight))
	b.end(pasp)
}

// profileTierLevel is the head of an HEVC sequence parameter set.
type profileTierLevel struct {
	// general is general_profile_space to general_level_idc as they stand in
	// the SPS (ITU-T H.265 §7.3.3) and in hvcC: space, tier and profile; 32
	// compatibility flags; 48 constraint flags; level.
	general         [12]byte
	temporalLayers  uint8
	temporalNesting uint8
}

func hevcProfile(v media.VideoFormat) (profileTierLevel, error) {
	sps := pick(v.ParameterSets, hevcType, hevcSPS)
	if len(sps) == 0 {
		return profileTierLevel{}, fmt.Errorf("HEVC parameter sets: %w", ErrFormat)
	}
	// Emulation prevention bytes stand among the mostly zero constraint flags.
	head := sps[0][:min(len(sps[0]), 32)]
	head = bytes.ReplaceAll(head, []byte{0, 0, 3}, []byte{0, 0})
	if len(head) < 15 {
		return profileTierLevel{}, fmt.Errorf("HEVC sequence parameter set: %w", ErrFormat)
	}
	p := profileTierLevel{
		temporalLayers:  head[2]>>1&7 + 1,
		temporalNesting: head[2] & 1,
	}
	copy(p.general[:], head[3:15])
	return p, nil
}

// codecs returns the parameters of ISO/IEC 14496-15 annex E.
func (p profileTierLevel) codecs() string {
	var s strings.Builder
	s.WriteString("hvc1.")
	if space := p.general[0] >> 6; space > 0 {
		s.WriteByte('A' + space - 1)
	}
	tier := 'L'
	if p.general[0]&0x20 != 0 {
		tier = 'H'
	}
	compatibility := bits.Reverse32(binary.BigEndian.Uint32(p.general[1:]))
	fmt.Fprintf(&s, "%d.%X.%c%d", p.general[0]&0x1f, compatibility, tier, p.general[11])
	for _, c := range bytes.TrimRight(p.general[5:11], "\x00") {
		fmt.Fprintf(&s, ".%X", c)
	}
	return s.String()
}
