package ffmpeg

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// encoding implements transcode.Encoding. The goroutine that calls its methods
// decodes; each rung has one of its own, which Drain and Close wait for.
type encoding struct {
	// Set by open, then read-only.
	engine  *Engine
	objects *objects
	spec    transcode.Spec
	logger  *slog.Logger
	rungs   []*rung // by falling size
	tracks  []media.Track
	video   *videoPath // nil if no pictures are decoded
	audio   *audioPath // nil if no sound is decoded

	drained bool // owned by the caller's goroutine

	wg sync.WaitGroup // the rungs' goroutines

	mu     sync.Mutex // guards the field below
	failed error      // the first error of a rung

	decoded, broken atomic.Int64
}

// open makes all parts. After an error Close frees those that were made.
func (e *encoding) open(out transcode.Output) error {
	if track, ok := media.Find(e.spec.Tracks, media.KindVideo); ok && (len(e.spec.Video) > 0 || e.spec.Thumbnail > 0) {
		if err := e.openRungs(track, out); err != nil {
			return err
		}
		video, err := newVideoPath(e, track, out)
		if err != nil {
			return err
		}
		e.video = video
	}
	if _, ok := media.Find(e.spec.Tracks, media.KindAudio); ok && (len(e.spec.Audio) > 0 || e.spec.Loudness) {
		audio, err := newAudioPath(e.objects, e.spec, out)
		switch {
		case err == nil:
			e.audio = audio
			e.tracks = append(e.tracks, audio.tracks()...)
		case len(e.spec.Audio) > 0:
			return err
		default: // it was to be measured only
			e.engine.logger.Warn("sound cannot be measured", "err", err)
		}
	}
	for _, r := range e.rungs {
		e.wg.Go(func() {
			if err := r.run(); err != nil {
				e.fail(err)
				r.queue.close()
			}
		})
	}
	return nil
}

// openRungs opens all rungs with the encoder of the spec or, if one of them does
// not open, all with libx264.
func (e *encoding) openRungs(track media.Track, out transcode.Output) error {
	name := e.spec.Encoder
	if name == "" {
		name = encoderX264
	}
	err := e.openRungsWith(name, track, out)
	if name != encoderX264 && errors.Is(err, errNoEncoder) {
		e.logger.Warn("encoder not available, libx264 takes its place", "reason", name, "err", err)
		for _, r := range e.rungs {
			r.close()
		}
		e.rungs, e.tracks = nil, nil
		err = e.openRungsWith(encoderX264, track, out)
	}
	return err
}

func (e *encoding) openRungsWith(name string, track media.Track, out transcode.Output) error {
	colours := colourOf(track)
	for _, v := range e.spec.Video {
		r, err := newRung(e.objects, encoderSpec{
			name: name, rung: v, frameRate: frameRate(track, v), colour: colours, threads: e.engine.cfg.EncoderThreads,
		}, e.spec.Patient, out, e.logger)
		if err != nil {
			return err
		}
		e.rungs = append(e.rungs, r)
		e.tracks = append(e.tracks, r.track)
	}
	slices.SortStableFunc(e.rungs, func(a, b *rung) int {
		return b.spec.rung.Width*b.spec.rung.Height - a.spec.rung.Width*a.spec.rung.Height
	})
	return nil
}

// frameRate returns the most pictures a second that a rung will have.
func frameRate(track media.Track, rung transcode.VideoRung) float64 {
	rate := track.Video.FrameRate
	if rate <= 0 || rate > 1000 {
		rate = defaultFrameRate
		if rung.MaxFrameRate > 0 {
			rate = rung.MaxFrameRate
		}
	}
	if m := rung.MaxFrameRate; m > 0 && rate > m {
		spacing := int64(float64(media.TimescaleVideo) / rate)
		rate = float64(media.TimescaleVideo) / float64(thinned(m, spacing))
	}
	return max(rate, 1)
}

// Tracks implements transcode.Encoding.
func (e *encoding) Tracks() []media.Track { return slices.Clone(e.tracks) }

// Write implements transcode.Encoding. It returns ErrBroken, ErrDrained or the
// error of a rung.
func (e *encoding) Write(au *media.AccessUnit, received time.Time) error {
	if e.drained {
		return ErrDrained
	}
	if err := e.failure(); err != nil {
		return err
	}
	track, ok := e.find(au.Track)
	if !ok {
		return nil
	}
	isVideo := track.Codec.Kind() == media.KindVideo
	if isVideo && e.video != nil {
		if err := e.video.write(au, received); err != nil {
			return fmt.Errorf("write picture: %w", err)
		}
	}
	switch {
	case e.audio == nil:
	case isVideo:
		if err := e.audio.advance(track.Timescale.Duration(au.DTS)); err != nil {
			return fmt.Errorf("advance sound: %w", err)
		}
	default:
		if err := e.audio.write(au); err != nil {
			return fmt.Errorf("write sound: %w", err)
		}
	}
	return nil
}

// find returns the publisher's track with this ID.
func (e *encoding) find(id media.TrackID) (media.Track, bool) {
	for _, t := range e.spec.Tracks {
		if t.ID == id {
			return t, true
		}
	}
	return media.Track{}, false
}

// SetEffort implements transcode.Encoding.
func (e *encoding) SetEffort(effort transcode.Effort) {
	if e.video != nil {
		e.video.setEffort(effort)
	}
}

// Drain implements transcode.Encoding.
func (e *encoding) Drain() error {
	if e.drained {
		return ErrDrained
	}
	e.drained = true
	var errs []error
	if e.video != nil {
		errs = append(errs, e.video.drain())
	}
	if e.audio != nil {
		errs = append(errs, e.audio.drain())
	}
	for _, r := range e.rungs {
		r.queue.end()
	}
	e.wg.Wait()
	return errors.Join(append(errs, e.failure())...)
}

// Close implements transcode.Encoding.
func (e *encoding) Close() {
	for _, r := range e.rungs {
		r.queue.close()
	}
	e.wg.Wait()
	for _, r := range e.rungs {
		r.close()
	}
	if e.video != nil {
		e.video.close()
	}
	if e.audio != nil {
		e.audio.close()
	}
	trimMemory()
}

// Stats implements transcode.Encoding.
func (e *encoding) Stats() transcode.Stats {
	s := transcode.Stats{Decoded: int(e.decoded.Load()), DecodeErrors: int(e.broken.Load())}
	if e.audio != nil {
		s.DecodeErrors += e.audio.stats().DecodeErrors
	}
	for _, r := range e.rungs {
		s.Rungs = append(s.Rungs, r.snapshot())
	}
	return s
}

func (e *encoding) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failed == nil {
		e.failed = err
	}
}

func (e *encoding) failure() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.failed
}
