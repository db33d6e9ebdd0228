package reception

import (
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/paramset"
)

// shown takes one picture.
func (in *Receiver) shown(u unit, ticks int64, arrival time.Time) error {
	in.seen++
	c, drop, malformed, err := in.video.sift(u.payload, in.clock.At(media.VideoTrackID, ticks))
	in.deps.Metrics.setsMalformed.Add(float64(malformed))
	if err != nil {
		return err
	}
	if drop != dropNone {
		in.deps.Metrics.dropped.WithLabelValues(string(drop)).Inc()
		in.dropEarly()
		return nil
	}
	dts, pts, fellBack := in.video.stamps(c, ticks)
	if fellBack {
		in.deps.Metrics.dtsFallbacks.Inc()
	}
	s := media.Sample{
		Track: media.VideoTrackID, DTS: in.clock.At(media.VideoTrackID, dts), PTS: in.clock.At(media.VideoTrackID, pts),
		RandomAccess: c.randomAccess, Payload: paramset.Clone(c.units),
	}
	in.pictures++
	w := &in.waiting
	if c.newTrack && len(w.pictures) > 0 {
		// They were of a format that nobody was told of.
		in.deps.Metrics.dropped.WithLabelValues(string(dropNoTracks)).Add(float64(len(w.pictures)))
		w.pictures, w.bytes = nil, 0
	}
	if in.mustHold(arrival) {
		w.pictures, w.bytes = append(w.pictures, s), w.bytes+s.Size()
		return nil
	}
	if c.newTrack || in.tracks == nil {
		if err = in.release(); err != nil {
			return err
		}
	}
	if err = in.writeEarly(); err != nil {
		return err
	}
	return in.write(s, media.KindVideo)
}

// sound takes what was received of the audio at once.
func (in *Receiver) sound(u unit, ticks int64, arrival time.Time) error {
	if in.audio == nil {
		return nil // left out
	}
	in.heard++
	frames, changed, err := in.audio.read(u.payload)
	if err != nil {
		in.deps.Metrics.PacketsUnreadable.Inc()
		return nil //nolint:nilerr // counted; Check refuses sound that cannot be read at all
	}
	if changed && (in.tracks != nil || in.video == nil || in.video.complete) {
		if err = in.release(); err != nil {
			return err
		}
	}
	switch {
	case in.audio == nil || !in.audio.known:
		return nil
	case in.video != nil && in.seen == 0 && arrival.Sub(in.opened) < pictureWait && len(in.waiting.sound) < earlyMax:
		in.waiting.sound = append(in.waiting.sound, early{frames, ticks})
		return nil
	case in.tracks == nil, in.seen > 0 && in.pictures == 0:
		// Pictures come but none to start at: the publication may yet be refused,
		// and a class must not begin with its sound.
		in.dropSound(frames)
		return nil
	}
	if err = in.writeEarly(); err != nil {
		return err
	}
	return in.writeSound(frames, ticks)
}

func (in *Receiver) dropSound(frames [][]byte) {
	in.deps.Metrics.dropped.WithLabelValues(string(dropNoTracks)).Add(float64(len(frames)))
}

// dropEarly gives up the sound that waited: the first picture is no keyframe.
func (in *Receiver) dropEarly() {
	for _, e := range in.waiting.sound {
		in.dropSound(e.frames)
	}
	in.waiting.sound = nil
}

// writeEarly writes the sound that waited.
func (in *Receiver) writeEarly() error {
	waited := in.waiting.sound
	in.waiting.sound = nil
	if in.audio == nil {
		return nil
	}
	for _, e := range waited {
		if err := in.writeSound(e.frames, e.ticks); err != nil {
			return err
		}
	}
	return nil
}

// writeSound writes frames that follow each other.
func (in *Receiver) writeSound(frames [][]byte, ticks int64) error {
	for i, frame := range frames {
		if len(frame) == 0 {
			continue
		}
		at := in.clock.At(media.AudioTrackID, ticks+in.audio.ticksOf(i))
		err := in.write(media.Sample{
			Track: media.AudioTrackID, DTS: at, PTS: at, RandomAccess: true,
			Payload: paramset.Clone([][]byte{frame}),
		}, media.KindAudio)
		if err != nil {
			return err
		}
	}
	return nil
}
