package hls

import (
	"time"

	"github.com/lectern/lectern/media"
)

// NAL unit types of HEVC pictures (ITU-T H.265 table 7-1).
const (
	hevcRASLN = 8 // random access skipped leading pictures
	hevcRASLR = 9
	hevcCRA   = 21
	hevcSlice = 31 // types up to this are slices of pictures
)

// hevcPicture returns the NAL unit type of an HEVC picture's slices, -1 for anything
// else.
func hevcPicture(codec media.Codec, payload [][]byte) int {
	if codec != media.CodecHEVC {
		return -1
	}
	for _, unit := range payload {
		if len(unit) > 0 && unit[0]>>1&0x3f <= hevcSlice {
			return int(unit[0] >> 1 & 0x3f)
		}
	}
	return -1
}

// lacksReference reports whether a picture cannot be decoded since it needs what lies
// before the picture that decoding starts with: an open group of pictures.
func (r *rendition) lacksReference(payload [][]byte, random bool) bool {
	if random {
		r.joined = r.waiting
	}
	kind := hevcPicture(r.track.Codec, payload)
	return r.joined && (kind == hevcRASLN || kind == hevcRASLR)
}

// presentedFrom is where a segment begins whose first picture, shown at pts, is that of
// a keyframe of the lead: before it the leading pictures of an open group are shown,
// which come later. shown is the latest picture before. Encoders of a ladder put their
// keyframes at pts, and there is none beside such a lead.
func (r *rendition) presentedFrom(pts, shown time.Duration, payload [][]byte) time.Duration {
	from := shown + r.frame
	for _, other := range r.pack.tracks {
		if other.track.Encoded && other.kind == media.KindVideo {
			return pts
		}
	}
	if hevcPicture(r.track.Codec, payload) != hevcCRA || from > pts || pts-from > silence {
		return pts
	}
	return from
}
