package hls

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Config is the `hls` section of the configuration file. The values a class has
// started with are constants of that class (RFC 8216bis §6.2.1): keep them with
// the class and give the same ones to every Packager of it.
type Config struct {
	// SegmentDuration is the length a Media Segment aims at; rounded to whole
	// seconds it is EXT-X-TARGETDURATION. Segments start at keyframes, so they
	// can be shorter. Lower it for a quicker start and finer seeking, raise it
	// for fewer requests and files. Default 4s, range 1s to 10s.
	SegmentDuration time.Duration `yaml:"segment_duration"`

	// PartDuration is the Part Target Duration of Low-Latency HLS (RFC 8216bis
	// §4.4.3.7). Players stay three of them behind the live edge. Lower it for
	// less delay, raise it for fewer requests and fewer stalls on bad networks.
	// Default 500ms, range 200ms to 2s in whole milliseconds, at most half of
	// segment_duration.
	PartDuration time.Duration `yaml:"part_duration"`

	// Window is how much media the live playlist lists, so how far viewers can
	// go back. Raise it for more; each minute adds about 1.5 kB to every
	// playlist. Default 60s, at least six target durations, at most 12h.
	Window time.Duration `yaml:"window"`

	// DVRWindow is how far back viewers can go in a live class, by way of a list of
	// its own: the live list stays short. 24h is the whole lesson, 0s is none; a
	// class can have its own. Raise it for longer lessons; each hour costs about
	// 1 MB of memory a class. Default 2h, 0s or from hls.window to 24h.
	DVRWindow time.Duration `yaml:"dvr_window"`

	// Pathway is the PATHWAY-ID of every variant where several CDNs deliver
	// (RFC 8216bis §4.4.6.6); empty without. The origin's configuration decides.
	Pathway string `yaml:"-"`

	// AudioLanguage is the LANGUAGE of the audio rendition, a BCP 47 tag. Players
	// show it in menus. Default "und" (undetermined).
	AudioLanguage string `yaml:"audio_language"`
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{
		SegmentDuration: 4 * time.Second,
		PartDuration:    500 * time.Millisecond,
		Window:          time.Minute,
		DVRWindow:       2 * time.Hour,
		AudioLanguage:   "und",
	}
}

// Validate reports every broken constraint, each under its configuration key.
func (c Config) Validate() error {
	var errs []error
	if c.SegmentDuration < time.Second || c.SegmentDuration > 10*time.Second {
		errs = append(errs, fmt.Errorf("hls.segment_duration: %s is outside 1s to 10s", c.SegmentDuration))
	}
	if c.PartDuration < 200*time.Millisecond || c.PartDuration > 2*time.Second {
		errs = append(errs, fmt.Errorf("hls.part_duration: %s is outside 200ms to 2s", c.PartDuration))
	}
	if c.PartDuration%time.Millisecond != 0 {
		errs = append(errs, fmt.Errorf("hls.part_duration: %s is not a whole number of milliseconds", c.PartDuration))
	}
	if c.PartDuration > c.SegmentDuration/2 {
		errs = append(errs, fmt.Errorf("hls.part_duration: %s exceeds half of segment_duration %s", c.PartDuration, c.SegmentDuration))
	}
	if least := 6 * max(c.targetDuration(), time.Second); c.Window < least || c.Window > 12*time.Hour {
		errs = append(errs, fmt.Errorf("hls.window: %s is outside %s (six target durations) to 12h", c.Window, least))
	}
	if c.DVRWindow != 0 && (c.DVRWindow < c.Window || c.DVRWindow > 24*time.Hour) {
		errs = append(errs, fmt.Errorf("hls.dvr_window: %s is neither 0s nor from %s (hls.window) to 24h", c.DVRWindow, c.Window))
	}
	if !regexp.MustCompile(`^[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*$`).MatchString(c.AudioLanguage) {
		errs = append(errs, fmt.Errorf("hls.audio_language: %q is not a BCP 47 tag such as en or pt-BR", c.AudioLanguage))
	}
	return errors.Join(errs...)
}

// targetDuration is the value of EXT-X-TARGETDURATION.
func (c Config) targetDuration() time.Duration { return c.SegmentDuration.Round(time.Second) }

// longest is the longest EXTINF that still rounds to the target duration
// (RFC 8216bis §4.4.3.1) and exceeds it by less than 0.5 s.
func (c Config) longest() time.Duration { return c.targetDuration() + 499*time.Millisecond }
