package ffmpeg

import (
	"strconv"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/lectern/lectern/media"
)

// colour says how the samples of pictures are to be read, in the code points of
// ITU-T H.273.
type colour struct {
	primaries, transfer, matrix int
}

// The descriptions that stand for others, and the end of each code table in
// FFmpeg 5.1.
const (
	colourUnspecified = 2
	colourBT709       = 1
	colourBT601       = 6

	primariesEnd = 23
	transferEnd  = 19
	matrixEnd    = 15
)

// colourOf returns the description of the pictures that are made from track's.
// What the publisher leaves open is filled in as browsers guess it, by the size
// of the source, so that no rung looks different from the others.
func colourOf(track media.Track) colour {
	c := colour{colourUnspecified, colourUnspecified, colourUnspecified}
	for _, set := range track.Video.ParameterSets {
		switch track.Codec {
		case media.CodecH264:
			var sps h264.SPS
			if len(set) == 0 || set[0]&0x1f != nalSPS || sps.Unmarshal(set) != nil || sps.VUI == nil {
				continue
			}
			if v := sps.VUI; v.ColourDescriptionPresentFlag {
				c = colour{int(v.ColourPrimaries), int(v.TransferCharacteristics), int(v.MatrixCoefficients)}
			}
		case media.CodecHEVC:
			var sps h265.SPS
			if len(set) < 2 || h265.NALUType(set[0]>>1&0x3f) != h265.NALUType_SPS_NUT || sps.Unmarshal(set) != nil || sps.VUI == nil {
				continue
			}
			if v := sps.VUI; v.ColourDescriptionPresentFlag {
				c = colour{int(v.ColourPrimaries), int(v.TransferCharacteristics), int(v.MatrixCoefficients)}
			}
		}
	}
	guess := colourBT601
	if track.Video.Height >= 720 || track.Video.Width >= 1280 || c.matrix == 0 {
		guess = colourBT709 // matrix 0 is RGB, which is converted to BT.709
	}
	c.primaries = defined(c.primaries, primariesEnd, guess)
	c.transfer = defined(c.transfer, transferEnd, guess)
	c.matrix = defined(c.matrix, matrixEnd, guess)
	return c
}

// defined returns code unless it says nothing.
func defined(code, end, guess int) int {
	if code <= 0 || code == colourUnspecified || code == 3 || code >= end {
		return guess
	}
	return code
}

// options returns c as options of an encoder.
func (c colour) options() map[string]string {
	return map[string]string{
		"color_primaries": strconv.Itoa(c.primaries),
		"color_trc":       strconv.Itoa(c.transfer),
		"colorspace":      strconv.Itoa(c.matrix),
		"color_range":     "tv",
	}
}
