package configs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/configs"
	"github.com/lectern/lectern/configs/internal/reference"
)

// The generated files must be what the comments say now.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	for name, render := range map[string]func(string) ([]byte, error){
		"REFERENCE.md": reference.Render,
		"lectern.yaml": reference.RenderYAML,
	} {
		want, err := render("..")
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("configs/%s is out of date: run go generate ./configs", name)
		}
	}
}

func TestSampleFileIsTheDefault(t *testing.T) {
	cfg, err := configs.Load("lectern.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := configs.Default(); !reflect.DeepEqual(cfg, want) {
		t.Errorf("lectern.yaml decodes to\n%+v\nwant the default\n%+v", cfg, want)
	}
}

// Tools and the README rely on these keys and variables.
func TestKeysThatToolsRelyOn(t *testing.T) {
	cfg, err := configs.Load("", []string{
		"LECTERN_LISTEN_RTMP=127.0.0.1:0", "LECTERN_LISTEN_RTMPS=127.0.0.1:1", "LECTERN_LISTEN_RTSP=127.0.0.1:2",
		"LECTERN_LISTEN_HTTP=127.0.0.1:3", "LECTERN_LISTEN_HTTPS=127.0.0.1:4", "LECTERN_LISTEN_ADMIN=127.0.0.1:5",
		"LECTERN_DATA=./elsewhere", "LECTERN_API_TOKEN=sixteen-characters", "LECTERN_TRANSCODE_LADDER=source, audio",
		"LECTERN_HLS_SEGMENT_DURATION=2s", "LECTERN_HLS_PART_DURATION=250ms", "LECTERN_CLASS_RECONNECT_GRACE=90s",
		"LECTERN_SERVICE_HOST=10.0.0.1", "LECTERN_PORT_8080_TCP=x", // set by Kubernetes for a service named lectern
		"HOME=/root",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := configs.Default()
	want.Listen = configs.Listen{
		RTMP: "127.0.0.1:0", RTMPS: "127.0.0.1:1", RTSP: "127.0.0.1:2",
		HTTP: "127.0.0.1:3", HTTPS: "127.0.0.1:4", Admin: "127.0.0.1:5",
	}
	want.Data, want.API.Token = "./elsewhere", "sixteen-characters"
	want.HLS.SegmentDuration, want.HLS.PartDuration = 2*time.Second, 250*time.Millisecond
	want.Class.ReconnectGrace = 90 * time.Second
	want.Transcode.Ladder = []string{"source", "audio"}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got\n%+v\nwant\n%+v", cfg, want)
	}
}

// Every *.bad.yaml is refused with the complaints in its leading comments, all
// of them at once.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad files: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range strings.Lines(string(b)) {
				if w, ok := strings.CutPrefix(line, "# want: "); ok {
					want = append(want, strings.TrimSpace(w))
				}
			}
			if len(want) == 0 {
				t.Fatal("the file states no complaint")
			}
			_, err = configs.Load(name, nil)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, w := range want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error is\n%v\nwithout %q", err, w)
				}
			}
		})
	}
}

func TestBadEnvironment(t *testing.T) {
	_, err := configs.Load("", []string{
		"LECTERN_LISTEN_RTPM=:1935", "LECTERN_SHUTDOWN_TIMEOUT=soon", "LECTERN_LOG_LEVEL=loud", "LECTERN_TRANSCODE_MAX_CORE_SHARE=most", "LECTERN_TRANSCODE_RUNGS=720p",
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"LECTERN_LISTEN_RTPM: no such setting", `LECTERN_SHUTDOWN_TIMEOUT: "soon"`, `LECTERN_TRANSCODE_MAX_CORE_SHARE: "most" is not a number`, "LECTERN_TRANSCODE_RUNGS: a transcode.Rungs cannot be set from the environment"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error is\n%v\nwithout %q", err, want)
		}
	}
}

func TestMissingFile(t *testing.T) {
	_, err := configs.Load(filepath.Join(t.TempDir(), "none.yaml"), nil)
	if err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("err = %v, want the file's name", err)
	}
}

func TestSecretStaysHidden(t *testing.T) {
	cfg := configs.Default()
	cfg.API.Token = "do-not-print-this-token"
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if got := fmt.Sprintf(format, cfg.API); strings.Contains(got, "do-not-print") {
			t.Errorf("%s prints %s", format, got)
		}
	}
	if b, err := cfg.API.Token.MarshalText(); err != nil || strings.Contains(string(b), "do-not-print") {
		t.Errorf("MarshalText = %s, %v", b, err)
	}
}

// A configuration file is input too: no bytes may panic the decoder.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range append(slices.Clone(files), "lectern.yaml") {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		cfg := configs.Default()
		if err := configs.Decode(b, &cfg); err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		_ = cfg.Validate() // must not panic; either answer is right
	})
}
