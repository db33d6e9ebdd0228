package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/lectern/lectern/cmd/internal/app"
	"github.com/lectern/lectern/configs"
)

// serve runs the server until a signal.
func serve(ctx context.Context, args []string, env environment) error {
	fs := flags("serve", env)
	file := fs.String("config", "", "configuration `FILE` in YAML; the environment overrides it")
	addrFile := fs.String("addr-file", "", "write the listeners' addresses as JSON to `FILE` once all are ready")
	if _, err := parse(fs, args, 0); err != nil {
		return err
	}
	cfg, err := configs.Load(*file, env.environ)
	if err != nil {
		return err
	}
	worker, err := workerCommand()
	if err != nil {
		return err
	}
	server, err := app.New(cfg, worker, newLogger(cfg.Log, env.stderr))
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return server.Run(ctx) })
	if *addrFile != "" {
		g.Go(func() error {
			addrs, err := server.Addrs(ctx)
			if errors.Is(err, context.Canceled) {
				return nil // stopped before it was ready; Run says why
			}
			if err != nil {
				return err
			}
			return writeAddrFile(*addrFile, addrs)
		})
	}
	return g.Wait()
}

// newLogger returns the logger that the configuration asks for.
func newLogger(cfg configs.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		level = slog.LevelInfo // Validate has refused anything else
	}
	opts := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// writeAddrFile writes addrs so that a reader sees all of it or nothing.
func writeAddrFile(path string, addrs app.Addrs) error {
	b, err := json.Marshal(addrs)
	if err != nil {
		return fmt.Errorf("write address file: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write address file: %w", err)
	}
	_, err = tmp.Write(append(b, '\n'))
	if err = errors.Join(err, tmp.Close()); err != nil {
		return errors.Join(fmt.Errorf("write address file: %w", err), os.Remove(tmp.Name()))
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("write address file: %w", err)
	}
	return nil
}
