package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lectern/lectern/cmd/internal/app"
	"github.com/lectern/lectern/cmd/internal/lecture"
	"github.com/lectern/lectern/configs"
	"github.com/lectern/lectern/realtime/api"
)

// encoderPause is how long the demo waits before it starts a lost encoder again:
// long enough to see the page notice.
const encoderPause = 5 * time.Second

// demo runs a server on a temporary folder, and a lecture on it.
func demo(ctx context.Context, args []string, env environment) (err error) {
	if _, err = parse(flags("demo", env), args, 0); err != nil {
		return err
	}
	if _, err = exec.LookPath("ffmpeg"); err != nil {
		return errors.New("the ffmpeg program is missing; on Debian: apt-get install ffmpeg espeak-ng fonts-dejavu-core")
	}
	dir, err := os.MkdirTemp("", "lectern-demo-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	cfg, err := demoConfig(ctx, dir, env)
	if err != nil {
		return err
	}
	worker, err := workerCommand()
	if err != nil {
		return err
	}
	logger := newLogger(cfg.Log, env.stderr)
	server, err := app.New(cfg, worker, logger)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return server.Run(ctx) })
	g.Go(func() error {
		gerr := give(ctx, server, filepath.Join(dir, "lecture"), logger, env)
		if ctx.Err() != nil {
			gerr = nil // Ctrl-C; what was under way broke off
		}
		return gerr
	})
	err = g.Wait()
	fmt.Fprintln(env.stdout, "\nThe demo has ended; its files are gone.")
	return err
}

// demoConfig is the default configuration on a folder of its own. A port that is
// taken gives way to a free one, unless the environment asked for it.
func demoConfig(ctx context.Context, dir string, env environment) (configs.Config, error) {
	cfg, err := configs.Load("", env.environ)
	if err != nil {
		return configs.Config{}, err
	}
	cfg.Data = filepath.Join(dir, "data")
	if !mentions(env.environ, "LECTERN_LOG_LEVEL") {
		cfg.Log.Level = "warn"
	}
	for name, addr := range map[string]*string{
		"RTMP": &cfg.Listen.RTMP, "RTSP": &cfg.Listen.RTSP, "HTTP": &cfg.Listen.HTTP, "ADMIN": &cfg.Listen.Admin,
	} {
		if mentions(env.environ, "LECTERN_LISTEN_"+name) {
			continue
		}
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
		if err != nil {
			host, _, err := net.SplitHostPort(*addr)
			if err != nil {
				return configs.Config{}, fmt.Errorf("address of %s: %w", strings.ToLower(name), err)
			}
			*addr = net.JoinHostPort(host, "0")
			continue
		}
		if err := l.Close(); err != nil {
			return configs.Config{}, fmt.Errorf("try port: %w", err)
		}
	}
	return cfg, nil
}

func mentions(environ []string, name string) bool {
	return slices.ContainsFunc(environ, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
}

// give creates the class, says where it is, and lectures until ctx ends.
func give(ctx context.Context, server *app.App, dir string, logger *slog.Logger, env environment) error {
	addrs, err := server.Addrs(ctx)
	if err != nil {
		return err
	}
	host := "localhost:" + port(addrs.HTTP)
	client, err := api.NewClient("http://"+host, server.Token(), nil)
	if err != nil {
		return err
	}
	c, err := client.Create(ctx, api.CreateClass{ID: "demo", Title: "How a class goes live"})
	if err != nil {
		return fmt.Errorf("create the demo class: %w", err)
	}
	if err = os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make the lecture's folder: %w", err)
	}
	fmt.Fprintln(env.stdout, "Preparing the lecture …")
	l, err := lecture.Prepare(ctx, dir, lecture.Options{})
	if err != nil {
		return err
	}
	if !l.Spoken {
		fmt.Fprintln(env.stdout, "(espeak-ng is not installed: the lecture has chimes instead of a voice)")
	}
	ingest := "rtmp://localhost:" + port(addrs.RTMP) + "/live"
	fmt.Fprintf(env.stdout, `
  Watch        http://%[1]s/watch/%[2]s
  Studio       %[7]s
  Playlist     http://%[1]s/live/%[2]s/index.m3u8
  API          http://%[1]s/api/v1/classes/%[2]s
               -H "Authorization: Bearer $(cat %[5]s)"
  Metrics      http://%[6]s/metrics

  Your own OBS: Settings > Stream > Service "Custom…"
    Server       %[3]s
    Stream key   %[4]s
  (stop the demo's encoder first: it holds the key)

  The picture shows the time of day at which it was made: the difference to
  your clock is the whole delay. The button "Auto" on the page chooses the
  picture's size. Pull the plug with "pkill -9 -f speaker.png": the page says so,
  and plays on when the encoder is back.
  Ctrl-C ends the demo.

`, host, c.ID, ingest, c.StreamKey, filepath.Join(server.DataDir(), "api-token"), addrs.Admin, c.Studio)

	for {
		err = push(ctx, l, ingest+"/"+c.StreamKey, c.StreamKey)
		if ctx.Err() == nil {
			logger.WarnContext(ctx, "encoder stopped; it starts again", "err", err, "duration", encoderPause)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(encoderPause):
		}
	}
}

// push runs the encoder once. Its complaints become the error, without the key.
func push(ctx context.Context, l *lecture.Lecture, url, key string) error {
	cmd := l.Command(ctx, url)
	var stderr tail
	cmd.Stderr = &stderr
	err := cmd.Run()
	if err == nil {
		return errors.New("ffmpeg ended")
	}
	text := strings.ReplaceAll(string(bytes.TrimSpace(stderr.last)), key, "[stream key]")
	return fmt.Errorf("ffmpeg: %w: %s", err, text)
}

// tail keeps the last few hundred bytes written to it.
type tail struct{ last []byte }

// Write keeps p.
func (t *tail) Write(p []byte) (int, error) {
	const most = 800
	t.last = append(t.last, p...)
	if len(t.last) > most {
		t.last = t.last[len(t.last)-most:]
	}
	return len(p), nil
}

func port(addr string) string {
	_, p, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return p
}
