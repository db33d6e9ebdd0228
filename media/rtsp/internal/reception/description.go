package reception

import (
	"errors"
	"fmt"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/paramset"
)

// Stream is one elementary stream of a session description (RFC 8866) that will
// be received.
type Stream struct {
	Media  *description.Media
	Format format.Format

	// Track describes the stream. While complete is false, what it lacks is
	// expected in band.
	Track    media.Track
	complete bool

	rate media.Timescale // of the RTP timestamps
	sets *paramset.Sets  // H.264 and HEVC only
}

// Plan is what is taken of a session description: at most one video and one
// audio stream, video first, and the names of the streams left out.
type Plan struct {
	Streams []Stream
	Ignored []string

	ignoreAudio bool
}

// Map takes one video and one audio stream that can be read: H.264 and AAC, which
// need no transcoding, before others, and what is described first. Whether they
// can be served is for the publication to say. It returns a *media.RefusalError
// when there is none, or when one kind is present but only in codecs that cannot
// be read; with ignoreAudio such audio is left out instead, and later on audio that
// the publication refuses.
func Map(desc *description.Session, ignoreAudio bool) (Plan, error) {
	p := Plan{ignoreAudio: ignoreAudio}
	var refused [2]*media.RefusalError
	var taken [2]*Stream // video, audio
	for _, m := range desc.Medias {
		if m.IsBackChannel {
			continue
		}
		a, refusal, err := p.mapMedia(m)
		if err != nil {
			return Plan{}, err
		}
		if i := kindIndex(m.Type); i >= 0 && refused[i] == nil {
			refused[i] = refusal
		}
		if a == nil {
			continue
		}
		i := trackIndex(a.Track.ID)
		if taken[i] != nil && rank(a.Track.Codec) > rank(taken[i].Track.Codec) {
			a, taken[i] = taken[i], a
		}
		if taken[i] != nil {
			p.Ignored = append(p.Ignored, formatName(a.Format))
			continue
		}
		taken[i] = a
	}
	if ignoreAudio && taken[0] != nil {
		refused[1] = nil
	}
	for i, a := range taken {
		if a != nil {
			p.Streams = append(p.Streams, *a)
		} else if refused[i] != nil {
			return Plan{}, refused[i]
		}
	}
	if len(p.Streams) == 0 {
		return Plan{}, &media.RefusalError{
			Code: "no_tracks",
			Text: "The stream holds neither video nor audio that Lectern knows. Send H.264 video and AAC audio.",
		}
	}
	return p, nil
}

// mapMedia maps the first format of m that can be read; the others are
// alternatives. It returns nil if there is none, and why the first one is not.
func (p *Plan) mapMedia(m *description.Media) (a *Stream, refusal *media.RefusalError, err error) {
	for _, f := range m.Formats {
		s, err := mapFormat(f)
		if err == nil {
			s.Media = m
			return &s, refusal, nil
		}
		told, ok := errors.AsType[*media.RefusalError](err)
		if !ok {
			return nil, nil, err
		}
		if refusal == nil {
			refusal = told
		}
		p.Ignored = append(p.Ignored, formatName(f))
	}
	return nil, refusal, nil
}

// rank orders codecs by how gladly they are taken.
func rank(c media.Codec) int {
	switch c {
	case media.CodecH264, media.CodecAAC:
		return 2
	case media.CodecG711A, media.CodecG711U, media.CodecSpeex:
		return 0 // telephone sound
	default:
		return 1
	}
}

func trackIndex(id media.TrackID) int {
	if id == media.AudioTrackID {
		return 1
	}
	return 0
}

func kindIndex(t description.MediaType) int {
	switch t {
	case description.MediaTypeVideo:
		return 0
	case description.MediaTypeAudio:
		return 1
	default:
		return -1 // metadata of cameras: never a reason to refuse
	}
}

func mapFormat(f format.Format) (Stream, error) {
	switch f := f.(type) {
	case *format.H264:
		if f.PacketizationMode >= 2 {
			return Stream{}, refuseVideo("interleaved H.264 packets (packetization mode 2)")
		}
		return mapVideo(f, media.CodecH264, f.SPS, f.PPS)
	case *format.H265:
		if f.MaxDONDiff != 0 {
			return Stream{}, refuseVideo("interleaved HEVC packets")
		}
		return mapVideo(f, media.CodecHEVC, f.VPS, f.SPS, f.PPS)
	case *format.AV1:
		return mapFrames(f, media.CodecAV1)
	case *format.VP8:
		return mapFrames(f, media.CodecVP8)
	case *format.VP9:
		return mapFrames(f, media.CodecVP9)
	case *format.MJPEG, *format.MPEG1Video, *format.MPEG4Video, *format.MPEGTS:
		return Stream{}, refuseVideo(formatName(f))
	default:
		return mapSound(f)
	}
}

func refuseVideo(name string) *media.RefusalError {
	return &media.RefusalError{
		Code: "video_codec",
		Text: fmt.Sprintf("The stream uses %s, which Lectern cannot read. Set the video codec to H.264.", name),
	}
}

// mapVideo maps H.264 or HEVC. Parameter sets that do not parse are treated as
// absent: cameras announce broken ones and send good ones in band.
func mapVideo(f format.Format, codec media.Codec, sets ...[]byte) (Stream, error) {
	a := Stream{
		Format: f,
		rate:   media.TimescaleVideo,
		sets:   paramset.NewSets(codec),
		Track:  media.Track{ID: media.VideoTrackID, Codec: codec, Timescale: media.TimescaleVideo},
	}
	for _, nal := range sets {
		if len(nal) == 0 {
			continue
		}
		if _, err := a.sets.Put(nal); err != nil {
			a.sets = paramset.NewSets(codec)
			return a, nil //nolint:nilerr // see above: in-band sets may be good
		}
	}
	track, err := a.sets.Track()
	if err != nil {
		var refusal *media.RefusalError
		if errors.As(err, &refusal) {
			return Stream{}, refusal
		}
		if !errors.Is(err, paramset.ErrIncomplete) {
			a.sets = paramset.NewSets(codec)
		}
		return a, nil //nolint:nilerr // as above
	}
	track.ID = media.VideoTrackID
	a.Track, a.complete = track, true
	return a, nil
}

// mapFrames maps AV1, VP8 or VP9, whose descriptions say nothing about the
// pictures.
func mapFrames(f format.Format, codec media.Codec) (Stream, error) {
	return Stream{
		Format: f,
		rate:   media.TimescaleVideo,
		Track:  media.Track{ID: media.VideoTrackID, Codec: codec, Timescale: media.TimescaleVideo},
	}, nil
}
