package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lectern/lectern/cmd/internal/app"
	"github.com/lectern/lectern/configs"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a running App on free ports.
type server struct {
	t     *testing.T
	addrs app.Addrs
	api   *api.Client
	token string
	log   *syncBuffer
	stop  func() error
}

// syncBuffer holds the log.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func testConfig(dir string) configs.Config {
	cfg := configs.Default()
	cfg.Data = dir
	cfg.Listen = configs.Listen{RTMP: "127.0.0.1:0", RTSP: "127.0.0.1:0", HTTP: "127.0.0.1:0", Admin: "127.0.0.1:0"}
	cfg.Shutdown.Timeout = time.Second
	return cfg
}

// start runs a server until the test ends or stop is called.
func start(t *testing.T, cfg configs.Config) *server {
	t.Helper()
	s := &server{t: t, log: &syncBuffer{}}
	a, err := app.New(cfg, nil, slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	s.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if serr := s.stop(); serr != nil {
			t.Errorf("the server ended with %v", serr)
		}
		http.DefaultClient.CloseIdleConnections()
		if t.Failed() {
			t.Logf("log:\n%s", s.log)
		}
	})
	if s.addrs, err = a.Addrs(t.Context()); err != nil {
		t.Fatal(err, s.stop())
	}
	s.token = a.Token().Reveal()
	if s.api, err = api.NewClient("http://"+s.addrs.HTTP, a.Token(), nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// get returns status and body of a public URL path.
func (s *server) get(path string) (int, string) {
	s.t.Helper()
	return s.request(http.MethodGet, "http://"+s.addrs.HTTP+path, "")
}

func (s *server) request(method, url, body string, header ...string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func (s *server) create(id string) api.Class {
	s.t.Helper()
	c, err := s.api.Create(s.t.Context(), api.CreateClass{ID: id, Title: "Class " + id})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *server) push(key string) *rtmptest.Client {
	s.t.Helper()
	c, err := rtmptest.Push(s.t.Context(), s.addrs.RTMP, key)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// teach sends d of media at once.
func (s *server) teach(c *rtmptest.Client, src *mediatest.Source, d time.Duration) {
	s.t.Helper()
	samples := src.Take(d)
	headers := c.WriteHeaders(uint32(samples[0].DTS/time.Millisecond), src.Tracks()) // repeated ones change nothing
	if err := errors.Join(headers, c.WriteSamples(src.Tracks(), samples...)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) wantState(id string, want class.State) {
	s.t.Helper()
	mediatest.Eventually(s.t, func() string {
		c, err := s.api.Get(s.t.Context(), id)
		if err != nil {
			return err.Error()
		}
		if c.State != want {
			return fmt.Sprintf("class %s is %s, want %s", id, c.State, want)
		}
		return ""
	})
}

var (
	segmentLine = regexp.MustCompile(`(?m)^s(\d+)-[a-z0-9]+\.m4s$`)
	partURI     = regexp.MustCompile(`#EXT-X-PART:[^\n]*URI="([^"]+)"`)
	mapURI      = regexp.MustCompile(`#EXT-X-MAP:URI="([^"]+)"`)
)

// segments returns the numbers of the listed segments.
func segments(playlist string) []int {
	var out []int
	for _, m := range segmentLine.FindAllStringSubmatch(playlist, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			panic(err) // the expression matches digits only
		}
		out = append(out, n)
	}
	return out
}

// wantSegments waits until the playlist lists segment msn.
func (s *server) wantSegments(path string, msn int) string {
	s.t.Helper()
	var body string
	mediatest.Eventually(s.t, func() string {
		var code int
		code, body = s.get(path)
		list := segments(body)
		if code != http.StatusOK || len(list) == 0 || list[len(list)-1] < msn {
			return fmt.Sprintf("%s: %d, want segment %d in\n%s", path, code, msn, body)
		}
		return ""
	})
	return body
}
