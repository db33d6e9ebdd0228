package flv

import (
	"errors"
	"fmt"

	"github.com/lectern/lectern/media"
)

var (
	// ErrMalformed is returned by the parsers, wrapped with the place, when bytes
	// break the format. The Demuxer counts such messages and goes on.
	ErrMalformed = errors.New("malformed flv tag")

	// ErrDamaged is returned by [Demuxer.Video] when too many access units came
	// damaged in a short time: the connection is of no use.
	ErrDamaged = errors.New("too many damaged access units")

	// ErrClock is returned by [Demuxer.Video] and [Demuxer.Audio] when timestamps
	// have run more than a century away, which only a hostile peer achieves.
	ErrClock = errors.New("timestamps run away")
)

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrMalformed, fmt.Errorf(format, args...))
}

// The texts below are read by teachers. They name the setting to change and hold
// nothing that the peer sent.

func refuseCodec(k media.Kind, name string) error {
	if k == media.KindAudio {
		return &media.RefusalError{
			Code: "audio_codec",
			Text: "This server cannot take " + name + " sound. In OBS choose Settings > Output > Audio Encoder: AAC.",
		}
	}
	return &media.RefusalError{
		Code: "video_codec",
		Text: "This server cannot take " + name + ". In OBS choose Settings > Output > Encoder: x264 (H.264).",
	}
}

func refuseVideoHeader() error {
	return &media.RefusalError{
		Code: "video_header",
		Text: "The video arrives without its decoder settings (SPS and PPS). Stop and start the stream again; if that does not help, in OBS choose Settings > Output > Encoder: x264 (H.264).",
	}
}

func refuseAudioHeader() error {
	return &media.RefusalError{
		Code: "audio_header",
		Text: "The sound arrives without its decoder settings. Stop and start the stream again; if that does not help, in OBS choose Settings > Output > Audio Encoder: AAC.",
	}
}

func refuseLATM() error {
	return &media.RefusalError{
		Code: "audio_latm",
		Text: "The sound arrives as AAC in LATM packaging, which this server cannot take. Set the encoder to plain AAC; in OBS choose Settings > Output > Audio Encoder: AAC.",
	}
}

func refuseNoKeyframe() error {
	return &media.RefusalError{
		Code: "keyframe_missing",
		Text: "The video has no keyframes. In OBS choose Settings > Output > Keyframe Interval: 2 s, and switch intra refresh off.",
	}
}
