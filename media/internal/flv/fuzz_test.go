package flv_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/flv"
	"github.com/lectern/lectern/media/internal/paramset"
	"github.com/lectern/lectern/media/mediatest"
)

// within reports whether part aliases a part of whole, as parsers must return.
func within(part, whole []byte) bool {
	return len(part) == 0 || bytes.Contains(whole, part)
}

func fuzzTag(f *testing.F, video bool, parse func([]byte) (flv.Tag, error)) {
	f.Helper()
	for _, name := range []string{"h264_aac_small.flv", "mp3.flv", "speex.flv", "sorenson.flv", "alaw.flv"} {
		for _, m := range record(f, name)[:2] {
			if m.video == video {
				f.Add(m.body)
			}
		}
	}
	for _, s := range []string{"90" + fourAVC + "aabb", "a1" + fourHVC + "000010aa", "a7020003e803" + fourAVC + "aa", "a613" + fourAVC + "01000002bbbb00000001aa", "970200ffff0511" + fourMP4A + "00000001aa", "94" + fourOpus + "01"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tag, err := parse(b)
		if err != nil {
			if !errors.Is(err, flv.ErrMalformed) {
				t.Fatalf("error of no known kind: %v", err)
			}
			return
		}
		if !within(tag.Body, b) || tag.NanoOffset < 0 || tag.NanoOffset >= time.Millisecond || tag.OtherTracks > len(b) {
			t.Fatalf("tag %+v", tag)
		}
		if tag.Packet == flv.PacketFrames && tag.Name == "" {
			t.Fatal("frames of a codec without name")
		}
	})
}

func FuzzVideoTag(f *testing.F) { fuzzTag(f, true, flv.ParseVideoTag) }

func FuzzAudioTag(f *testing.F) { fuzzTag(f, false, flv.ParseAudioTag) }

func FuzzSplitAVCC(f *testing.F) {
	for _, m := range only(record(f, "h264_aac_small.flv"), isVideo)[1:4] {
		f.Add(m.body[5:], uint8(4))
	}
	f.Add([]byte{2, 0x65, 0xAA, 0}, uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		n := []int{1, 2, 4}[size%3]
		units, err := flv.SplitAVCC(nil, b, n)
		total := 0
		for _, u := range units {
			total += n + len(u)
			if !within(u, b) {
				t.Fatalf("unit %x is not in the input", u)
			}
		}
		if total > len(b) || len(units) > paramset.MaxUnits || (err == nil && total < len(b)-n+1) {
			t.Fatalf("%d units of %d bytes from %d, error %v", len(units), total, len(b), err)
		}
	})
}

func fuzzConfig(t *testing.T, b []byte, c flv.DecoderConfig, err error) {
	t.Helper()
	if err != nil {
		if !errors.Is(err, flv.ErrMalformed) {
			t.Fatalf("error of no known kind: %v", err)
		}
		return
	}
	if c.LengthSize != 1 && c.LengthSize != 2 && c.LengthSize != 4 {
		t.Fatalf("length size %d", c.LengthSize)
	}
	for _, s := range c.Sets {
		if !within(s, b) {
			t.Fatalf("unit %x is not in the input", s)
		}
	}
}

func FuzzAVCDecoderConfigurationRecord(f *testing.F) {
	for _, name := range []string{"h264_aac.flv", "h264_aac_small.flv"} {
		f.Add(only(only(record(f, name), isVideo), message.header)[0].body[5:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := flv.ParseAVCConfig(b)
		fuzzConfig(t, b, c, err)
	})
}

func FuzzHEVCDecoderConfigurationRecord(f *testing.F) {
	f.Add(hevcRecord(f)[0].body[5:])
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := flv.ParseHEVCConfig(b)
		fuzzConfig(t, b, c, err)
	})
}

func FuzzSplitADTS(f *testing.F) {
	frame := only(record(f, "h264_aac_small.flv"), isAudio)[1].body[2:]
	f.Add(slices.Concat(adts(frame, 2, false), adts(frame, 2, true)))
	f.Fuzz(func(t *testing.T, b []byte) {
		frames, err := flv.SplitADTS(b)
		if err != nil && !errors.Is(err, flv.ErrMalformed) {
			t.Fatalf("error of no known kind: %v", err)
		}
		for _, fr := range frames {
			if len(fr.Data) == 0 || !within(fr.Data, b) || fr.Duration <= 0 {
				t.Fatalf("frame %+v", fr)
			}
			if track, err := paramset.AAC(fr.Config[:]); err == nil && track.Timescale.Duration(1024) != fr.Duration.Round(1) && (track.Timescale.Duration(1024)-fr.Duration).Abs() > time.Microsecond {
				t.Fatalf("duration %v, its configuration says %v", fr.Duration, track.Timescale.Duration(1024))
			}
		}
	})
}

// script packs messages for FuzzDemuxer: kind and length in 16 bits, the step of
// the timestamp in 16 bits, the body.
func script(ms []message) []byte {
	var out []byte
	last := uint32(0)
	for _, m := range ms {
		head := uint16(len(m.body)) << 1
		if m.video {
			head |= 1
		}
		out = binary.BigEndian.AppendUint16(out, head)
		out = binary.BigEndian.AppendUint16(out, uint16(m.ts-last))
		out = append(out, m.body...)
		last = m.ts
	}
	return out
}

func FuzzDemuxer(f *testing.F) {
	small, hevc := record(f, "h264_aac_small.flv"), hevcRecord(f)
	f.Add(script(small[:12]))
	f.Add(script(only(small, isVideo)[:6]))
	f.Add(script(only(small, isAudio)[:8]))
	f.Add(script(hevc[:4]))
	f.Add(script(slices.Concat(small[:6], shift(hevc[:3], 3000))))
	f.Add(script(only(small, isFrames)[:8]))
	f.Add(script(slices.Concat(small[:6], record(f, "mp3.flv"))))
	f.Add(script(edit(small[:10], true, func(m message) []byte { return m.body[:len(m.body)-1] })))
	for name, fourCC := range map[string]string{"av1": "av01", "vp8": "vp08", "vp9": "vp09"} {
		header, frames := mediatest.Frames(f, name)
		f.Add(script(enhancedVideo(fourCC, header, frames[:3])))
	}
	for name, fourCC := range map[string]string{"opus": "Opus", "flac": "fLaC", "ac3": "ac-3", "eac3": "ec-3", "mp3": ".mp3"} {
		header, frames := mediatest.Frames(f, name)
		f.Add(script(enhancedSound(fourCC, header, frames[:3], 20)))
	}
	for _, head := range []byte{0x04, 0x3F, 0x72, 0x83, 0xB6} {
		f.Add(script(legacySound(head, [][]byte{{1, 2, 3, 4}, {5, 6}}, 20)))
	}
	f.Add(script(annexBRecord(f, "h264_refresh", 1000)[:6]))
	f.Fuzz(func(t *testing.T, b []byte) {
		const bound = 4096
		s := &sink{tb: t}
		d := flv.NewDemuxer(s, flv.Config{AnalysisBytes: bound})
		ts := uint32(0)
		var err error
		for len(b) >= 4 && err == nil {
			head := binary.BigEndian.Uint16(b)
			ts += uint32(int32(int16(binary.BigEndian.Uint16(b[2:]))) * 16)
			b = b[4:]
			body := slices.Clone(b[:min(len(b), int(head>>1))])
			b = b[len(body):]
			if head&1 == 1 {
				err = d.Video(ts, body)
			} else {
				err = d.Audio(ts, body)
			}
			clear(body)
			if held := d.Stats().HeldBytes; held > bound {
				t.Fatalf("%d bytes held", held)
			}
		}
		if err == nil {
			err = d.Flush()
		}
		if err != nil {
			var refusal *media.RefusalError
			if !errors.As(err, &refusal) && !errors.Is(err, flv.ErrDamaged) && !errors.Is(err, flv.ErrClock) {
				t.Fatalf("error of no known kind: %v", err)
			}
		}
		stats := d.Stats()
		if written := uint64(len(s.samples(media.VideoTrackID)) + len(s.samples(media.AudioTrackID))); err == nil && written != stats.VideoSamples+stats.AudioSamples {
			t.Fatalf("%d samples written, %d counted", written, stats.VideoSamples+stats.AudioSamples)
		}
	})
}
