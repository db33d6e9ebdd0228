package reception

import (
	"github.com/bluenviron/gortsplib/v4/pkg/format"

	"github.com/lectern/lectern/media"
)

// formatName names a format for a person; it never holds bytes of the peer.
func formatName(f format.Format) string {
	switch f := f.(type) {
	case *format.H264:
		return media.CodecH264.String()
	case *format.H265:
		return media.CodecHEVC.String()
	case *format.MPEG4Audio, *format.MPEG4AudioLATM:
		return media.CodecAAC.String()
	case *format.AV1:
		return media.CodecAV1.String()
	case *format.VP8:
		return media.CodecVP8.String()
	case *format.VP9:
		return media.CodecVP9.String()
	case *format.Opus:
		return media.CodecOpus.String()
	case *format.G711:
		if f.MULaw {
			return media.CodecG711U.String()
		}
		return media.CodecG711A.String()
	case *format.AC3:
		return media.CodecAC3.String()
	case *format.Speex:
		return media.CodecSpeex.String()
	case *format.LPCM:
		return media.CodecPCM.String()
	case *format.MPEG1Audio:
		return media.CodecMP3.String()
	case *format.MJPEG:
		return "Motion JPEG"
	case *format.MPEG1Video:
		return "MPEG-1 or MPEG-2 video"
	case *format.MPEG4Video:
		return "MPEG-4 Part 2 video"
	case *format.MPEGTS:
		return "an MPEG transport stream"
	case *format.G722:
		return "G.722"
	case *format.G726:
		return "G.726"
	case *format.Vorbis:
		return "Vorbis"
	case *format.KLV:
		return "KLV metadata"
	default:
		return "a format without a known name"
	}
}
