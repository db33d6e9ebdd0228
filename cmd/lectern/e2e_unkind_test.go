//go:build e2e

package main_test

import (
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

// listedSegment is the line of a whole segment in a media playlist.
var listedSegment = regexp.MustCompile(`(?m)^s\d+-[a-z0-9]+\.m4s$`)

// small pushes a small picture and a tone to the class: cheap, and real.
func (s *server) small(t *testing.T, c api.Class) *pushing {
	t.Helper()
	return start(t, exec.Command("ffmpeg", "-v", "error", "-nostdin", "-re",
		"-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-f", "lavfi", "-i", "sine=r=48000",
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-pix_fmt", "yuv420p",
		"-c:a", "aac", "-f", "flv", "rtmp://"+s.RTMP+"/live/"+c.StreamKey))
}

// segments waits for n segments beyond those in before, and returns all.
func (s *server) segments(t *testing.T, id string, before []string, n int) []string {
	t.Helper()
	var list []string
	until(t, func() string {
		code, body := get(t, "http://"+s.HTTP+"/live/"+id+"/source/index.m3u8")
		list = listedSegment.FindAllString(body, -1)
		if code != http.StatusOK || len(list) < len(before)+n {
			return fmt.Sprintf("%s: %d, segments %v, want %d more than %v", id, code, list, n, before)
		}
		if strings.Contains(body, "#EXT-X-GAP") {
			t.Fatalf("%s has gaps:\n%s", id, body)
		}
		return ""
	})
	return list
}

// Descriptors run out, an encoder falls silent without a word, the server is
// killed: the class beside notices nothing but the last, and nothing of either is
// lost.
func TestUnkindWorld(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	environ := []string{"LECTERN_HLS_SEGMENT_DURATION=2s", "LECTERN_HLS_PART_DURATION=300ms", "LECTERN_RTMP_READ_TIMEOUT=2s"}
	first := startServerAs(t, []string{"sh", "-c", `ulimit -n 64 && exec "$0" "$@"`, binary}, dir, environ...)
	classes := map[string]api.Class{}
	encoders := map[string]*pushing{}
	for _, id := range []string{"calm", "victim"} {
		c, err := first.api.Create(t.Context(), api.CreateClass{ID: id, Title: id})
		if err != nil {
			t.Fatal(err)
		}
		classes[id], encoders[id] = c, first.small(t, c)
	}
	calm := first.segments(t, "calm", nil, 1)
	first.segments(t, "victim", nil, 1)

	var crowd []net.Conn
	for range 100 {
		conn, err := net.Dial("tcp", first.HTTP)
		if err != nil {
			t.Fatal(err)
		}
		crowd = append(crowd, conn)
	}
	calm = first.segments(t, "calm", calm, 2) // on the connection that is there already
	for _, conn := range crowd {
		_ = conn.Close()
	}
	calm = first.segments(t, "calm", calm, 1)
	code, metrics := get(t, "http://"+first.Admin+"/metrics")
	if code != http.StatusOK || !strings.Contains(metrics, `lectern_segment_gaps_total{reason="disk"} 0`) {
		t.Errorf("%d: the recording has gaps", code)
	}

	_ = encoders["victim"].cmd.Process.Signal(syscall.SIGSTOP)
	until(t, func() string { return wantState(t, first, "victim", class.Interrupted) })
	calm = first.segments(t, "calm", calm, 1)
	if words := wantState(t, first, "calm", class.Live); words != "" {
		t.Error(words)
	}
	_ = encoders["victim"].cmd.Process.Signal(syscall.SIGCONT)

	first.killed = true
	_ = first.cmd.Process.Kill()
	second := startServer(t, dir, environ...)
	back := second.segments(t, "calm", nil, len(calm)-1) // the last may not have reached the disk
	for _, name := range back {
		if code, _ := get(t, "http://"+second.HTTP+"/live/calm/source/"+name); code != http.StatusOK {
			t.Errorf("%s after the crash: %d", name, code)
		}
	}
	for id, c := range classes {
		encoders[id].kill()
		until(t, func() string { return wantState(t, second, id, class.Interrupted) })
		second.small(t, c)
		until(t, func() string { return wantState(t, second, id, class.Live) })
	}
	second.segments(t, "calm", back, 2)
}
