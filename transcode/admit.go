package transcode

import (
	"fmt"

	"github.com/lectern/lectern/media"
)

// Limits of passing video through: what every browser decodes. Beyond them the
// pictures have to be encoded anew.
const (
	maxPassthroughWidth  = 1920
	maxPassthroughHeight = 1088
	maxPassthroughRate   = 61 // frames a second; 59.94 and 60 pass
	maxPassthroughLevel  = 42 // H.264 level_idc of level 4.2
	maxHEVCLevel         = 123
)

// Limits of decoding: larger pictures are refused before a decoder sees them.
const (
	maxDecodeWidth  = 4096
	maxDecodeHeight = 2304
	maxDecodeRate   = 120.5
)

// Admit reports whether the ladder can serve tracks: nil, or a
// *media.RefusalError that tells the person at the encoder what to change. A
// ladder that encodes refuses what it cannot decode, one that does not refuses
// all that browsers do not play.
func (l *Ladder) Admit(tracks []media.Track) error {
	if len(tracks) == 0 {
		return &media.RefusalError{Code: "no_tracks", Text: "Your encoder sends neither video nor audio."}
	}
	for _, t := range tracks {
		switch t.Codec.Kind() {
		case media.KindVideo:
			if err := l.admitVideo(t); err != nil {
				return err
			}
		case media.KindAudio:
			if err := l.admitAudio(t); err != nil {
				return err
			}
		default:
			return &media.RefusalError{
				Code: "codec",
				Text: "Your encoder sends a format that this server does not know. In OBS: Settings > Output > Encoder: choose x264 (H.264), and AAC for audio.",
			}
		}
	}
	return nil
}

func (l *Ladder) admitVideo(t media.Track) error {
	switch v := t.Video; {
	case !l.encodes:
		return passableVideo(t)
	case v.Width <= 0 || v.Height <= 0:
		return refuseNoSize()
	case max(v.Width, v.Height) > maxDecodeWidth || min(v.Width, v.Height) > maxDecodeHeight || v.FrameRate > maxDecodeRate:
		return refuseSize(v)
	}
	return nil
}

func (l *Ladder) admitAudio(t media.Track) error {
	if l.encodes {
		return nil
	}
	return passableAudio(t)
}

func refuseNoSize() error {
	return &media.RefusalError{Code: "video_format", Text: "The video's size is missing from the stream. Restart the encoder."}
}

func refuseSize(v media.VideoFormat) error {
	return &media.RefusalError{
		Code: "video_size",
		Text: fmt.Sprintf("The video is %dx%d at %.0f frames a second. In OBS: Settings > Video: set the Output Resolution to 1920x1080 or less, and 60 FPS or less.", v.Width, v.Height, v.FrameRate),
	}
}

// passableVideo reports whether browsers play the video as it is. HEVC passes,
// since some do and there may be no encoder; see Ladder.Plan.
func passableVideo(t media.Track) error {
	v := t.Video
	switch {
	case t.Codec != media.CodecH264 && t.Codec != media.CodecHEVC:
		return &media.RefusalError{
			Code: "video_codec",
			Text: fmt.Sprintf("This server cannot take %s video. In OBS: Settings > Output > Video Encoder: choose x264 (H.264).", t.Codec),
		}
	case v.Width <= 0 || v.Height <= 0:
		return refuseNoSize()
	case v.IntraRefresh:
		return &media.RefusalError{
			Code: "intra_refresh",
			Text: "The video has no keyframes, which browsers need. In OBS: switch intra refresh off and set the Keyframe Interval to 2 s.",
		}
	case v.Interlaced:
		return &media.RefusalError{
			Code: "interlaced",
			Text: "The video is interlaced, which browsers cannot show. Set the camera or encoder to a progressive mode (1080p, not 1080i).",
		}
	case v.ChromaFormat != 1 || (v.BitDepth != 8 && t.Codec == media.CodecH264):
		return &media.RefusalError{
			Code: "color_format",
			Text: fmt.Sprintf("The video is %d-bit 4:%s, which browsers cannot show. In OBS: Settings > Advanced > Color Format: choose NV12 (8-bit, 4:2:0).", v.BitDepth, chroma(v.ChromaFormat)),
		}
	// A portrait picture is held to the same number of samples.
	case max(v.Width, v.Height) > maxPassthroughWidth || min(v.Width, v.Height) > maxPassthroughHeight || v.FrameRate > maxPassthroughRate:
		return refuseSize(v)
	case t.Codec == media.CodecH264 && v.Level > maxPassthroughLevel, t.Codec == media.CodecHEVC && v.Level > maxHEVCLevel:
		return &media.RefusalError{
			Code: "video_level",
			Text: "The video is coded at a level that many phones cannot decode. In OBS: Settings > Output > Encoder settings: set the level to 4.2 or to auto.",
		}
	}
	return nil
}

// passableAudio reports whether browsers play the sound as it is.
func passableAudio(t media.Track) error {
	a := t.Audio
	switch {
	case t.Codec != media.CodecAAC:
		return &media.RefusalError{
			Code: "audio_codec",
			Text: fmt.Sprintf("This server cannot take %s audio. In OBS: Settings > Output > Audio Encoder: choose AAC.", t.Codec),
		}
	case a.ObjectType != 2: // AAC-LC, ISO/IEC 14496-3 table 1.17
		return &media.RefusalError{Code: "audio_profile", Text: "The audio is not AAC-LC. Choose AAC (not HE-AAC) as the audio encoder."}
	case a.SampleRate != 44100 && a.SampleRate != 48000:
		return &media.RefusalError{
			Code: "audio_rate",
			Text: fmt.Sprintf("The audio is sampled at %d Hz. In OBS: Settings > Audio > Sample Rate: choose 48 kHz.", a.SampleRate),
		}
	case a.Channels < 1 || a.Channels > 2:
		return &media.RefusalError{
			Code: "audio_channels",
			Text: fmt.Sprintf("The audio has %d channels. In OBS: Settings > Audio > Channels: choose Stereo or Mono.", a.Channels),
		}
	}
	return nil
}

// chroma returns the last two numbers of the J:a:b notation for chroma_format_idc.
func chroma(idc int) string {
	switch idc {
	case 0:
		return "0:0"
	case 1:
		return "2:0"
	case 2:
		return "2:2"
	default:
		return "4:4"
	}
}
