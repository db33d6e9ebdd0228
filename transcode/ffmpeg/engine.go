package ffmpeg

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// Deps are what an Engine needs from outside.
type Deps struct {
	Logger *slog.Logger
}

// Engine implements transcode.Engine. It may be used from any goroutine.
type Engine struct {
	cfg     Config
	logger  *slog.Logger
	objects objects
}

var _ transcode.Engine = (*Engine)(nil)

// New returns an engine. It sets FFmpeg's log level for the whole process: what
// FFmpeg says about each broken picture of a publisher is not worth a line.
func New(cfg Config, deps Deps) *Engine {
	astiav.SetLogLevel(astiav.LogLevelFatal)
	return &Engine{cfg: cfg, logger: deps.Logger.With("component", "ffmpeg")}
}

// Objects returns how many C objects are alive; it is 0 when every Encoding has
// been closed.
func (e *Engine) Objects() int { return int(e.objects.live.Load()) }

// Encoders returns the names of the video encoders that open on this machine,
// the one that is always there first.
func (e *Engine) Encoders() []string {
	var names []string
	for _, name := range []string{encoderX264, encoderNVENC} {
		enc, err := newEncoder(&e.objects, encoderSpec{
			name: name, frameRate: defaultFrameRate, threads: 1, colour: colour{colourBT709, colourBT709, colourBT709},
			rung: transcode.VideoRung{Width: 256, Height: 144, CRF: 23, MaxRate: 300_000, Buffer: 600_000, Level: 31},
		})
		if err != nil {
			continue
		}
		enc.close()
		names = append(names, name)
	}
	return names
}

// Open implements transcode.Engine. A spec that asks for an encoder that cannot
// be opened here gets libx264, and a line in the log.
func (e *Engine) Open(spec transcode.Spec, out transcode.Output) (transcode.Encoding, error) {
	if err := validate(spec); err != nil {
		return nil, fmt.Errorf("%w: %w", transcode.ErrSpec, err)
	}
	enc := &encoding{engine: e, spec: spec, logger: e.logger, objects: &e.objects}
	if err := enc.open(out); err != nil {
		enc.Close()
		return nil, fmt.Errorf("open encoding: %w", err)
	}
	return enc, nil
}

// validate returns every fault of spec that would end in C.
func validate(spec transcode.Spec) error {
	var errs []error
	_, hasVideo := media.Find(spec.Tracks, media.KindVideo)
	_, hasAudio := media.Find(spec.Tracks, media.KindAudio)
	if len(spec.Video) > 0 && !hasVideo {
		errs = append(errs, errors.New("video rungs without a video track"))
	}
	if len(spec.Audio) > 0 && !hasAudio {
		errs = append(errs, errors.New("audio rungs without an audio track"))
	}
	if spec.Grid < 0 || spec.Start < 0 {
		errs = append(errs, fmt.Errorf("grid %s or start %s is negative", spec.Grid, spec.Start))
	}
	if spec.Encoder != "" && spec.Encoder != encoderX264 && spec.Encoder != encoderNVENC {
		errs = append(errs, fmt.Errorf("unknown encoder %q", spec.Encoder))
	}
	for _, r := range spec.Video {
		if !sizeAllowed(r.Width, r.Height) || r.Width%2 != 0 || r.Height%2 != 0 {
			errs = append(errs, fmt.Errorf("rendition %s: size %dx%d", r.Rendition, r.Width, r.Height))
		}
		if r.CRF < 0 || r.CRF > 51 || r.MaxRate <= 0 || r.Buffer <= 0 || r.MaxFrameRate < 0 {
			errs = append(errs, fmt.Errorf("rendition %s: crf %g, max rate %d, buffer %d, frame rate %g", r.Rendition, r.CRF, r.MaxRate, r.Buffer, r.MaxFrameRate))
		}
		if r.Level < 10 || r.Level > 62 {
			errs = append(errs, fmt.Errorf("rendition %s: level %d", r.Rendition, r.Level))
		}
	}
	return errors.Join(errs...)
}
