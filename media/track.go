package media

import (
	"bytes"
	"slices"
)

// TrackID names a track within one stream. Ingest gives video VideoTrackID and
// audio AudioTrackID; the ladder numbers its renditions itself.
type TrackID uint8

// The tracks of a publication. One of each is taken; others are ignored.
const (
	VideoTrackID TrackID = 1
	AudioTrackID TrackID = 2
)

// Track describes one elementary stream. It is a value: once given to a stream
// neither it nor what it points to may change.
type Track struct {
	ID    TrackID
	Codec Codec

	// Timescale is the unit of every PTS and DTS of the track:
	// TimescaleVideo for video, the sampling rate for audio.
	Timescale Timescale

	// Rendition is the name in the playlist path ("source", "720p", "audio").
	// It is empty until the ladder names the track.
	Rendition string

	// Encoded reports whether the ladder makes the track rather than passing it
	// on: it comes later than the publisher's own, by a delay of its own, and its
	// silences are told by Gaps. A Discontinuity may announce an encoded track
	// before its parameters are known (see Track.Announced).
	Encoded bool

	// MaxBitRate is the cap that the track's encoder keeps, in bits a second; 0
	// if there is none.
	MaxBitRate int

	Video VideoFormat // meaningful when Codec.Kind() is KindVideo
	Audio AudioFormat // meaningful when Codec.Kind() is KindAudio
}

// VideoFormat is what the parameter sets say about the pictures.
type VideoFormat struct {
	// ParameterSets are NAL units without start codes: SPS, PPS for H.264;
	// VPS, SPS, PPS for HEVC; the sequence header OBU, without size field, for
	// AV1. For VP8 and VP9 it is one entry that tells formats apart and is for no
	// decoder.
	ParameterSets [][]byte

	// Width and Height are the display size in square-pixel-agnostic luma
	// samples, after cropping.
	Width, Height int

	// SARWidth:SARHeight is the sample aspect ratio, 1:1 if not stated.
	SARWidth, SARHeight int

	// FrameRate is frames a second as the VUI states it, 0 if it does not.
	FrameRate float64

	// Profile is profile_idc, Level is level_idc of the codec (H.264: 100, 42;
	// HEVC: 1, 123).
	Profile, Level int

	// BitDepth is of luma: 8, 10, 12. ChromaFormat is chroma_format_idc:
	// 1 is 4:2:0, 2 is 4:2:2, 3 is 4:4:4.
	BitDepth, ChromaFormat int

	// Interlaced reports whether pictures may be coded as fields.
	Interlaced bool

	// IntraRefresh reports that random access points are recovery points (ITU-T
	// H.264 §D.2.8) instead of IDR pictures: a decoder can start there, after some
	// broken pictures, but a player cannot.
	IntraRefresh bool
}

// AudioFormat is what the decoder configuration says about the sound.
type AudioFormat struct {
	// Config is the AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1) for AAC, the
	// identification header (RFC 7845 §5.1) for Opus, the STREAMINFO block (RFC 9639
	// §8.2) for FLAC, and for PCM the name of the samples: "u8", "s16le", "s16be",
	// "s24be". Others have none.
	Config []byte

	// ObjectType is the MPEG-4 audio object type; 2 is AAC-LC.
	ObjectType int

	// SampleRate is in Hz as played (after SBR), Channels as played.
	SampleRate, Channels int

	// FrameSamples is how many ticks of the track's timescale one access unit
	// lasts: 1024 for AAC-LC. In Opus, FLAC, G.711, PCM and Speex others may last
	// longer or shorter: go by the timestamps.
	FrameSamples int
}

// Announced reports whether t is only promised: an encoded track whose
// parameters are to come.
func (t Track) Announced() bool {
	return t.Encoded && len(t.Video.ParameterSets) == 0 && len(t.Audio.Config) == 0
}

// SameFormat reports whether a decoder set up for t also decodes o: the same
// codec, clock and parameter bytes. IDs and rendition names do not matter.
func (t Track) SameFormat(o Track) bool {
	return t.Codec == o.Codec && t.Timescale == o.Timescale &&
		slices.EqualFunc(t.Video.ParameterSets, o.Video.ParameterSets, bytes.Equal) &&
		t.Video.IntraRefresh == o.Video.IntraRefresh &&
		bytes.Equal(t.Audio.Config, o.Audio.Config) &&
		t.Audio.SampleRate == o.Audio.SampleRate && t.Audio.Channels == o.Audio.Channels
}

// Find returns the first track of kind k in tracks.
func Find(tracks []Track, k Kind) (Track, bool) {
	i := slices.IndexFunc(tracks, func(t Track) bool { return t.Codec.Kind() == k })
	if i < 0 {
		return Track{}, false
	}
	return tracks[i], true
}
