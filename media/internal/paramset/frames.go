package paramset

import (
	"slices"

	"github.com/lectern/lectern/media"
)

// Frames reads video whose frames describe themselves: AV1, VP8 and VP9. It holds
// what the stream has announced, and belongs to one goroutine.
type Frames struct {
	codec media.Codec
	track media.Track
	known bool // track is set

	obus  []obu    // scratch
	units [][]byte // scratch
}

// Frame is what [Frames.Read] found.
type Frame struct {
	// Units are what to keep, in order: for AV1 the OBUs of the temporal unit, each
	// with the size field that it came with or none, without temporal delimiter,
	// padding and the sequence header that the track has already; for VP8 and VP9
	// the frame. They alias the argument of Read and are valid until the next call.
	Units [][]byte

	// Coded reports whether there is a picture among Units.
	Coded bool

	// RandomAccess reports whether decoding can start here: a keyframe, for AV1 one
	// that is shown and whose sequence header is known.
	RandomAccess bool

	// NewTrack reports that Track has changed, which it does at random access
	// points only.
	NewTrack bool

	// Dropped counts the OBUs left out, except sequence headers.
	Dropped Dropped
}

// NewFrames returns a reader for media.CodecAV1, media.CodecVP8 or
// media.CodecVP9.
func NewFrames(c media.Codec) *Frames { return &Frames{codec: c} }

// Codec returns the codec that f was made for.
func (f *Frames) Codec() media.Codec { return f.codec }

// Track describes the stream; ok is false before its first random access point or
// header.
func (f *Frames) Track() (track media.Track, ok bool) { return f.track, f.known }

// Header takes the OBUs of an AV1CodecConfigurationRecord, of which the sequence
// header counts. Errors are as of AV1; a header without one is malformed.
func (f *Frames) Header(obus []byte) (changed bool, err error) {
	if err = f.split([][]byte{obus}); err != nil {
		return false, err
	}
	for _, o := range f.obus {
		if o.kind == obuSequenceHeader {
			return f.adopt(o)
		}
	}
	return false, malformed("AV1 configuration without sequence header")
}

// Read takes one frame: the OBUs of a temporal unit in any number of pieces, or
// the bytes of a VP8 or VP9 frame in one. The error wraps ErrMalformed, or is a
// *media.RefusalError for a picture that is too large.
func (f *Frames) Read(units [][]byte) (Frame, error) {
	if f.codec == media.CodecAV1 {
		return f.readAV1(units)
	}
	if len(units) != 1 {
		return Frame{}, malformed("%s frame in %d pieces", f.codec, len(units))
	}
	read := readVP8
	if f.codec == media.CodecVP9 {
		read = readVP9
	}
	k, err := read(units[0])
	if err != nil {
		return Frame{}, err
	}
	out := Frame{Units: units, Coded: true, RandomAccess: k.key}
	if k.key {
		track, trackErr := k.track(f.codec)
		if trackErr != nil {
			return Frame{}, trackErr
		}
		out.NewTrack = f.set(track)
	}
	return out, nil
}

// set makes track the one in force and reports whether it is another.
func (f *Frames) set(track media.Track) bool {
	if f.known && f.track.SameFormat(track) {
		return false
	}
	f.track, f.known = track, true
	return true
}

// adopt takes a sequence header.
func (f *Frames) adopt(o obu) (changed bool, err error) {
	if f.holds(o) {
		return false, nil
	}
	track, err := AV1(o.whole)
	if err != nil {
		return false, err
	}
	return f.set(track), nil
}

// holds reports whether o is the sequence header of the track.
func (f *Frames) holds(o obu) bool {
	if !f.known {
		return false
	}
	held := f.track.Video.ParameterSets[0]
	return len(held) == len(o.header)+len(o.payload) && held[0] == o.header[0]&^0x02 &&
		slices.Equal(held[len(o.header):], o.payload) && slices.Equal(held[1:len(o.header)], o.header[1:])
}

// split fills f.obus.
func (f *Frames) split(units [][]byte) error {
	f.obus = f.obus[:0]
	for _, b := range units {
		for len(b) > 0 {
			o, rest, err := nextOBU(b)
			if err != nil {
				return err
			}
			if len(f.obus) == MaxUnits {
				return malformed("more than %d OBUs", MaxUnits)
			}
			f.obus = append(f.obus, o)
			b = rest
		}
	}
	return nil
}

func (f *Frames) readAV1(units [][]byte) (Frame, error) {
	if err := f.split(units); err != nil {
		return Frame{}, err
	}
	var out Frame
	var err error
	sequence := slices.IndexFunc(f.obus, func(o obu) bool { return o.kind == obuSequenceHeader })
	if out.RandomAccess = f.shownKeyframe(); out.RandomAccess && sequence >= 0 {
		if out.NewTrack, err = f.adopt(f.obus[sequence]); err != nil {
			return Frame{}, err
		}
	}
	out.RandomAccess = out.RandomAccess && f.known
	f.units = f.units[:0]
	metadata := 0
	for _, o := range f.obus {
		switch o.kind {
		case obuTemporalDelimiter, obuPadding:
			out.Dropped.Padding++
			continue
		case obuSequenceHeader:
			if f.holds(o) {
				continue
			}
		case obuMetadata:
			if metadata += len(o.whole); metadata > MaxSEIBytes {
				out.Dropped.SEI++
				continue
			}
		case obuFrame, obuFrameHeader:
			out.Coded = true
		case obuTileGroup, obuRedundantHeader:
		default: // tile lists are for another decoder, reserved types to be ignored
			out.Dropped.Invalid++
			continue
		}
		f.units = append(f.units, o.whole)
	}
	out.Units = f.units
	return out, nil
}

// shownKeyframe reports whether the first frame is a keyframe that is shown (AV1
// §7.6.1): show_existing_frame is 0, frame_type KEY_FRAME, show_frame 1. One that
// is shown later only is no place to start.
func (f *Frames) shownKeyframe() bool {
	for _, o := range f.obus {
		if o.kind == obuFrame || o.kind == obuFrameHeader {
			return len(o.payload) > 0 && o.payload[0]>>4 == 0b0001
		}
	}
	return false
}
