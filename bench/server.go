package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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
}

// startServer starts binary on free ports with a data folder in dir.
func startServer(ctx context.Context, binary, dir string) (_ *server, err error) {
	addrFile := filepath.Join(dir, "addrs.json")
	cmd := exec.CommandContext(ctx, binary, "serve", "-addr-file", addrFile) //nolint:gosec // the caller's own binary
	cmd.Env = append(os.Environ(),
		"LECTERN_LISTEN_RTMP=127.0.0.1:0", "LECTERN_LISTEN_RTSP=", "LECTERN_LISTEN_HTTP=127.0.0.1:0",
		"LECTERN_LISTEN_ADMIN=127.0.0.1:0", "LECTERN_DATA="+filepath.Join(dir, "data"), "LECTERN_API_TOKEN="+token, "LECTERN_LOG_LEVEL=warn")
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	if err = cmd.Start(); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	s := &server{cmd: cmd}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	var addrs struct{ RTMP, HTTP string }
	if err = poll(ctx, 20*time.Second, func() error {
		b, rerr := os.ReadFile(addrFile)
		if rerr != nil {
			return rerr
		}
		return json.Unmarshal(b, &addrs)
	}); err != nil {
		return nil, fmt.Errorf("wait for server: %w", err)
	}
	s.http, s.rtmp = addrs.HTTP, addrs.RTMP
	s.api, err = api.NewClient("http://"+s.http, class.NewSecret(token), nil)
	return s, err
}

// stop ends the server and waits for it.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop server: %w", err)
	}
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("stop server: %w", err)
	}
	return nil
}

// clockTick is the unit of times in /proc/PID/stat: USER_HZ is 100 on Linux.
const clockTick = 10 * time.Millisecond

// cpu returns the CPU time the server has used.
func (s *server) cpu() (time.Duration, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("read cpu time: %w", err)
	}
	// Fields after the command's closing parenthesis; utime and stime are the
	// 14th and 15th of all (proc(5)).
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	const utime, stime = 14 - 3, 15 - 3
	if len(fields) <= stime {
		return 0, errors.New("read cpu time: unexpected /proc/PID/stat")
	}
	var ticks int64
	for _, i := range []int{utime, stime} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read cpu time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// resident returns the server's resident memory in bytes.
func (s *server) resident() (int64, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/statm")
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0, errors.New("read memory: unexpected /proc/PID/statm")
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	return pages * int64(os.Getpagesize()), nil
}

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
