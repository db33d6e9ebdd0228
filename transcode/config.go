package transcode

import (
	"errors"
	"fmt"
	"slices"
)

// Config is the `transcode` section of the configuration file.
type Config struct {
	// Ladder lists the renditions a class offers, best first. "source" is the
	// publisher's own video and "audio" the publisher's own audio; both cost no
	// encoding. Encoded renditions are not available in this version. Leave a
	// name out to withhold it from viewers. Default [source, audio].
	Ladder []string `yaml:"ladder"`
}

// DefaultConfig returns the configuration in force when nothing is set.
func DefaultConfig() Config {
	return Config{Ladder: []string{RenditionSource, RenditionAudio}}
}

// Validate reports every broken constraint, each under its key.
func (c Config) Validate() error {
	var errs []error
	if len(c.Ladder) == 0 {
		errs = append(errs, errors.New("transcode.ladder: must name at least one rendition"))
	}
	seen := map[string]bool{}
	for _, name := range c.Ladder {
		if !slices.Contains([]string{RenditionSource, RenditionAudio}, name) {
			errs = append(errs, fmt.Errorf("transcode.ladder: unknown rendition %q; this version offers %s and %s", name, RenditionSource, RenditionAudio))
		}
		if seen[name] {
			errs = append(errs, fmt.Errorf("transcode.ladder: rendition %q is listed twice", name))
		}
		seen[name] = true
	}
	return errors.Join(errs...)
}
