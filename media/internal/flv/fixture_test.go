package flv_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/flv"
	"github.com/lectern/lectern/media/internal/paramset"
)

// message is the body of an RTMP message.
type message struct {
	video bool
	ts    uint32
	body  []byte
}

// header reports whether m is a legacy sequence header.
func (m message) header() bool { return len(m.body) > 1 && m.body[1] == 0 }

// record returns the audio and video messages of testdata/name, which ffmpeg
// 5.1 wrote:
//
//	h264_aac.flv        320x180 at 15 Hz, B-pictures, a keyframe a second, AAC-LC mono; 4 s
//	h264_aac_small.flv  160x90 at 15 Hz, no B-pictures, AAC-LC stereo; 1 s
//	others              two pictures, or 0.1 s of sound, of the codec in the name
func record(tb testing.TB, name string) []message {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	const fileHeader, tagHeader, trailer = 9 + 4, 11, 4
	b = b[fileHeader:]
	var out []message
	for len(b) >= tagHeader {
		size := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		ts := uint32(b[7])<<24 | uint32(b[4])<<16 | uint32(b[5])<<8 | uint32(b[6])
		if kind := b[0]; kind == 8 || kind == 9 {
			out = append(out, message{kind == 9, ts, b[tagHeader : tagHeader+size]})
		}
		b = b[tagHeader+size+trailer:]
	}
	return out
}

func only(ms []message, keep func(message) bool) []message {
	return slices.DeleteFunc(slices.Clone(ms), func(m message) bool { return !keep(m) })
}

func isVideo(m message) bool  { return m.video }
func isAudio(m message) bool  { return !m.video }
func isFrames(m message) bool { return !m.header() }

// edit returns ms with the video (or audio) bodies replaced by what f makes.
func edit(ms []message, video bool, f func(message) []byte) []message {
	out := slices.Clone(ms)
	for i, m := range out {
		if m.video == video {
			out[i].body = f(m)
		}
	}
	return out
}

// shift moves all timestamps, wrapping as RTMP does.
func shift(ms []message, by uint32) []message {
	out := slices.Clone(ms)
	for i := range out {
		out[i].ts += by
	}
	return out
}

// event is one call of a Sink.
type event struct {
	tracks []media.Track // of SetTracks
	sample *media.Sample // of Write
}

// sink records what a Demuxer does and fails the test on what it must never do.
type sink struct {
	tb      testing.TB
	events  []event
	refuse  error                  // SetTracks returns it
	now     []media.Track          // announced last
	started map[media.TrackID]bool // a sample came since the format changed
}

func (s *sink) SetTracks(tracks []media.Track) error {
	s.events = append(s.events, event{tracks: tracks})
	if len(tracks) == 0 {
		s.tb.Error("SetTracks with no tracks")
	}
	if s.started == nil {
		s.started = map[media.TrackID]bool{}
	}
	for _, t := range tracks {
		if !slices.ContainsFunc(s.now, func(o media.Track) bool { return o.ID == t.ID && o.SameFormat(t) }) {
			s.started[t.ID] = false
		}
	}
	s.now = tracks
	return s.refuse
}

func (s *sink) Write(m media.Sample) error {
	if !slices.ContainsFunc(s.now, func(t media.Track) bool { return t.ID == m.Track }) {
		s.tb.Errorf("sample of track %d, announced are %v", m.Track, s.now)
		return nil
	}
	if m.Size() == 0 || slices.ContainsFunc(m.Payload, func(b []byte) bool { return len(b) == 0 }) {
		s.tb.Error("sample with empty payload")
	}
	if m.PTS < m.DTS {
		s.tb.Errorf("sample with PTS %v before DTS %v", m.PTS, m.DTS)
	}
	if m.Track == media.AudioTrackID && !m.RandomAccess {
		s.tb.Error("audio sample is no random access point")
	}
	if !s.started[m.Track] && !m.RandomAccess {
		s.tb.Error("first sample is no random access point")
	}
	s.started[m.Track] = true
	s.events = append(s.events, event{sample: &m})
	return nil
}

func (s *sink) samples(id media.TrackID) []media.Sample {
	var out []media.Sample
	for _, e := range s.events {
		if e.sample != nil && e.sample.Track == id {
			out = append(out, *e.sample)
		}
	}
	return out
}

// announcements returns each SetTracks as text, such as "320x180 mono".
func (s *sink) announcements() []string {
	var out []string
	for _, e := range s.events {
		if e.tracks == nil {
			continue
		}
		var words []string
		for _, t := range e.tracks {
			switch t.Codec {
			case media.CodecAAC:
				words = append(words, fmt.Sprintf("AAC/%d/%d", t.Audio.SampleRate, t.Audio.Channels))
			case media.CodecH264, media.CodecHEVC, media.CodecAV1, media.CodecVP8, media.CodecVP9:
				words = append(words, fmt.Sprintf("%v/%dx%d", t.Codec, t.Video.Width, t.Video.Height))
			default:
				words = append(words, fmt.Sprintf("%v/%d/%d/%d", t.Codec, t.Audio.SampleRate, t.Audio.Channels, t.Audio.FrameSamples))
			}
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

// play feeds ms to a new Demuxer and flushes it. Each body is destroyed after
// its call, for it is only lent.
func play(tb testing.TB, s *sink, cfg flv.Config, ms []message) (flv.Stats, error) {
	tb.Helper()
	d := flv.NewDemuxer(s, cfg)
	for _, m := range ms {
		body := slices.Clone(m.body)
		var err error
		if m.video {
			err = d.Video(m.ts, body)
		} else {
			err = d.Audio(m.ts, body)
		}
		for i := range body {
			body[i] = 0xA5
		}
		if err != nil {
			if again := d.Video(m.ts, m.body); again != err { //nolint:errorlint // the very same error is wanted
				tb.Errorf("after error %v a call returns %v", err, again)
			}
			return d.Stats(), err
		}
	}
	err := d.Flush()
	return d.Stats(), err
}

// lengths puts a 32-bit length before each unit.
func lengths(units ...[]byte) []byte {
	var out []byte
	for _, u := range units {
		out = binary.BigEndian.AppendUint32(out, uint32(len(u)))
		out = append(out, u...)
	}
	return out
}

// startCodes puts a start code before each unit.
func startCodes(units ...[]byte) []byte {
	var out []byte
	for _, u := range units {
		out = append(out, 0, 0, 0, 1)
		out = append(out, u...)
	}
	return out
}

// unitsOf splits the length-prefixed body of a legacy video message.
func unitsOf(tb testing.TB, m message) [][]byte {
	tb.Helper()
	units, err := flv.SplitAVCC(nil, m.body[5:], 4)
	if err != nil {
		tb.Fatal(err)
	}
	return units
}

// setsOf returns the parameter sets in the sequence header of a recording.
func setsOf(tb testing.TB, ms []message) [][]byte {
	tb.Helper()
	for _, m := range ms {
		if m.video && m.header() {
			c, err := flv.ParseAVCConfig(m.body[5:])
			if err != nil {
				tb.Fatal(err)
			}
			return c.Sets
		}
	}
	tb.Fatal("recording without video header")
	return nil
}

// keyframe reports whether m is a legacy video message with an IDR picture.
func keyframe(tb testing.TB, m message) bool {
	tb.Helper()
	if !m.video || m.header() || m.body[1] != 1 {
		return false
	}
	return slices.ContainsFunc(unitsOf(tb, m), func(u []byte) bool {
		return paramset.Classify(media.CodecH264, u) == paramset.NALRandomAccess
	})
}

// hevcRecord returns testdata/hevc.h265 as messages of legacy codec id 12, 66 ms
// apart, with a decoder configuration record in front.
func hevcRecord(tb testing.TB) []message {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "hevc.h265"))
	if err != nil {
		tb.Fatal(err)
	}
	units, err := paramset.SplitAnnexB(nil, b)
	if err != nil {
		tb.Fatal(err)
	}
	config := make([]byte, 23)
	config[0], config[21], config[22] = 1, 3, 3
	var out []message
	var picture [][]byte
	for _, u := range append(units, []byte{35 << 1, 1}) { // an access unit delimiter ends the last one
		if u[0]>>1 == 35 && len(picture) > 0 {
			out = append(out, message{true, uint32(len(out) * 66), append([]byte{0x1C, 1, 0, 0, 0}, lengths(picture...)...)})
			picture = nil
		}
		if t := u[0] >> 1; t >= 32 && t <= 34 && len(out) == 0 {
			config = append(config, t, 0, 1)
			config = binary.BigEndian.AppendUint16(config, uint16(len(u)))
			config = append(config, u...)
			continue
		}
		picture = append(picture, u)
	}
	return append([]message{{true, 0, append([]byte{0x1C, 0, 0, 0, 0}, config...)}}, out...)
}

const second = time.Second
