package paramset

import (
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/lectern/lectern/media"
)

// H264 describes the video track that sps and pps (NAL units without start
// codes, ITU-T H.264 §7.3.2.1 and §7.3.2.2) announce. The track has ID
// media.VideoTrackID and holds copies. The error wraps ErrMalformed, or is a
// *media.RefusalError when the picture is too large.
//
// An SPS whose VUI is cut short is accepted without what the rest of the VUI
// would have said: some hardware encoders write such, and decoders take it.
func H264(sps []byte, pps ...[]byte) (media.Track, error) {
	var s h264.SPS
	if len(sps) > maxSetSize {
		return media.Track{}, malformed("SPS of %d bytes", len(sps))
	}
	if err := s.Unmarshal(sps); err != nil && s.VUI == nil {
		return media.Track{}, malformed("SPS: %w", err)
	}
	if err := checkPPS(media.CodecH264, pps); err != nil {
		return media.Track{}, err
	}
	if s.ChromaFormatIdc > 3 || s.BitDepthLumaMinus8 > 6 || s.BitDepthChromaMinus8 > 6 {
		return media.Track{}, malformed("SPS: chroma format %d, bit depth 8+%d and 8+%d", s.ChromaFormatIdc, s.BitDepthLumaMinus8, s.BitDepthChromaMinus8)
	}

	fields := uint64(2) // field pairs a map unit row stands for, ITU-T H.264 (7-18)
	if s.FrameMbsOnlyFlag {
		fields = 1
	}
	width := (uint64(s.PicWidthInMbsMinus1) + 1) * 16
	height := (uint64(s.PicHeightInMapUnitsMinus1) + 1) * 16 * fields
	if err := checkSize(width, height); err != nil {
		return media.Track{}, err
	}
	var cutX, cutY uint64
	if c := s.FrameCropping; c != nil {
		unitX, unitY := chromaUnits(s.ChromaFormatIdc, s.SeparateColourPlaneFlag)
		cutX = (uint64(c.LeftOffset) + uint64(c.RightOffset)) * unitX
		cutY = (uint64(c.TopOffset) + uint64(c.BottomOffset)) * unitY * fields
	}
	shownWidth, shownHeight, err := crop(width, height, cutX, cutY)
	if err != nil {
		return media.Track{}, err
	}

	v := media.VideoFormat{
		ParameterSets: [][]byte{slices.Clone(sps)},
		Width:         shownWidth,
		Height:        shownHeight,
		SARWidth:      1,
		SARHeight:     1,
		Profile:       int(s.ProfileIdc),
		Level:         int(s.LevelIdc),
		BitDepth:      8 + int(max(s.BitDepthLumaMinus8, s.BitDepthChromaMinus8)),
		ChromaFormat:  int(s.ChromaFormatIdc),
		Interlaced:    !s.FrameMbsOnlyFlag,
	}
	for _, p := range pps {
		v.ParameterSets = append(v.ParameterSets, slices.Clone(p))
	}
	if u := s.VUI; u != nil {
		if u.AspectRatioInfoPresentFlag {
			v.SARWidth, v.SARHeight = aspectRatio(u.AspectRatioIdc, u.SarWidth, u.SarHeight)
		}
		if t := u.TimingInfo; t != nil {
			// A tick is a field: ITU-T H.264 §E.2.1, num_units_in_tick.
			v.FrameRate = frameRate(uint64(t.TimeScale), 2*uint64(t.NumUnitsInTick))
		}
	}
	return media.Track{ID: media.VideoTrackID, Codec: media.CodecH264, Timescale: media.TimescaleVideo, Video: v}, nil
}

// checkPPS returns ErrIncomplete if there is no picture parameter set, and an
// error that wraps ErrMalformed if one of them is none.
func checkPPS(c media.Codec, pps [][]byte) error {
	if len(pps) == 0 {
		return ErrIncomplete
	}
	for _, p := range pps {
		if Classify(c, p) != NALPictureParameterSet || len(p) > maxSetSize {
			return malformed("PPS of %d bytes", len(p))
		}
	}
	return nil
}

// chromaUnits returns CropUnitX and CropUnitY of a frame (ITU-T H.264 (7-19) to
// (7-22), ITU-T H.265 Table 6-1). Without chroma arrays they are 1.
func chromaUnits(format uint32, separatePlanes bool) (x, y uint64) {
	if separatePlanes {
		return 1, 1
	}
	switch format {
	case 1:
		return 2, 2
	case 2:
		return 2, 1
	default:
		return 1, 1
	}
}

// idsH264 returns the identifier of a parameter set, and for a PPS that of the
// SPS it refers to.
func idsH264(kind NALKind, nal []byte) (id, refersTo uint32, err error) {
	b := h264.EmulationPreventionRemove(nal[1:min(len(nal), 64)])
	pos := 0
	if kind == NALSequenceParameterSet {
		pos = 3 * 8 // profile_idc, constraint flags, level_idc
		if len(b)*8 <= pos {
			return 0, 0, malformed("SPS of %d bytes", len(nal))
		}
		if id, err = bits.ReadGolombUnsigned(b, &pos); err != nil || id > 31 {
			return 0, 0, malformed("SPS id %d", id)
		}
		return id, 0, nil
	}
	if id, err = bits.ReadGolombUnsigned(b, &pos); err != nil || id > 255 {
		return 0, 0, malformed("PPS id %d", id)
	}
	if refersTo, err = bits.ReadGolombUnsigned(b, &pos); err != nil || refersTo > 31 {
		return 0, 0, malformed("PPS %d refers to SPS %d", id, refersTo)
	}
	return id, refersTo, nil
}
