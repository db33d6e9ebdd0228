package ffmpeg

import (
	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/loudness"
	"github.com/lectern/lectern/transcode"
)

// audioMaxQuiet is the most silence that is measured at once: it empties every
// window of the meter. In sampling times at audioRate.
const audioMaxQuiet = 4 * audioRate

// audioLevel measures the publisher's sound as it was decoded and reports once a
// second. Where sound is missing it measures silence. It belongs to one goroutine.
type audioLevel struct {
	out    transcode.Output
	meter  *loudness.Meter // nil until there was sound
	end    int64           // measured up to there, in sampling times at audioRate
	since  int64           // measured since there
	buffer []float32
}

func newAudioLevel(start int64, out transcode.Output) *audioLevel {
	return &audioLevel{out: out, end: start, since: start}
}

// add measures interleaved samples of 1 or 2 channels that begin at a time.
func (l *audioLevel) add(samples []float32, rate, channels int, at int64) {
	if at-l.end > audioHole {
		l.quiet(at)
	}
	if l.meter == nil || l.meter.Rate() != rate || l.meter.Channels() != channels {
		m, err := loudness.NewMeter(rate, channels)
		if err != nil {
			return // checked before: no such frame comes here
		}
		l.meter = m
	}
	l.meter.AddFloat32(samples)
	l.moved(at + int64(len(samples)/channels)*audioRate/int64(rate))
}

// quiet measures silence up to a time.
func (l *audioLevel) quiet(to int64) {
	if l.meter == nil {
		m, err := loudness.NewMeter(audioRate, 1)
		if err != nil {
			return
		}
		l.meter = m
	}
	n := min(to-l.end, audioMaxQuiet)
	if n <= 0 {
		return
	}
	l.meter.AddSilence(int(n * int64(l.meter.Rate()) / audioRate))
	l.moved(to)
}

// moved reports when there is a second to report on.
func (l *audioLevel) moved(to int64) {
	l.end = to
	if l.end < l.since {
		l.since = l.end // the timestamps went back
	}
	if l.end-l.since < audioRate {
		return
	}
	l.since = l.end
	r := l.meter.Read()
	l.out.Loudness(transcode.Loudness{
		PTS:       media.Timescale(audioRate).Duration(l.end),
		Duration:  r.Duration,
		ShortTerm: r.ShortTerm,
		Peak:      r.Peak,
		Clipped:   r.Clipped,
	})
}

// interleaved returns the samples of f, which has 1 or 2 channels, as floats, or
// nil if their format is not known here. They are valid until the next call.
func (l *audioLevel) interleaved(f *astiav.Frame, in soundFormat) []float32 {
	n := f.NbSamples()
	if need := n * in.channels; cap(l.buffer) < need {
		l.buffer = make([]float32, need)
	}
	dst := l.buffer[:n*in.channels]
	switch in.sample {
	case astiav.SampleFormatU8:
		packed(dst, f, func(v uint8) float32 { return (float32(v) - 128) / 128 })
	case astiav.SampleFormatU8P:
		planar(dst, f, in.channels, func(v uint8) float32 { return (float32(v) - 128) / 128 })
	case astiav.SampleFormatS16:
		packed(dst, f, func(v int16) float32 { return float32(v) / (1 << 15) })
	case astiav.SampleFormatS16P:
		planar(dst, f, in.channels, func(v int16) float32 { return float32(v) / (1 << 15) })
	case astiav.SampleFormatS32:
		packed(dst, f, func(v int32) float32 { return float32(v) / (1 << 31) })
	case astiav.SampleFormatS32P:
		planar(dst, f, in.channels, func(v int32) float32 { return float32(v) / (1 << 31) })
	case astiav.SampleFormatFlt:
		packed(dst, f, func(v float32) float32 { return v })
	case astiav.SampleFormatFltp:
		planar(dst, f, in.channels, func(v float32) float32 { return v })
	default:
		return nil
	}
	return dst
}

func packed[S any](dst []float32, f *astiav.Frame, level func(S) float32) {
	for i, v := range planeOf[S](f, 0, len(dst)) {
		dst[i] = level(v)
	}
}

func planar[S any](dst []float32, f *astiav.Frame, channels int, level func(S) float32) {
	for c := range channels {
		for i, v := range planeOf[S](f, c, len(dst)/channels) {
			dst[i*channels+c] = level(v)
		}
	}
}
