package ffmpeg

import (
	"fmt"
	"strconv"

	"github.com/asticode/go-astiav"
)

// maxScalerGraphs is how many input formats a scaler is ready for: the source's
// and that of the larger rung that it usually scales from.
const maxScalerGraphs = 2

// scaler brings pictures of any size and format to one size in yuv420p with
// square pixels. It belongs to one goroutine.
type scaler struct {
	objects       *objects
	width, height int
	graphs        []scalerGraph // the one used last comes first
}

type scalerGraph struct {
	in format
	*graph
}

// scale returns a new frame with f's picture, time and side data. The graphs are
// rebuilt when the size or format of f changes.
func (s *scaler) scale(f *frame) (*frame, error) {
	in := formatOf(f.raw)
	if in == (format{width: s.width, height: s.height, pixels: astiav.PixelFormatYuv420P}) {
		return f.clone()
	}
	g, err := s.graph(in)
	if err != nil {
		return nil, err
	}
	if err = g.push(f.raw); err != nil {
		return nil, err
	}
	out, err := newFrame(s.objects)
	if err != nil {
		return nil, err
	}
	ok, err := g.pull(out.raw)
	if err == nil && !ok {
		err = fmt.Errorf("scale %dx%d to %dx%d: no picture came out", in.width, in.height, s.width, s.height)
	}
	if err != nil {
		out.release()
		return nil, err
	}
	return out, nil
}

func (s *scaler) graph(in format) (*graph, error) {
	for i, g := range s.graphs {
		if g.in == in {
			s.graphs[0], s.graphs[i] = s.graphs[i], s.graphs[0]
			return g.graph, nil
		}
	}
	chain := fmt.Sprintf("scale=%d:%d:flags=%s", s.width, s.height, scaleFlags(in, s.width, s.height))
	if in.fullRange || in.rgb() {
		chain += ":out_range=tv"
	}
	if in.rgb() {
		chain += ":out_color_matrix=bt709"
	}
	g, err := newGraph(s.objects, graphSpec{
		source: "buffer", args: bufferArgs(in),
		chain: chain + ",format=yuv420p,setsar=1",
		sink:  "buffersink",
	})
	if err != nil {
		return nil, err
	}
	if len(s.graphs) == maxScalerGraphs {
		s.graphs[maxScalerGraphs-1].release()
		s.graphs = s.graphs[:maxScalerGraphs-1]
	}
	s.graphs = append([]scalerGraph{{in: in, graph: g}}, s.graphs...)
	return g, nil
}

// scaleFlags chooses the scaling method. Bilinear costs half of swscale's
// default, bicubic, and looks the same down to half the size; below that it
// leaves out samples less evenly than averaging does.
func scaleFlags(in format, width, height int) string {
	if in.width > 2*width && in.height > 2*height {
		return "area"
	}
	return "bilinear"
}

func (s *scaler) close() {
	for _, g := range s.graphs {
		g.release()
	}
	s.graphs = nil
}

// bufferArgs describes pictures to a buffer source whose clock is that of
// media.TimescaleVideo.
func bufferArgs(in format) astiav.FilterArgs {
	return astiav.FilterArgs{
		"video_size": strconv.Itoa(in.width) + "x" + strconv.Itoa(in.height),
		"pix_fmt":    strconv.Itoa(int(in.pixels)),
		"time_base":  "1/90000",
	}
}

// deinterlacer turns frames of two fields into whole pictures, one for each. It
// passes others on untouched until it has seen one with fields, and from then on
// through the filter, which leaves them alone. It belongs to one goroutine.
type deinterlacer struct {
	objects *objects
	active  bool // the filter is needed
	in      format
	graph   *graph
	out     *frame
}

// push calls yield for each picture that is ready; it is valid until yield
// returns. The filter lags by one picture.
func (d *deinterlacer) push(f *astiav.Frame, yield func(*astiav.Frame) error) error {
	d.active = d.active || interlaced(f)
	if !d.active {
		return yield(f)
	}
	if in := formatOf(f); d.graph == nil || in != d.in {
		if err := d.flush(yield); err != nil {
			return err
		}
		g, err := newGraph(d.objects, graphSpec{
			source: "buffer", args: bufferArgs(in),
			chain: "yadif=mode=send_frame:deint=interlaced,settb=1/90000", sink: "buffersink",
		})
		if err != nil {
			return err
		}
		d.graph, d.in = g, in
	}
	if err := d.graph.push(f); err != nil {
		return err
	}
	return d.pull(yield)
}

// flush yields what is inside and frees the filter.
func (d *deinterlacer) flush(yield func(*astiav.Frame) error) error {
	if d.graph == nil {
		return nil
	}
	err := d.graph.push(nil)
	if err == nil {
		err = d.pull(yield)
	}
	d.close()
	return err
}

func (d *deinterlacer) pull(yield func(*astiav.Frame) error) error {
	if d.out == nil {
		out, err := newFrame(d.objects)
		if err != nil {
			return err
		}
		d.out = out
	}
	for {
		ok, err := d.graph.pull(d.out.raw)
		if err != nil || !ok {
			return err
		}
		if err = yield(d.out.raw); err != nil {
			return err
		}
	}
}

func (d *deinterlacer) close() {
	if d.graph != nil {
		d.graph.release()
		d.graph = nil
	}
	if d.out != nil {
		d.out.release()
		d.out = nil
	}
}
