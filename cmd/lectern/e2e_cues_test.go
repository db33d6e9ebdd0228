//go:build e2e

package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

// host is a host's program in the room of a class.
type host struct {
	t    *testing.T
	sock *websocket.Conn
	n    int
}

func (s *server) joinAsHost(t *testing.T, id string, n int) *host {
	t.Helper()
	g, err := s.api.CreateGrant(t.Context(), id, api.CreateGrant{Role: realtime.RoleHost, Name: "Grace Hopper", Person: "p_grace"})
	if err != nil {
		t.Fatal(err)
	}
	d := websocket.Dialer{Subprotocols: []string{realtime.Subprotocol}}
	sock, res, err := d.DialContext(t.Context(), g.Socket, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	t.Cleanup(func() { _ = sock.Close() })
	h := &host{t: t, sock: sock, n: n}
	h.say("hello", map[string]any{"grant": g.Grant})
	h.until(func(e realtime.Event) bool { return e.Type == realtime.EventWelcome })
	return h
}

func (h *host) say(command string, data any) (id string) {
	h.t.Helper()
	h.n++
	id = fmt.Sprintf("command-%05d", h.n)
	b, err := json.Marshal(map[string]any{"v": 1, "type": command, "id": id, "data": data})
	if err == nil {
		err = h.sock.WriteMessage(websocket.TextMessage, b)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

// until reads up to the event that is the one.
func (h *host) until(is func(realtime.Event) bool) realtime.Event {
	h.t.Helper()
	for {
		_, b, err := h.sock.ReadMessage()
		if err != nil {
			h.t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			var e realtime.Event
			if err = json.Unmarshal([]byte(line), &e); err != nil || e.Type == realtime.EventError {
				h.t.Fatalf("the room says %s: %v", line, err)
			}
			if is(e) {
				return e
			}
		}
	}
}

// do carries out a command, and returns the ack and what the event of that type told,
// which comes before the ack.
func (h *host) do(command string, data any, event realtime.EventType) (ack realtime.Ack, told struct{ At int64 }) {
	h.t.Helper()
	id := h.say(command, data)
	e := h.until(func(e realtime.Event) bool {
		if e.Type == event {
			if err := json.Unmarshal(e.Data, &told); err != nil {
				h.t.Fatal(err)
			}
		}
		return e.Type == realtime.EventAck && e.Re == id
	})
	if err := json.Unmarshal(e.Data, &ack); err != nil {
		h.t.Fatal(err)
	}
	return ack, told
}

var dateRange = regexp.MustCompile(`#EXT-X-DATERANGE:ID="[^"]*",CLASS="org.lectern.cue",START-DATE="([^"]*)",.*X-EVENT="([^"]*)",X-CUE="([^"]*)"`)

// wantCues waits until the playlists tell of exactly these.
func wantCues(t *testing.T, want []string, urls ...string) {
	t.Helper()
	for _, url := range urls {
		until(t, func() string {
			code, body := get(t, url)
			var got []string
			for _, m := range dateRange.FindAllStringSubmatch(body, -1) {
				got = append(got, strings.Join(m[1:], " "))
			}
			if code != http.StatusOK || fmt.Sprint(got) != fmt.Sprint(want) {
				return fmt.Sprintf("%s: %d with %v, want %v", url, code, got, want)
			}
			return ""
		})
	}
}

// TestPlaylistsTellOfTheRoom opens a poll in a real class: it is in the playlists of
// every rendition at its moment, which is the room's. A server that is killed right
// after it has said yes to the host tells of it once it is back, once, and so does the
// recording.
func TestPlaylistsTellOfTheRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	environ := []string{"LECTERN_TRANSCODE_LADDER=" + strings.Join(survivors, ","), "LECTERN_HLS_SEGMENT_DURATION=2s", "LECTERN_HLS_WINDOW=1h"}
	srv := startServer(t, dir, append(environ, "LECTERN_HLS_DVR_WINDOW=2h")...)
	environ = append(environ, "LECTERN_HLS_DVR_WINDOW=2h", "LECTERN_LISTEN_HTTP="+srv.HTTP, "LECTERN_LISTEN_RTMP="+srv.RTMP)
	c, err := srv.api.Create(t.Context(), api.CreateClass{ID: "algebra", Title: "Linear algebra"})
	if err != nil {
		t.Fatal(err)
	}
	base := strings.TrimSuffix(c.Playback.HLS, "index.m3u8")
	var live, dvr, recorded []string
	for _, name := range survivors {
		live = append(live, base+name+"/index.m3u8", base+name+"/index.m3u8?_HLS_skip=YES")
		dvr = append(dvr, base+name+"/dvr.m3u8", base+name+"/dvr.m3u8?_HLS_skip=YES")
		recorded = append(recorded, base+name+"/recording.m3u8")
	}
	push := startEncoder(t, newLecture(t, false), c.Ingest.RTMP+"/"+c.StreamKey)
	wantCues(t, nil, append(live, c.Playback.HLS)...)
	check := &checkRun{cmd: exec.Command(binary, "check", "-duration", "20s", "-ignore", unjudged(), c.Playback.HLS)}
	check.cmd.Stdout, check.cmd.Stderr = &check.out, &check.out
	if err = check.cmd.Start(); err != nil {
		t.Fatal(err)
	}

	var want []string
	add := func(event, id string, at int64) {
		want = append(want, time.UnixMilli(at).UTC().Format("2006-01-02T15:04:05.000Z")+" "+event+" "+id)
	}
	h := srv.joinAsHost(t, c.ID, 0)
	poll, _ := h.do("poll.save", map[string]any{"kind": "single", "prompt": "2+2?", "options": []string{"3", "4"}, "results": "live"}, "")
	_, opened := h.do("poll.open", map[string]any{"poll": poll.ID}, realtime.EventPollOpened)
	add("poll.opened", poll.ID, opened.At)
	wantCues(t, want, append(live, dvr...)...)
	_, closed := h.do("poll.close", map[string]any{"poll": poll.ID}, realtime.EventPollClosed)
	add("poll.closed", poll.ID, closed.At)
	wantCues(t, want, append(live, dvr...)...)
	check.wait(t)

	marker, marked := h.do("marker", map[string]any{"title": "Proof"}, realtime.EventMarker)
	srv.kill9(t)
	add("marker", marker.ID, marked.At)
	srv = startServer(t, dir, environ...)
	push.kill()
	startEncoder(t, newLecture(t, false), c.Ingest.RTMP+"/"+c.StreamKey)
	wantCues(t, want, append(live, dvr...)...)
	h = srv.joinAsHost(t, c.ID, h.n)
	last, marked := h.do("marker", map[string]any{"title": "End"}, realtime.EventMarker)
	add("marker", last.ID, marked.At)
	if _, err = srv.api.End(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	wantCues(t, want, recorded...)
	srv.kill9(t)
	srv = startServer(t, dir, environ...)
	if words := wantState(t, srv, c.ID, class.Ended); words != "" {
		t.Error(words)
	}
	wantCues(t, want, recorded...)
	startCheck(t, c.Playback.HLS).wait(t)
}
