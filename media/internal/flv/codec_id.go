package flv

import "github.com/lectern/lectern/media"

// codecName is a codec as a tag header identifies it.
type codecName struct {
	codec media.Codec // CodecUnknown if no part of Lectern has a use for it
	name  string      // for people
}

func known(c media.Codec) codecName { return codecName{c, c.String()} }

// legacyVideo maps CodecID of the FLV VideoTagHeader. 12 and 13 are not in the
// specification; encoders used them before Enhanced RTMP.
func legacyVideo(id byte) codecName {
	switch id {
	case 2:
		return codecName{name: "Sorenson H.263"}
	case 3, 6:
		return codecName{name: "Screen Video"}
	case 4, 5:
		return codecName{name: "VP6"}
	case 7:
		return known(media.CodecH264)
	case 12:
		return known(media.CodecHEVC)
	case 13:
		return known(media.CodecAV1)
	default:
		return codecName{name: "this video format"}
	}
}

// legacyAudio maps SoundFormat of the FLV AudioTagHeader.
func legacyAudio(format byte) codecName {
	switch format {
	case 0, 3:
		return known(media.CodecPCM)
	case 1:
		return codecName{name: "ADPCM"}
	case 2, 14:
		return known(media.CodecMP3)
	case 4, 5, 6:
		return codecName{name: "Nellymoser"}
	case 7:
		return known(media.CodecG711A)
	case 8:
		return known(media.CodecG711U)
	case 10:
		return known(media.CodecAAC)
	case 11:
		return known(media.CodecSpeex)
	default:
		return codecName{name: "this kind of"}
	}
}

// enhancedVideo maps the FourCC of an Enhanced RTMP video message.
func enhancedVideo(fourCC [4]byte) codecName {
	switch string(fourCC[:]) {
	case "avc1":
		return known(media.CodecH264)
	case "hvc1":
		return known(media.CodecHEVC)
	case "av01":
		return known(media.CodecAV1)
	case "vp08":
		return known(media.CodecVP8)
	case "vp09":
		return known(media.CodecVP9)
	case "vvc1":
		return codecName{name: "VVC"}
	default:
		return codecName{name: "this video format"}
	}
}

// enhancedAudio maps the FourCC of an Enhanced RTMP audio message.
func enhancedAudio(fourCC [4]byte) codecName {
	switch string(fourCC[:]) {
	case "mp4a":
		return known(media.CodecAAC)
	case "Opus":
		return known(media.CodecOpus)
	case "fLaC":
		return known(media.CodecFLAC)
	case "ac-3":
		return known(media.CodecAC3)
	case "ec-3":
		return known(media.CodecEAC3)
	case ".mp3":
		return known(media.CodecMP3)
	default:
		return codecName{name: "this kind of"}
	}
}
