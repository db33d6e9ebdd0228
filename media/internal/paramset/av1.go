package paramset

import (
	"github.com/lectern/lectern/media"
)

// AV1 describes the video track that sequence announces: a sequence header OBU
// (AV1 §5.5), with or without size field. The track has ID media.VideoTrackID and
// holds a copy without size field. The error wraps ErrMalformed, or is a
// *media.RefusalError when the picture is too large.
func AV1(sequence []byte) (media.Track, error) {
	if len(sequence) > maxSetSize {
		return media.Track{}, malformed("sequence header of %d bytes", len(sequence))
	}
	o, rest, err := nextOBU(sequence)
	if err != nil {
		return media.Track{}, err
	}
	if o.kind != obuSequenceHeader || len(rest) > 0 {
		return media.Track{}, malformed("OBU of type %d with %d bytes after it is no sequence header", o.kind, len(rest))
	}
	s := av1Sequence{bitReader: bitReader{buf: o.payload}}
	s.parse()
	if s.bad || s.profile > 2 {
		return media.Track{}, malformed("sequence header of %d bytes and profile %d", len(sequence), s.profile)
	}
	v := media.VideoFormat{
		ParameterSets: [][]byte{o.unsized()},
		Profile:       s.profile,
		Level:         s.level,
		BitDepth:      s.bitDepth,
		ChromaFormat:  s.chroma,
		FrameRate:     s.frameRate,
	}
	return sized(media.CodecAV1, v, s.width, s.height)
}

// sized returns the track of a codec without cropping and sample aspect ratio.
func sized(c media.Codec, v media.VideoFormat, width, height int) (media.Track, error) {
	if err := checkSize(uint64(width), uint64(height)); err != nil {
		return media.Track{}, err
	}
	var err error
	if v.Width, v.Height, err = crop(uint64(width), uint64(height), 0, 0); err != nil {
		return media.Track{}, err
	}
	v.SARWidth, v.SARHeight = 1, 1
	return media.Track{ID: media.VideoTrackID, Codec: c, Timescale: media.TimescaleVideo, Video: v}, nil
}

// av1Sequence is the part of a sequence header that matters here.
type av1Sequence struct {
	bitReader

	profile, level   int
	reduced          bool // reduced_still_picture_header
	width, height    int
	bitDepth, chroma int
	frameRate        float64
}

// parse reads sequence_header_obu (AV1 §5.5.1) up to the colours.
func (s *av1Sequence) parse() {
	s.profile = s.read(3)
	s.read(1) // still_picture
	s.reduced = s.flag()
	if s.reduced {
		s.level = s.read(5)
	} else {
		s.parseOperatingPoints()
	}
	widthBits, heightBits := s.read(4)+1, s.read(4)+1
	s.width, s.height = s.read(widthBits)+1, s.read(heightBits)+1
	if !s.reduced && s.flag() { // frame_id_numbers_present_flag
		s.read(4 + 3)
	}
	s.read(3) // superblocks, enable_filter_intra, enable_intra_edge_filter
	if !s.reduced {
		s.parseTools()
	}
	s.read(3) // enable_superres, enable_cdef, enable_restoration
	s.parseColours()
}

// parseOperatingPoints reads timing, decoder model and operating points, of
// which the first counts.
func (s *av1Sequence) parseOperatingPoints() {
	delayBits := 0 // set with a decoder model
	if s.flag() {  // timing_info_present_flag
		s.parseTiming()
		if s.flag() { // decoder_model_info_present_flag
			delayBits = s.read(5) + 1
			s.read(32)
			s.read(5 + 5)
		}
	}
	displayDelay := s.flag()
	for i := range s.read(5) + 1 {
		s.read(12)
		level := s.read(5)
		if i == 0 {
			s.level = level
		}
		if level > 7 {
			s.read(1) // seq_tier
		}
		if delayBits > 0 && s.flag() {
			s.read(delayBits)
			s.read(delayBits)
			s.read(1)
		}
		if displayDelay && s.flag() {
			s.read(4)
		}
	}
}

// parseTiming reads timing_info (AV1 §5.5.3).
func (s *av1Sequence) parseTiming() {
	units, scale := s.read(32), s.read(32)
	if !s.flag() { // equal_picture_interval
		return
	}
	ticks := s.uvlc() + 1
	s.frameRate = frameRate(uint64(scale), uint64(units)*uint64(ticks))
}

// uvlc reads a number as AV1 §4.10.3 codes it.
func (s *av1Sequence) uvlc() int {
	zeros := 0
	for !s.bad && !s.flag() {
		zeros++
	}
	if zeros >= 32 {
		return 1<<32 - 1
	}
	return s.read(zeros) + 1<<zeros - 1
}

// parseTools reads what an encoder may use, to get past it.
func (s *av1Sequence) parseTools() {
	s.read(4) // interintra, masked compound, warped motion, dual filter
	orderHint := s.flag()
	if orderHint {
		s.read(2)
	}
	screenContent := 1
	if !s.flag() { // seq_choose_screen_content_tools
		screenContent = s.read(1)
	}
	if screenContent > 0 && !s.flag() { // seq_choose_integer_mv
		s.read(1)
	}
	if orderHint {
		s.read(3)
	}
}

// parseColours reads color_config (AV1 §5.5.2).
func (s *av1Sequence) parseColours() {
	s.bitDepth = 8
	if s.flag() { // high_bitdepth
		s.bitDepth = 10
		if s.profile == 2 && s.flag() {
			s.bitDepth = 12
		}
	}
	mono := s.profile != 1 && s.flag()
	identity := false
	if s.flag() { // color_description_present_flag
		primaries, transfer, matrix := s.read(8), s.read(8), s.read(8)
		identity = primaries == 1 && transfer == 13 && matrix == 0
	}
	switch {
	case mono:
		s.chroma = 0
	case identity, s.profile == 1:
		s.chroma = 3
	case s.profile == 0:
		s.chroma = 1
	default:
		s.chroma = 2
		if s.bitDepth == 12 {
			s.read(1) // color_range
			x := s.flag()
			s.chroma = subsampling(x, x && s.flag())
		}
	}
}

// subsampling returns chroma_format_idc.
func subsampling(x, y bool) int {
	switch {
	case x && y:
		return 1
	case x:
		return 2
	default:
		return 3
	}
}
