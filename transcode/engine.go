package transcode

import (
	"time"

	"github.com/lectern/lectern/media"
)

// Spec is all that an Engine needs to know of one run: what comes in and what to
// make of it. It crosses the pipe to the worker process as JSON.
type Spec struct {
	// Tracks are the publisher's, at most one video and one audio.
	Tracks []media.Track

	// Start is where encoding begins, on the class's clock: what is presented
	// earlier is decoded only because later pictures refer to it.
	Start time.Duration

	// Grid is the distance of keyframes on the class's clock: at each multiple of
	// it every video rung has an IDR picture with exactly that presentation time.
	// If it is 0, the rungs have theirs exactly where the publisher has.
	Grid time.Duration

	Video []VideoRung // best first
	Audio []AudioRung

	// Encoder is the video encoder: "libx264" or "h264_nvenc".
	Encoder string

	// Thumbnail is the distance of thumbnails, 0 for none; ThumbnailWidth is
	// their width in pixels.
	Thumbnail      time.Duration
	ThumbnailWidth int

	// Loudness asks for measurements of the publisher's sound.
	Loudness bool

	// Patient makes Write wait for slow rungs instead of skipping pictures: for
	// work that is not live.
	Patient bool
}

// VideoRung is one encoded video rendition.
type VideoRung struct {
	Track     media.TrackID
	Rendition string

	// Width and Height are even; pixels are square.
	Width, Height int

	// MaxFrameRate is the most pictures a second; a faster source is thinned out.
	MaxFrameRate float64

	// CRF is x264's quality, 0 to 51; MaxRate caps it, in bits a second, over a
	// buffer of Buffer bits.
	CRF             float64
	MaxRate, Buffer int

	// Level is level_idc, such as 31.
	Level int
}

// AudioRung is one encoded audio rendition: AAC-LC at 48 kHz.
type AudioRung struct {
	Track     media.TrackID
	Rendition string
	Channels  int // 1 or 2
	BitRate   int // bits a second
}

// Effort is how much work goes into the rungs at present. The zero value is full
// effort.
type Effort struct {
	// Fast encodes with preset superfast instead of veryfast.
	Fast bool

	// MaxFrameRate, if not 0, limits every rung further.
	MaxFrameRate float64

	// Off are the video rungs that are not made.
	Off []media.TrackID
}

// Engine decodes and encodes. An Engine may be used from any goroutine.
type Engine interface {
	// Open starts a run. It returns an error that wraps ErrSpec for a spec that
	// can never work here, such as a codec without a decoder.
	Open(spec Spec, out Output) (Encoding, error)
}

// Encoding is one run of an Engine. All methods but Stats belong to one
// goroutine.
type Encoding interface {
	// Tracks describes the encoded tracks, with their parameter sets.
	Tracks() []media.Track

	// Write decodes the next access unit of the publisher and hands its pictures
	// to the rungs; received is when the server got it. A broken access unit
	// is counted, not returned; an error ends the run.
	Write(au *media.AccessUnit, received time.Time) error

	// SetEffort takes effect with the next keyframe.
	SetEffort(Effort)

	// Drain encodes what is buffered and returns when all of it is out. Nothing
	// can be written afterwards.
	Drain() error

	// Close frees everything, be the run drained or not. It must be called once.
	Close()

	// Stats may be called from any goroutine at any time before Close.
	Stats() Stats
}

// Output takes what an Encoding makes. Its methods are called from the
// encoding's goroutines, one at a time for each track, and do not block long.
type Output interface {
	// AccessUnit gives the next access unit of an encoded track, in decoding order.
	// CapturedAt is not set.
	AccessUnit(au *media.AccessUnit)

	// Stopped tells that a rung was shed: it has nothing from at on, in ticks,
	// until a later access unit of it comes.
	Stopped(track media.TrackID, at int64)

	Thumbnail(Thumbnail)
	Loudness(Loudness)
}

// Thumbnail is one picture of the source.
type Thumbnail struct {
	PTS           time.Duration // on the class's clock
	Width, Height int
	JPEG          []byte
}

// Loudness is a measurement of the publisher's sound over the time before PTS.
type Loudness struct {
	PTS      time.Duration // end of the measured time, on the class's clock
	Duration time.Duration // that was measured

	// ShortTerm is the short-term loudness in LUFS (ITU-R BS.1770-4, EBU Tech
	// 3341: 3 s); -70 and below is silence.
	ShortTerm float64

	// Peak is the highest sample, in dBFS, and Clipped how many samples stood at
	// full scale.
	Peak    float64
	Clipped int
}

// Stats are counters and gauges of an Encoding.
type Stats struct {
	Decoded      int // pictures
	DecodeErrors int // access units that a decoder could not use
	Rungs        []RungStats
}

// RungStats are those of one video rung.
type RungStats struct {
	Track media.TrackID

	// Lag is how long after it was received the latest picture had been encoded.
	Lag time.Duration

	Queued  int           // pictures that wait
	Encoded int           // pictures, since the start
	Dropped int           // pictures that were skipped for want of time
	Busy    time.Duration // time spent encoding, since the start

	// KeyframeError is the largest distance of an IDR picture from where it was
	// to be.
	KeyframeError time.Duration
}
