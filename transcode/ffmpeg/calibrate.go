package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// What a calibration works on: pictures that all move and have the grain of a
// camera, in two sizes whose difference tells what a megapixel costs.
const (
	calibrationPictures = 30
	calibrationChain    = "testsrc2=size=1280x720:rate=30,scroll=horizontal=0.01:vertical=0.004,noise=alls=6:allf=t,format=yuv420p"
)

// Calibrate measures how much work this machine's cores do. It takes one to two
// seconds of one core, most of it encoding, and needs no files. The figure for
// sound is not measured but follows that for encoding pictures. It returns ctx's error if
// ctx ends first.
func (e *Engine) Calibrate(ctx context.Context) (transcode.Calibration, error) {
	start := time.Now()
	c, err := (&calibrator{objects: &e.objects}).run(ctx)
	if err != nil {
		return transcode.Calibration{}, fmt.Errorf("calibrate: %w", err)
	}
	e.logger.Info("calibrated", "duration", time.Since(start))
	return c, nil
}

// calibrator measures each kind of work by itself. It belongs to one goroutine.
type calibrator struct {
	objects      *objects
	large, small []*frame // raw pictures, 1280x720 and 640x360
}

func (c *calibrator) run(ctx context.Context) (cal transcode.Calibration, err error) {
	// All work of the codecs and filters is done by the calling thread, so its
	// processor time is the measure, whatever else the machine does.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer c.close()
	if err = c.generate(ctx); err != nil {
		return cal, err
	}
	scaling, err := measure(func() error { return c.scale(ctx) })
	if err != nil {
		return cal, err
	}
	var coded [][]byte
	encoding := func(frames []*frame, fast bool) (float64, error) {
		return measure(func() (err error) {
			coded, err = c.encode(ctx, frames, fast)
			return err
		})
	}
	small, err := encoding(c.small, false)
	if err != nil {
		return cal, err
	}
	fast, err := encoding(c.large, true)
	if err != nil {
		return cal, err
	}
	large, err := encoding(c.large, false)
	if err != nil {
		return cal, err
	}
	decoding, err := measure(func() error { return c.decode(ctx, coded) })
	if err == nil && large <= 0 {
		err = errors.New("encoding took no time")
	}
	if err != nil {
		return cal, err
	}

	// How the work divides between a picture and its megapixels depends on what is
	// shown more than on the machine: it is taken from the figures for a camera.
	const largeSize, smallSize = 1280 * 720 * 1e-6, 640 * 360 * 1e-6 // megapixels
	camera := transcode.DefaultCalibration()
	cal = camera.Scaled((large + small) / (2*camera.Picture + (largeSize+smallSize)*camera.Encode))
	cal.Decode = max(decoding/largeSize, 1e-6)
	cal.Scale = max(scaling/largeSize, 1e-6)
	cal.Fast = min(max(fast/large, 0.2), 1)
	return cal, nil
}

// measure returns the processor time that f takes for each picture, in seconds.
func measure(f func() error) (float64, error) {
	start, err := cpuTime()
	if err != nil {
		return 0, err
	}
	if err = f(); err != nil {
		return 0, err
	}
	end, err := cpuTime()
	return (end - start).Seconds() / calibrationPictures, err
}

// generate makes the large pictures.
func (c *calibrator) generate(ctx context.Context) error {
	g, err := newGraph(c.objects, graphSpec{chain: calibrationChain, sink: "buffersink"})
	if err != nil {
		return err
	}
	defer g.release()
	for n := range calibrationPictures {
		if err = ctx.Err(); err != nil {
			return err
		}
		f, err := newFrame(c.objects)
		if err != nil {
			return err
		}
		c.large = append(c.large, f)
		if ok, err := g.pull(f.raw); err != nil || !ok {
			return fmt.Errorf("generate picture %d: %w", n, err)
		}
		f.raw.SetPts(int64(n) * 3000)
	}
	return nil
}

// scale makes the small pictures.
func (c *calibrator) scale(ctx context.Context) error {
	s := scaler{objects: c.objects, width: 640, height: 360}
	defer s.close()
	for _, f := range c.large {
		if err := ctx.Err(); err != nil {
			return err
		}
		small, err := s.scale(f)
		if err != nil {
			return err
		}
		c.small = append(c.small, small)
	}
	return nil
}

// encode returns the coded pictures, each with the parameter sets before it.
func (c *calibrator) encode(ctx context.Context, frames []*frame, fast bool) ([][]byte, error) {
	width, height := frames[0].raw.Width(), frames[0].raw.Height()
	enc, err := newEncoder(c.objects, encoderSpec{
		name: encoderX264, frameRate: 30, threads: 1, fast: fast, colour: colour{colourBT709, colourBT709, colourBT709},
		rung: transcode.VideoRung{Width: width, Height: height, CRF: 22, MaxRate: width * height * 27 / 10, Buffer: width * height * 54 / 10, Level: 31},
	})
	if err != nil {
		return nil, err
	}
	defer enc.close()
	var coded [][]byte
	keep := func(data []byte, _, _ int64) error {
		if len(coded) == 0 {
			data = append(enc.header(), data...)
		}
		coded = append(coded, data)
		return ctx.Err()
	}
	for _, f := range frames {
		f.raw.SetPictureType(astiav.PictureTypeNone)
		if err = enc.encode(f.raw, keep); err != nil {
			return nil, err
		}
	}
	return coded, enc.encode(nil, keep)
}

// decode decodes what encode made of the large pictures.
func (c *calibrator) decode(ctx context.Context, coded [][]byte) error {
	d, err := newDecoder(c.objects, media.Track{
		Codec: media.CodecH264, Video: media.VideoFormat{Width: 1280, Height: 720},
	}, 1)
	if err != nil {
		return err
	}
	defer d.close()
	pictures := 0
	count := func(*astiav.Frame) error {
		pictures++
		return ctx.Err()
	}
	for n, b := range coded {
		au := &media.AccessUnit{PTS: int64(n) * 3000, DTS: int64(n) * 3000, Payload: splitAnnexB(b)}
		if _, err = d.decode(au, count); err != nil {
			return err
		}
	}
	if _, err = d.decode(nil, count); err != nil {
		return err
	}
	if pictures != calibrationPictures {
		return fmt.Errorf("%d pictures decoded, want %d", pictures, calibrationPictures)
	}
	return nil
}

func (c *calibrator) close() {
	for _, f := range append(c.large, c.small...) {
		f.release()
	}
}
