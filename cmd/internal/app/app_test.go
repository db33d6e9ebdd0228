package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
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
	a, err := app.New(cfg, slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
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

func TestPublishAndPlay(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	c := s.create("algebra")
	if code, _ := s.get("/live/algebra/index.m3u8"); code != http.StatusNotFound {
		t.Errorf("before the first segment: %d, want 404", code)
	}
	src := mediatest.New(t, mediatest.Config{Round: time.Millisecond})
	teacher := s.push(c.StreamKey)
	s.teach(teacher, src, 20*time.Second)
	s.wantState("algebra", class.Live)

	for _, rendition := range []string{"source", "audio"} {
		base := "/live/algebra/" + rendition + "/"
		body := s.wantSegments(base+"index.m3u8", 3)
		files := mapURI.FindStringSubmatch(body)[1:]
		for _, m := range partURI.FindAllStringSubmatch(body, -1) {
			files = append(files, m[1])
		}
		files = append(files, segmentLine.FindAllString(body, -1)...)
		for _, f := range files {
			if code, media := s.get(base + f); code != http.StatusOK || len(media) < 100 {
				t.Errorf("%s%s: %d with %d bytes", base, f, code, len(media))
			}
		}
	}
	code, multivariant := s.get("/live/algebra/index.m3u8")
	if code != http.StatusOK || !strings.Contains(multivariant, "RESOLUTION=64x36") || !strings.Contains(multivariant, `CODECS="avc1.`) {
		t.Errorf("multivariant playlist: %d\n%s", code, multivariant)
	}
	if strings.Contains(multivariant, c.StreamKey) {
		t.Error("the stream key is in a playlist")
	}
	got, err := s.api.Get(t.Context(), "algebra")
	if err != nil {
		t.Fatal(err)
	}
	if p := got.Publisher; p == nil || p.Protocol != "rtmp" || !strings.Contains(p.Video, "H.264 64x36") || !strings.Contains(p.Audio, "AAC 48000") || p.KeyframeIntervalSeconds != 2 {
		t.Errorf("publisher = %+v", p)
	}

	if _, err := s.api.End(t.Context(), "algebra"); err != nil {
		t.Fatal(err)
	}
	mediatest.Eventually(t, func() string {
		if _, body := s.get("/live/algebra/source/index.m3u8"); !strings.Contains(body, "#EXT-X-ENDLIST") {
			return "no end in\n" + body
		}
		return ""
	})
	if err := teacher.Closed(t.Context()); err == nil {
		t.Error("the publisher of an ended class is still connected")
	}
	if _, err := rtmptest.Push(t.Context(), s.addrs.RTMP, c.StreamKey); err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("publishing to an ended class: %v", err)
	}
	if strings.Contains(s.log.String(), c.StreamKey) || strings.Contains(s.log.String(), s.token) {
		t.Error("the log holds a secret")
	}
}

// Whatever one peer sends, it gets a clear answer and the other class goes on.
func TestBadInputIsAnsweredWhereThePersonLooks(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	good := s.create("good")
	src := mediatest.New(t, mediatest.Config{Round: time.Millisecond})
	teacher := s.push(good.StreamKey)
	s.teach(teacher, src, 5*time.Second)

	t.Run("wrong key", func(t *testing.T) {
		_, err := rtmptest.Push(t.Context(), s.addrs.RTMP, "not-a-key")
		var refused *rtmptest.StatusError
		if !errors.As(err, &refused) || !strings.Contains(refused.Error(), "stream key is not known") {
			t.Errorf("err = %v, want words about the stream key", err)
		}
	})
	t.Run("slow keyframes", func(t *testing.T) {
		c := s.create("slow")
		lazy := mediatest.New(t, mediatest.Config{GOP: 300, Round: time.Millisecond})
		client := s.push(c.StreamKey)
		s.teach(client, lazy, 6*time.Second)
		for {
			status, err := client.NextStatus(t.Context())
			if err != nil {
				t.Fatalf("no refusal: %v", err)
			}
			if strings.Contains(fmt.Sprint(status), "Keyframe Interval") {
				break
			}
		}
		_ = client.Closed(t.Context())
		mediatest.Eventually(t, func() string {
			got, err := s.api.Get(t.Context(), "slow")
			if err != nil {
				return err.Error()
			}
			if got.LastRefusal == nil || got.LastRefusal.Code != "keyframe_interval" {
				return fmt.Sprintf("last refusal = %+v", got.LastRefusal)
			}
			return ""
		})
	})
	t.Run("HTTP on the RTMP port", func(t *testing.T) {
		code, body := s.request(http.MethodGet, "http://"+s.addrs.RTMP+"/", "")
		if code != http.StatusBadRequest || !strings.Contains(body, "RTMP") {
			t.Errorf("%d %q", code, body)
		}
	})
	t.Run("junk on the RTMP port", func(t *testing.T) {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.addrs.RTMP)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_, _ = conn.Write(bytes.Repeat([]byte{0x9e}, 4096)) // may be cut off in between
		if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
			t.Errorf("err = %v, want the connection closed", err)
		}
	})
	for _, tc := range []struct {
		name, method, path, body string
		code                     int
		want                     string
	}{
		{"unknown class playlist", "GET", "/live/none/index.m3u8", "", 404, ""},
		{"unknown class page", "GET", "/watch/none", "", 404, ""},
		{"unknown rendition", "GET", "/live/good/9000p/index.m3u8", "", 404, ""},
		{"unknown segment", "GET", "/live/good/source/s999-abc.m4s", "", 404, ""},
		{"path tricks", "GET", "/live/good/source/..%2f..%2f..%2flectern.db", "", 404, ""},
		{"write to a playlist", "PUT", "/live/good/index.m3u8", "x", 405, ""},
		{"bad directive", "GET", "/live/good/source/index.m3u8?_HLS_part=1", "", 400, "_HLS_msn"},
		{"api without token", "GET", "/api/v1/classes?anonymous", "", 401, "unauthorized"},
		{"malformed body", "POST", "/api/v1/classes", `{"title":`, 400, ""},
		{"bad field", "POST", "/api/v1/classes", `{"title":""}`, 400, "title"},
		{"unknown field", "POST", "/api/v1/classes", `{"titel":"x"}`, 400, "titel"},
		{"unknown class", "GET", "/api/v1/classes/none", "", 404, "error"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			header := []string{"Content-Type", "application/json", "Authorization", "Bearer " + s.token}
			if strings.HasSuffix(tc.path, "?anonymous") {
				header = header[:2]
			}
			code, body := s.request(tc.method, "http://"+s.addrs.HTTP+tc.path, tc.body, header...)
			if code != tc.code || !strings.Contains(body, tc.want) {
				t.Errorf("%s %s = %d %s, want %d with %q", tc.method, tc.path, code, body, tc.code, tc.want)
			}
		})
	}

	before := len(segments(s.wantSegments("/live/good/source/index.m3u8", 0)))
	s.teach(teacher, src, 10*time.Second)
	s.wantSegments("/live/good/source/index.m3u8", before)
	_, metrics := s.request(http.MethodGet, "http://"+s.addrs.Admin+"/metrics", "")
	for _, want := range []string{
		`lectern_class_key_checks_total{outcome="unknown"} 1`,
		`lectern_stream_refusals_total{reason="keyframe_interval"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
}

// An encoder whose settings are refused may try for hours: the class has not
// begun, so it cannot end.
func TestRefusedPublisherDoesNotBeginTheClass(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	c := s.create("hevc-less")
	client := s.push(c.StreamKey)
	if err := client.WriteAudio(0, []byte{0x2f, 0xff, 0xfb, 0x90, 0x00, 0, 0, 0}); err != nil { // MP3
		t.Fatal(err)
	}
	for {
		status, err := client.NextStatus(t.Context())
		if err != nil {
			t.Fatalf("no refusal: %v", err)
		}
		if strings.Contains(fmt.Sprint(status), "AAC") {
			break
		}
	}
	_ = client.Closed(t.Context())
	s.wantState("hevc-less", class.Scheduled)
}

func TestRestartContinuesTheClass(t *testing.T) {
	dir := t.TempDir()
	first := start(t, testConfig(dir))
	c := first.create("algebra")
	src := mediatest.New(t, mediatest.Config{Round: time.Millisecond})
	teacher := first.push(c.StreamKey)
	first.teach(teacher, src, 20*time.Second)
	old := first.wantSegments("/live/algebra/source/index.m3u8", 3)
	first.wantState("algebra", class.Live)
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	_ = teacher.Closed(t.Context())

	second := start(t, testConfig(dir))
	second.wantState("algebra", class.Interrupted)
	newest := segments(old)[len(segments(old))-1]
	back := second.wantSegments("/live/algebra/source/index.m3u8", newest)
	for _, line := range segmentLine.FindAllString(old, -1) {
		if !strings.Contains(back, line) {
			t.Errorf("segment %s is gone after the restart", line)
		}
		if code, _ := second.get("/live/algebra/source/" + line); code != http.StatusOK {
			t.Errorf("segment %s: %d after the restart", line, code)
		}
	}
	teacher = second.push(c.StreamKey)
	second.teach(teacher, mediatest.New(t, mediatest.Config{Round: time.Millisecond, Start: time.Hour}), 20*time.Second)
	second.wantState("algebra", class.Live)
	last := segments(back)[len(segments(back))-1]
	body := second.wantSegments("/live/algebra/source/index.m3u8", last+2)
	if strings.Count(body, "#EXT-X-DISCONTINUITY\n") != 1 {
		t.Errorf("want one discontinuity in\n%s", body)
	}
	list := segments(body)
	for i := 1; i < len(list); i++ {
		if list[i] != list[i-1]+1 {
			t.Errorf("segment numbers %v", list)
		}
	}
}

// Case 31 on the whole server: from the same address the newer encoder wins, and
// the class goes on behind a discontinuity.
func TestTakeover(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	c := s.create("algebra")
	old := s.push(c.StreamKey)
	s.teach(old, mediatest.New(t, mediatest.Config{Round: time.Millisecond}), 8*time.Second)
	s.wantSegments("/live/algebra/source/index.m3u8", 1)
	newer := s.push(c.StreamKey)
	if err := old.Closed(t.Context()); err == nil {
		t.Error("the old publisher is still there")
	}
	s.teach(newer, mediatest.New(t, mediatest.Config{Round: time.Millisecond}), 12*time.Second)
	mediatest.Eventually(t, func() string {
		_, body := s.get("/live/algebra/source/index.m3u8")
		if !strings.Contains(body, "#EXT-X-DISCONTINUITY\n") {
			return body
		}
		return ""
	})
	s.wantState("algebra", class.Live)
}

func TestNewStreamKeySendsThePublisherAway(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	c := s.create("algebra")
	teacher := s.push(c.StreamKey)
	s.teach(teacher, mediatest.New(t, mediatest.Config{Round: time.Millisecond}), 8*time.Second)
	s.wantState("algebra", class.Live)
	after, err := s.api.RotateStreamKey(t.Context(), "algebra")
	if err != nil {
		t.Fatal(err)
	}
	if err := teacher.Closed(t.Context()); err == nil {
		t.Error("the publisher with the old key is still there")
	}
	s.wantState("algebra", class.Interrupted)
	s.push(after.StreamKey)
	s.wantState("algebra", class.Live)
}

func TestDeleteRemovesTheMedia(t *testing.T) {
	dir := t.TempDir()
	s := start(t, testConfig(dir))
	c := s.create("algebra")
	s.teach(s.push(c.StreamKey), mediatest.New(t, mediatest.Config{Round: time.Millisecond}), 12*time.Second)
	s.wantSegments("/live/algebra/source/index.m3u8", 1)
	if err := s.api.Delete(t.Context(), "algebra"); err != nil {
		t.Fatal(err)
	}
	mediatest.Eventually(t, func() string {
		if code, _ := s.get("/live/algebra/index.m3u8"); code != http.StatusNotFound {
			return fmt.Sprintf("the playlist of a deleted class: %d", code)
		}
		if _, err := os.Stat(filepath.Join(dir, "classes", "algebra")); !errors.Is(err, os.ErrNotExist) {
			return fmt.Sprintf("its folder: %v", err)
		}
		return ""
	})
}

func TestStartErrorsNameTheKey(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		edit func(*configs.Config)
		want string
	}{
		{"port is taken", func(c *configs.Config) { c.Listen.RTMP = taken.Addr().String() }, "listen.rtmp: "},
		{"data is a file", func(c *configs.Config) { c.Data = file }, "data: "},
		{"no certificate", func(c *configs.Config) { c.TLS.CertFile, c.TLS.KeyFile = "none.pem", "none.key" }, "tls.cert_file: "},
		{"bad token file", func(c *configs.Config) { c.API.TokenFile = file }, "api.token_file: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := testConfig(t.TempDir())
			tc.edit(&cfg)
			a, err := app.New(cfg, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Run(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("err = %v, want %q in it", err, tc.want)
			}
			if _, err := a.Addrs(t.Context()); !errors.Is(err, app.ErrNotRunning) {
				t.Errorf("Addrs: %v, want ErrNotRunning", err)
			}
		})
	}
}

func TestReadiness(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	code, body := s.request(http.MethodGet, "http://"+s.addrs.Admin+"/readyz", "")
	var ready struct {
		Ready  bool
		Checks map[string]string
	}
	if err := json.Unmarshal([]byte(body), &ready); err != nil || code != http.StatusOK || !ready.Ready ||
		ready.Checks["listeners"] != "ok" || ready.Checks["store"] != "ok" {
		t.Errorf("/readyz = %d %s, %v", code, body, err)
	}
}

// Names, help texts and units of every metric follow the conventions, and no
// metric tells of a class, a room or a person.
func TestMetrics(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	c := s.create("metered")
	s.teach(s.push(c.StreamKey), mediatest.New(t, mediatest.Config{Round: time.Millisecond}), 12*time.Second)
	s.wantSegments("/live/metered/source/index.m3u8", 1)
	s.get("/watch/metered")
	_, text := s.request(http.MethodGet, "http://"+s.addrs.Admin+"/metrics", "")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "lectern_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	if strings.Contains(text, "metered") || strings.Contains(text, c.StreamKey) {
		t.Error("a metric names a class or a key")
	}
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		name, found := strings.CutPrefix(line, "# HELP lectern_")
		if !found {
			continue
		}
		pkg, _, _ := strings.Cut(name, "_")
		seen[pkg] = true
		if help := strings.TrimSpace(name[strings.Index(name, " "):]); !strings.HasSuffix(help, ".") {
			t.Errorf("the help of %s is not a sentence: %q", pkg, help)
		}
	}
	for _, pkg := range []string{"rtmp", "rtsp", "stream", "hls", "origin", "segment", "class", "api", "web", "kv", "app"} {
		if !seen[pkg] {
			t.Errorf("no metric of %s", pkg)
		}
	}
}
