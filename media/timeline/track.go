package timeline

import (
	"time"

	"github.com/lectern/lectern/media"
)

// held is a sample on its way, with DTS and PTS on the publication's clock.
type held struct {
	media.Sample
	arrival time.Duration // since the publication began
	seq     uint64        // order of arrival over all tracks
	size    int
}

// queued is an access unit that waits for its turn.
type queued struct {
	au *media.AccessUnit
	at time.Duration // DTS
}

// track is the state of one track of the current publication.
type track struct {
	media.Track

	// bias is added to the publisher's timestamps. It is 0 unless the track's
	// clock left the other track's.
	bias time.Duration

	// wild are samples off the clock, not yet judged, and wildClock is the
	// publication's clock when the first of them came.
	wild      []held
	wildClock time.Duration

	// The newest accepted time of the run on the publication's clock, and the
	// distance of the two newest.
	seen bool
	last time.Duration
	step time.Duration

	// The newest output of the run, in ticks; maxPTS is the greatest.
	placed      bool
	dts, maxPTS int64

	// Of frames of one length only: the tick at which the next one belongs, and the
	// mean distance of the publisher's timestamps from that.
	next int64
	mean float64

	// late is the media time for which every sample has come too late.
	late time.Duration

	queue  []queued
	absent bool // silent for so long that it is not waited for
}

// isSound reports whether the track's frames are of one length. Where they need not
// be, each is where its timestamp says.
func (tr *track) isSound() bool {
	switch tr.Codec {
	case media.CodecAAC, media.CodecMP3, media.CodecAC3, media.CodecEAC3:
		return tr.Audio.FrameSamples > 0
	default:
		return false
	}
}

// duration is the length of the newest sample, as far as it can be told.
func (tr *track) duration() time.Duration {
	switch {
	case tr.isSound():
		return tr.Timescale.Duration(int64(tr.Audio.FrameSamples))
	case tr.Codec.Kind() == media.KindAudio && tr.Audio.FrameSamples > 0:
		return max(min(tr.step, maxSoundFrame), tr.Timescale.Duration(int64(tr.Audio.FrameSamples)))
	case tr.step > 0:
		return tr.step
	case tr.Video.FrameRate >= 1:
		return time.Duration(float64(time.Second) / tr.Video.FrameRate)
	default:
		return time.Second / 30
	}
}

// end is the media time at which the track's output ends: later than its last
// tick, however it is rounded.
func (tr *track) end() time.Duration {
	return tr.Timescale.Duration(max(tr.dts, tr.maxPTS)) + max(tr.duration(), minStep)
}

// pop takes the first of the queue, which holds a second of media at most.
func (tr *track) pop() queued {
	q, last := tr.queue[0], len(tr.queue)-1
	copy(tr.queue, tr.queue[1:])
	tr.queue[last] = queued{}
	tr.queue = tr.queue[:last]
	return q
}

// accept notes a time on the publication's clock.
func (tr *track) accept(at time.Duration) {
	if tr.seen && at > tr.last {
		tr.step = min(at-tr.last, maxStep)
	}
	if !tr.seen || at > tr.last {
		tr.last = at
	}
	tr.seen = true
}

// place turns a media time into the DTS of the track's next output. ok is false
// when the sample must be dropped.
func (tr *track) place(at time.Duration) (dts int64, repair Repair, ok bool) {
	dts = tr.Timescale.Ticks(at)
	if tr.isSound() {
		return tr.placeSound(dts)
	}
	if tr.placed && dts <= tr.dts {
		dts, repair = tr.dts+1, RepairClamped
	}
	return dts, repair, true
}

// placeSound counts frames instead of trusting each timestamp, since RTMP rounds
// them to milliseconds and encoders send them in bursts.
func (tr *track) placeSound(dts int64) (_ int64, repair Repair, ok bool) {
	frame := int64(tr.Audio.FrameSamples)
	if !tr.placed {
		tr.next, tr.mean = dts+frame, 0
		return dts, 0, true
	}
	diff := dts - tr.next
	tr.mean += (float64(diff) - tr.mean) / soundSmoothing
	limit, jump := tr.Timescale.Ticks(soundTolerance), tr.Timescale.Ticks(soundJump)
	switch {
	case diff >= jump, diff > 0 && tr.mean > float64(limit):
		tr.next, tr.mean = dts+frame, 0
		return dts, RepairSound, true
	case diff <= -jump, diff < 0 && tr.mean < -float64(limit):
		tr.mean += float64(frame) // the next frame is this much nearer
		return 0, RepairSound, false
	default:
		dts = tr.next
		tr.next += frame
		return dts, 0, true
	}
}
