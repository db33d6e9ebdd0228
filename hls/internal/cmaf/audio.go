package cmaf

import (
	"fmt"

	"github.com/lectern/lectern/media"
)

func aacSampleEntry(a media.AudioFormat) ([]byte, error) {
	if len(a.Config) < 2 || len(a.Config) > 64 {
		return nil, fmt.Errorf("AudioSpecificConfig of %d bytes: %w", len(a.Config), ErrFormat)
	}
	var b boxes
	mp4a := b.begin("mp4a")
	b.zeros(6)
	b.u16(1) // data_reference_index
	b.zeros(8)
	b.u16(uint16(a.Channels))
	b.u16(16) // samplesize
	b.zeros(4)
	rate := uint32(a.SampleRate)
	if rate > 0xffff {
		rate = 0 // does not fit; the AudioSpecificConfig says it
	}
	b.u32(rate << 16)

	// ISO/IEC 14496-1 §7.2.6: each descriptor is a tag, a length and fields.
	// Lengths stay below 128, so one byte holds them.
	esds := b.beginFull("esds", 0, 0)
	n := uint8(len(a.Config))
	b.u8(3) // ES_Descriptor
	b.u8(3 + 2 + 13 + 2 + n + 2 + 1)
	b.u16(TrackID)
	b.u8(0)
	b.u8(4) // DecoderConfigDescriptor
	b.u8(13 + 2 + n)
	b.u8(0x40) // MPEG-4 audio
	b.u8(0x15) // audio stream
	b.zeros(3 + 4 + 4)
	b.u8(5) // DecoderSpecificInfo
	b.u8(n)
	b.bytes(a.Config)
	b.u8(6) // SLConfigDescriptor
	b.u8(1)
	b.u8(2) // MP4 file
	b.end(esds)
	b.end(mp4a)
	return b.buf, nil
}
