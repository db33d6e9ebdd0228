package media

// Codec names the coding of an elementary stream.
type Codec uint8

// The codecs that ingest can recognise. Which of them can be served without
// transcoding is decided by package transcode, not here.
const (
	CodecUnknown Codec = iota
	CodecH264          // ITU-T H.264, ISO/IEC 14496-10
	CodecHEVC          // ITU-T H.265, ISO/IEC 23008-2
	CodecAV1           // AOMedia Video 1
	CodecVP8           // RFC 6386
	CodecVP9           // VP9
	CodecAAC           // MPEG-4 AAC, ISO/IEC 14496-3
	CodecOpus          // RFC 6716
	CodecMP3           // MPEG-1/2 audio layer III
	CodecAC3           // ATSC A/52
	CodecEAC3          // ATSC A/52 annex E
	CodecFLAC          // RFC 9639
	CodecG711A         // ITU-T G.711 A-law
	CodecG711U         // ITU-T G.711 µ-law
	CodecPCM           // linear PCM
	CodecSpeex         // Speex, as old Flash encoders send
)

// Kind is what a codec codes.
type Kind uint8

// The kinds of elementary stream.
const (
	KindUnknown Kind = iota
	KindVideo
	KindAudio
)

// String returns the lower-case word used in logs: "video", "audio".
func (k Kind) String() string {
	switch k {
	case KindVideo:
		return "video"
	case KindAudio:
		return "audio"
	default:
		return "unknown"
	}
}

// Kind tells whether c codes pictures or sound.
func (c Codec) Kind() Kind {
	switch c {
	case CodecH264, CodecHEVC, CodecAV1, CodecVP8, CodecVP9:
		return KindVideo
	case CodecAAC, CodecOpus, CodecMP3, CodecAC3, CodecEAC3, CodecFLAC, CodecG711A, CodecG711U, CodecPCM, CodecSpeex:
		return KindAudio
	default:
		return KindUnknown
	}
}

// String returns the name a teacher would find in OBS, such as "H.264".
func (c Codec) String() string {
	switch c {
	case CodecH264:
		return "H.264"
	case CodecHEVC:
		return "HEVC"
	case CodecAV1:
		return "AV1"
	case CodecVP8:
		return "VP8"
	case CodecVP9:
		return "VP9"
	case CodecAAC:
		return "AAC"
	case CodecOpus:
		return "Opus"
	case CodecMP3:
		return "MP3"
	case CodecAC3:
		return "AC-3"
	case CodecEAC3:
		return "E-AC-3"
	case CodecFLAC:
		return "FLAC"
	case CodecG711A:
		return "G.711 A-law"
	case CodecG711U:
		return "G.711 µ-law"
	case CodecPCM:
		return "PCM"
	case CodecSpeex:
		return "Speex"
	default:
		return "unknown"
	}
}
