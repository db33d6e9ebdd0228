package paramset

import (
	"bytes"

	"github.com/lectern/lectern/media"
)

// MaxSEIBytes is how much supplemental information an access unit may carry;
// SEI units beyond it are dropped. Captions need a few hundred bytes.
const MaxSEIBytes = 64 << 10

// Picture is an access unit sorted by [Picture.Sift]. The zero value is ready to
// use, and one value used again and again does not allocate.
type Picture struct {
	// Units are the NAL units to keep, in order. They alias the argument of Sift.
	Units [][]byte

	// Sets are the parameter sets that were in band, in order; give them to
	// [Sets.Put]. They alias the argument of Sift.
	Sets [][]byte

	// Coded reports whether a slice is among Units: without one there is nothing
	// to show, though there may be Sets.
	Coded bool

	// RandomAccess reports whether the picture is an IDR picture (HEVC: IRAP).
	RandomAccess bool

	// Recovery reports whether an H.264 picture has a recovery point message:
	// decoding can start here too, though the first pictures are not all right. See
	// [Refresh].
	Recovery bool

	// Skipped reports whether the picture is an HEVC RASL picture: it cannot be
	// decoded when decoding starts at the random access point before it (ITU-T
	// H.265 §3.112).
	Skipped bool

	// Dropped counts the units left out, except parameter sets.
	Dropped Dropped
}

// Dropped counts NAL units that were left out, by reason.
type Dropped struct {
	// Empty units had no bytes.
	Empty uint64
	// Padding units were of kind NALPadding.
	Padding uint64
	// Invalid units were of kind NALInvalid.
	Invalid uint64
	// SEI units went beyond MaxSEIBytes.
	SEI uint64
}

// Add adds o to d.
func (d *Dropped) Add(o Dropped) {
	d.Empty += o.Empty
	d.Padding += o.Padding
	d.Invalid += o.Invalid
	d.SEI += o.SEI
}

// Sift replaces p by what is in units, the NAL units of one access unit of codec
// c without start codes. It judges by NAL unit types alone and changes no bytes.
func (p *Picture) Sift(c media.Codec, units [][]byte) {
	*p = Picture{Units: p.Units[:0], Sets: p.Sets[:0]}
	sei := 0
	for _, nal := range units {
		if len(nal) == 0 {
			p.Dropped.Empty++
			continue
		}
		switch Classify(c, nal) {
		case NALInvalid:
			p.Dropped.Invalid++
			continue
		case NALPadding:
			p.Dropped.Padding++
			continue
		case NALVideoParameterSet, NALSequenceParameterSet, NALPictureParameterSet:
			p.Sets = append(p.Sets, nal)
			continue
		case NALSEI:
			if sei+len(nal) > MaxSEIBytes {
				p.Dropped.SEI++
				continue
			}
			sei += len(nal)
			p.Recovery = p.Recovery || c == media.CodecH264 && hasRecoveryPoint(nal)
		case NALSlice:
			p.Coded = true
			p.Skipped = p.Skipped || isRASL(c, nal)
		case NALRandomAccess:
			p.Coded = true
			p.RandomAccess = true
		case NALOther:
		}
		p.Units = append(p.Units, nal)
	}
}

// Clone returns a deep copy of units in one allocation of bytes, fit for
// media.Sample.Payload.
func Clone(units [][]byte) [][]byte {
	if len(units) == 1 { // most pictures; spares clearing memory that is overwritten
		return [][]byte{bytes.Clone(units[0])}
	}
	size := 0
	for _, u := range units {
		size += len(u)
	}
	buf := make([]byte, 0, size)
	out := make([][]byte, len(units))
	for i, u := range units {
		start := len(buf)
		buf = append(buf, u...)
		out[i] = buf[start:len(buf):len(buf)]
	}
	return out
}
