package transcode

import (
	"fmt"
	"slices"

	"github.com/lectern/lectern/media"
)

// The renditions that pass the publisher's own media through. The names are
// path elements of the playlists.
const (
	RenditionSource = "source"
	RenditionAudio  = "audio"
)

// Limits of source passthrough: what every browser decodes. Beyond them the
// pictures have to be encoded anew.
const (
	maxPassthroughWidth  = 1920
	maxPassthroughHeight = 1088
	maxPassthroughRate   = 61 // frames a second; 59.94 and 60 pass
	maxPassthroughLevel  = 42 // H.264 level_idc of level 4.2
	maxHEVCLevel         = 123
)

// Ladder is the ordered list of renditions a class offers, best first. A Ladder
// is immutable and may be used from any goroutine.
type Ladder struct {
	renditions []string
}

// NewLadder returns the ladder with these renditions. It fails on a rendition
// that this build cannot make, naming it under the key transcode.ladder.
func NewLadder(cfg Config) (*Ladder, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Ladder{renditions: slices.Clone(cfg.Ladder)}, nil
}

// Admit reports whether the ladder can serve tracks: nil, or a
// *media.RefusalError that tells the person at the encoder what to change. It
// refuses what only an encoder could turn into something a browser plays.
func (l *Ladder) Admit(tracks []media.Track) error {
	if len(tracks) == 0 {
		return &media.RefusalError{Code: "no_tracks", Text: "Your encoder sends neither video nor audio."}
	}
	for _, t := range tracks {
		switch t.Codec.Kind() {
		case media.KindVideo:
			if err := admitVideo(t); err != nil {
				return err
			}
		case media.KindAudio:
			if err := admitAudio(t); err != nil {
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

func admitVideo(t media.Track) error {
	v := t.Video
	switch {
	case t.Codec != media.CodecH264 && t.Codec != media.CodecHEVC:
		return &media.RefusalError{
			Code: "video_codec",
			Text: fmt.Sprintf("This server cannot take %s video yet. In OBS: Settings > Output > Video Encoder: choose x264 (H.264).", t.Codec),
		}
	case v.Width <= 0 || v.Height <= 0:
		return &media.RefusalError{Code: "video_format", Text: "The video's size is missing from the stream. Restart the encoder."}
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
		return &media.RefusalError{
			Code: "video_size",
			Text: fmt.Sprintf("The video is %dx%d at %.0f frames a second. In OBS: Settings > Video: set the Output Resolution to 1920x1080 or less, and 60 FPS or less.", v.Width, v.Height, v.FrameRate),
		}
	case t.Codec == media.CodecH264 && v.Level > maxPassthroughLevel, t.Codec == media.CodecHEVC && v.Level > maxHEVCLevel:
		return &media.RefusalError{
			Code: "video_level",
			Text: "The video is coded at a level that many phones cannot decode. In OBS: Settings > Output > Encoder settings: set the level to 4.2 or to auto.",
		}
	}
	return nil
}

func admitAudio(t media.Track) error {
	a := t.Audio
	switch {
	case t.Codec != media.CodecAAC:
		return &media.RefusalError{
			Code: "audio_codec",
			Text: fmt.Sprintf("This server cannot take %s audio yet. In OBS: Settings > Output > Audio Encoder: choose AAC.", t.Codec),
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

// name returns tracks with the rendition each becomes.
func (l *Ladder) name(tracks []media.Track) []media.Track {
	out := make([]media.Track, 0, len(tracks))
	for _, t := range tracks {
		switch {
		case t.Codec.Kind() == media.KindVideo && slices.Contains(l.renditions, RenditionSource):
			t.Rendition = RenditionSource
		case t.Codec.Kind() == media.KindAudio && slices.Contains(l.renditions, RenditionAudio):
			t.Rendition = RenditionAudio
		default:
			continue
		}
		out = append(out, t)
	}
	return out
}
