package cmaf

import (
	"fmt"

	"github.com/lectern/lectern/media"
)

// Codecs returns the RFC 6381 name of t's format, the element of the CODECS
// attribute. It is made of the bytes that Init writes, so the two agree. It
// returns ErrFormat for a track that cannot be packaged.
func Codecs(t media.Track) (string, error) {
	switch t.Codec {
	case media.CodecH264:
		sps := pick(t.Video.ParameterSets, avcType, avcSPS)
		if len(sps) == 0 || len(sps[0]) < 4 {
			return "", fmt.Errorf("H.264 parameter sets: %w", ErrFormat)
		}
		return fmt.Sprintf("avc1.%02x%02x%02x", sps[0][1], sps[0][2], sps[0][3]), nil
	case media.CodecHEVC:
		p, err := hevcProfile(t.Video)
		if err != nil {
			return "", err
		}
		return p.codecs(), nil
	case media.CodecAAC:
		object := t.Audio.ObjectType
		if object == 0 {
			object = 2 // AAC-LC
		}
		return fmt.Sprintf("mp4a.40.%d", object), nil
	default:
		return "", fmt.Errorf("codec %s: %w", t.Codec, ErrFormat)
	}
}
