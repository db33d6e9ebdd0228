package transcode

import (
	"time"
)

// The choices of Config.Encoder.
const (
	EncoderAuto  = "auto"
	EncoderX264  = "libx264"
	EncoderNVENC = "h264_nvenc"
	EncoderNone  = "none"
)

// Config is the `transcode` section of the configuration file.
type Config struct {
	// Ladder lists the renditions a class offers, best first. "source" is the
	// publisher's own video and "audio" the publisher's own audio: passed through
	// where every browser plays them, encoded anew where not. "720p", or any even
	// height from 144p to 1080p, is encoded to fit a 16:9 box of that height
	// (portrait: that width) and left out where the source is not larger.
	// "audio-only" is sound at 64 kbit/s for bad links. Every name more costs
	// processor time and disk; leave a name out to withhold it from viewers. With
	// source and audio alone nothing is encoded. Default [source, 720p, 480p,
	// 360p, audio, audio-only], at most 16 names.
	Ladder []string `yaml:"ladder"`

	// Rungs overrides the settings of encoded video renditions, by name:
	// {720p: {crf: 21, max_rate: 3000000, max_frame_rate: 30}}. "source" stands for
	// the source where it has to be encoded. crf is x264's quality, 10 to 40:
	// lower looks better and takes more bits. max_rate caps it, in bits per
	// second, 50000 to 50000000; viewers need that much bandwidth.
	// max_frame_rate is pictures per second, 1 to 60; processor time grows with
	// it. 0 or left out keeps the default: crf and max_rate by height (360p 24 and
	// 600000, 480p 23 and 1000000, 720p 22 and 2500000, 1080p 21 and 4500000, in
	// between interpolated), 30 pictures per second, 60 for the source. It cannot
	// be set from the environment. Default {}.
	Rungs Rungs `yaml:"rungs"`

	// Encoder makes the encoded video: "libx264" on the processor, "h264_nvenc"
	// on an NVIDIA card, which falls back to libx264 if it does not open, "auto"
	// for the best that opens, or "none" to encode nothing, so that only source
	// and audio are offered and what browsers cannot play is refused. Default
	// "auto".
	Encoder string `yaml:"encoder"`

	// Grid is the distance of keyframes in classes whose video cannot be passed
	// through. hls.segment_duration should be a multiple of it. Lower it for
	// quicker starts and switches, raise it for fewer bits. Default 2s, range 1s
	// to 5s.
	Grid time.Duration `yaml:"grid"`

	// MaxCoreShare is the share of the processor cores that all classes' ladders
	// may take by estimate: a class that begins beyond it starts with fewer
	// renditions. Raise it to admit more at the risk of shedding later, lower it
	// to leave room for other programs. Default 0.75, range 0.1 to 1.
	MaxCoreShare float64 `yaml:"max_core_share"`

	// Calibrate measures at start-up, within seconds, how fast this machine
	// encodes; without it the estimates assume a middling one. Default true.
	Calibrate bool `yaml:"calibrate"`

	// Loudness measures the publisher's sound, for the instructor's page. It
	// costs a hundredth of a core a class. Default true.
	Loudness bool `yaml:"loudness"`

	Thumbnails ThumbnailConfig `yaml:"thumbnails"`
	Governor   GovernorConfig  `yaml:"governor"`
}

// RungConfig overrides the settings of one encoded video rendition; what is 0
// keeps its default.
type RungConfig struct {
	// CRF is x264's quality, 10 to 40; lower is better and takes more bits.
	CRF float64 `yaml:"crf"`

	// MaxRate caps the rendition, in bits per second, 50000 to 50000000.
	MaxRate int `yaml:"max_rate"`

	// MaxFrameRate is the most pictures per second, 1 to 60.
	MaxFrameRate float64 `yaml:"max_frame_rate"`
}

// ThumbnailConfig says which pictures of a class are kept as JPEG files.
type ThumbnailConfig struct {
	// Interval is the distance of thumbnails, which the class list and the seek
	// bar show. Lower it for finer seeking, raise it for fewer files. Default 10s,
	// range 1s to 10m, 0s for none.
	Interval time.Duration `yaml:"interval"`

	// Width is that of a thumbnail, in pixels; its height follows. Files grow with
	// it. Default 320, range 64 to 1280.
	Width int `yaml:"width"`
}

// GovernorConfig says when renditions are shed because the machine cannot keep
// up, and when they come back. Classes with the fewest viewers are cut first.
type GovernorConfig struct {
	// Enabled turns it on. Without it a ladder that is too much for the machine
	// falls behind and loses pictures at random. Default true.
	Enabled bool `yaml:"enabled"`

	// ShedLag is how far a class's encoding may fall behind. Lower it to shed
	// earlier, raise it to bear short peaks. Default 500ms, range 100ms to 10s.
	ShedLag time.Duration `yaml:"shed_lag"`

	// ShedLagAfter is how long a class must be behind before it is cut back by
	// one level. Default 2s, range 500ms to 1m.
	ShedLagAfter time.Duration `yaml:"shed_lag_after"`

	// ShedCPU is the busy share of the machine's processors above which a class
	// is cut back. Default 0.85, range 0.1 to 1; 1 looks at lag alone.
	ShedCPU float64 `yaml:"shed_cpu"`

	// ShedCPUAfter is how long the processors must be that busy. Default 5s, range
	// 1s to 1m.
	ShedCPUAfter time.Duration `yaml:"shed_cpu_after"`

	// RecoverLag is the lag below which a class may get a level back. Default
	// 100ms, range 10ms up to shed_lag.
	RecoverLag time.Duration `yaml:"recover_lag"`

	// RecoverCPU is the busy share of the processors below which a class may get
	// a level back. Default 0.65, below shed_cpu, at least 0.05.
	RecoverCPU float64 `yaml:"recover_cpu"`

	// RecoverAfter is how long both must be that low. A level that has to be
	// taken away again within this time is tried again after twice as long, up
	// to 10 minutes. Raise it for fewer changes of quality. Default 1m, range 5s to
	// 10m.
	RecoverAfter time.Duration `yaml:"recover_after"`

	// Settle is how long the effect of a change is waited for before the next.
	// Default 5s, range 1s to 1m.
	Settle time.Duration `yaml:"settle"`
}

// DefaultConfig returns the configuration in force when nothing is set.
func DefaultConfig() Config {
	return Config{
		Ladder:       []string{RenditionSource, "720p", "480p", "360p", RenditionAudio, RenditionAudioOnly},
		Rungs:        Rungs{},
		Encoder:      EncoderAuto,
		Grid:         2 * time.Second,
		MaxCoreShare: 0.75,
		Calibrate:    true,
		Loudness:     true,
		Thumbnails:   ThumbnailConfig{Interval: 10 * time.Second, Width: 320},
		Governor: GovernorConfig{
			Enabled:      true,
			ShedLag:      500 * time.Millisecond,
			ShedLagAfter: 2 * time.Second,
			ShedCPU:      0.85,
			ShedCPUAfter: 5 * time.Second,
			RecoverLag:   100 * time.Millisecond,
			RecoverCPU:   0.65,
			RecoverAfter: time.Minute,
			Settle:       5 * time.Second,
		},
	}
}
