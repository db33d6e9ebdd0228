package health

import (
	"fmt"
	"math"

	"github.com/lectern/lectern/media"
)

// advanced says where settings are that OBS hides at first.
const advanced = " (if you do not see it: Output Mode: Advanced, at the top)"

// sentence returns what to say and where to change it. It is written for someone
// who knows their subject and nothing of video: what the viewers get, not how a
// codec works.
func sentence(c Code, value, other float64) (text, setting string) {
	switch c {
	case KeyframesFarApart:
		text = fmt.Sprintf("Your keyframes (complete pictures) come only every %s s; viewers wait longer until they see you", short(value))
		if value > 4 { // the ladder's limit for passing pictures through
			text += ", and the server has to convert your stream"
		}
		return text + ".",
			"OBS: Settings > Output > Streaming > Keyframe Interval: 2 s" + advanced
	case KeyframesIrregular:
		return fmt.Sprintf("Your keyframes (complete pictures) come at uneven times, %s to %s s apart; a fixed distance plays more smoothly.", short(other), short(value)),
			"OBS: Settings > Output > Streaming > Keyframe Interval: 2 s, not 0" + advanced
	case FrameRateLow:
		return fmt.Sprintf("You send %s pictures a second: enough for slides, but movement looks jerky.", short(value)),
			"OBS: Settings > Video > Common FPS Values: 30"
	case FramesDropped:
		return fmt.Sprintf("Your computer cannot keep up: of %s pictures a second only %s arrive, so movement stutters. Close other programs or lighten the encoder's work.", whole(other), whole(value)),
			"OBS: Settings > Output > Streaming > Video Encoder: a hardware encoder (NVENC, QuickSync, AMD, Apple), or CPU Usage Preset: superfast" + advanced
	case FrameRateVaries:
		return fmt.Sprintf("The number of pictures a second swings between %s and %s; movement may look uneven.", whole(value), whole(other)),
			"OBS: Settings > Video > Common FPS Values: 30. On a phone or camera: switch automatic frame rate off and add light"
	case FrameRateHigh:
		return fmt.Sprintf("You send %s pictures a second; 30 are enough for a lecture, and more than 60 bring nothing.", whole(value)),
			"OBS: Settings > Video > Common FPS Values: 30"
	case PictureSmall:
		return fmt.Sprintf("Your picture is only %s x %s; small text on slides cannot be read.", whole(other), whole(value)),
			"OBS: Settings > Video > Output (Scaled) Resolution: 1280x720 or 1920x1080"
	case PictureLarge:
		return fmt.Sprintf("Your picture is %s x %s, more than most viewers can see; the server has to shrink it for everyone.", whole(other), whole(value)),
			"OBS: Settings > Video > Output (Scaled) Resolution: 1920x1080"
	case PictureOdd:
		return fmt.Sprintf("Your picture is %s x %s, an uneven size; a line at the edge may be lost.", whole(other), whole(value)),
			"OBS: Settings > Video > Output (Scaled) Resolution: 1920x1080 or 1280x720"
	case BitRateHigh:
		return fmt.Sprintf("You send %s; that is more than many viewers can receive at full quality, and more than a lecture needs.", rate(value)),
			"OBS: Settings > Output > Streaming > Bitrate: 4000 Kbps"
	case BitRateLow:
		return fmt.Sprintf("You send only %s, too little for a picture of this size; it turns blocky when something moves.", rate(value)),
			fmt.Sprintf("OBS: Settings > Output > Streaming > Bitrate: %s Kbps, if your internet connection allows; otherwise a smaller Output (Scaled) Resolution in Settings > Video", whole(other/1000))
	case BitRateSwings:
		return fmt.Sprintf("Your stream swings between about %s and peaks of %s; at the peaks, viewers with slow connections freeze.", rate(other), rate(value)),
			"OBS: Settings > Output > Streaming > Rate Control: CBR, Bitrate: 4000 Kbps" + advanced
	case BFramesMany:
		return fmt.Sprintf("Your encoder reorders %s pictures at a time, which delays the class a little.", whole(value)),
			"OBS: Settings > Output > Streaming > B-frames: 2, or for x264 add bframes=2 to x264 Options" + advanced
	case Interlaced:
		return "Your picture is interlaced, as in old television; moving edges would look like combs, so the server has to convert it.",
			"On the camera or capture device: choose a format with p, such as 1080p, not 1080i. OBS: right-click the source > Deinterlacing: Yadif"
	case TenBit:
		return fmt.Sprintf("Your picture has %s bits a colour; browsers show 8, so the server converts it. It works, but costs some quality.", whole(value)),
			"OBS: Settings > Advanced > Video > Color Format: NV12 (8-bit, 4:2:0)"
	case Chroma:
		return "Your picture has a colour format that browsers do not show, so the server converts it. It works, but costs some quality.",
			"OBS: Settings > Advanced > Video > Color Format: NV12 (8-bit, 4:2:0)"
	case CodecTranscoded:
		return fmt.Sprintf("You send %s, which not every browser plays, so the server converts it. It works, but costs some quality.", codec(other)),
			"OBS: Settings > Output > Streaming > Video Encoder: one with H.264 in its name (or x264)"
	default:
		return soundSentence(c, value, other)
	}
}

// soundSentence continues sentence for sound and the way here.
func soundSentence(c Code, value, other float64) (text, setting string) {
	switch c {
	case SoundMissing:
		return "No sound arrives: nobody can hear you.",
			"OBS: Settings > Audio > Global Audio Devices > Mic/Auxiliary Audio: your microphone; Settings > Output > Streaming > Audio Track: 1"
	case Silence:
		return fmt.Sprintf("Your sound has been completely silent for %s s. Is the microphone muted or unplugged?", whole(value)),
			"OBS: Audio Mixer > your microphone: click the loudspeaker so that it is not red; Settings > Audio > Mic/Auxiliary Audio: your microphone"
	case TooQuiet:
		return fmt.Sprintf("You are hard to hear: your sound is about %s dB quieter than speech should be (%s LUFS; aim for -18).", whole(target-value), whole(value)),
			fmt.Sprintf("OBS: Audio Mixer > your microphone > Filters > + > Gain: %s dB, or move closer to the microphone", whole(min(target-value, 30)))
	case Clipping:
		return "Your sound is too loud and distorts.",
			"OBS: Audio Mixer > your microphone: pull the slider down until it stays yellow when you speak; or Filters > + > Limiter"
	case Mono:
		return "Your sound has one channel. That is fine for speech; music and films lose their stereo.",
			"OBS: Settings > Audio > General > Channels: Stereo"
	case ClockDrift:
		direction := "behind"
		if value < 0 {
			direction = "ahead of"
		}
		return fmt.Sprintf("Your stream runs %s ms %s real time every minute: the clock of your computer, camera or sound device is off.", whole(math.Abs(value)), direction),
			"OBS: Settings > Audio > General > Sample Rate: 48 kHz, and the same in the settings of the microphone; then stop and start streaming"
	case Gaps:
		return fmt.Sprintf("Parts of your stream never arrive: %s s are missing in the last minute. Usually the internet connection is too slow for what you send; use a cable instead of Wi-Fi.", short(value)),
			"OBS: Settings > Output > Streaming > Bitrate: about half of now; Settings > Advanced > Network > Dynamically change bitrate to manage congestion: on"
	case Stalls:
		return fmt.Sprintf("Your internet connection stops and comes back: for up to %s s nothing arrived, and your viewers may see a frozen picture. Use a cable instead of Wi-Fi.", short(value)),
			"OBS: Settings > Output > Streaming > Bitrate: about half of now; Settings > Advanced > Network > Dynamically change bitrate to manage congestion: on"
	case Lag:
		return fmt.Sprintf("Your stream now arrives %s s later than at the beginning: your internet connection is too slow for what you send.", short(value)),
			"OBS: Settings > Output > Streaming > Bitrate: about half of now; then stop and start streaming"
	default:
		return "", ""
	}
}

// target is the loudness of speech in LUFS (AES TD1008).
const target = -18

// short formats a small measurement with one decimal if it has one.
func short(v float64) string {
	return fmt.Sprintf("%g", math.Round(v*10)/10)
}

// whole formats v as an integer.
func whole(v float64) string { return fmt.Sprintf("%.0f", math.Round(v)+0) }

// rate formats bits a second as OBS and speed tests do.
func rate(bits float64) string {
	if bits < 1e6 {
		return fmt.Sprintf("%.0f kbit/s", bits/1e3)
	}
	return short(bits/1e6) + " Mbit/s"
}

// codec names a codec that travels as a measurement.
func codec(v float64) string { return media.Codec(v).String() }
