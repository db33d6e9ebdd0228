//go:build e2e

package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"testing"

	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

// TestPast lets a browser with a viewer token go back in a class that is live, return,
// and play the recording when it has ended. The DVR's lists and the recording keep
// the rules.
func TestPast(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir(), "LECTERN_HLS_SEGMENT_DURATION=2s", "LECTERN_HLS_WINDOW=12s")
	c, err := srv.api.Create(t.Context(), api.CreateClass{ID: "algebra", Title: "Linear algebra", Access: class.AccessToken})
	if err != nil {
		t.Fatal(err)
	}
	token, err := srv.api.CreatePlaybackToken(t.Context(), c.ID, api.CreatePlaybackToken{})
	if err != nil {
		t.Fatal(err)
	}

	startEncoder(t, newLecture(t, true), c.Ingest.RTMP+"/"+c.StreamKey)
	until(t, func() string {
		code, body := get(t, token.DVR)
		if code != http.StatusOK {
			return fmt.Sprintf("the DVR answers %d %s", code, body)
		}
		return ""
	})
	check := startCheck(t, token.DVR)

	viewer := exec.CommandContext(t.Context(), "node", "past-viewer.mjs", token.Watch)
	viewer.Dir = "../../realtime/web/e2e"
	var stderr bytes.Buffer
	viewer.Stderr = &stderr
	stdout, err := viewer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = viewer.Start(); err != nil {
		t.Fatal(err)
	}
	var last struct {
		Step  string
		OK    bool
		Error string
	}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		t.Log(lines.Text())
		if err = json.Unmarshal(lines.Bytes(), &last); err != nil {
			t.Fatalf("the browser says %q: %v", lines.Text(), err)
		}
		if last.Step == "live again" {
			if _, err = srv.api.End(t.Context(), c.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err = viewer.Wait(); err != nil || !last.OK {
		t.Fatalf("the browser: %v, %s\n%s", err, last.Error, stderr.String())
	}
	check.wait(t)

	startCheck(t, token.HLS).wait(t) // the recording
}
