//go:build e2e

package main_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// The doctor measures with the real encoders what the machine can carry.
func TestDoctor(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"doctor"}, {"doctor", "-json"}} {
		out, err := exec.CommandContext(t.Context(), binary, args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"libx264", "1080p30", "slides"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("%v says nothing of %s:\n%s", args, want, out)
			}
		}
		if len(args) == 1 {
			t.Logf("%s", out)
			continue
		}
		var read struct {
			Calibration map[string]float64
			Capacity    []struct {
				Source  string
				Cores   float64
				Classes int
			}
		}
		if err := json.Unmarshal(out, &read); err != nil || len(read.Calibration) == 0 || len(read.Capacity) < 4 {
			t.Errorf("%v: %s", err, out)
		}
		for _, row := range read.Capacity {
			if row.Cores <= 0 {
				t.Errorf("%+v", row)
			}
		}
	}
}
