package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The ladder that both sides make from 1080p30, in the order of the default.
var ladderRungs = []struct { //nolint:gochecknoglobals // a constant table
	height, crf, rate int
	level             string
}{{720, 22, 2500, "3.1"}, {480, 23, 1000, "3.1"}, {360, 24, 600, "3.0"}}

const ladderSeconds = 8

// spent is what one process used.
type spent struct {
	cpu    time.Duration
	memory int64 // bytes, at most
}

// LadderCost compares what the default ladder of a 1080p30 camera costs the
// engine with what it costs the ffmpeg program, with one decoder, split filters and
// the same encoder settings. Count runs of each alternate; the figures are medians.
func LadderCost(ctx context.Context, o Options) (err error) {
	dir, err := os.MkdirTemp("", "lectern-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	source := filepath.Join(dir, "camera.h264")
	if err = makeCamera(ctx, source, ladderSeconds); err != nil {
		return err
	}
	var ours, theirs []spent
	for i := range o.Count {
		us, err := spend(exec.CommandContext(ctx, o.Binary, "bench", "encode", source)) //nolint:gosec // the caller's own binary
		if err != nil {
			return fmt.Errorf("encode with the engine: %w", err)
		}
		them, err := spend(exec.CommandContext(ctx, "ffmpeg", ladderArguments(source)...)) //nolint:gosec // our own arguments
		if err != nil {
			return fmt.Errorf("encode with ffmpeg: %w", err)
		}
		ours, theirs = append(ours, us), append(theirs, them)
		fmt.Fprintf(o.Out, "run %d: lectern %.2f CPU-s, %d MiB; ffmpeg %.2f CPU-s, %d MiB; ratio %.3f\n", i+1,
			us.cpu.Seconds(), us.memory>>20, them.cpu.Seconds(), them.memory>>20, us.cpu.Seconds()/them.cpu.Seconds())
	}
	a, b := median(ours), median(theirs)
	fmt.Fprintf(o.Out, "%d s of 1080p30 to 720p, 480p and 360p, medians of %d: lectern %.2f CPU-s and %d MiB, ffmpeg %.2f CPU-s and %d MiB; CPU ratio %.3f\n",
		ladderSeconds, o.Count, a.cpu.Seconds(), a.memory>>20, b.cpu.Seconds(), b.memory>>20, a.cpu.Seconds()/b.cpu.Seconds())
	return nil
}

// camera is a filter that makes pictures that move and have noise, as a camera's.
func camera(width, height int) string {
	return fmt.Sprintf("mandelbrot=size=%dx%d:rate=30,noise=alls=8:allf=t,format=yuv420p", width, height)
}

// makeCamera encodes 1080p30 of a camera with an access unit delimiter before each
// picture, so that the file can be taken apart.
func makeCamera(ctx context.Context, path string, seconds int) error {
	return ffmpeg(ctx, "-f", "lavfi", "-i", camera(1920, 1080), "-t", strconv.Itoa(seconds),
		"-c:v", "libx264", "-preset", "veryfast", "-b:v", "6M", "-maxrate", "6M", "-bufsize", "12M", "-bf", "0", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0",
		"-x264-params", "aud=1", "-f", "h264", path)
}

// ladderArguments are ffmpeg's for the same work as "lectern bench encode".
func ladderArguments(source string) []string {
	split, scale := "[0:v]split="+strconv.Itoa(len(ladderRungs)), ""
	var outputs []string
	for i, r := range ladderRungs {
		width := (r.height*16/9 + 1) &^ 1
		split += fmt.Sprintf("[s%d]", i)
		scale += fmt.Sprintf(";[s%d]scale=%d:%d:flags=bilinear,format=yuv420p[v%d]", i, width, r.height, i)
		outputs = append(outputs, "-map", fmt.Sprintf("[v%d]", i), "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-level", r.level,
			"-sc_threshold", "0", "-forced-idr", "1", "-force_key_frames", "expr:gte(t,n_forced*2)", "-g", "250", "-bf", "2", "-rc-lookahead", "10", "-threads", "1",
			"-crf", strconv.Itoa(r.crf), "-maxrate", strconv.Itoa(r.rate)+"k", "-bufsize", strconv.Itoa(r.rate*3/2)+"k", "-f", "h264", "/dev/null")
	}
	return append([]string{
		"-hide_banner", "-nostdin", "-loglevel", "error", "-y", "-threads", "2", "-r", "30", "-i", source,
		"-filter_complex", split + scale,
	}, outputs...)
}

// spend runs a process to its end.
func spend(cmd *exec.Cmd) (spent, error) {
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return spent{}, fmt.Errorf("%w: %s", err, said.String())
	}
	use, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return spent{}, errors.New("the system does not tell what a process used")
	}
	return spent{cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), memory: use.Maxrss << 10}, nil
}

// median takes the median of each figure.
func median(runs []spent) spent {
	var cpu []time.Duration
	var memory []int64
	for _, r := range runs {
		cpu, memory = append(cpu, r.cpu), append(memory, r.memory)
	}
	slices.Sort(cpu)
	slices.Sort(memory)
	return spent{cpu: cpu[len(cpu)/2], memory: memory[len(memory)/2]}
}
