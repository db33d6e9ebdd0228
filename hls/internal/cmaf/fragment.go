package cmaf

import (
	"encoding/binary"

	"github.com/lectern/lectern/media"
)

// Sample is one sample of a fragment.
type Sample struct {
	// Duration is the decode duration and CompositionOffset is PTS - DTS, both
	// in ticks of the track's timescale.
	Duration          uint32
	CompositionOffset int32

	// Sync reports whether decoding can start here.
	Sync bool

	// Payload holds NAL units (video) or the one frame (audio).
	Payload [][]byte
}

// Sample flags (ISO/IEC 14496-12 §8.8.3.1): a sync sample depends on no other
// sample; the rest depend on others and are not sync samples.
const (
	flagsSync    = 0x02000000
	flagsNonSync = 0x01010000
)

// Flags of tfhd and trun (ISO/IEC 14496-12 §8.8.7.1, §8.8.8.1).
const (
	tfhdDefaultDuration    = 0x000008
	tfhdDefaultFlags       = 0x000020
	tfhdDefaultBaseIsMoof  = 0x020000
	trunDataOffset         = 0x000001
	trunSampleDuration     = 0x000100
	trunSampleSize         = 0x000200
	trunSampleFlags        = 0x000400
	trunCompositionOffsets = 0x000800
)

// nalLengthSize is the size of the length before each NAL unit; the decoder
// configuration records state it.
const nalLengthSize = 4

// TrackID is the track_ID of every file: there is one track in each.
const TrackID = 1

// Fragment returns one movie fragment, moof and mdat, that holds samples from
// decodeTime on. The samples' payload is copied. There must be at least one
// sample.
func Fragment(kind media.Kind, sequence uint32, decodeTime uint64, samples []Sample) []byte {
	layout := measure(kind, samples)
	b := boxes{buf: make([]byte, 0, layout.moof+8+layout.payload)}

	moof := b.begin("moof")
	mfhd := b.beginFull("mfhd", 0, 0)
	b.u32(sequence)
	b.end(mfhd)
	traf := b.begin("traf")
	layout.appendHeader(&b, samples)
	tfdt := b.beginFull("tfdt", 1, 0)
	b.u64(decodeTime)
	b.end(tfdt)
	layout.appendRun(&b, samples)
	b.end(traf)
	b.end(moof)

	b.u32(uint32(8 + layout.payload))
	b.text("mdat")
	for i := range samples {
		for _, unit := range samples[i].Payload {
			if kind == media.KindVideo {
				b.u32(uint32(len(unit)))
			}
			b.bytes(unit)
		}
	}
	return b.buf
}

// FirstSampleEnd returns where the first of samples ends in the fragment that
// Fragment makes of them, in bytes from the fragment's start.
func FirstSampleEnd(kind media.Kind, samples []Sample) int {
	return measure(kind, samples).moof + 8 + samples[0].size(kind)
}

// fragmentLayout is what has to be known before the first byte is written.
type fragmentLayout struct {
	kind         media.Kind
	moof         int // size of the moof box
	payload      int // bytes in mdat
	sameDuration bool
	offsets      bool // some composition offset is not 0
}

func measure(kind media.Kind, samples []Sample) fragmentLayout {
	l := fragmentLayout{kind: kind, sameDuration: true}
	for i := range samples {
		s := &samples[i]
		l.payload += s.size(kind)
		l.sameDuration = l.sameDuration && s.Duration == samples[0].Duration
		l.offsets = l.offsets || s.CompositionOffset != 0
	}
	const (
		moof = 8
		mfhd = 16
		traf = 8
		tfdt = 20
	)
	tfhd, trun, entry := 16, 20, 4
	if l.sameDuration {
		tfhd += 4
	} else {
		entry += 4
	}
	if kind == media.KindAudio {
		tfhd += 4
	} else {
		entry += 4
	}
	if l.offsets {
		entry += 4
	}
	l.moof = moof + mfhd + traf + tfhd + tfdt + trun + entry*len(samples)
	return l
}

func (l fragmentLayout) appendHeader(b *boxes, samples []Sample) {
	flags := uint32(tfhdDefaultBaseIsMoof)
	if l.sameDuration {
		flags |= tfhdDefaultDuration
	}
	if l.kind == media.KindAudio {
		flags |= tfhdDefaultFlags
	}
	tfhd := b.beginFull("tfhd", 0, flags)
	b.u32(TrackID)
	if l.sameDuration {
		b.u32(samples[0].Duration)
	}
	if l.kind == media.KindAudio {
		b.u32(flagsSync)
	}
	b.end(tfhd)
}

func (l fragmentLayout) appendRun(b *boxes, samples []Sample) {
	flags := uint32(trunDataOffset | trunSampleSize)
	if !l.sameDuration {
		flags |= trunSampleDuration
	}
	if l.kind != media.KindAudio {
		flags |= trunSampleFlags
	}
	if l.offsets {
		flags |= trunCompositionOffsets
	}
	trun := b.beginFull("trun", 1, flags)
	b.u32(uint32(len(samples)))
	b.u32(uint32(l.moof + 8)) // behind the header of mdat
	for i := range samples {
		s := &samples[i]
		if !l.sameDuration {
			b.u32(s.Duration)
		}
		b.u32(uint32(s.size(l.kind)))
		if l.kind != media.KindAudio {
			if s.Sync {
				b.u32(flagsSync)
			} else {
				b.u32(flagsNonSync)
			}
		}
		if l.offsets {
			b.buf = binary.BigEndian.AppendUint32(b.buf, uint32(s.CompositionOffset))
		}
	}
	b.end(trun)
}

func (s *Sample) size(kind media.Kind) int {
	n := 0
	for _, unit := range s.Payload {
		n += len(unit)
	}
	if kind == media.KindVideo {
		n += nalLengthSize * len(s.Payload)
	}
	return n
}
