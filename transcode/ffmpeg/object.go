package ffmpeg

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/asticode/go-astiav"
)

// inputPadding is AV_INPUT_BUFFER_PADDING_SIZE: decoders read this far past the
// end of a packet.
const inputPadding = 64

var errNoMemory = errors.New("out of memory")

// objects counts the C objects that are alive. It may be used from any goroutine.
type objects struct {
	live atomic.Int64
}

// owned frees what it holds once, however often release is called: to free twice
// is a crash in go-astiav v0.16.0.
type owned struct {
	objects *objects
	once    sync.Once
	free    func()
}

// own counts an object that free frees. It is set up in place, as it must not be
// copied.
func (o *owned) own(objects *objects, free func()) {
	o.objects, o.free = objects, free
	objects.live.Add(1)
}

func (o *owned) release() {
	o.once.Do(func() {
		o.free()
		o.objects.live.Add(-1)
	})
}

// packet owns an AVPacket.
type packet struct {
	owned
	raw *astiav.Packet
}

func newPacket(objects *objects) (*packet, error) {
	raw := astiav.AllocPacket()
	if raw == nil {
		return nil, fmt.Errorf("allocate packet: %w", errNoMemory)
	}
	p := &packet{raw: raw}
	p.own(objects, raw.Free)
	return p, nil
}

// fill gives p a copy of the chunks, one after the other, with the padding that
// decoders need behind it: Packet.FromData leaves that out.
func (p *packet) fill(pts, dts int64, chunks ...[]byte) error {
	size := 0
	for _, c := range chunks {
		size += len(c)
	}
	padded := make([]byte, 0, size+inputPadding)
	for _, c := range chunks {
		padded = append(padded, c...)
	}
	p.raw.Unref()
	if err := p.raw.FromData(padded[:size+inputPadding]); err != nil {
		return fmt.Errorf("fill packet of %d bytes: %w", size, err)
	}
	p.raw.SetSize(size)
	p.raw.SetPts(pts)
	p.raw.SetDts(dts)
	return nil
}

// frame owns an AVFrame: a reference to a picture or to sound.
type frame struct {
	owned
	raw *astiav.Frame
}

func newFrame(objects *objects) (*frame, error) {
	raw := astiav.AllocFrame()
	if raw == nil {
		return nil, fmt.Errorf("allocate frame: %w", errNoMemory)
	}
	f := &frame{raw: raw}
	f.own(objects, raw.Free)
	return f, nil
}

// clone returns another reference to the same data, with properties of its own.
func (f *frame) clone() (*frame, error) {
	raw := f.raw.Clone()
	if raw == nil {
		return nil, fmt.Errorf("reference frame: %w", errNoMemory)
	}
	c := &frame{raw: raw}
	c.own(f.objects, raw.Free)
	return c, nil
}

// codec owns an AVCodecContext, of a decoder or an encoder.
type codec struct {
	owned
	raw  *astiav.CodecContext
	what *astiav.Codec
}

// newCodec returns a context that is not open yet. what may be nil, as the
// look-up functions of go-astiav return.
func newCodec(objects *objects, what *astiav.Codec) (*codec, error) {
	if what == nil {
		return nil, errors.New("this build of FFmpeg lacks the codec")
	}
	raw := astiav.AllocCodecContext(what)
	if raw == nil {
		return nil, fmt.Errorf("allocate codec %s: %w", what.Name(), errNoMemory)
	}
	c := &codec{raw: raw, what: what}
	c.own(objects, raw.Free)
	return c, nil
}

// open opens the codec with options. FFmpeg does not report options that it does
// not know but leaves them behind: here they are an error.
func (c *codec) open(options map[string]string) error {
	d := astiav.NewDictionary()
	defer d.Free() // a dictionary that was emptied is nil inside, which Free takes
	for k, v := range options {
		if err := d.Set(k, v, astiav.NewDictionaryFlags()); err != nil {
			return fmt.Errorf("codec %s: set option %s=%s: %w", c.what.Name(), k, v, err)
		}
	}
	if err := c.raw.Open(c.what, d); err != nil {
		return fmt.Errorf("open codec %s: %w", c.what.Name(), err)
	}
	if left := leftover(d); len(left) > 0 {
		return fmt.Errorf("open codec %s: unknown options %s", c.what.Name(), strings.Join(left, ", "))
	}
	return nil
}

// leftover returns the sorted keys in d.
func leftover(d *astiav.Dictionary) []string {
	var keys []string
	flags := astiav.NewDictionaryFlags(astiav.DictionaryFlagIgnoreSuffix)
	for e := d.Get("", nil, flags); e != nil; e = d.Get("", e, flags) {
		keys = append(keys, e.Key())
	}
	slices.Sort(keys)
	return keys
}

// graph owns an AVFilterGraph with one source and one sink.
type graph struct {
	owned
	source *astiav.FilterContext // nil if the chain begins with a source of its own
	sink   *astiav.FilterContext
}

// graphSpec describes a graph: source and sink are the names of the filters at
// its ends ("buffer", "buffersink" for pictures, with an "a" in front for sound),
// args are those of the source and chain is what stands between, such as
// "scale=640:360,format=yuv420p". chain must not contain a peer's words. With
// source "" the chain begins with a source of its own.
type graphSpec struct {
	source string
	args   astiav.FilterArgs
	chain  string
	sink   string
}

func newGraph(objects *objects, spec graphSpec) (_ *graph, err error) {
	raw := astiav.AllocFilterGraph()
	if raw == nil {
		return nil, fmt.Errorf("allocate filter graph: %w", errNoMemory)
	}
	raw.SetThreadCount(1) // the goroutines above are parallel enough
	g := &graph{}
	g.own(objects, func() {
		// The filters go first: go-astiav keeps a registry of them that only their
		// own Free clears.
		if g.source != nil {
			g.source.Free()
		}
		if g.sink != nil {
			g.sink.Free()
		}
		raw.Free()
	})
	defer func() {
		if err != nil {
			g.release()
		}
	}()

	if spec.source != "" {
		if g.source, err = newFilter(raw, spec.source, "in", spec.args); err != nil {
			return nil, err
		}
	}
	if g.sink, err = newFilter(raw, spec.sink, "out", nil); err != nil {
		return nil, err
	}
	if err = g.parse(raw, spec.chain); err != nil {
		// FFmpeg has freed the filters of the graph: to do so again is a crash. Two
		// entries stay in go-astiav's registry.
		g.source, g.sink = nil, nil
		return nil, err
	}
	if err = raw.Configure(); err != nil {
		return nil, fmt.Errorf("configure filter graph %q: %w", spec.chain, err)
	}
	return g, nil
}

func newFilter(raw *astiav.FilterGraph, kind, name string, args astiav.FilterArgs) (*astiav.FilterContext, error) {
	filter := astiav.FindFilterByName(kind)
	if filter == nil {
		return nil, fmt.Errorf("this build of FFmpeg lacks the filter %s", kind)
	}
	c, err := raw.NewFilterContext(filter, name, args)
	if err != nil {
		return nil, fmt.Errorf("make filter %s with %s: %w", kind, args, err)
	}
	return c, nil
}

// parse puts chain between the ends of g.
func (g *graph) parse(raw *astiav.FilterGraph, chain string) error {
	end := astiav.AllocFilterInOut()
	if end == nil {
		return fmt.Errorf("allocate filter end: %w", errNoMemory)
	}
	defer end.Free()
	end.SetName("out")
	end.SetFilterContext(g.sink)
	end.SetPadIdx(0)

	// Seen from the chain, the graph's source is an open output.
	var start *astiav.FilterInOut
	if g.source != nil {
		if start = astiav.AllocFilterInOut(); start == nil {
			return fmt.Errorf("allocate filter end: %w", errNoMemory)
		}
		defer start.Free()
		start.SetName("in")
		start.SetFilterContext(g.source)
		start.SetPadIdx(0)
		chain = "[in]" + chain
	}
	if err := raw.Parse(chain+"[out]", end, start); err != nil {
		return fmt.Errorf("parse filter graph %q: %w", chain, err)
	}
	return nil
}

// push gives f to the graph, which takes a reference of its own; nil flushes.
func (g *graph) push(f *astiav.Frame) error {
	if err := g.source.BuffersrcAddFrame(f, astiav.NewBuffersrcFlags(astiav.BuffersrcFlagKeepRef)); err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	return nil
}

// pull moves the graph's next frame into f and reports whether there was one.
func (g *graph) pull(f *astiav.Frame) (bool, error) {
	f.Unref()
	err := g.sink.BuffersinkGetFrame(f, astiav.NewBuffersinkFlags())
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, astiav.ErrEagain), errors.Is(err, astiav.ErrEof):
		return false, nil
	default:
		return false, fmt.Errorf("filter: %w", err)
	}
}
