//go:build e2e

package main_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

// aFrame is how much longer the parts of a segment may be than the segment, in
// seconds: sound does not end where pictures do.
const aFrame = 0.05

// encoded is the rendition that the machine may be too slow for: of a segment whose
// first parts are out it may not make the rest.
const encoded = "180p"

// survivors are the renditions of the class that is killed again and again.
var survivors = []string{"source", encoded, "audio"}

// TestSurvivesKill kills the server under a live class four times, and once more
// when the class is over. A client that watches every playlist sees none of them go
// back, and nothing that was listed lost or altered; a browser goes on by itself.
func TestSurvivesKill(t *testing.T) {
	t.Parallel()
	const kills = 4
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	environ := []string{
		"LECTERN_TRANSCODE_LADDER=" + strings.Join(survivors, ","),
		"LECTERN_HLS_SEGMENT_DURATION=2s", "LECTERN_HLS_PART_DURATION=400ms",
	}
	srv := startServer(t, dir, environ...)
	environ = append(environ, "LECTERN_LISTEN_HTTP="+srv.HTTP, "LECTERN_LISTEN_RTMP="+srv.RTMP)
	c, err := srv.api.Create(t.Context(), api.CreateClass{ID: "algebra", Title: "Linear algebra"})
	if err != nil {
		t.Fatal(err)
	}
	s := source{video: "testsrc2=s=480x270:r=25", audio: tone, codec: []string{"-g", "50", "-keyint_min", "50"}}.withDefaults()
	file := s.record(t, "lesson.mp4", 20)

	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { pushAgain(ctx, func() *exec.Cmd { return s.replay(file, c) }) })
	w := newWatcher(t, strings.TrimSuffix(c.Playback.HLS, "index.m3u8"))
	running.Go(func() { w.watch(ctx) })

	until(t, func() string { return w.further(0, 3) })
	student := startViewer(t, c.Playback.Watch)
	student.plays()
	for n := range kills {
		select {
		case <-time.After(time.Duration(random.Int64N(int64(3 * time.Second)))): // at any moment of a segment
		case <-t.Context().Done():
		}
		from := w.position()
		srv.kill9(t)
		killed := time.Now()
		srv = startServer(t, dir, environ...)
		until(t, func() string { return w.further(from, 1) })
		until(t, func() string { // until it shows what was made after the kill
			got := student.do("look")
			if got.Paused || got.Latency == nil || time.Now().Add(-time.Duration(*got.Latency*float64(time.Second))).Before(killed) {
				return fmt.Sprintf("%s after kill %d: %+v", time.Since(killed), n+1, got)
			}
			return ""
		})
		t.Logf("kill %d: the next picture %.1f s later", n+1, time.Since(killed).Seconds())
	}
	if _, err := srv.api.End(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	cancel()
	running.Wait()
	until(t, func() string {
		if got := student.do("look"); got.State != "ended" {
			return fmt.Sprintf("after the end: %+v", got)
		}
		return ""
	})
	w.wantRecording(kills)
	before := w.texts()
	srv.kill9(t)
	srv = startServer(t, dir, environ...)
	if words := wantState(t, srv, c.ID, class.Ended); words != "" {
		t.Error(words)
	}
	until(t, func() string {
		for name, text := range w.texts() {
			if lasting(text) != lasting(before[name]) {
				a, b := firstDifference(lasting(before[name]), lasting(text))
				return fmt.Sprintf("after a kill when all was over, %s has %q, it had %q", name, b, a)
			}
		}
		return ""
	})
	w.wantRecording(kills)
	for _, name := range survivors {
		_, samples := boxes(t, readPlaylist(t, w.base+name+"/recording.m3u8"))
		t.Logf("%s: %d samples", name, samples)
	}
}

// lasting leaves out of a playlist what need not stay: parts that are history, and
// what is measured.
func lasting(text string) string {
	return passing.ReplaceAllString(text, "")
}

var passing = regexp.MustCompile(`(?m)^#EXT-X-PART:.*\n|BANDWIDTH=\d+`)

// firstDifference returns the first line in which a and b differ, of both.
func firstDifference(a, b string) (string, string) {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return as[i], bs[i]
		}
	}
	return fmt.Sprintf("%d lines", len(as)), fmt.Sprintf("%d lines", len(bs))
}

// kill9 kills the server and waits until it is gone.
func (s *server) kill9(t *testing.T) {
	t.Helper()
	s.killed = true
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, func() string {
		if err := syscall.Kill(s.cmd.Process.Pid, 0); !errors.Is(err, syscall.ESRCH) {
			return fmt.Sprintf("the killed server is still there: %v", err)
		}
		return ""
	})
}

// pushAgain pushes until ctx is done, as an encoder does that connects again.
func pushAgain(ctx context.Context, command func() *exec.Cmd) {
	for ctx.Err() == nil {
		cmd := command()
		if err := cmd.Start(); err != nil {
			return
		}
		stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(os.Interrupt) })
		_ = cmd.Wait() // the server was killed, mostly
		stop()
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}
