package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/transcode"
)

// What was measured is kept: the next start does not measure again.
func TestMachineIsMeasuredOnce(t *testing.T) {
	dir := t.TempDir()
	runs := filepath.Join(dir, "runs")
	script := `echo run >>` + runs + `; echo '{"encoders":["libx264","h264_nvenc"],"calibration":{"decode":1,"scale":1,"picture":1,"encode":1,"fast":0.5,"audio":1}}'`
	begin := func(script string) *machine {
		governor, err := transcode.NewGovernor(transcode.DefaultConfig(), transcode.GovernorDeps{
			Cores: 2, Calibration: transcode.DefaultCalibration(), Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
		})
		if err != nil {
			t.Fatal(err)
		}
		m := newMachine(dir, []string{"/bin/sh", "-c", script, "sh"}, true, governor, slog.New(slog.DiscardHandler))
		if got := m.encoder(transcode.EncoderAuto); got != transcode.EncoderX264 {
			t.Errorf("before it is measured auto is %s", got)
		}
		m.run(t.Context())
		return m
	}
	for range 2 {
		if got := begin(script).encoder(transcode.EncoderAuto); got != transcode.EncoderNVENC {
			t.Errorf("auto is %s, want what was measured", got)
		}
	}
	if b, err := os.ReadFile(runs); err != nil || string(b) != "run\n" {
		t.Errorf("measured %q, %v, want once", b, err)
	}
	// A file of another processor, or a damaged one, is measured anew; a measurement
	// that fails leaves the default.
	for _, content := range []string{`{"cpu":"another"}`, "{"} {
		if err := os.WriteFile(filepath.Join(dir, machineFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := begin("exit 1").encoder(transcode.EncoderAuto); got != transcode.EncoderX264 {
			t.Errorf("auto is %s after a failed measurement", got)
		}
	}
	if got := begin(script).encoder(transcode.EncoderAuto); got != transcode.EncoderNVENC {
		t.Errorf("auto is %s after a damaged file", got)
	}
}
