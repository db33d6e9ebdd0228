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

// makeClip encodes 20 seconds of 1080p30 at about kbps, keyframes every 2 s.
func makeClip(ctx context.Context, dir string, kbps int) (clip, error) {
	const seconds = 20
	c := clip{path: filepath.Join(dir, "clip.flv"), duration: seconds * time.Second}
	rate := strconv.Itoa(kbps) + "k"
	cmd := exec.CommandContext(ctx, "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-y", //nolint:gosec // our own arguments
		"-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=30,noise=alls=12:allf=t", "-f", "lavfi", "-i", "sine=frequency=300:sample_rate=48000",
		"-t", strconv.Itoa(seconds), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0",
		"-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate, "-c:a", "aac", "-b:a", "128k", "-ac", "2", "-f", "flv", c.path)
	if out, err := cmd.CombinedOutput(); err != nil {
		return clip{}, fmt.Errorf("encode the clip with ffmpeg: %w: %s", err, out)
	}
	info, err := os.Stat(c.path)
	if err != nil {
		return clip{}, fmt.Errorf("encode the clip: %w", err)
	}
	c.bytes = info.Size()
	return c, nil
}

// publish makes a class and pushes the clip to it in real time until ctx ends.
func publish(ctx context.Context, s *server, c clip, id string) (api.Class, <-chan error, error) {
	made, err := s.api.Create(ctx, api.CreateClass{ID: id, Title: "Benchmark"})
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
