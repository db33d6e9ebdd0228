package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

// token of the servers that scenarios start: they listen on loopback for the
// time of one scenario.
const token = "token-of-a-benchmark-server"

// server is a lectern under load.
type server struct {
	cmd  *exec.Cmd
	api  *api.Client
	http string // HOST:PORT
	rtmp string
	// admin is where metrics and profiles are.
	admin string
	data  string // its data folder

	// What it was started with.
	binary, dir string
	env         []string
}

// startServer starts binary on free ports with a data folder in dir and env
// beside its own environment.
func startServer(ctx context.Context, binary, dir string, env []string) (_ *server, err error) {
	addrFile := filepath.Join(dir, "addrs.json")
	if err = os.Remove(addrFile); err != nil && !errors.Is(err, fs.ErrNotExist) { // of the one before
		return nil, fmt.Errorf("start server: %w", err)
	}
	// It is stopped by stop alone, also when a terminal signals all that run in it: a
	// second signal would end it at once.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), binary, "serve", "-addr-file", addrFile) //nolint:gosec // the caller's own binary
	data := filepath.Join(dir, "data")
	cmd.Env = append(append(os.Environ(), env...),
		"LECTERN_LISTEN_RTMP=127.0.0.1:0", "LECTERN_LISTEN_RTSP=", "LECTERN_LISTEN_HTTP=127.0.0.1:0",
		"LECTERN_LISTEN_ADMIN=127.0.0.1:0", "LECTERN_DATA="+data, "LECTERN_API_TOKEN="+token, "LECTERN_LOG_LEVEL=warn")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err = cmd.Start(); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	s := &server{cmd: cmd, data: data, binary: binary, dir: dir, env: env}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	var addrs struct{ RTMP, HTTP, Admin string }
	if err = poll(ctx, 20*time.Second, func() error {
		b, rerr := os.ReadFile(addrFile)
		if rerr != nil {
			return rerr
		}
		return json.Unmarshal(b, &addrs)
	}); err != nil {
		return nil, fmt.Errorf("wait for server: %w", err)
	}
	s.http, s.rtmp, s.admin = addrs.HTTP, addrs.RTMP, addrs.Admin
	s.api, err = api.NewClient("http://"+s.http, class.NewSecret(token), nil)
	return s, err
}

// stopLimit is how long a server may take to stop.
const stopLimit = 20 * time.Second

// stop ends the server and waits for it.
func (s *server) stop() error {
	if s.cmd.ProcessState != nil {
		return nil // before
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop server: %w", err)
	}
	kill := time.AfterFunc(stopLimit, func() { _ = s.cmd.Process.Kill() })
	defer kill.Stop()
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("stop server: %w", err)
	}
	return nil
}

// restart stops the server and starts another one with the same data.
func (s *server) restart(ctx context.Context) error {
	if err := s.stop(); err != nil {
		return err
	}
	next, err := startServer(ctx, s.binary, s.dir, s.env)
	if err != nil {
		return err
	}
	*s = *next
	return nil
}

// cpu returns the CPU time the server has used.
func (s *server) cpu() (time.Duration, error) {
	st, err := readStat(s.cmd.Process.Pid)
	return st.cpu, err
}

// resident returns the server's resident memory in bytes.
func (s *server) resident() (int64, error) { return readResident(s.cmd.Process.Pid) }

// waitLive polls until the class's multivariant playlist exists.
func (s *server) waitLive(ctx context.Context, playlist string) error {
	return poll(ctx, time.Minute, func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, playlist, http.NoBody)
		if err != nil {
			return fmt.Errorf("make request: %w", err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_, cerr := io.Copy(io.Discard, res.Body)
		if err := errors.Join(cerr, res.Body.Close()); err != nil {
			return err
		}
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %d", playlist, res.StatusCode)
		}
		return nil
	})
}

// poll calls try until it succeeds, and returns its last error after limit.
func poll(ctx context.Context, limit time.Duration, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}
