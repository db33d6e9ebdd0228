package reception

import (
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/paramset"
)

// soundTrack describes the audio track and makes its frames of what the
// depacketiser found.
type soundTrack struct {
	track media.Track
	known bool            // track describes the stream
	rate  media.Timescale // of the RTP timestamps

	latm *mpeg4audio.AudioMuxElement // nil unless frames come in LATM
}

func newSoundTrack(a Stream) *soundTrack {
	s := &soundTrack{track: a.Track, known: a.complete, rate: a.rate}
	if f, ok := a.Format.(*format.MPEG4AudioLATM); ok {
		s.latm = &mpeg4audio.AudioMuxElement{MuxConfigPresent: f.CPresent, StreamMuxConfig: f.StreamMuxConfig}
	}
	return s
}

// read returns the frames in payload, which they alias or not. changed reports
// that s.track has become known or is another.
func (s *soundTrack) read(payload [][]byte) (frames [][]byte, changed bool, err error) {
	switch {
	case s.latm != nil:
		return s.readLATM(payload)
	case s.track.Codec == media.CodecMP3:
		changed, err = s.adopt(paramset.MP3(payload[0]))
	case s.track.Codec == media.CodecAC3:
		changed, err = s.adopt(paramset.AC3(payload[0]))
	}
	return payload, changed, err
}

// readLATM takes AudioMuxElements (ISO/IEC 14496-3 §1.7.3), one after each other in
// payload.
func (s *soundTrack) readLATM(payload [][]byte) (frames [][]byte, changed bool, err error) {
	for _, b := range payload {
		if err = s.latm.Unmarshal(b); err != nil {
			return nil, false, errUnreadablePacket // the library's text may quote the peer
		}
		if s.latm.MuxConfigPresent && !s.latm.UseSameStreamMux {
			track, descErr := describeLATM(s.latm.StreamMuxConfig)
			if changed, err = s.adopt(track, descErr); err != nil {
				return nil, false, err
			}
		}
		for _, sub := range s.latm.Payloads {
			if len(sub) > 0 && len(sub[0]) > 0 && len(sub[0][0]) > 0 {
				frames = append(frames, sub[0][0])
			}
		}
	}
	return frames, changed, nil
}

// describeLATM describes the first layer of the first program.
func describeLATM(c *mpeg4audio.StreamMuxConfig) (media.Track, error) {
	if c == nil || len(c.Programs) == 0 || len(c.Programs[0].Layers) == 0 || c.Programs[0].Layers[0].AudioSpecificConfig == nil {
		return media.Track{}, errUnreadablePacket
	}
	config, err := c.Programs[0].Layers[0].AudioSpecificConfig.Marshal()
	if err != nil {
		return media.Track{}, errUnreadablePacket
	}
	return paramset.AAC(config)
}

// adopt makes track the one in force.
func (s *soundTrack) adopt(track media.Track, err error) (changed bool, _ error) {
	if err != nil {
		return false, err
	}
	changed = !s.known || !s.track.SameFormat(track)
	s.track, s.known = track, true
	return changed, nil
}

// ticksOf returns how much of the RTP clock i frames last.
func (s *soundTrack) ticksOf(i int) int64 {
	return s.track.Timescale.Rescale(int64(i)*int64(s.track.Audio.FrameSamples), s.rate)
}
