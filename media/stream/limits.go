package stream

import (
	"fmt"
	"strconv"
	"time"

	"github.com/lectern/lectern/media"
)

const (
	// keyframeSlack is what MaxKeyframeInterval is exceeded by before a publisher
	// is refused.
	keyframeSlack = 500 * time.Millisecond

	// pictureCap is the most that one step of the video's clock counts towards
	// the keyframe interval: a stall is not a long GOP.
	pictureCap = time.Second

	warnAfter   = 5 * time.Second  // of twice the bit rate ceiling
	refuseAfter = 30 * time.Second // of three times the ceiling
)

// keyframes measures the distance of a publisher's keyframes.
type keyframes struct {
	limit    time.Duration // 0 for none
	last     time.Duration // DTS of the newest picture
	any      bool          // there was a picture
	counted  bool          // since counts from a keyframe
	since    time.Duration // media time since the last keyframe, or the first picture
	interval time.Duration // between the last two keyframes
}

// add takes a picture's time and returns a refusal when the limit is exceeded.
func (k *keyframes) add(s *media.Sample) *media.RefusalError {
	if k.any {
		k.since += min(max(s.DTS-k.last, 0), pictureCap)
	}
	k.last, k.any = s.DTS, true
	tooFar := k.limit > 0 && k.since > k.limit+keyframeSlack
	if s.RandomAccess {
		if k.counted {
			k.interval = k.since
		}
		seen := k.since
		k.since, k.counted = 0, true
		if tooFar {
			return refuseKeyframes(seen, false)
		}
		return nil
	}
	if tooFar {
		return refuseKeyframes(k.limit, true)
	}
	return nil
}

// proven reports whether a publisher with these pictures, if it has any, keeps
// the limit.
func (k *keyframes) proven() bool { return k.limit == 0 || !k.any || k.interval > 0 }

func refuseKeyframes(interval time.Duration, more bool) *media.RefusalError {
	seconds := strconv.FormatFloat(interval.Round(100*time.Millisecond).Seconds(), 'f', -1, 64)
	if more {
		seconds = "more than " + seconds
	}
	return &media.RefusalError{
		Code: "keyframe_interval",
		Text: "Your encoder lets " + seconds + " seconds pass between keyframes. " +
			"In OBS: Settings > Output > Streaming > Keyframe Interval: set it to 2 s.",
	}
}

func refuseAhead() *media.RefusalError {
	return &media.RefusalError{
		Code: "ahead",
		Text: "Your encoder sends faster than real time. With ffmpeg, put -re before -i.",
	}
}

func refuseBitrate(limit int64) *media.RefusalError {
	return &media.RefusalError{
		Code: "bitrate",
		Text: fmt.Sprintf("Your encoder sends far more than the %d kbit/s allowed here. "+
			"In OBS: Settings > Output > Streaming > Video Bitrate: lower it.", limit/1000),
	}
}

// meter measures a publisher's bit rate, a second at a time.
type meter struct {
	limit  int64 // bits per second, 0 for none
	total  int64 // bytes since the start
	rate   int64 // bits per second, smoothed
	start  time.Time
	bytes  int64 // since start
	double time.Duration
	triple time.Duration
}

// add counts n bytes. warn is true once for each time the ceiling is exceeded.
func (m *meter) add(now time.Time, n int) (warn bool, refusal *media.RefusalError) {
	m.total += int64(n)
	if m.start.IsZero() {
		m.start = now
	}
	if gone := now.Sub(m.start); gone >= time.Second {
		rate := int64(float64(m.bytes) * 8 / gone.Seconds())
		if m.rate == 0 {
			m.rate = rate
		}
		m.rate += (rate - m.rate) / 3
		if m.limit > 0 {
			before := m.double
			m.double = lasting(m.double, gone, rate > 2*m.limit)
			m.triple = lasting(m.triple, gone, rate > 3*m.limit)
			warn = before < warnAfter && m.double >= warnAfter
			if m.triple >= refuseAfter {
				refusal = refuseBitrate(m.limit)
			}
		}
		m.start, m.bytes = now, 0
	}
	m.bytes += int64(n)
	return warn, refusal
}

func lasting(so, more time.Duration, on bool) time.Duration {
	if !on {
		return 0
	}
	return so + more
}

// warning is a sentence for the publisher, or empty.
func (m *meter) warning() string {
	if m.limit > 0 && m.double >= warnAfter {
		return refuseBitrate(m.limit).Text
	}
	return ""
}
