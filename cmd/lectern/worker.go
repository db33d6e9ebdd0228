package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"runtime"

	"github.com/lectern/lectern/transcode/ffmpeg"
	"github.com/lectern/lectern/transcode/worker"
)

// workerCommand is the command line of this program's encoder process.
func workerCommand() ([]string, error) {
	if runtime.GOOS == "linux" {
		// Also when the program's file was replaced by a newer one.
		return []string{"/proc/self/exe", "worker"}, nil
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return []string{exe, "worker"}, nil
}

// encoderProcess is one class's encoder: the server starts it and speaks with it
// over standard input and output. It is not for people.
func encoderProcess(ctx context.Context, args []string, env environment) error {
	fs := flags("worker", env)
	probing := fs.Bool("probe", false, "measure this machine, print the result as JSON and end")
	if _, err := parse(fs, args, 0); err != nil {
		return err
	}
	// The server reads these lines and logs them under its own time.
	logger := slog.New(slog.NewTextHandler(env.stderr, &slog.HandlerOptions{
		Level: slog.LevelWarn,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	engine := ffmpeg.New(ffmpeg.DefaultConfig(), ffmpeg.Deps{Logger: logger})
	if !*probing {
		out, err := ownStdout()
		if err != nil {
			return err
		}
		// The server ends it by closing its input: a signal to the whole group is meant
		// for the server, which still drains.
		return worker.Serve(context.WithoutCancel(ctx), os.Stdin, out, engine, logger)
	}
	calibration, err := engine.Calibrate(ctx)
	if err != nil {
		return fmt.Errorf("measure this machine: %w", err)
	}
	return json.NewEncoder(env.stdout).Encode(worker.Machine{Encoders: engine.Encoders(), Calibration: calibration})
}
