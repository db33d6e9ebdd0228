package health

import "time"

// Code identifies a kind of finding. Its String is stable: it is the `code` of
// the API, where clients may translate by it.
type Code uint8

// The codes; the package documentation has the table.
const (
	KeyframesFarApart Code = iota + 1
	KeyframesIrregular
	FrameRateLow
	FramesDropped
	FrameRateVaries
	FrameRateHigh
	PictureSmall
	PictureLarge
	PictureOdd
	BitRateHigh
	BitRateLow
	BitRateSwings
	BFramesMany
	Interlaced
	TenBit
	Chroma
	CodecTranscoded
	SoundMissing
	Silence
	TooQuiet
	Clipping
	Mono
	ClockDrift
	Gaps
	Stalls
	Lag

	numCodes
)

// firstOfSound and firstOfArrival divide the codes by what they judge: pictures,
// sound, the way here.
const (
	firstOfSound   = SoundMissing
	firstOfArrival = ClockDrift
)

// Codes returns all codes in the order of the table.
func Codes() []Code {
	out := make([]Code, 0, numCodes-1)
	for c := KeyframesFarApart; c < numCodes; c++ {
		out = append(out, c)
	}
	return out
}

// rule is what a code is and how long its condition must hold.
type rule struct {
	name         string
	severity     Severity
	raise, clear time.Duration
}

func (c Code) rule() rule {
	const s = time.Second
	switch c {
	case KeyframesFarApart:
		return rule{"keyframes_far_apart", Warning, 10 * s, 20 * s}
	case KeyframesIrregular:
		return rule{"keyframes_irregular", Info, 20 * s, 40 * s}
	case FrameRateLow:
		return rule{"frame_rate_low", Info, 20 * s, 30 * s}
	case FramesDropped:
		return rule{"frames_dropped", Problem, 10 * s, 30 * s}
	case FrameRateVaries:
		return rule{"frame_rate_varies", Info, 15 * s, 30 * s}
	case FrameRateHigh:
		return rule{"frame_rate_high", Info, 5 * s, 10 * s}
	case PictureSmall:
		return rule{"picture_small", Warning, 0, 0}
	case PictureLarge:
		return rule{"picture_large", Info, 0, 0}
	case PictureOdd:
		return rule{"picture_odd", Info, 0, 0}
	case BitRateHigh:
		return rule{"bitrate_high", Warning, 10 * s, 20 * s}
	case BitRateLow:
		return rule{"bitrate_low", Warning, 20 * s, 40 * s}
	case BitRateSwings:
		return rule{"bitrate_swings", Warning, 10 * s, 60 * s}
	case BFramesMany:
		return rule{"b_frames_many", Info, 5 * s, 30 * s}
	case Interlaced:
		return rule{"interlaced", Warning, 0, 0}
	case TenBit:
		return rule{"ten_bit", Info, 0, 0}
	case Chroma:
		return rule{"chroma", Info, 0, 0}
	case CodecTranscoded:
		return rule{"codec_transcoded", Info, 0, 0}
	default:
		return c.soundRule()
	}
}

func (c Code) soundRule() rule {
	const s = time.Second
	switch c {
	case SoundMissing:
		return rule{"sound_missing", Problem, 5 * s, 8 * s}
	case Silence:
		return rule{"silence", Problem, 10 * s, 15 * s}
	case TooQuiet:
		return rule{"too_quiet", Warning, 20 * s, 30 * s}
	case Clipping:
		return rule{"clipping", Warning, 5 * s, 30 * s}
	case Mono:
		return rule{"mono", Info, 0, 0}
	case ClockDrift:
		return rule{"clock_drift", Warning, 0, 60 * s} // judged once a minute
	case Gaps:
		return rule{"gaps", Problem, 0, 60 * s} // judged over a minute
	case Stalls:
		return rule{"stalls", Problem, 0, 60 * s}
	case Lag:
		return rule{"lag", Warning, 10 * s, 20 * s}
	default:
		return rule{name: "unknown"}
	}
}

// String returns the stable name, such as "keyframes_far_apart".
func (c Code) String() string { return c.rule().name }

// MarshalText returns the stable name.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Severity returns how much the finding matters.
func (c Code) Severity() Severity { return c.rule().severity }

// Severity says how much a finding matters.
type Severity uint8

// The severities.
const (
	Info    Severity = iota + 1 // good to know; nothing needs to be done
	Warning                     // some viewers are worse off
	Problem                     // every viewer notices
)

// String returns "info", "warning" or "problem".
func (s Severity) String() string {
	switch s {
	case Info:
		return "info"
	case Warning:
		return "warning"
	case Problem:
		return "problem"
	default:
		return "unknown"
	}
}

// MarshalText returns the word that String does.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
