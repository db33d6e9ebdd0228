package lecture_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lectern/lectern/cmd/internal/lecture"
)

// The real ffmpeg must take the command as it is: one second goes to a file
// instead of a server.
func TestCommandIsUnderstoodByFFmpeg(t *testing.T) {
	for _, tc := range []struct {
		name string
		opts lecture.Options
	}{
		{"demo", lecture.Options{}},
		{"with time strip", lecture.Options{Width: 640, Height: 360, TimeStrip: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			l, err := lecture.Prepare(t.Context(), dir, tc.opts)
			if err != nil {
				t.Fatal(err)
			}
			if !l.Spoken {
				t.Error("the lecture has no voice: espeak-ng is missing, which make test installs")
			}
			out := filepath.Join(dir, "out.flv")
			cmd := l.Command(t.Context(), out)
			cmd.Args = append(cmd.Args[:len(cmd.Args)-1], "-t", "1", out)
			b, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, b)
			}
			probe, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=codec_name,nb_read_frames", "-of", "csv=p=0", out).Output()
			if err != nil {
				t.Fatal(err)
			}
			if got := string(probe); !strings.Contains(got, "h264,30") || !strings.Contains(got, "aac,") {
				t.Errorf("ffprobe reads %q, want 30 H.264 frames and AAC", got)
			}
		})
	}
}

func TestPrepareSaysWhatFailed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a-file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := lecture.Prepare(t.Context(), file, lecture.Options{}); err == nil || !strings.Contains(err.Error(), "prepare lecture") {
		t.Errorf("err = %v, want prepare lecture: …", err)
	}
}
