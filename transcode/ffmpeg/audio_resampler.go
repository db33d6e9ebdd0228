package ffmpeg

/*
#cgo pkg-config: libavutil libswresample
#include <libavutil/channel_layout.h>
#include <libavutil/frame.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

static uint64_t lectern_channel_mask(const AVFrame *f) {
	return f->ch_layout.order == AV_CHANNEL_ORDER_NATIVE ? f->ch_layout.u.mask : 0;
}

// lectern_swr_new sets up a resampler from what f holds to interleaved floats.
static int lectern_swr_new(SwrContext **s, const AVFrame *f, int rate, int channels) {
	AVChannelLayout in = {0}, out = {0};
	int ret = 0;
	if (f->ch_layout.order == AV_CHANNEL_ORDER_NATIVE)
		ret = av_channel_layout_copy(&in, &f->ch_layout);
	else
		av_channel_layout_default(&in, f->ch_layout.nb_channels);
	av_channel_layout_default(&out, channels);
	if (ret >= 0)
		ret = swr_alloc_set_opts2(s, &out, AV_SAMPLE_FMT_FLT, rate, &in, f->format, f->sample_rate, 0, NULL);
	// Compensation needs the resampler even where the rates are equal.
	if (ret >= 0)
		ret = av_opt_set_int(*s, "flags", SWR_FLAG_RESAMPLE, 0);
	if (ret >= 0)
		ret = swr_init(*s);
	if (ret < 0)
		swr_free(s);
	av_channel_layout_uninit(&in);
	av_channel_layout_uninit(&out);
	return ret;
}

// lectern_swr_convert gives f to s, or its end if f is NULL, and takes up to room
// sampling times.
static int lectern_swr_convert(SwrContext *s, float *out, int room, const AVFrame *f) {
	uint8_t *planes[1] = {(uint8_t *)out};
	if (!f)
		return swr_convert(s, planes, room, NULL, 0);
	return swr_convert(s, planes, room, (const uint8_t **)f->extended_data, f->nb_samples);
}
*/
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/asticode/go-astiav"
)

// The resampler is called directly, since its filter in libavfilter cannot be told
// how far to stretch: it corrects drift down to its threshold only and then leaves
// sound and pictures that much apart.

// soundFormat is what a decoded frame of sound looks like.
type soundFormat struct {
	sample         astiav.SampleFormat
	rate, channels int
	mask           uint64 // of the channel layout, 0 if there is none
}

func cFrame(f *astiav.Frame) *C.AVFrame { return (*C.AVFrame)(f.UnsafePointer()) }

func soundFormatOf(f *astiav.Frame) soundFormat {
	c := cFrame(f)
	return soundFormat{
		sample:   f.SampleFormat(),
		rate:     f.SampleRate(),
		channels: int(c.ch_layout.nb_channels),
		mask:     uint64(C.lectern_channel_mask(c)),
	}
}

// planeOf returns n values of plane i, as memory of C that is valid as long as f
// holds its buffer. The caller knows that f has as many.
func planeOf[S any](f *astiav.Frame, i, n int) []S {
	planes := unsafe.Slice(cFrame(f).extended_data, i+1)
	return unsafe.Slice((*S)(unsafe.Pointer(planes[i])), n)
}

// resampler owns an SwrContext that makes interleaved floats at audioRate, mono
// if the source is mono, else stereo.
type resampler struct {
	owned
	raw      *C.SwrContext
	in       soundFormat
	channels int
	buffer   []float32
}

// newResampler makes one for frames like f.
func newResampler(objects *objects, f *astiav.Frame) (*resampler, error) {
	r := &resampler{in: soundFormatOf(f), channels: 2}
	if r.in.channels == 1 {
		r.channels = 1
	}
	if ret := C.lectern_swr_new(&r.raw, cFrame(f), audioRate, C.int(r.channels)); ret < 0 {
		return nil, fmt.Errorf("resample %d channels at %d Hz: %w", r.in.channels, r.in.rate, astiav.Error(ret))
	}
	r.own(objects, func() { C.swr_free(&r.raw) })
	return r, nil
}

// convert takes f, which is of the format that r was made for, or the end of the
// sound if f is nil. What it returns is valid until the next call.
func (r *resampler) convert(f *astiav.Frame) ([]float32, error) {
	var in *C.AVFrame
	samples := C.int(0)
	if f != nil {
		in = cFrame(f)
		samples = in.nb_samples
	}
	room := C.swr_get_out_samples(r.raw, samples)
	if room < 0 {
		return nil, fmt.Errorf("resample: %w", astiav.Error(room))
	}
	if need := int(room)*r.channels + 1; cap(r.buffer) < need {
		r.buffer = make([]float32, need)
	}
	buffer := r.buffer[:cap(r.buffer)]
	n := C.lectern_swr_convert(r.raw, (*C.float)(&buffer[0]), room, in)
	if n < 0 {
		return nil, fmt.Errorf("resample: %w", astiav.Error(n))
	}
	return buffer[:int(n)*r.channels], nil
}

// delay is how many sampling times at audioRate went in and are still to come.
func (r *resampler) delay() int64 { return int64(C.swr_get_delay(r.raw, audioRate)) }

// stretch makes the sound longer by the given share, such as 0.005, from now on,
// or shorter if it is negative.
func (r *resampler) stretch(share float64) error {
	delta, distance := C.int(share*audioRate), C.int(audioRate)
	if delta == 0 {
		distance = 0
	}
	if ret := C.swr_set_compensation(r.raw, delta, distance); ret < 0 {
		return fmt.Errorf("stretch sound by %g: %w", share, astiav.Error(ret))
	}
	return nil
}
