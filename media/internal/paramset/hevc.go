package paramset

import (
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/lectern/lectern/media"
)

// HEVC describes the video track that vps, sps and pps (NAL units without start
// codes, ITU-T H.265 §7.3.2.1 to §7.3.2.3) announce. It is otherwise like H264.
// An SPS with profiles of its own for temporal sub-layers is refused as
// malformed: the parser does not know them.
func HEVC(vps, sps []byte, pps ...[]byte) (media.Track, error) {
	// NAL unit header, identifiers and profile_tier_level take 15 bytes; the
	// parser counts on them.
	const shortest = 16
	if len(sps) > maxSetSize || len(h264.EmulationPreventionRemove(sps)) < shortest {
		return media.Track{}, malformed("SPS of %d bytes", len(sps))
	}
	var s h265.SPS
	if err := s.Unmarshal(sps); err != nil && s.VUI == nil {
		return media.Track{}, malformed("SPS: %w", err)
	}
	if Classify(media.CodecHEVC, vps) != NALVideoParameterSet || len(vps) > maxSetSize {
		return media.Track{}, malformed("VPS of %d bytes", len(vps))
	}
	if err := checkPPS(media.CodecHEVC, pps); err != nil {
		return media.Track{}, err
	}
	if s.ChromaFormatIdc > 3 || s.BitDepthLumaMinus8 > 8 || s.BitDepthChromaMinus8 > 8 {
		return media.Track{}, malformed("SPS: chroma format %d, bit depth 8+%d and 8+%d", s.ChromaFormatIdc, s.BitDepthLumaMinus8, s.BitDepthChromaMinus8)
	}

	width, height := uint64(s.PicWidthInLumaSamples), uint64(s.PicHeightInLumaSamples)
	if err := checkSize(width, height); err != nil {
		return media.Track{}, err
	}
	var cutX, cutY uint64
	if w := s.ConformanceWindow; w != nil {
		unitX, unitY := chromaUnits(s.ChromaFormatIdc, false)
		cutX = (uint64(w.LeftOffset) + uint64(w.RightOffset)) * unitX
		cutY = (uint64(w.TopOffset) + uint64(w.BottomOffset)) * unitY
	}
	shownWidth, shownHeight, err := crop(width, height, cutX, cutY)
	if err != nil {
		return media.Track{}, err
	}

	ptl := s.ProfileTierLevel
	v := media.VideoFormat{
		ParameterSets: [][]byte{slices.Clone(vps), slices.Clone(sps)},
		Width:         shownWidth,
		Height:        shownHeight,
		SARWidth:      1,
		SARHeight:     1,
		Profile:       int(ptl.GeneralProfileIdc),
		Level:         int(ptl.GeneralLevelIdc),
		BitDepth:      8 + int(max(s.BitDepthLumaMinus8, s.BitDepthChromaMinus8)),
		ChromaFormat:  int(s.ChromaFormatIdc),
		Interlaced:    ptl.GeneralInterlacedSourceFlag && !ptl.GeneralProgressiveSourceFlag,
	}
	for _, p := range pps {
		v.ParameterSets = append(v.ParameterSets, slices.Clone(p))
	}
	if u := s.VUI; u != nil {
		if u.AspectRatioInfoPresentFlag {
			v.SARWidth, v.SARHeight = aspectRatio(u.AspectRatioIdc, u.SarWidth, u.SarHeight)
		}
		v.Interlaced = v.Interlaced || u.FieldSeqFlag
		if t := u.TimingInfo; t != nil {
			// A tick is a picture (ITU-T H.265 §E.3.1), which field_seq_flag makes a field.
			perFrame := uint64(t.NumUnitsInTick)
			if u.FieldSeqFlag {
				perFrame *= 2
			}
			v.FrameRate = frameRate(uint64(t.TimeScale), perFrame)
		}
	}
	return media.Track{ID: media.VideoTrackID, Codec: media.CodecHEVC, Timescale: media.TimescaleVideo, Video: v}, nil
}

// idsHEVC returns the identifier of a parameter set, and that of the VPS or SPS
// it refers to.
func idsHEVC(kind NALKind, nal []byte) (id, refersTo uint32, err error) {
	b := h264.EmulationPreventionRemove(nal[2:min(len(nal), 256)])
	pos := 0
	switch kind {
	case NALVideoParameterSet:
		v, readErr := bits.ReadBits(b, &pos, 4)
		if readErr != nil {
			return 0, 0, malformed("VPS of %d bytes", len(nal))
		}
		return uint32(v), 0, nil

	case NALSequenceParameterSet:
		v, readErr := bits.ReadBits(b, &pos, 8)
		if readErr != nil {
			return 0, 0, malformed("SPS of %d bytes", len(nal))
		}
		refersTo = uint32(v >> 4)
		if !skipProfileTierLevel(b, &pos, int(v>>1&7)) {
			return 0, 0, malformed("SPS of %d bytes", len(nal))
		}
		if id, err = bits.ReadGolombUnsigned(b, &pos); err != nil || id > 15 {
			return 0, 0, malformed("SPS id %d", id)
		}
		return id, refersTo, nil

	default:
		if id, err = bits.ReadGolombUnsigned(b, &pos); err != nil || id > 63 {
			return 0, 0, malformed("PPS id %d", id)
		}
		if refersTo, err = bits.ReadGolombUnsigned(b, &pos); err != nil || refersTo > 15 {
			return 0, 0, malformed("PPS %d refers to SPS %d", id, refersTo)
		}
		return id, refersTo, nil
	}
}

// skipProfileTierLevel moves pos behind profile_tier_level(1, subLayers), ITU-T
// H.265 §7.3.3, and reports whether anything is left to read.
func skipProfileTierLevel(b []byte, pos *int, subLayers int) bool {
	*pos += 88 + 8
	if subLayers > 0 {
		if bits.HasSpace(b, *pos, 2*8) != nil {
			return false
		}
		skip := 0
		for range subLayers {
			if bits.ReadFlagUnsafe(b, pos) {
				skip += 88
			}
			if bits.ReadFlagUnsafe(b, pos) {
				skip += 8
			}
		}
		*pos += 2*(8-subLayers) + skip
	}
	return bits.HasSpace(b, *pos, 1) == nil
}
