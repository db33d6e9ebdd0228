package ffmpeg

//#cgo pkg-config: libavutil
//#include <libavutil/frame.h>
import "C"

import (
	"strings"
	"time"

	"github.com/asticode/go-astiav"
)

// Sizes of pictures that are decoded, either way round.
const (
	maxLongSide  = 4096
	maxShortSide = 2304
	minSide      = 16 // filters and encoders refuse what is smaller still
)

// picture is a raw picture on its way to a rung.
type picture struct {
	frame *frame

	// pts is in ticks of media.TimescaleVideo on the class's clock.
	pts int64

	// key asks for an IDR picture. keyError is how far it is from where the
	// keyframe was to be, in ticks.
	key      bool
	keyError int64

	// repeated reports whether the picture has been shown before.
	repeated bool

	captions []byte // cc_data triplets (ANSI/CTA-708), at most a few hundred

	// received is when the server got the access unit whose decoding brought the
	// picture.
	received time.Time
}

// interlaced reports whether f consists of two fields. go-astiav does not tell.
func interlaced(f *astiav.Frame) bool {
	return (*C.struct_AVFrame)(f.UnsafePointer()).interlaced_frame != 0
}

// takeCaptions removes the closed captions from f and returns them.
func takeCaptions(f *astiav.Frame) []byte {
	d := f.SideData(astiav.FrameSideDataTypeA53Cc)
	if d == nil {
		return nil
	}
	b := d.Data()
	C.av_frame_remove_side_data((*C.struct_AVFrame)(f.UnsafePointer()), C.AV_FRAME_DATA_A53_CC)
	return b
}

// sizeAllowed reports whether pictures of this size are decoded.
func sizeAllowed(width, height int) bool {
	return min(width, height) >= minSide && max(width, height) <= maxLongSide && min(width, height) <= maxShortSide
}

// format is what a filter graph is built for.
type format struct {
	width, height int
	pixels        astiav.PixelFormat
	fullRange     bool
}

func formatOf(f *astiav.Frame) format {
	return format{
		width: f.Width(), height: f.Height(), pixels: f.PixelFormat(),
		fullRange: f.ColorRange() == astiav.ColorRangeJpeg || strings.HasPrefix(f.PixelFormat().Name(), "yuvj"),
	}
}

// rgb reports whether the pictures have no luma: they have to be given a matrix.
func (f format) rgb() bool {
	name := f.pixels.Name()
	return strings.HasPrefix(name, "gbr") || strings.HasPrefix(name, "rgb") || strings.HasPrefix(name, "bgr")
}
