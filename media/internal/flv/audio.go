package flv

import (
	"bytes"
	"slices"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/paramset"
)

// audioInput is the state of the audio track.
type audioInput struct {
	seen    bool // frames have come
	known   bool // track is set
	sampled bool // frames have become samples; implies known
	live    bool // track is announced; implies known
	track   media.Track

	codec     media.Codec // CodecUnknown before the first message
	header    []byte      // the last sequence header, but of AAC
	described bool        // track describes the frames of codec, but of AAC
	announced bool        // track comes from a sequence header, not from ADTS
	noHeader  patience
}

func (d *Demuxer) audioMessage(timestampMS uint32, body []byte) error {
	t, ok := d.open(body, ParseAudioTag)
	if !ok {
		return nil
	}
	if t.Codec == media.CodecUnknown {
		return refuseCodec(media.KindAudio, t.Name)
	}
	a := &d.audio
	if a.codec != t.Codec {
		// Case 12: another codec is another track.
		a.codec, a.header, a.described, a.announced, a.noHeader = t.Codec, nil, false, false, patience{}
	}
	if t.Packet == PacketHeader {
		if t.Codec == media.CodecAAC {
			return d.audioHeader(t.Body, true)
		}
		return d.soundHeader(t)
	}
	now, err := d.now(timestampMS, t)
	if err != nil {
		return err
	}
	if t.Codec == media.CodecAAC {
		return d.audioFrames(now, t.Body)
	}
	return d.soundFrames(now, t)
}

// audioHeader takes an AudioSpecificConfig (case 18).
func (d *Demuxer) audioHeader(config []byte, announced bool) error {
	a := &d.audio
	if a.known && a.track.Codec == media.CodecAAC && bytes.Equal(a.track.Audio.Config, config) {
		if announced {
			d.stats.RepeatedHeaders++
		}
		a.announced = a.announced || announced
		return nil
	}
	track, err := paramset.AAC(config)
	if err != nil {
		d.stats.Malformed++
		return nil //nolint:nilerr // counted: the old configuration goes on, or the header timeout
	}
	a.announced = announced
	return d.setAudio(track)
}

// audioFrames takes a raw AAC frame, or ADTS frames that should not be there
// (case 19).
func (d *Demuxer) audioFrames(now time.Duration, b []byte) error {
	a := &d.audio
	a.seen = true
	if StartsWithADTS(b) {
		frames, err := SplitADTS(b)
		if err != nil {
			d.stats.Damaged++
			return nil //nolint:nilerr // counted
		}
		for _, f := range frames {
			if !a.announced {
				if err = d.audioHeader(f.Config[:], false); err != nil {
					return err
				}
			}
			if err = d.audioFrame(now, f.Data); err != nil {
				return err
			}
			now += f.Duration
		}
		return nil
	}
	if IsLOAS(b) {
		return refuseLATM()
	}
	return d.audioFrame(now, b)
}

func (d *Demuxer) audioFrame(now time.Duration, b []byte) error {
	a := &d.audio
	if !a.known || a.track.Codec != a.codec {
		d.stats.AwaitingHeader++
		if a.noHeader.spent(now, d.cfg.HeaderTimeout) {
			return refuseAudioHeader()
		}
		return nil
	}
	a.noHeader = patience{}
	d.stats.AudioSamples++
	return d.emit(media.Sample{
		Track:        media.AudioTrackID,
		DTS:          now,
		PTS:          now,
		RandomAccess: true,
		Payload:      [][]byte{slices.Clone(b)},
	})
}
