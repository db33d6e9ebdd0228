package paramset

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/lectern/lectern/media"
)

// NALKind is what a NAL unit is to a demuxer.
type NALKind uint8

// The kinds of NAL unit, the same for H.264 (ITU-T H.264 Table 7-1) and HEVC
// (ITU-T H.265 Table 7-1).
const (
	// NALOther is passed on untouched: reserved types, SVC and MVC extensions.
	NALOther NALKind = iota
	// NALInvalid is shorter than its header, has the forbidden bit set, or is of
	// a type that is left to applications; decoders must ignore it.
	NALInvalid
	// NALSlice is coded picture data that needs earlier pictures, as far as the
	// type tells.
	NALSlice
	// NALRandomAccess is coded picture data of an IDR picture, or in HEVC of any
	// IRAP picture (BLA, IDR, CRA).
	NALRandomAccess
	// NALVideoParameterSet is a VPS (HEVC only).
	NALVideoParameterSet
	// NALSequenceParameterSet is an SPS.
	NALSequenceParameterSet
	// NALPictureParameterSet is a PPS.
	NALPictureParameterSet
	// NALSEI is supplemental enhancement information, such as captions.
	NALSEI
	// NALPadding carries no picture and no message: access unit delimiter, end
	// of sequence, end of stream, filler data. Containers that know where an
	// access unit starts need none of them.
	NALPadding
)

// Classify tells what nal is in a stream of codec c. Anything is NALInvalid
// unless c is media.CodecH264 or media.CodecHEVC.
func Classify(c media.Codec, nal []byte) NALKind {
	switch c {
	case media.CodecH264:
		return classifyH264(nal)
	case media.CodecHEVC:
		return classifyHEVC(nal)
	default:
		return NALInvalid
	}
}

func classifyH264(nal []byte) NALKind {
	if len(nal) < 1 || nal[0]&0x80 != 0 {
		return NALInvalid
	}
	switch t := h264.NALUType(nal[0] & 0x1F); t {
	case h264.NALUTypeNonIDR, h264.NALUTypeDataPartitionA, h264.NALUTypeDataPartitionB, h264.NALUTypeDataPartitionC:
		return NALSlice
	case h264.NALUTypeIDR:
		return NALRandomAccess
	case h264.NALUTypeSEI:
		return NALSEI
	case h264.NALUTypeSPS:
		return NALSequenceParameterSet
	case h264.NALUTypePPS:
		return NALPictureParameterSet
	case h264.NALUTypeAccessUnitDelimiter, h264.NALUTypeEndOfSequence, h264.NALUTypeEndOfStream, h264.NALUTypeFillerData:
		return NALPadding
	default:
		if t == 0 || t >= 24 {
			return NALInvalid
		}
		return NALOther
	}
}

func classifyHEVC(nal []byte) NALKind {
	if len(nal) < 2 || nal[0]&0x80 != 0 {
		return NALInvalid
	}
	switch t := h265.NALUType(nal[0] >> 1); {
	case t <= h265.NALUType_RSV_VCL_R15:
		return NALSlice
	case t >= h265.NALUType_BLA_W_LP && t <= h265.NALUType_CRA_NUT:
		return NALRandomAccess
	case t == h265.NALUType_VPS_NUT:
		return NALVideoParameterSet
	case t == h265.NALUType_SPS_NUT:
		return NALSequenceParameterSet
	case t == h265.NALUType_PPS_NUT:
		return NALPictureParameterSet
	case t >= h265.NALUType_AUD_NUT && t <= h265.NALUType_FD_NUT:
		return NALPadding
	case t == h265.NALUType_PREFIX_SEI_NUT || t == h265.NALUType_SUFFIX_SEI_NUT:
		return NALSEI
	case t >= h265.NALUType_AggregationUnit:
		return NALInvalid
	default:
		return NALOther
	}
}

// isRASL reports whether nal, of kind NALSlice, is of a random access skipped
// leading picture.
func isRASL(c media.Codec, nal []byte) bool {
	if c != media.CodecHEVC {
		return false
	}
	t := h265.NALUType(nal[0] >> 1)
	return t == h265.NALUType_RASL_N || t == h265.NALUType_RASL_R
}
