package ffmpeg

import (
	"errors"
	"fmt"
)

// Config is the `transcode.ffmpeg` section of the configuration file.
type Config struct {
	// DecoderThreads is how many threads decode one publisher's pictures. More
	// help a source that one core cannot decode in time, such as 4K HEVC, and cost
	// a picture of delay and some memory each. Default 1, range 1 to 4.
	DecoderThreads int `yaml:"decoder_threads"`

	// EncoderThreads is how many threads encode one rung. Rungs are encoded beside
	// each other anyway, so more help only a class with one heavy rung; each adds
	// delay, memory and a few percent of work. Default 1, range 1 to 8.
	EncoderThreads int `yaml:"encoder_threads"`
}

// DefaultConfig returns the configuration in force when nothing is set.
func DefaultConfig() Config {
	return Config{DecoderThreads: 1, EncoderThreads: 1}
}

// Validate reports every broken constraint, each under its key.
func (c Config) Validate() error {
	var errs []error
	if c.DecoderThreads < 1 || c.DecoderThreads > 4 {
		errs = append(errs, fmt.Errorf("transcode.ffmpeg.decoder_threads: %d is outside 1 to 4", c.DecoderThreads))
	}
	if c.EncoderThreads < 1 || c.EncoderThreads > 8 {
		errs = append(errs, fmt.Errorf("transcode.ffmpeg.encoder_threads: %d is outside 1 to 8", c.EncoderThreads))
	}
	return errors.Join(errs...)
}
