package cmaf

import (
	"fmt"

	"github.com/lectern/lectern/media"
)

// Init returns the initialization section of t: ftyp and moov without samples
// (RFC 8216bis §3.1.2). Equal tracks give equal bytes. It returns ErrFormat for
// a track that cannot be packaged.
func Init(t media.Track) ([]byte, error) {
	entry, err := sampleEntry(t)
	if err != nil {
		return nil, err
	}
	b := boxes{buf: make([]byte, 0, 640+len(entry))}

	ftyp := b.begin("ftyp")
	b.text("iso6") // tfdt and default-base-is-moof; RFC 8216bis asks for iso6 or later
	b.u32(0)
	b.text("iso6cmfcmp41")
	b.end(ftyp)

	moov := b.begin("moov")
	appendMovieHeader(&b)
	appendTrack(&b, t, entry)
	mvex := b.begin("mvex")
	trex := b.beginFull("trex", 0, 0)
	b.u32(TrackID)
	b.u32(1) // default_sample_description_index
	b.zeros(12)
	b.end(trex)
	b.end(mvex)
	b.end(moov)
	return b.buf, nil
}

func appendMovieHeader(b *boxes) {
	mvhd := b.beginFull("mvhd", 0, 0)
	b.zeros(8)  // creation, modification
	b.u32(1000) // timescale of the duration, which is 0
	b.u32(0)
	b.u32(0x00010000) // rate 1.0
	b.u16(0x0100)     // volume 1.0
	b.zeros(10)
	appendMatrix(b)
	b.zeros(24)
	b.u32(TrackID + 1) // next_track_ID
	b.end(mvhd)
}

// appendMatrix writes the identity matrix.
func appendMatrix(b *boxes) {
	for _, v := range [9]uint32{0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0, 0x40000000} {
		b.u32(v)
	}
}

func appendTrack(b *boxes, t media.Track, entry []byte) {
	video := t.Codec.Kind() == media.KindVideo
	trak := b.begin("trak")

	tkhd := b.beginFull("tkhd", 0, 3) // enabled, in movie
	b.zeros(8)
	b.u32(TrackID)
	b.zeros(4 + 4 + 8) // reserved, duration 0, reserved
	b.zeros(4)         // layer, alternate_group
	if video {
		b.u16(0)
	} else {
		b.u16(0x0100)
	}
	b.zeros(2)
	appendMatrix(b)
	w, h := displaySize(t.Video)
	b.u32(w)
	b.u32(h)
	b.end(tkhd)

	mdia := b.begin("mdia")
	mdhd := b.beginFull("mdhd", 0, 0)
	b.zeros(8)
	b.u32(uint32(t.Timescale))
	b.u32(0)
	b.u16(0x55c4) // "und" in five bits a letter
	b.u16(0)
	b.end(mdhd)
	hdlr := b.beginFull("hdlr", 0, 0)
	b.zeros(4)
	if video {
		b.text("vide")
	} else {
		b.text("soun")
	}
	b.zeros(12)
	if video {
		b.text("VideoHandler\x00")
	} else {
		b.text("SoundHandler\x00")
	}
	b.end(hdlr)
	appendMediaInformation(b, video, entry)
	b.end(mdia)
	b.end(trak)
}

func appendMediaInformation(b *boxes, video bool, entry []byte) {
	minf := b.begin("minf")
	if video {
		vmhd := b.beginFull("vmhd", 0, 1)
		b.zeros(8)
		b.end(vmhd)
	} else {
		smhd := b.beginFull("smhd", 0, 0)
		b.zeros(4)
		b.end(smhd)
	}
	dinf := b.begin("dinf")
	dref := b.beginFull("dref", 0, 0)
	b.u32(1)
	b.end(b.beginFull("url ", 0, 1)) // the media are in the same file
	b.end(dref)
	b.end(dinf)

	stbl := b.begin("stbl")
	stsd := b.beginFull("stsd", 0, 0)
	b.u32(1)
	b.bytes(entry)
	b.end(stsd)
	for _, name := range []string{"stts", "stsc", "stco"} {
		empty := b.beginFull(name, 0, 0)
		b.u32(0)
		b.end(empty)
	}
	stsz := b.beginFull("stsz", 0, 0)
	b.zeros(8)
	b.end(stsz)
	b.end(stbl)
	b.end(minf)
}

// displaySize returns the size of the pictures in square pixels, 16.16 fixed
// point; 0 for audio.
func displaySize(v media.VideoFormat) (w, h uint32) {
	width, height := uint64(v.Width)<<16, uint64(v.Height)<<16
	if v.SARWidth > 0 && v.SARHeight > 0 {
		width = width * uint64(v.SARWidth) / uint64(v.SARHeight)
	}
	return uint32(width), uint32(height)
}

// DisplaySize returns the size at which the pictures of v are to be shown, in
// square pixels, the width to the nearest even number where pixels are not
// square; 0 for audio.
func DisplaySize(v media.VideoFormat) (width, height int) {
	if v.SARWidth <= 0 || v.SARHeight <= 0 || v.SARWidth == v.SARHeight {
		return v.Width, v.Height
	}
	w, h := displaySize(v)
	return int(w+1<<16) >> 17 << 1, int(h >> 16)
}

func sampleEntry(t media.Track) ([]byte, error) {
	switch t.Codec {
	case media.CodecH264:
		return avcSampleEntry(t.Video)
	case media.CodecHEVC:
		return hevcSampleEntry(t.Video)
	case media.CodecAAC:
		return aacSampleEntry(t.Audio)
	default:
		return nil, fmt.Errorf("codec %s: %w", t.Codec, ErrFormat)
	}
}
