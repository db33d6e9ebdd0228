//go:build e2e

package main_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

// rungs is a ladder that a slow machine encodes in real time.
var rungs = []string{"source", "360p", "180p", "audio", "audio-only"}

// nasty are sources that no browser plays, or not as they are; the last one is
// passed through.
func nasty() []source {
	return []source{
		{
			name: "HEVC, 10 bit, Opus", video: "testsrc2=s=854x480:r=25", audio: tone, by: "rtsp",
			codec: []string{"-c:v", "libx265", "-x265-params", "log-level=error:keyint=75:pools=1:frame-threads=1", "-pix_fmt", "yuv420p10le", "-c:a", "libopus"},
		},
		{
			name: "interlaced, keyframes 10 s apart, 44.1 kHz mono", video: "testsrc2=s=720x480:r=60,interlace", audio: "sine=b=4:r=44100",
			codec: []string{"-flags", "+ilme+ildct", "-x264-params", "tff=1", "-g", "300", "-keyint_min", "300", "-ac", "1"},
		},
		{
			name: "portrait, 4:2:2, 5 pictures a second, G.711", video: "testsrc2=s=480x854:r=5", audio: "sine=b=4:r=8000", by: "rtsp",
			codec: []string{"-pix_fmt", "yuv422p10le", "-g", "50", "-keyint_min", "50", "-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"},
		},
		{
			name: "29.97 pictures a second, wide pixels, B pictures, 5.1", video: "testsrc2=s=640x480:r=30000/1001,setsar=4/3", audio: tone,
			codec: []string{"-preset", "veryfast", "-bf", "2", "-ac", "6"},
		},
	}
}

// TestLadder gives one class four nasty sources in turn, kills its encoder, and
// watches all of it: every rendition has the same segments, and a viewer who
// changes between them misses no word.
func TestLadder(t *testing.T) {
	srv := startServer(t, t.TempDir(),
		"LECTERN_TRANSCODE_LADDER="+strings.Join(rungs, ","), "LECTERN_HLS_WINDOW=1h",
		"LECTERN_HLS_SEGMENT_DURATION=2s", "LECTERN_TRANSCODE_THUMBNAILS_INTERVAL=4s")
	c, err := srv.api.Create(t.Context(), api.CreateClass{ID: "algebra", Title: "Linear algebra"})
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for i, s := range nasty() {
		files = append(files, s.withDefaults().record(t, fmt.Sprintf("nasty%d.mkv", i), 20+i*20))
	}
	var check *checkRun
	var viewer *viewer
	for i, s := range nasty() {
		t.Log(s.name)
		push := start(t, s.withDefaults().replay(files[i], c))
		until(t, func() string { return srv.published(t, push, c, i, 3) })
		if i == 0 {
			check = startCheck(t, c.Playback.HLS)
			viewer = startViewer(t, c.Playback.Watch)
		}
		viewer.plays()
		if i == len(files)-1 {
			srv.switchRungs(t, viewer)
			srv.loseWorker(t, c)
			viewer.plays()
		}
		push.kill()
		until(t, func() string {
			if got, gerr := srv.api.Get(t.Context(), c.ID); gerr != nil || got.State != class.Interrupted {
				return fmt.Sprintf("the class is %s, %v", got.State, gerr)
			}
			return ""
		})
	}
	if _, err = srv.api.End(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	// The encoder is killed: the pictures that it had not made of a segment are missing
	// there (54, 56). One that is slow to open begins its list later (49).
	excused := []int{49, 54, 56}
	skipped := srv.skipped(t)
	if skipped > 0 {
		excused = append(excused, 64) // who is too slow leaves out pictures, and the one before stands for long
	}
	check.wait(t, excused...)
	compareRenditions(t, strings.TrimSuffix(c.Playback.HLS, "index.m3u8"), skipped)

	got, err := srv.api.Get(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.Thumbnail == nil || got.Storyboard == nil {
		t.Fatalf("thumbnail %v, storyboard %v", got.Thumbnail, got.Storyboard)
	}
	if _, picture := get(t, *got.Thumbnail); !strings.HasPrefix(picture, "\xff\xd8") {
		t.Error("the thumbnail is no JPEG")
	}
	if _, vtt := get(t, *got.Storyboard); strings.Count(vtt, " --> ") < 4 {
		t.Errorf("storyboard:\n%s", vtt)
	}
}

// published complains until every rung of the ladder has n whole segments of the
// run-th publication.
func (s *server) published(t *testing.T, push *pushing, c api.Class, run, n int) string {
	t.Helper()
	select {
	case <-push.done:
		t.Fatalf("ffmpeg ended: %s", push.stderr.String())
	default:
	}
	got, err := s.api.Get(t.Context(), c.ID)
	if err != nil {
		return err.Error()
	}
	if got.LadderState == nil {
		return fmt.Sprintf("no ladder, refusal %+v", got.LastRefusal)
	}
	for _, r := range got.LadderState.Renditions {
		if r.State != "encoded" && r.State != "passed_through" {
			return fmt.Sprintf("%s is %s: %+v", r.Name, r.State, got.LadderState)
		}
		code, body := get(t, strings.Replace(c.Playback.HLS, "index.m3u8", r.Name+"/index.m3u8", 1))
		if code != http.StatusOK {
			return fmt.Sprintf("%s answers %d", r.Name, code)
		}
		breaks := strings.Split(body, "#EXT-X-DISCONTINUITY\n")
		if len(breaks) <= run || strings.Count(breaks[len(breaks)-1], "#EXTINF")-strings.Count(breaks[len(breaks)-1], "#EXT-X-GAP") < n {
			return fmt.Sprintf("%s has %d breaks:\n%s", r.Name, len(breaks)-1, body)
		}
	}
	return ""
}

// choices is what the quality menu offers and plays.
type choices struct {
	Sizes   []any
	Playing any
	Choice  any
	Error   string
}

// spectacle is what a viewer has noticed.
type spectacle struct {
	Jumps   [][2]float64
	Longest float64 // ms
	Late    float64 // ms, of the page's own timer: what the machine is to blame for
	Error   string
}

// height waits until the picture has this many lines.
func (v *viewer) height(why string, good func(width int) bool) {
	v.t.Helper()
	until(v.t, func() string {
		s := v.do("look")
		if !good(s.Width) {
			var q choices
			v.ask("quality", &q)
			return fmt.Sprintf("%s: the picture is %d wide, %+v", why, s.Width, q)
		}
		return ""
	})
}

// switchRungs changes the rung by menu and by a bad link. Nothing is to be missed.
func (s *server) switchRungs(t *testing.T, v *viewer) {
	t.Helper()
	var smooth spectacle
	v.do("watch")
	for _, choice := range []struct {
		name  string
		width int
	}{{"180p", 320}, {"360p", 640}, {"480p", 853}} {
		v.do("choose " + choice.name)
		v.height("chosen "+choice.name, func(w int) bool { return w == choice.width })
		v.plays()
	}
	v.ask("seen", &smooth)
	smooth.judge(t, "by menu", hiccup, s.slow(t))
	v.do("watch")
	v.do("choose Auto")
	// The source takes 1.2 Mbit/s, 360p 0.75, 180p 0.33, sound included.
	v.do("throttle 1000 40")
	v.height("a link of 1 Mbit/s", func(w int) bool { return w <= 640 })
	v.plays()
	v.do("throttle 550 40")
	v.height("a link of 550 kbit/s", func(w int) bool { return w == 320 })
	v.plays()
	v.do("throttle 0 0")
	v.height("a good link", func(w int) bool { return w > 320 })
	v.plays()
	var seen spectacle
	v.ask("seen", &seen)
	seen.judge(t, "by the link", fall, s.slow(t))
}

// Standstills that nobody is to blame for, in ms. A link that falls under a player can
// cost what was under way; how often it does is measured by falls.mjs, and how long
// at most depends on the moment.
const (
	hiccup = 1200
	fall   = 6000
)

// judge fails for a repeated word, and for a lost one or a standstill of more than
// most that is not the machine's fault: slow tells that it could not encode in time.
func (s spectacle) judge(t *testing.T, how string, most float64, slow bool) {
	t.Helper()
	t.Logf("switching %s: a standstill of %.0f ms at most, timers %.0f ms late, jumps %v, machine too slow: %v", how, s.Longest, s.Late, s.Jumps, slow)
	for _, j := range s.Jumps {
		// hls.js helps a decoder that stands still with a nudge of a tenth of a second.
		if d := j[1] - j[0]; d < 0 || !slow && (d > 0.11 || len(s.Jumps) > 2) {
			t.Errorf("the viewer was moved from %.2f to %.2f s", j[0], j[1])
		}
	}
	if s.Longest > most+5*s.Late && !slow {
		t.Errorf("a standstill of %.0f ms, timers %.0f ms late", s.Longest, s.Late)
	}
}

// slow reports whether the machine cannot encode in real time.
func (s *server) slow(t *testing.T) bool {
	t.Helper()
	return s.metric(t, "lectern_worker_lag_seconds") > 0.25 || s.skipped(t) > 0
}

// loseWorker kills the class's encoder process and waits for the next.
func (s *server) loseWorker(t *testing.T, c api.Class) {
	t.Helper()
	workers := children(t, s.cmd.Process.Pid)
	if len(workers) != 1 {
		t.Fatalf("the server has the processes %v, want one encoder", workers)
	}
	if err := syscall.Kill(workers[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, func() string {
		got, err := s.api.Get(t.Context(), c.ID)
		if err != nil || got.LadderState == nil {
			return fmt.Sprintf("no ladder: %v", err)
		}
		w := got.LadderState.Worker
		if w.State != "running" || w.Restarts != 1 || w.LastReason != "killed" {
			return fmt.Sprintf("the worker: %+v", w)
		}
		for _, r := range got.LadderState.Renditions {
			if r.State != "encoded" && r.State != "passed_through" {
				return r.Name + " is " + r.State
			}
		}
		return ""
	})
}

// skipped is how much the machine was too slow for: pictures and access units.
func (s *server) skipped(t *testing.T) float64 {
	t.Helper()
	return s.metric(t, "lectern_worker_skipped_pictures_total") + s.metric(t, `lectern_worker_access_units_dropped_total{reason="feed_full"}`)
}

// metric returns the value of a metric of the server.
func (s *server) metric(t *testing.T, name string) float64 {
	t.Helper()
	_, body := get(t, "http://"+s.Admin+"/metrics")
	for line := range strings.Lines(body) {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" ")
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// children returns the processes that a process has started.
func children(t *testing.T, pid int) []int {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	var out []int
	for _, list := range lists {
		b, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for field := range strings.FieldsSeq(string(b)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, child)
		}
	}
	return out
}
