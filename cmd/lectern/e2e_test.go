//go:build e2e || cdn

package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lectern/lectern/cmd/internal/app"
	"github.com/lectern/lectern/cmd/internal/lecture"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

const (
	binary = "../../bin/lectern" // make builds it
	token  = "end-to-end-test-token"
	// patience bounds every wait for a state. It is generous on purpose: no test
	// passes or fails by speed.
	patience = 90 * time.Second
)

// until polls complain until it has nothing to say, and fails with its last words.
func until(t *testing.T, complain func() string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		words := complain()
		if words == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %s", patience, words)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(words)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// server is a running "lectern serve" on free ports.
type server struct {
	app.Addrs
	api    *api.Client
	cmd    *exec.Cmd
	dir    string
	killed bool
}

func startServer(t *testing.T, dir string, environ ...string) *server {
	t.Helper()
	return startServerAs(t, []string{binary}, dir, environ...)
}

// startServerAs starts the program by way of argv.
func startServerAs(t *testing.T, argv []string, dir string, environ ...string) *server {
	t.Helper()
	addrFile := filepath.Join(t.TempDir(), "addrs.json")
	argv = append(argv, "serve", "-addr-file", addrFile)
	cmd := exec.Command(argv[0], argv[1:]...)
	// The tests' own variables would be unknown settings.
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "LECTERN_") }),
		"LECTERN_LISTEN_RTMP=127.0.0.1:0", "LECTERN_LISTEN_RTSP=127.0.0.1:0", "LECTERN_LISTEN_HTTP=127.0.0.1:0",
		"LECTERN_LISTEN_ADMIN=127.0.0.1:0", "LECTERN_DATA="+dir, "LECTERN_API_TOKEN="+token,
		// Encoding is for the tests that are about it. How busy the machine is must
		// not decide what they see.
		"LECTERN_TRANSCODE_LADDER=source,audio", "LECTERN_TRANSCODE_GOVERNOR_ENABLED=false", "LECTERN_TRANSCODE_CALIBRATE=false")
	cmd.Env = append(cmd.Env, environ...)
	log := &logTail{t: t}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v (run make build first)", binary, err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	s := &server{cmd: cmd, dir: dir}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-exited:
			if err != nil && !t.Failed() && !s.killed {
				t.Errorf("the server ended with %v", err)
			}
		case <-time.After(30 * time.Second):
			_ = cmd.Process.Kill()
			t.Error("the server did not stop within 30 s of SIGTERM")
		}
	})
	until(t, func() string {
		b, err := os.ReadFile(addrFile)
		if err != nil {
			return "no address file: " + err.Error()
		}
		if err := json.Unmarshal(b, &s.Addrs); err != nil {
			return err.Error()
		}
		return ""
	})
	var err error
	if s.api, err = api.NewClient("http://"+s.HTTP, class.NewSecret(token), nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// logTail looks for secrets in the server's log.
type logTail struct{ t *testing.T }

func (l *logTail) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(token)) {
		l.t.Errorf("the log holds the API token: %s", p)
	}
	return len(p), nil
}

// encoder is a real ffmpeg that pushes the lecture.
type encoder struct {
	cmd  *exec.Cmd
	done chan struct{}
}

func startEncoder(t *testing.T, l *lecture.Lecture, url string) *encoder {
	t.Helper()
	e := &encoder{cmd: l.Command(context.WithoutCancel(t.Context()), url), done: make(chan struct{})}
	var stderr bytes.Buffer
	e.cmd.Stderr = &stderr
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(e.done)
		_ = e.cmd.Wait() // killed, mostly
	}()
	t.Cleanup(e.kill)
	return e
}

// kill is the cable pulled: no goodbye.
func (e *encoder) kill() {
	_ = e.cmd.Process.Kill()
	<-e.done
}

// windows are pages in a browser that do what they are told, by a script of the
// browser tests.
type windows struct {
	t     *testing.T
	stdin io.WriteCloser
	out   *bufio.Scanner
}

// startWindows starts node with a script and its arguments.
func startWindows(t *testing.T, args ...string) *windows {
	t.Helper()
	cmd := exec.Command("node", args...)
	cmd.Dir = "../../realtime/web/e2e"
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = io.WriteString(stdin, "quit\n")
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the browser ended with %v", err)
		}
	})
	return &windows{t: t, stdin: stdin, out: bufio.NewScanner(stdout)}
}

// ask gives the browser a command and decodes its answer.
func (w *windows) ask(command string, answer any) {
	w.t.Helper()
	if _, err := io.WriteString(w.stdin, command+"\n"); err != nil {
		w.t.Fatalf("%s: %v", command, err)
	}
	if !w.out.Scan() {
		w.t.Fatalf("%s: the browser is gone: %v", command, w.out.Err())
	}
	if err := json.Unmarshal(w.out.Bytes(), answer); err != nil {
		w.t.Fatalf("%s: %v: %s", command, err, w.out.Bytes())
	}
}

// viewer is a browser on the watch page.
type viewer struct{ *windows }

// sight is what a viewer sees.
type sight struct {
	State   string
	Latency *float64
	Time    float64
	Paused  bool
	Width   int
	Clock   *float64 // ms since the frame was made
	Faults  []string
	Error   string
}

func startViewer(t *testing.T, url string) *viewer {
	t.Helper()
	return &viewer{startWindows(t, "viewer.mjs", url)}
}

func (v *viewer) do(command string) sight {
	v.t.Helper()
	var s sight
	v.ask(command, &s)
	if s.Error != "" || len(s.Faults) > 0 {
		v.t.Fatalf("the page: %s %v", s.Error, s.Faults)
	}
	return s
}

// plays waits until the picture has moved on by two seconds.
func (v *viewer) plays() {
	v.t.Helper()
	from := v.do("look").Time
	until(v.t, func() string {
		s := v.do("look")
		if s.Paused || s.Time < from+2 || (s.State != "live" && s.State != "behind") {
			return fmt.Sprintf("from %.1f: %+v", from, s)
		}
		return ""
	})
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func newLecture(t *testing.T, timeStrip bool) *lecture.Lecture {
	t.Helper()
	l, err := lecture.Prepare(t.Context(), t.TempDir(), lecture.Options{TimeStrip: timeStrip})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The class as a person meets it: a teacher's encoder pushes, a browser plays,
// the cable is pulled and put back, the class ends. All the while a checker
// watches the playlists.
func TestClassGoesLive(t *testing.T) {
	lesson, plain := newLecture(t, true), newLecture(t, false)
	srv := startServer(t, t.TempDir())
	c, err := srv.api.Create(t.Context(), api.CreateClass{ID: "algebra", Title: "Linear algebra"})
	if err != nil {
		t.Fatal(err)
	}
	push := c.Ingest.RTMP + "/" + c.StreamKey

	// A student is early.
	student := startViewer(t, c.Playback.Watch)
	until(t, func() string {
		if s := student.do("look"); s.State != "waiting" {
			return fmt.Sprintf("before the class: %+v", s)
		}
		return ""
	})

	enc := startEncoder(t, lesson, push)
	until(t, func() string {
		code, body := get(t, c.Playback.HLS)
		if code != http.StatusOK {
			return fmt.Sprintf("%s answers %d %s", c.Playback.HLS, code, body)
		}
		return ""
	})
	checker := startCheck(t, c.Playback.HLS)
	student.plays() // it started by itself
	measureLatency(t, student)

	for _, rendition := range []string{"source", "audio"} {
		probeRendition(t, "http://"+srv.HTTP+"/live/algebra/"+rendition+"/index.m3u8", rendition)
	}
	readWithClient(t, c.Playback.HLS)

	// The cable.
	enc.kill()
	until(t, func() string { return wantState(t, srv, "algebra", class.Interrupted) })
	until(t, func() string {
		if s := student.do("look"); s.State != "interrupted" {
			return fmt.Sprintf("after the cable was pulled: %+v", s)
		}
		return ""
	})
	startEncoder(t, plain, push)
	until(t, func() string { return wantState(t, srv, "algebra", class.Live) })
	student.plays()
	student.do("reload")
	student.plays()
	until(t, func() string {
		if _, body := get(t, "http://"+srv.HTTP+"/live/algebra/source/index.m3u8"); strings.Count(body, "#EXT-X-DISCONTINUITY\n") != 1 {
			return "no discontinuity in\n" + body
		}
		return ""
	})
	saveScreenshot(t, student)

	if _, err := srv.api.End(t.Context(), "algebra"); err != nil {
		t.Fatal(err)
	}
	until(t, func() string {
		if s := student.do("look"); s.State != "ended" {
			return fmt.Sprintf("after the end: %+v", s)
		}
		return ""
	})
	checker.wait(t)
}

func wantState(t *testing.T, srv *server, id string, want class.State) string {
	t.Helper()
	c, err := srv.api.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if c.State != want {
		return fmt.Sprintf("the class is %s, want %s", c.State, want)
	}
	return ""
}

// measureLatency reads the clock burned into the picture. The figures are
// reported; only nonsense fails.
func measureLatency(t *testing.T, v *viewer) {
	t.Helper()
	var picture, page []float64
	until(t, func() string {
		s := v.do("look")
		if s.Clock != nil && s.Latency != nil {
			picture, page = append(picture, *s.Clock/1000), append(page, *s.Latency)
		}
		if len(picture) < 40 {
			return fmt.Sprintf("%d of 40 frames read, last %+v", len(picture), s)
		}
		return ""
	})
	slices.Sort(picture)
	slices.Sort(page)
	t.Logf("latency, camera to screen, from the burned-in clock: median %.2f s, min %.2f s, max %.2f s; the page says %.2f s",
		picture[20], picture[0], picture[39], page[20])
	if picture[20] < 0.2 || picture[20] > 30 {
		t.Errorf("a latency of %.2f s cannot be", picture[20])
	}
}

// probeRendition lets ffprobe read a media playlist.
func probeRendition(t *testing.T, url, rendition string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-show_entries", "stream=codec_type,codec_name,width,height,sample_rate", "-of", "default=nw=1", url).CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe %s: %v: %s", rendition, err, out)
	}
	for _, want := range map[string][]string{
		"source": {"codec_name=h264", "width=1280", "height=720"},
		"audio":  {"codec_name=aac", "sample_rate=48000"},
	}[rendition] {
		if !strings.Contains(string(out), want) {
			t.Errorf("ffprobe reads %s as\n%swithout %s", rendition, out, want)
		}
	}
}

// saveScreenshot keeps a picture of the page where the maintainers want one.
func saveScreenshot(t *testing.T, v *viewer) {
	t.Helper()
	path := os.Getenv("LECTERN_E2E_SCREENSHOT")
	if path == "" {
		path = filepath.Join(t.TempDir(), "watch.png")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	v.do("screenshot " + path)
	if info, err := os.Stat(path); err != nil || info.Size() < 10_000 {
		t.Errorf("screenshot: %v, %v", info, err)
	}
}
