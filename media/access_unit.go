package media

import "time"

// Sample is one coded picture or audio frame as the demuxer found it, on the
// publisher's own clock. The clock may start anywhere, wrap, jump and drift:
// package timeline cures that.
type Sample struct {
	Track TrackID

	// DTS and PTS are the publisher's decoding and presentation times. All
	// tracks of a publication share the clock. Protocols that carry no DTS
	// must derive it before they make a Sample.
	DTS, PTS time.Duration

	// RandomAccess reports whether decoding can start here: an IDR (or HEVC
	// IRAP) picture, judged by the NAL units and not by a container's flag;
	// always true for audio.
	RandomAccess bool

	// Payload holds NAL units without start codes or length prefixes (video),
	// or the one frame without its ADTS header (audio). The receiver owns it.
	Payload [][]byte
}

// Size returns the payload bytes of s.
func (s *Sample) Size() int { return payloadSize(s.Payload) }

// AccessUnit is one coded picture (ISO/IEC 14496-10 §7.4.1.2.3) or one AAC
// frame (ISO/IEC 14496-3) on the class's clock.
//
// It is immutable once written to a stream: readers share Payload.
type AccessUnit struct {
	Track TrackID

	// PTS and DTS count ticks of the track's timescale from the start of the
	// class, across all its publications. DTS rises strictly within a track;
	// PTS - DTS is the composition offset and is never negative.
	PTS, DTS int64

	// CapturedAt is the class's wall clock at PTS. It becomes
	// EXT-X-PROGRAM-DATE-TIME (RFC 8216bis §4.4.4.6).
	CapturedAt time.Time

	// RandomAccess reports whether decoding can start here.
	RandomAccess bool

	// Payload is as in Sample.
	Payload [][]byte
}

// Size returns the payload bytes of au.
func (au *AccessUnit) Size() int { return payloadSize(au.Payload) }

func payloadSize(p [][]byte) int {
	n := 0
	for _, b := range p {
		n += len(b)
	}
	return n
}
