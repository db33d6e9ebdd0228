package ffmpeg

import (
	"errors"
	"fmt"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/transcode"
)

const (
	// thumbnailQuality is MJPEG's quantiser, 1 to 31: 5 leaves text readable at
	// 10 to 20 kB for 320x180.
	thumbnailQuality = "5"

	// thumbnailEarly is how much earlier than due a thumbnail may be, so that
	// jitter of the timestamps does not make it wait for the next keyframe.
	thumbnailEarly = 100 * time.Millisecond

	// thumbnailMinWidth and thumbnailMaxWidth bound Spec.ThumbnailWidth, in pixels;
	// a thumbnail is at most thumbnailTall times as high as it is wide.
	thumbnailMinWidth, thumbnailMaxWidth = 16, 1920
	thumbnailTall                        = 4
)

// thumbnailer makes small JPEGs of the source's pictures. It belongs to one
// goroutine.
type thumbnailer struct {
	// Set by newThumbnailer, then read-only.
	objects *objects
	every   time.Duration
	width   int // even
	out     transcode.Output

	made bool
	last time.Duration // when the latest thumbnail was made, on the class's clock

	// For pictures of format in and shape sar; nil until there is one.
	in     format
	height int
	graph  *graph
	codec  *codec
	count  int64 // pictures that the codec got
}

// newThumbnailer returns one that makes a JPEG of width pixels across, rounded
// to an even number within 16 to 1920, each time every has passed.
func newThumbnailer(objects *objects, every time.Duration, width int, out transcode.Output) *thumbnailer {
	width = min(max(width, thumbnailMinWidth), thumbnailMaxWidth) &^ 1
	return &thumbnailer{objects: objects, every: every, width: width, out: out}
}

// offer makes a thumbnail of f, which it leaves as it is, if one is due. pts is on
// the class's clock. An error concerns this picture alone.
func (t *thumbnailer) offer(f *astiav.Frame, pts time.Duration) error {
	if t.every <= 0 || t.made && pts >= t.last && pts-t.last < t.every-min(thumbnailEarly, t.every/2) {
		return nil
	}
	// A picture that cannot be made is not tried again with the next keyframe.
	t.made, t.last = true, pts
	jpeg, err := t.jpeg(f)
	if err != nil {
		t.close() // with the next picture all begins anew
		return fmt.Errorf("make thumbnail: %w", err)
	}
	t.out.Thumbnail(transcode.Thumbnail{PTS: pts, Width: t.width, Height: t.height, JPEG: jpeg})
	return nil
}

func (t *thumbnailer) jpeg(f *astiav.Frame) ([]byte, error) {
	if err := t.prepare(f); err != nil {
		return nil, err
	}
	small, err := newFrame(t.objects)
	if err != nil {
		return nil, err
	}
	defer small.release()
	if err = t.graph.push(f); err != nil {
		return nil, err
	}
	ok, err := t.graph.pull(small.raw)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, errors.New("scale: no picture came out")
	}
	small.raw.SetPictureType(astiav.PictureTypeNone)
	small.raw.SetPts(t.count)
	t.count++
	if err = t.codec.raw.SendFrame(small.raw); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	p, err := newPacket(t.objects)
	if err != nil {
		return nil, err
	}
	defer p.release()
	if err = t.codec.raw.ReceivePacket(p.raw); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return p.raw.Data(), nil
}

// prepare sets up scaling and encoding for pictures like f.
func (t *thumbnailer) prepare(f *astiav.Frame) (err error) {
	in, height := formatOf(f), t.heightFor(f)
	if t.graph != nil && t.in == in && t.height == height {
		return nil
	}
	t.close()
	t.in, t.height = in, height
	t.graph, err = newGraph(t.objects, graphSpec{
		source: "buffer", args: bufferArgs(in),
		// JPEG takes the full range of levels (ITU-T T.871 §7).
		chain: fmt.Sprintf("scale=%d:%d:flags=area:out_range=full,format=yuvj420p,setsar=1", t.width, height),
		sink:  "buffersink",
	})
	if err != nil {
		return err
	}
	if t.codec, err = newCodec(t.objects, astiav.FindEncoder(astiav.CodecIDMjpeg)); err != nil {
		return err
	}
	raw := t.codec.raw
	raw.SetWidth(t.width)
	raw.SetHeight(height)
	raw.SetPixelFormat(astiav.PixelFormatYuvj420P)
	raw.SetTimeBase(astiav.NewRational(1, 25))
	raw.SetThreadCount(1)
	raw.SetFlags(astiav.NewCodecContextFlags(astiav.CodecContextFlagBitexact)) // no comment with FFmpeg's version
	return t.codec.open(map[string]string{"qmin": thumbnailQuality, "qmax": thumbnailQuality})
}

// heightFor is how high f is at the thumbnail's width, its pixels made square.
func (t *thumbnailer) heightFor(f *astiav.Frame) int {
	width, height := int64(f.Width()), int64(f.Height())
	if sar := f.SampleAspectRatio(); sar.Num() > 0 && sar.Den() > 0 {
		width *= int64(sar.Num())
		height *= int64(sar.Den())
	}
	if width <= 0 {
		return t.width
	}
	h := int((int64(t.width)*height/width + 1) &^ 1)
	return min(max(h, 2), thumbnailTall*t.width)
}

// close frees everything. It may be called again.
func (t *thumbnailer) close() {
	if t.graph != nil {
		t.graph.release()
		t.graph = nil
	}
	if t.codec != nil {
		t.codec.release()
		t.codec = nil
	}
}
