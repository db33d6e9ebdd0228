package flv

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/paramset"
)

// framesHeader takes a sequence header of AV1, an AV1CodecConfigurationRecord of
// which the OBUs count. Those of VP8 and VP9 hold nothing that the keyframes do
// not.
func (d *Demuxer) framesHeader(t Tag) error {
	v := &d.video
	if v.header != nil && bytes.Equal(v.header, t.Body) {
		d.stats.RepeatedHeaders++
		return nil
	}
	if t.Codec != media.CodecAV1 {
		return nil
	}
	const fixed, marker = 4, 0x81
	if len(t.Body) < fixed || len(t.Body) > maxHeader || t.Body[0] != marker {
		d.stats.Malformed++
		return nil
	}
	v.header = slices.Clone(t.Body)
	if len(t.Body) == fixed {
		return nil // the sequence header comes in band
	}
	changed, err := v.frames.Header(t.Body[fixed:])
	if refusal := (*media.RefusalError)(nil); errors.As(err, &refusal) {
		return err
	}
	if err != nil {
		d.stats.Malformed++
		return nil //nolint:nilerr // counted: a better one may come in band
	}
	if !changed {
		d.stats.RepeatedHeaders++
		return nil
	}
	v.keyframeWanted = true
	track, _ := v.frames.Track()
	return d.setVideo(track)
}

// videoPlain takes a frame of AV1, VP8 or VP9.
func (d *Demuxer) videoPlain(now time.Duration, t Tag) error {
	v := &d.video
	v.seen = true
	f, err := v.frames.Read([][]byte{t.Body})
	if refusal := (*media.RefusalError)(nil); errors.As(err, &refusal) {
		return err
	}
	if err != nil {
		d.stats.Damaged++
		return d.videoDamaged(now)
	}
	d.stats.Units.Add(f.Dropped)
	if !f.Coded {
		d.stats.WithoutPicture++
		return nil
	}
	if v.keyframeWanted && !f.RandomAccess {
		d.stats.AwaitingKeyframe++
		if v.noKeyframe.spent(now, d.cfg.KeyframeTimeout) {
			return refuseNoKeyframe()
		}
		return nil
	}
	if f.RandomAccess {
		if track, _ := v.frames.Track(); !v.known || !v.track.SameFormat(track) {
			if err = d.setVideo(track); err != nil {
				return err
			}
		}
	}
	v.keyframeWanted = false
	v.noKeyframe = patience{}
	d.stats.VideoSamples++
	return d.emit(media.Sample{
		Track:        media.VideoTrackID,
		DTS:          now,
		PTS:          d.presentation(now, t.CompositionTime),
		RandomAccess: f.RandomAccess,
		Payload:      paramset.Clone(f.Units),
	})
}
