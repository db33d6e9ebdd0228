package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a person types and gets.
func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("hls:\n  segment_duration: 1h\nlisten:\n  http: nowhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name           string
		args           []string
		environ        []string
		status         int
		stdout, stderr []string
	}{
		{"nothing", nil, nil, 2, nil, []string{"lectern serve", "lectern demo"}},
		{"help", []string{"help"}, nil, 0, []string{"lectern check"}, nil},
		{"unknown command", []string{"sreve"}, nil, 2, nil, []string{`no command "sreve"`, "lectern serve"}},
		{"version", []string{"version"}, nil, 0, []string{"lectern ", "go1."}, nil},
		{"options of a command", []string{"serve", "-h"}, nil, 0, []string{"-config FILE", "-addr-file FILE"}, nil},
		{"unknown option", []string{"serve", "-confg", "x"}, nil, 2, nil, []string{"-confg", "usage: lectern serve"}},
		{"missing file", []string{"serve", "-config", filepath.Join(dir, "none.yaml")}, nil, 1, nil, []string{"none.yaml"}},
		{"bad configuration", []string{"config", "check", "-config", bad}, nil, 1, nil, []string{"hls.segment_duration", `listen.http: "nowhere"`}},
		{"bad environment", []string{"config", "check"}, []string{"LECTERN_HLS_SEGMENT=2s"}, 1, nil, []string{"LECTERN_HLS_SEGMENT: no such setting"}},
		{"good configuration", []string{"config", "check", "-config", "../../configs/lectern.yaml"}, nil, 0, []string{"good"}, nil},
		{"reference", []string{"config", "reference"}, nil, 0, []string{"`hls.segment_duration`", "LECTERN_HLS_SEGMENT_DURATION"}, nil},
		{"config what", []string{"config", "wreck"}, nil, 2, nil, []string{`unknown action "wreck"`}},
		{"class what", []string{"class"}, nil, 2, nil, []string{"say what to do"}},
		{"class which", []string{"class", "end"}, []string{"LECTERN_API_TOKEN=sixteen-characters"}, 2, nil, []string{"say which class"}},
		{"class without token", []string{"class", "list"}, []string{"LECTERN_DATA=" + dir}, 1, nil, []string{"api-token"}},
		{"class without server", []string{"class", "list", "-url", "http://127.0.0.1:1"}, []string{"LECTERN_API_TOKEN=sixteen-characters"}, 1, nil, []string{"127.0.0.1:1"}},
		{"bad time", []string{"class", "create", "-title", "x", "-starts-at", "tomorrow"}, []string{"LECTERN_API_TOKEN=sixteen-characters"}, 2, nil, []string{`"tomorrow" is not a time`}},
		{"check nothing", []string{"check"}, nil, 2, nil, []string{"say the URL"}},
		{"check nobody", []string{"check", "http://127.0.0.1:1/index.m3u8"}, nil, 2, nil, []string{"cannot be read"}},
		{"bench what", []string{"bench", "everything"}, nil, 2, nil, []string{`unknown scenario "everything"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			status := run(context.Background(), tc.args, environment{stdout: &stdout, stderr: &stderr, environ: tc.environ})
			if status != tc.status {
				t.Errorf("status = %d, want %d; stderr: %s", status, tc.status, &stderr)
			}
			for _, want := range tc.stdout {
				if !strings.Contains(stdout.String(), want) {
					t.Errorf("stdout is\n%s\nwithout %q", &stdout, want)
				}
			}
			for _, want := range tc.stderr {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("stderr is\n%s\nwithout %q", &stderr, want)
				}
			}
		})
	}
}
