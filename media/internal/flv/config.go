package flv

import "time"

// Config bounds how long and how much a Demuxer waits. It is no part of the
// configuration file: package rtmp passes what it needs. Fields that are zero or
// negative take their default.
type Config struct {
	// AnalysisWindow is how long, in media time from the first frame, the second
	// kind of track is waited for before the tracks are announced. Lower it for a
	// faster start of streams with one track; raise it for encoders that start
	// their camera slowly. A track that comes later costs a discontinuity.
	// Default 2s.
	AnalysisWindow time.Duration

	// AnalysisBytes bounds the samples held during the analysis window, overhead
	// included. When it is reached the window ends early; nothing is lost.
	// Default 8 MiB.
	AnalysisBytes int

	// HeaderTimeout is how long, in media time, frames are dropped for want of
	// decoder settings before the publication is refused. Default 5s.
	HeaderTimeout time.Duration

	// KeyframeTimeout is how long, in media time, pictures are dropped for want
	// of a keyframe before the publication is refused. Default 10s.
	KeyframeTimeout time.Duration

	// DamagedLimit damaged pictures within DamagedWindow of media time end the
	// publication with ErrDamaged. Default 20 in 10s.
	DamagedLimit  int
	DamagedWindow time.Duration
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{
		AnalysisWindow:  2 * time.Second,
		AnalysisBytes:   8 << 20,
		HeaderTimeout:   5 * time.Second,
		KeyframeTimeout: 10 * time.Second,
		DamagedLimit:    20,
		DamagedWindow:   10 * time.Second,
	}
}

func (c Config) withDefaults() Config {
	d := DefaultConfig()
	if c.AnalysisWindow > 0 {
		d.AnalysisWindow = c.AnalysisWindow
	}
	if c.AnalysisBytes > 0 {
		d.AnalysisBytes = c.AnalysisBytes
	}
	if c.HeaderTimeout > 0 {
		d.HeaderTimeout = c.HeaderTimeout
	}
	if c.KeyframeTimeout > 0 {
		d.KeyframeTimeout = c.KeyframeTimeout
	}
	if c.DamagedLimit > 0 {
		d.DamagedLimit = c.DamagedLimit
	}
	if c.DamagedWindow > 0 {
		d.DamagedWindow = c.DamagedWindow
	}
	return d
}
