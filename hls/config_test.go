package hls_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/hls"
)

func TestConfigValidate(t *testing.T) {
	if err := hls.DefaultConfig().Validate(); err != nil {
		t.Errorf("default: %v", err)
	}
	for _, tc := range []struct {
		name string
		edit func(*hls.Config)
		want []string
	}{
		{"everything", func(c *hls.Config) { *c = hls.Config{} }, []string{
			"hls.segment_duration: ", "hls.part_duration: ", "hls.window: ", "hls.audio_language: ",
		}},
		{"long segment", func(c *hls.Config) { c.SegmentDuration = 11 * time.Second }, []string{"hls.segment_duration: 11s", "hls.window: "}},
		{"part of a fraction", func(c *hls.Config) { c.PartDuration = 333333 * time.Microsecond }, []string{"hls.part_duration: 333.333ms is not"}},
		{"part above half", func(c *hls.Config) { c.SegmentDuration, c.PartDuration = time.Second, 600*time.Millisecond }, []string{"exceeds half"}},
		{"short window", func(c *hls.Config) { c.Window = 23 * time.Second }, []string{"hls.window: 23s is outside 24s"}},
		{"language", func(c *hls.Config) { c.AudioLanguage = "en\"\n" }, []string{"hls.audio_language: "}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := hls.DefaultConfig()
			tc.edit(&c)
			err := c.Validate()
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
		})
	}
}

func TestMetricsLint(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	hls.NewMetrics(reg)
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}
