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

	// Track describes the stream. While complete is false its parameter sets
	// are expected in band.
	Track    media.Track
	complete bool

	sets *paramset.Sets // video only
}

// Plan is what is taken of a session description: at most one video and one
// audio stream, video first, and the names of the streams left out.
type Plan struct {
	Streams []Stream
	Ignored []string
}

// tracks returns the track list, or false while one is incomplete.
func (p *Plan) tracks() ([]media.Track, bool) {
	out := make([]media.Track, 0, len(p.Streams))
	for _, s := range p.Streams {
		if !s.complete {
			return nil, false
		}
		out = append(out, s.Track)
	}
	return out, true
}

// Map takes the first video and the first audio stream that can be
// served. It returns a *media.RefusalError when there is none, or when one kind
// is present but only in codecs that cannot be served; with ignoreAudio such
// audio is left out instead.
func Map(desc *description.Session, ignoreAudio bool) (Plan, error) {
	var p Plan
	var refused [2]*media.RefusalError
	var taken [2]bool
	for _, m := range desc.Medias {
		if m.IsBackChannel {
			continue
		}
		for _, f := range m.Formats {
			a, err := mapFormat(f)
			if err != nil {
				i := kindIndex(m.Type)
				var refusal *media.RefusalError
				if !errors.As(err, &refusal) {
					return Plan{}, err
				}
				if i >= 0 && refused[i] == nil {
					refused[i] = refusal
				}
				p.Ignored = append(p.Ignored, formatName(f))
				continue
			}
			i := trackIndex(a.Track.ID)
			if taken[i] || m.IsBackChannel {
				p.Ignored = append(p.Ignored, formatName(f))
				continue
			}
			taken[i] = true
			a.Media = m
			p.Streams = append(p.Streams, a)
			break // one format a media: the others are alternatives
		}
	}
	if ignoreAudio && taken[0] {
		refused[1] = nil
	}
	for i, r := range refused {
		if r != nil && !taken[i] {
			return Plan{}, r
		}
	}
	if len(p.Streams) == 0 {
		return Plan{}, &media.RefusalError{
			Code: "no_tracks",
			Text: "The stream holds neither video nor audio that Lectern knows. Send H.264 video and AAC audio.",
		}
	}
	if len(p.Streams) == 2 && p.Streams[0].Track.ID == media.AudioTrackID {
		p.Streams[0], p.Streams[1] = p.Streams[1], p.Streams[0]
	}
	return p, nil
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
	case *format.MPEG4Audio:
		return mapAAC(f)
	case *format.MPEG4AudioLATM:
		return Stream{}, &media.RefusalError{
			Code: "audio_latm",
			Text: "The audio is AAC in LATM packets, which Lectern cannot read. Choose AAC with the packing MPEG4-GENERIC (RFC 3640).",
		}
	default:
		name := formatName(f)
		switch f.(type) {
		case *format.AV1, *format.VP8, *format.VP9, *format.MJPEG, *format.MPEG1Video, *format.MPEG4Video, *format.MPEGTS:
			return Stream{}, refuseVideo(name)
		default:
			return Stream{}, &media.RefusalError{
				Code: "audio_codec",
				Text: fmt.Sprintf("The stream uses %s, which Lectern cannot serve. Set the audio codec to AAC, or switch audio off.", name),
			}
		}
	}
}

func refuseVideo(name string) *media.RefusalError {
	return &media.RefusalError{
		Code: "video_codec",
		Text: fmt.Sprintf("The stream uses %s, which Lectern cannot serve. Set the video codec to H.264.", name),
	}
}

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

// mapVideo maps H.264 or HEVC. Parameter sets that do not parse are treated as
// absent: cameras announce broken ones and send good ones in band.
func mapVideo(f format.Format, codec media.Codec, sets ...[]byte) (Stream, error) {
	a := Stream{
		Format: f,
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

// maxAUHeaderBits bounds the field widths of RFC 3640 §3.2.1, which the library
// takes from the peer; the AU-size of AAC-hbr has 13 bits.
const maxAUHeaderBits = 32

func mapAAC(f *format.MPEG4Audio) (Stream, error) {
	if f.SizeLength > maxAUHeaderBits || f.IndexLength > maxAUHeaderBits || f.IndexDeltaLength > maxAUHeaderBits {
		return Stream{}, &media.RefusalError{
			Code: "audio_packing",
			Text: "The AAC audio is packed in a way that Lectern cannot read. Choose the packing AAC-hbr (RFC 3640).",
		}
	}
	config, err := f.Config.Marshal()
	if err != nil {
		return Stream{}, refuseAAC()
	}
	track, err := paramset.AAC(config)
	if err != nil {
		var refusal *media.RefusalError
		if errors.As(err, &refusal) {
			return Stream{}, refusal
		}
		return Stream{}, refuseAAC()
	}
	track.ID = media.AudioTrackID
	return Stream{Format: f, Track: track, complete: true}, nil
}

func refuseAAC() *media.RefusalError {
	return &media.RefusalError{
		Code: "audio_config",
		Text: "The AAC audio is described in a way that Lectern cannot read. Set the audio codec to AAC-LC, 48 kHz, stereo.",
	}
}
