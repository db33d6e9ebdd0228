package transcode

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Rungs are overrides by the rendition's name.
type Rungs map[string]RungConfig

// String returns the overrides as one line of YAML.
func (r Rungs) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, name := range slices.Sorted(maps.Keys(r)) {
		if i > 0 {
			b.WriteString(", ")
		}
		c := r[name]
		fmt.Fprintf(&b, "%s: {crf: %v, max_rate: %d, max_frame_rate: %v}", name, c.CRF, c.MaxRate, c.MaxFrameRate)
	}
	b.WriteByte('}')
	return b.String()
}

// Validate reports every broken constraint, each under its key.
func (c Config) Validate() error {
	errs := []error{validateLadder(c.Ladder)}
	for _, name := range slices.Sorted(maps.Keys(c.Rungs)) {
		errs = append(errs, validateRung(name, c.Rungs[name]))
	}
	if !slices.Contains([]string{EncoderAuto, EncoderX264, EncoderNVENC, EncoderNone}, c.Encoder) {
		errs = append(errs, fmt.Errorf("transcode.encoder: %q is none of %s, %s, %s, %s", c.Encoder, EncoderAuto, EncoderX264, EncoderNVENC, EncoderNone))
	}
	if c.Grid < time.Second || c.Grid > 5*time.Second {
		errs = append(errs, fmt.Errorf("transcode.grid: %s is outside 1s to 5s", c.Grid))
	} else if c.Grid%time.Millisecond != 0 {
		errs = append(errs, fmt.Errorf("transcode.grid: %s is not in whole milliseconds", c.Grid))
	}
	if !(c.MaxCoreShare >= 0.1 && c.MaxCoreShare <= 1) {
		errs = append(errs, fmt.Errorf("transcode.max_core_share: %v is outside 0.1 to 1", c.MaxCoreShare))
	}
	return errors.Join(append(errs, c.Thumbnails.validate(), c.Governor.validate())...)
}

func validateLadder(names []string) error {
	var errs []error
	if len(names) == 0 {
		errs = append(errs, errors.New("transcode.ladder: must name at least one rendition"))
	}
	if len(names) > maxRenditions {
		errs = append(errs, fmt.Errorf("transcode.ladder: names %d renditions, more than %d", len(names), maxRenditions))
	}
	seen := map[string]bool{}
	for _, name := range names {
		_, rung := rungHeight(name)
		if !rung && !slices.Contains([]string{RenditionSource, RenditionAudio, RenditionAudioOnly}, name) {
			errs = append(errs, fmt.Errorf("transcode.ladder: unknown rendition %q; there are %s, %s, %s and even heights from %dp to %dp",
				name, RenditionSource, RenditionAudio, RenditionAudioOnly, minRungHeight, maxRungHeight))
		}
		if seen[name] {
			errs = append(errs, fmt.Errorf("transcode.ladder: rendition %q is listed twice", name))
		}
		seen[name] = true
	}
	return errors.Join(errs...)
}

func validateRung(name string, r RungConfig) error {
	var errs []error
	key := "transcode.rungs." + name
	if _, ok := rungHeight(name); !ok && name != RenditionSource {
		errs = append(errs, fmt.Errorf("%s: is no video rendition; there are %s and even heights from %dp to %dp", key, RenditionSource, minRungHeight, maxRungHeight))
	}
	if r.CRF != 0 && !(r.CRF >= 10 && r.CRF <= 40) {
		errs = append(errs, fmt.Errorf("%s.crf: %v is outside 10 to 40, and not 0", key, r.CRF))
	}
	if r.MaxRate != 0 && (r.MaxRate < 50_000 || r.MaxRate > 50_000_000) {
		errs = append(errs, fmt.Errorf("%s.max_rate: %d is outside 50000 to 50000000, and not 0", key, r.MaxRate))
	}
	if r.MaxFrameRate != 0 && !(r.MaxFrameRate >= 1 && r.MaxFrameRate <= 60) {
		errs = append(errs, fmt.Errorf("%s.max_frame_rate: %v is outside 1 to 60, and not 0", key, r.MaxFrameRate))
	}
	return errors.Join(errs...)
}

func (c ThumbnailConfig) validate() error {
	var errs []error
	if c.Interval != 0 && (c.Interval < time.Second || c.Interval > 10*time.Minute) {
		errs = append(errs, fmt.Errorf("transcode.thumbnails.interval: %s is outside 1s to 10m, and not 0s", c.Interval))
	}
	if c.Width < 64 || c.Width > 1280 {
		errs = append(errs, fmt.Errorf("transcode.thumbnails.width: %d is outside 64 to 1280", c.Width))
	}
	return errors.Join(errs...)
}

func (c GovernorConfig) validate() error {
	var errs []error
	within := func(key string, d, least, most time.Duration) {
		if d < least || d > most {
			errs = append(errs, fmt.Errorf("transcode.governor.%s: %s is outside %s to %s", key, d, least, most))
		}
	}
	within("shed_lag", c.ShedLag, 100*time.Millisecond, 10*time.Second)
	within("shed_lag_after", c.ShedLagAfter, 500*time.Millisecond, time.Minute)
	within("shed_cpu_after", c.ShedCPUAfter, time.Second, time.Minute)
	within("recover_lag", c.RecoverLag, 10*time.Millisecond, max(c.ShedLag, 10*time.Millisecond))
	within("recover_after", c.RecoverAfter, 5*time.Second, maxRecoverAfter)
	within("settle", c.Settle, time.Second, time.Minute)
	if !(c.ShedCPU >= 0.1 && c.ShedCPU <= 1) {
		errs = append(errs, fmt.Errorf("transcode.governor.shed_cpu: %v is outside 0.1 to 1", c.ShedCPU))
	}
	if !(c.RecoverCPU >= 0.05 && c.RecoverCPU < c.ShedCPU) {
		errs = append(errs, fmt.Errorf("transcode.governor.recover_cpu: %v is not at least 0.05 and below shed_cpu %v", c.RecoverCPU, c.ShedCPU))
	}
	return errors.Join(errs...)
}
