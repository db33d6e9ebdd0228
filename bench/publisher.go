package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/lectern/lectern/realtime/api"
)

// clip is a file that publishers push again and again.
type clip struct {
	path     string
	bytes    int64
	duration time.Duration
}

// clipSeconds is how long the clips are that publishers repeat.
const clipSeconds = 20

// recording says what a clip shows and how many bits that takes.
type recording struct {
	pictures string // a filter of ffmpeg's
	preset   string
	kbps     int
}

// testCard is 1080p30 that is cheap to make.
func testCard(kbps int) recording {
	return recording{pictures: "testsrc2=size=1920x1080:rate=30,noise=alls=12:allf=t", preset: "ultrafast", kbps: kbps}
}

// make encodes the clip into dir, keyframes every 2 s.
func (r recording) make(ctx context.Context, dir string) (clip, error) {
	c := clip{path: filepath.Join(dir, "clip.flv"), duration: clipSeconds * time.Second}
	rate := strconv.Itoa(r.kbps) + "k"
	if err := ffmpeg(ctx, "-f", "lavfi", "-i", r.pictures, "-f", "lavfi", "-i", "sine=frequency=300:sample_rate=48000",
		"-t", strconv.Itoa(clipSeconds), "-c:v", "libx264", "-preset", r.preset, "-pix_fmt", "yuv420p", "-bf", "0", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0",
		"-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate, "-c:a", "aac", "-b:a", "128k", "-ac", "2", "-f", "flv", c.path); err != nil {
		return clip{}, err
	}
	info, err := os.Stat(c.path)
	if err != nil {
		return clip{}, fmt.Errorf("encode the clip: %w", err)
	}
	c.bytes = info.Size()
	return c, nil
}

// ffmpeg runs the program to its end.
func ffmpeg(ctx context.Context, arguments ...string) error {
	cmd := exec.CommandContext(ctx, "ffmpeg", append([]string{"-hide_banner", "-nostdin", "-loglevel", "error", "-y"}, arguments...)...) //nolint:gosec // our own arguments
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("encode with ffmpeg: %w: %s", err, out)
	}
	return nil
}

// publish makes a class with these renditions, nil for the server's own, and
// pushes the clip to it in real time until ctx ends.
func publish(ctx context.Context, s *server, c clip, id string, ladder []string) (api.Class, <-chan error, error) {
	made, err := s.api.Create(ctx, api.CreateClass{ID: id, Title: "Benchmark", Ladder: ladder})
	if err != nil {
		return api.Class{}, nil, fmt.Errorf("create class: %w", err)
	}
	cmd := exec.CommandContext(ctx, "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", //nolint:gosec // our own arguments
		"-re", "-stream_loop", "-1", "-i", c.path, "-c", "copy", "-f", "flv", made.Ingest.RTMP+"/"+made.StreamKey)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return api.Class{}, nil, fmt.Errorf("start publisher: %w", err)
	}
	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		if ctx.Err() != nil {
			err = nil // we ended it
		} else if err == nil {
			err = errors.New("it stopped")
		}
		ended <- err
	}()
	return made, ended, nil
}
