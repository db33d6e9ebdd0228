package worker_test

import (
	"strings"
	"testing"

	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker"
)

// shell is a worker command of which the last argument becomes $1.
func shell(script string) []string { return []string{"/bin/sh", "-c", script, "sh"} }

func TestProbe(t *testing.T) {
	const good = `{"encoders":["libx264","h264_nvenc"],"calibration":{"decode":1,"scale":1,"picture":1,"encode":1,"fast":0.5,"audio":1}}`
	m, err := worker.Probe(t.Context(), shell(`test "$1" = -probe && echo '`+good+`'`), nil)
	if err != nil {
		t.Fatal(err)
	}
	for configured, want := range map[string]string{
		transcode.EncoderAuto: transcode.EncoderNVENC, transcode.EncoderX264: transcode.EncoderX264, transcode.EncoderNone: transcode.EncoderNone,
	} {
		if got := m.Resolve(configured); got != want {
			t.Errorf("%s is %s, want %s", configured, got, want)
		}
	}
	for _, tc := range []struct{ name, script, complaint string }{
		{"fails", "echo no driver >&2; exit 3", "no driver"},
		{"says nothing", "true", "unexpected end"},
		{"no encoder", `echo '{"encoders":[]}'`, "no video encoder"},
		{"no figures", `echo '{"encoders":["libx264"]}'`, "not a positive number"},
		{"never stops talking", "yes", "invalid character"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			script := tc.script
			if script == "yes" {
				script = "yes | head -c 1000000"
			}
			if _, err := worker.Probe(t.Context(), shell(script), nil); err == nil || !strings.Contains(err.Error(), tc.complaint) {
				t.Errorf("err = %v, want %q in it", err, tc.complaint)
			}
		})
	}
	if _, err := worker.Probe(t.Context(), nil, nil); err == nil {
		t.Error("a probe without a command")
	}
	if got := (worker.Machine{Encoders: []string{transcode.EncoderX264}}).Resolve(transcode.EncoderAuto); got != transcode.EncoderX264 {
		t.Errorf("auto is %s without a card", got)
	}
}
