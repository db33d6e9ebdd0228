package app_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/class"
)

var cueLine = regexp.MustCompile(`#EXT-X-DATERANGE:ID="([^"]*)",CLASS="org.lectern.cue",START-DATE="([^"]*)",(DURATION=0.000,)?X-EVENT="([^"]*)",X-CUE="([^"]*)"\n`)

// cuesOf returns what a playlist tells: when, what, of what.
func cuesOf(t *testing.T, body string) (out []string) {
	t.Helper()
	found := cueLine.FindAllStringSubmatch(body, -1)
	if n := strings.Count(body, "EXT-X-DATERANGE"); n != len(found) {
		t.Fatalf("%d of %d tags are cues:\n%s", len(found), n, body)
	}
	for _, m := range found {
		out = append(out, m[2]+" "+m[4]+" "+m[5])
	}
	return out
}

func said(at int64, event realtime.EventType, id string) string {
	return time.UnixMilli(at).UTC().Format("2006-01-02T15:04:05.000Z") + " " + string(event) + " " + id
}

// wantCues waits until the playlists tell exactly that.
func (s *server) wantCues(want []string, paths ...string) {
	s.t.Helper()
	for _, path := range paths {
		mediatest.Eventually(s.t, func() string {
			code, body := s.get(path)
			if got := fmt.Sprint(cuesOf(s.t, body)); code != http.StatusOK || got != fmt.Sprint(want) {
				return fmt.Sprintf("%s: %d with %s, want %v", path, code, got, want)
			}
			return ""
		})
	}
}

// forgetCue takes the cue of that event out of the class's folder.
func forgetCue(t *testing.T, dir, event string) {
	t.Helper()
	index := filepath.Join(dir, "classes", "algebra", "index")
	b, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	var kept [][]byte
	for line := range bytes.Lines(b) {
		if !bytes.Contains(line, []byte(event)) {
			kept = append(kept, line)
		}
	}
	if all := bytes.Count(b, []byte("\n")); len(kept) != all-1 {
		t.Fatalf("%d of %d lines are without %s", len(kept), all, event)
	}
	if err = os.WriteFile(index, bytes.Join(kept, nil), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What happens in the room is in the playlists of every rendition, over a restart that
// finds it in the room's log only, and in the recording.
func TestPlaylistsTellWhatHappensInTheRoom(t *testing.T) {
	dir := t.TempDir()
	live := []string{"/live/algebra/source/index.m3u8", "/live/algebra/audio/index.m3u8"}
	first := start(t, testConfig(dir))
	c := first.create("algebra")
	src := mediatest.New(t, mediatest.Config{Round: time.Millisecond})
	teacher := first.push(c.StreamKey)
	first.teach(teacher, src, 20*time.Second)
	first.wantSegments(live[0], 3)
	hosting := first.enter("/studio/algebra/grant", secretOf(t, c), "")
	host := first.join("algebra", hosting.Grant, nil)
	ada := first.join("algebra", first.enter("/watch/algebra/grant", "", "").Grant, nil)
	poll := host.do("poll.save", map[string]any{"kind": "single", "prompt": "Secret?", "options": []string{"yes", "no"}, "results": "live"}).ID
	host.do("poll.open", map[string]any{"poll": poll})
	var opened realtime.PollOpened
	ada.want(realtime.EventPollOpened, &opened)
	first.teach(teacher, src, 5*time.Second)
	want := []string{said(opened.At, realtime.EventPollOpened, poll)}
	first.wantCues(want, append(live, live[0]+"?_HLS_skip=YES")...)

	host.do("marker", map[string]any{"title": "Hidden chapter"})
	var marked realtime.Marked
	ada.want(realtime.EventMarker, &marked)
	first.teach(teacher, src, 5*time.Second)
	want = append(want, said(marked.At, realtime.EventMarker, marked.ID))
	first.wantCues(want, append(live, live[0]+"?_HLS_skip=YES", "/live/algebra/source/dvr.m3u8")...)
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	_ = teacher.Closed(t.Context())

	forgetCue(t, dir, "poll.opened") // as if it had been killed before the folder had it

	second := start(t, testConfig(dir))
	for _, path := range live { // at once, before there is another part
		if _, body := second.get(path); !strings.Contains(fmt.Sprint(cuesOf(t, body)), want[1]) {
			t.Errorf("%s after the start:\n%s", path, body)
		}
	}
	teacher = second.push(c.StreamKey)
	second.teach(teacher, src, 10*time.Second)
	second.wantCues(want, live...)
	host = second.join("algebra", second.enter("/studio/algebra/grant", hosting.Pass, "").Grant, host)
	ada = second.join("algebra", second.enter("/watch/algebra/grant", "", "").Grant, nil)
	host.do("poll.close", map[string]any{"poll": poll})
	var over realtime.PollClosed
	ada.want(realtime.EventPollClosed, &over)
	// Nothing is published between the command and the end.
	if code, answer := second.post("/studio/algebra/end", hosting.Pass, ""); code != http.StatusOK {
		t.Errorf("end: %d %s", code, answer)
	}
	second.wantState("algebra", class.Ended)
	want = append(want, said(over.At, realtime.EventPollClosed, poll))
	recordings := []string{"/live/algebra/source/recording.m3u8", "/live/algebra/audio/recording.m3u8"}
	second.wantCues(want, recordings...)
	_, body := second.get(recordings[0])
	for _, secret := range []string{"Secret", "Hidden"} {
		if strings.Contains(body, secret) {
			t.Errorf("the recording tells %q:\n%s", secret, body)
		}
	}
	if err := second.stop(); err != nil {
		t.Fatal(err)
	}

	forgetCue(t, dir, "poll.closed") // as if it had been killed as the class ended
	third := start(t, testConfig(dir))
	third.wantCues(want, recordings...)
}
