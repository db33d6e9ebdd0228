package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/realtime/class"
)

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
	for _, list := range []string{"index.m3u8", "dvr.m3u8", "source/index.m3u8"} {
		if code, _ := second.get("/live/algebra/" + list); code != http.StatusOK { // at once: players are waiting
			t.Errorf("%s: %d right after the restart", list, code)
		}
	}
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

// Case 31: from the same address the newer encoder wins, and
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
