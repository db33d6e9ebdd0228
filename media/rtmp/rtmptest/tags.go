package rtmptest

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/lectern/lectern/media"
)

// Header returns the body of the sequence header message of an H.264, HEVC
// (Enhanced RTMP) or AAC track, and whether it is a video message.
func Header(track media.Track) (body []byte, video bool) {
	switch track.Codec {
	case media.CodecH264:
		sps, pps := track.Video.ParameterSets[0], track.Video.ParameterSets[1]
		body = []byte{0x17, 0, 0, 0, 0, 1, sps[1], sps[2], sps[3], 0xff, 0xe1}
		body = appendUnit(body, sps)
		return appendUnit(append(body, 1), pps), true
	case media.CodecHEVC:
		body = append([]byte{0x90}, "hvc1"...)
		sps := track.Video.ParameterSets[1]
		body = append(body, 1)
		body = append(body, sps[3:15]...) // profile_tier_level of an SPS without emulation prevention
		body = append(body, 0xf0, 0, 0xfc, 0xfd, 0xf8, 0xf8, 0, 0, 0x0f, byte(len(track.Video.ParameterSets)))
		for _, nal := range track.Video.ParameterSets {
			body = appendUnit(append(body, nal[0]>>1&0x3f, 0, 1), nal)
		}
		return body, true
	default:
		return append([]byte{0xaf, 0}, track.Audio.Config...), false
	}
}

func appendUnit(b, nal []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(nal))), nal...)
}

// Tag returns the body of the message that carries s, a sample of one of
// tracks, its timestamp in ms, and whether it is a video message.
func Tag(tracks []media.Track, s media.Sample) (timestamp uint32, body []byte, video bool) {
	timestamp = uint32(s.DTS / time.Millisecond)
	i := slices.IndexFunc(tracks, func(t media.Track) bool { return t.ID == s.Track })
	codec := tracks[i].Codec
	if codec.Kind() == media.KindAudio {
		return timestamp, append([]byte{0xaf, 1}, s.Payload[0]...), false
	}
	frame := byte(2)
	if s.RandomAccess {
		frame = 1
	}
	if codec == media.CodecHEVC {
		body = append([]byte{0x80 | frame<<4 | 1}, "hvc1"...)
	} else {
		body = []byte{frame<<4 | 7, 1}
	}
	cts := (s.PTS - s.DTS) / time.Millisecond
	body = append(body, byte(cts>>16), byte(cts>>8), byte(cts))
	for _, nal := range s.Payload {
		body = append(binary.BigEndian.AppendUint32(body, uint32(len(nal))), nal...)
	}
	return timestamp, body, true
}

// WriteHeaders sends the sequence headers of tracks at a timestamp in ms.
func (c *Client) WriteHeaders(timestamp uint32, tracks []media.Track) error {
	for _, t := range tracks {
		body, video := Header(t)
		if err := c.write(timestamp, body, video); err != nil {
			return err
		}
	}
	return nil
}

// WriteSamples sends samples of tracks.
func (c *Client) WriteSamples(tracks []media.Track, samples ...media.Sample) error {
	for _, s := range samples {
		if err := c.write(Tag(tracks, s)); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) write(timestamp uint32, body []byte, video bool) error {
	if video {
		return c.WriteVideo(timestamp, body)
	}
	return c.WriteAudio(timestamp, body)
}
