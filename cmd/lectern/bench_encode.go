package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/lectern/lectern/bench"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/ffmpeg"
)

// encode makes the default ladder of a 1080p30 file as fast as it can, so that
// somebody can measure what the process costs. The file is H.264 with start codes
// and an access unit delimiter before each picture; what comes out is counted.
func encode(_ context.Context, path string, env environment) error {
	pictures, err := bench.ReadPictures(path)
	if err != nil {
		return err
	}
	track := pictures.Track(1920, 1080)
	ladder, err := transcode.NewLadder(transcode.DefaultConfig(), nil)
	if err != nil {
		return err
	}
	spec := ladder.Plan(transcode.PlanInput{Tracks: []media.Track{track}}).Spec
	spec.Patient, spec.Thumbnail, spec.Encoder = true, 0, "libx264"
	var out counted
	encoding, err := ffmpeg.New(ffmpeg.DefaultConfig(), ffmpeg.Deps{Logger: slog.New(slog.NewTextHandler(env.stderr, nil))}).Open(spec, &out)
	if err != nil {
		return fmt.Errorf("open the engine: %w", err)
	}
	defer encoding.Close()
	for i := range pictures {
		if err = encoding.Write(pictures.AccessUnit(i, 0), time.Now()); err != nil {
			return fmt.Errorf("encode picture %d: %w", i, err)
		}
	}
	if err = encoding.Drain(); err != nil {
		return fmt.Errorf("drain the encoders: %w", err)
	}
	if want := int64(len(pictures) * len(spec.Video)); out.units.Load() != want {
		return fmt.Errorf("%d pictures came out, want %d", out.units.Load(), want)
	}
	_, err = fmt.Fprintf(env.stdout, "%d pictures, %d bytes\n", out.units.Load(), out.bytes.Load())
	return err
}

// counted counts what an engine makes.
type counted struct{ units, bytes atomic.Int64 }

// AccessUnit implements transcode.Output.
func (c *counted) AccessUnit(au *media.AccessUnit) {
	c.units.Add(1)
	c.bytes.Add(int64(au.Size()))
}

// Stopped implements transcode.Output.
func (*counted) Stopped(media.TrackID, int64) {}

// Thumbnail implements transcode.Output.
func (*counted) Thumbnail(transcode.Thumbnail) {}

// Loudness implements transcode.Output.
func (*counted) Loudness(transcode.Loudness) {}
