package paramset

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/lectern/lectern/media"
)

const (
	// maxSetSize bounds one parameter set. Real ones have 20 to 300 bytes.
	maxSetSize = 8 << 10
	// maxSetsSize bounds all parameter sets of a stream together.
	maxSetsSize = 64 << 10
)

// Sets collects the parameter sets of one H.264 or HEVC stream, whether they
// come from a header or in band, and tells when they have changed. It holds at
// most 64 KiB.
type Sets struct {
	codec media.Codec
	held  []set // ordered by kind, then id
	size  int   // bytes in held
	dirty bool  // held changed since the last Track
}

// set is one parameter set.
type set struct {
	kind     NALKind
	id       uint32
	refersTo uint32
	nal      []byte
}

// NewSets returns an empty collection for media.CodecH264 or media.CodecHEVC.
func NewSets(c media.Codec) *Sets {
	return &Sets{codec: c}
}

// Codec returns the codec that s was made for.
func (s *Sets) Codec() media.Codec { return s.codec }

// Changed reports whether a set was added or replaced since Track last
// succeeded.
func (s *Sets) Changed() bool { return s.dirty }

// Put adds a copy of nal, which replaces the set of the same kind and
// identifier, and reports whether that made a difference. It returns an error
// wrapping ErrMalformed, and leaves s alone, when nal is not a parameter set or
// exceeds a bound.
func (s *Sets) Put(nal []byte) (changed bool, err error) {
	kind := Classify(s.codec, nal)
	switch kind {
	case NALVideoParameterSet, NALSequenceParameterSet, NALPictureParameterSet:
	default:
		return false, malformed("NAL unit of %d bytes is no parameter set", len(nal))
	}
	if s.holds(kind, nal) {
		return false, nil
	}
	if len(nal) > maxSetSize {
		return false, malformed("parameter set of %d bytes", len(nal))
	}
	n := set{kind: kind}
	if s.codec == media.CodecH264 {
		n.id, n.refersTo, err = idsH264(kind, nal)
	} else {
		n.id, n.refersTo, err = idsHEVC(kind, nal)
	}
	if err != nil {
		return false, err
	}

	i, found := slices.BinarySearchFunc(s.held, n, func(a, b set) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.id, b.id))
	})
	size := s.size + len(nal)
	if found {
		size -= len(s.held[i].nal)
	}
	if size > maxSetsSize {
		return false, malformed("more than %d bytes of parameter sets", maxSetsSize)
	}
	n.nal = slices.Clone(nal)
	if found {
		s.held[i] = n
	} else {
		s.held = slices.Insert(s.held, i, n)
	}
	s.size = size
	s.dirty = true
	return true, nil
}

// holds is the quick answer to the common case: encoders repeat their sets
// before every keyframe.
func (s *Sets) holds(kind NALKind, nal []byte) bool {
	return slices.ContainsFunc(s.held, func(h set) bool { return h.kind == kind && bytes.Equal(h.nal, nal) })
}

// Track describes the stream: the SPS that the first PPS refers to, all PPS that
// refer to the same SPS and, for HEVC, the SPS's VPS. It returns ErrIncomplete
// while one of them is missing, else as H264 and HEVC.
func (s *Sets) Track() (media.Track, error) {
	first := slices.IndexFunc(s.held, func(h set) bool {
		return h.kind == NALPictureParameterSet && s.find(NALSequenceParameterSet, h.refersTo) != nil
	})
	if first < 0 {
		return media.Track{}, ErrIncomplete
	}
	sps := s.find(NALSequenceParameterSet, s.held[first].refersTo)
	var pps [][]byte
	for _, h := range s.held[first:] {
		if h.refersTo == sps.id {
			pps = append(pps, h.nal)
		}
	}

	var track media.Track
	var err error
	if s.codec == media.CodecH264 {
		track, err = H264(sps.nal, pps...)
	} else {
		vps := s.find(NALVideoParameterSet, sps.refersTo)
		if vps == nil {
			return media.Track{}, ErrIncomplete
		}
		track, err = HEVC(vps.nal, sps.nal, pps...)
	}
	if err != nil {
		return media.Track{}, err
	}
	s.dirty = false
	return track, nil
}

// find returns the set of this kind and id, or nil.
func (s *Sets) find(kind NALKind, id uint32) *set {
	i := slices.IndexFunc(s.held, func(h set) bool { return h.kind == kind && h.id == id })
	if i < 0 {
		return nil
	}
	return &s.held[i]
}
