package app_test

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
	"github.com/lectern/lectern/realtime/class"
)

// newLesson is a lesson from its beginning.
func newLesson(t *testing.T) *mediatest.Source {
	t.Helper()
	return mediatest.New(t, mediatest.Config{Round: time.Millisecond})
}

// answer is what a held request got.
type answer struct {
	code int
	body string
}

// hold sends n requests for a segment that does not come, and returns once the
// server holds them.
func (s *server) hold(id string, n int) <-chan answer {
	s.t.Helper()
	path := "/live/" + id + "/source/index.m3u8"
	s.wantSegments(path, 2) // the last whole one of newLesson's first 12 s
	path += "?_HLS_msn=4"
	answers := make(chan answer, n)
	for range n {
		go func() {
			code, body := s.get(path)
			answers <- answer{code, body}
		}()
	}
	mediatest.Eventually(s.t, func() string {
		_, metrics := s.request(http.MethodGet, "http://"+s.addrs.Admin+"/metrics", "")
		if want := "lectern_origin_waiters " + strconv.Itoa(n) + "\n"; !strings.Contains(metrics, want) {
			return "no " + want
		}
		return ""
	})
	return answers
}

func (s *server) wantEnd(id string) string {
	s.t.Helper()
	var body string
	mediatest.Eventually(s.t, func() string {
		_, body = s.get("/live/" + id + "/source/index.m3u8")
		if !strings.Contains(body, "#EXT-X-ENDLIST") {
			return "no end in\n" + body
		}
		return ""
	})
	return body
}

func TestStopReleasesViewersAndPublishers(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	teacher := s.push(s.create("algebra").StreamKey)
	s.teach(teacher, newLesson(t), 12*time.Second)
	answers := s.hold("algebra", 50)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if a := <-answers; a.code != http.StatusServiceUnavailable {
			t.Errorf("a held request got %d %.40q, want 503", a.code, a.body)
		}
	}
	if err := teacher.Closed(t.Context()); err == nil {
		t.Error("the publisher is still connected")
	}
}

// Viewers of a class that is deleted get its end at once, and then nothing. Who
// takes the id again gets nothing of the old class.
func TestDeleteWhileViewersWait(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	const path = "/live/algebra/source/"
	s.teach(s.push(s.create("algebra").StreamKey), newLesson(t), 12*time.Second)
	answers := s.hold("algebra", 20)
	old := segmentLine.FindString(s.wantSegments(path+"index.m3u8", 0))
	if err := s.api.Delete(t.Context(), "algebra"); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if a := <-answers; a.code != http.StatusOK || !strings.Contains(a.body, "#EXT-X-ENDLIST") {
			t.Errorf("a held request got %d %.40q, want the end", a.code, a.body)
		}
	}
	for _, name := range []string{"index.m3u8", old} {
		if code, _ := s.get(path + name); code != http.StatusNotFound {
			t.Errorf("%s of a deleted class: %d", name, code)
		}
	}

	again := s.create("algebra")
	s.teach(s.push(again.StreamKey), newLesson(t), 12*time.Second)
	body := s.wantSegments(path+"index.m3u8", 1)
	if list := segments(body); list[0] != 0 || strings.Contains(body, old) {
		t.Errorf("the new class begins with %v", list)
	}
	if code, _ := s.get(path + old); code != http.StatusNotFound {
		t.Errorf("%s of the class before: %d", old, code)
	}
}

// An ended class can be watched for as long as it is not deleted.
func TestEndedClassAfterRestart(t *testing.T) {
	dir := t.TempDir()
	first := start(t, testConfig(dir))
	first.create("never")
	first.teach(first.push(first.create("algebra").StreamKey), newLesson(t), 20*time.Second)
	first.wantSegments("/live/algebra/source/index.m3u8", 3)
	for _, id := range []string{"algebra", "never"} {
		if _, err := first.api.End(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	old := first.wantEnd("algebra")
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}

	second := start(t, testConfig(dir))
	back := second.wantEnd("algebra")
	if got, want := segmentLine.FindAllString(back, -1), segmentLine.FindAllString(old, -1); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("segments %v, want %v", got, want)
	}
	for _, name := range append(segmentLine.FindAllString(back, -1), mapURI.FindStringSubmatch(back)[1]) {
		if code, _ := second.get("/live/algebra/source/" + name); code != http.StatusOK {
			t.Errorf("%s: %d", name, code)
		}
	}
	recording := func() string { _, b := second.get("/live/algebra/source/recording.m3u8"); return b }()
	if got := segmentLine.FindAllString(recording, -1); len(got) < len(segmentLine.FindAllString(old, -1)) || !strings.HasSuffix(recording, "#EXT-X-ENDLIST\n") {
		t.Errorf("recording:\n%s", recording)
	}
	if code, body := second.get("/live/algebra/index.m3u8"); code != http.StatusOK || !strings.Contains(body, "audio/recording.m3u8") {
		t.Errorf("multivariant playlist: %d %s", code, body)
	}
	if code, _ := second.get("/live/never/index.m3u8"); code != http.StatusNotFound {
		t.Errorf("class without media: %d", code)
	}
	if _, err := os.Stat(filepath.Join(dir, "classes", "never")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a look at a class without media made a folder: %v", err)
	}
	if err := second.api.Delete(t.Context(), "algebra"); err != nil {
		t.Fatal(err)
	}
	if code, _ := second.get("/live/algebra/index.m3u8"); code != http.StatusNotFound {
		t.Errorf("deleted class: %d", code)
	}
}

// only returns the one file of that pattern.
func only(t *testing.T, elem ...string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(elem...))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v: %v, %v", elem, found, err)
	}
	return found[0]
}

// What happened to the files of one class is that class's trouble only, and as
// little of it as can be.
func TestDamagedClassFolders(t *testing.T) {
	dir := t.TempDir()
	keys := map[string]string{}
	first := start(t, testConfig(dir))
	damage := map[string]func(folder string) error{
		"fine":      func(string) error { return nil },
		"a-file":    func(f string) error { return errors.Join(os.RemoveAll(f), os.WriteFile(f, []byte("x"), 0o600)) },
		"no-init":   func(f string) error { return os.Remove(only(t, f, "source", "init-0-*.mp4")) },
		"no-index":  func(f string) error { return os.Truncate(filepath.Join(f, "index"), 0) },
		"junk":      func(f string) error { return os.WriteFile(filepath.Join(f, "index"), make([]byte, 1<<16), 0o600) },
		"one-short": func(f string) error { return os.Truncate(only(t, f, "source", "s1-*.m4s"), 5) },
	}
	for id := range damage {
		keys[id] = first.create(id).StreamKey
		first.teach(first.push(keys[id]), newLesson(t), 12*time.Second)
		first.wantState(id, class.Live)
		first.wantSegments("/live/"+id+"/source/index.m3u8", 1)
	}
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	for id, spoil := range damage {
		if err := spoil(filepath.Join(dir, "classes", id)); err != nil {
			t.Fatal(err)
		}
	}

	second := start(t, testConfig(dir))
	for id, key := range keys {
		second.wantState(id, class.Interrupted)
		if id == "a-file" {
			if _, err := rtmptest.Push(t.Context(), second.addrs.RTMP, key); err == nil || !strings.Contains(err.Error(), "could not start this class") {
				t.Errorf("publishing to it: %v", err)
			}
			if log := second.log.String(); !strings.Contains(log, "pipeline could not start") {
				t.Error("the log does not tell")
			}
			continue
		}
		_, before := second.get("/live/" + id + "/source/index.m3u8")
		second.teach(second.push(key), newLesson(t), 12*time.Second)
		next := 1
		if list := segments(before); len(list) > 0 {
			next += list[len(list)-1]
		}
		second.wantSegments("/live/"+id+"/source/index.m3u8", next)
	}
	if log := second.log.String(); strings.Contains(log, "pipeline failed") || strings.Count(log, "class folder is damaged") < 3 {
		t.Error("the log does not tell of the damages, or a pipeline failed")
	}
}
