package flv

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/paramset"
)

// errNoHeader says that a codec's header has to come first.
var errNoHeader = errors.New("no header yet")

// soundHeader takes the header of a codec other than AAC. It tells something with
// the next frame.
func (d *Demuxer) soundHeader(t Tag) error {
	a := &d.audio
	switch {
	case a.header != nil && bytes.Equal(a.header, t.Body):
		d.stats.RepeatedHeaders++
	case len(t.Body) > maxHeader:
		d.stats.Malformed++
	default:
		a.header, a.described = slices.Clone(t.Body), false
	}
	return nil
}

// soundFrames takes a message of a codec other than AAC.
func (d *Demuxer) soundFrames(now time.Duration, t Tag) error {
	a := &d.audio
	a.seen = true
	frames := [][]byte{t.Body}
	if t.Codec == media.CodecMP3 {
		var err error
		if frames, err = paramset.SplitMP3(t.Body); err != nil {
			return d.soundDamaged(now)
		}
	}
	for _, frame := range frames {
		track, err := a.describe(t, frame)
		switch {
		case errors.Is(err, errNoHeader):
			d.stats.AwaitingHeader++
			if a.noHeader.spent(now, d.cfg.HeaderTimeout) {
				return refuseAudioHeader()
			}
			continue
		case err != nil:
			if err = d.soundDamaged(now); err != nil {
				return err
			}
			continue
		}
		a.described = true
		if !a.known || !a.track.SameFormat(track) {
			if err = d.setAudio(track); err != nil {
				return err
			}
		}
		if err = d.audioFrame(now, frame); err != nil {
			return err
		}
		now += track.Timescale.Duration(int64(track.Audio.FrameSamples))
	}
	return nil
}

// soundDamaged counts a message or frame that cannot be read. Sound of which none
// could be yet is refused after a while.
func (d *Demuxer) soundDamaged(now time.Duration) error {
	a := &d.audio
	d.stats.Damaged++
	if !a.described && a.noHeader.spent(now, d.cfg.HeaderTimeout) {
		return refuseAudioHeader()
	}
	return nil
}

// describe returns the track that a frame belongs to.
func (a *audioInput) describe(t Tag, frame []byte) (media.Track, error) {
	switch t.Codec {
	case media.CodecMP3:
		return paramset.MP3(frame)
	case media.CodecAC3:
		return paramset.AC3(frame)
	case media.CodecEAC3:
		return paramset.EAC3(frame)
	case media.CodecG711A, media.CodecG711U:
		const rate = 8000 // whatever the header says
		return paramset.Sound(t.Codec, nil, rate, t.Sound.Channels, len(frame)/t.Sound.Channels)
	case media.CodecSpeex:
		const rate, samples = 16000, 320 // FLV knows no other
		return paramset.Sound(t.Codec, nil, rate, 1, samples)
	case media.CodecPCM:
		config := "s16le" // also for "platform endian": the platforms are
		if t.Sound.Bits == 8 {
			config = "u8"
		}
		return paramset.Sound(t.Codec, []byte(config), t.Sound.Rate, t.Sound.Channels, len(frame)*8/t.Sound.Bits/t.Sound.Channels)
	}
	if a.described {
		return a.track, nil // nothing in the frames would change it
	}
	if t.Codec == media.CodecOpus {
		return paramset.Opus(a.header, frame)
	}
	if a.header == nil {
		return media.Track{}, errNoHeader
	}
	return paramset.FLAC(a.header)
}
