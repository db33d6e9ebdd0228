package ffmpeg

import "github.com/asticode/go-astiav"

const (
	tripletSize = 3

	// maxTriplets is how many cc_data_pkt one picture carries: cc_count has five
	// bits (ANSI/SCTE 128 §8.2).
	maxTriplets = 31

	// maxCaptionBytes bounds what waits for a picture: about a second of captions.
	maxCaptionBytes = 20 * maxTriplets * tripletSize
)

// captionQueue carries closed captions (CEA-608 and 708 in cc_data triplets) from
// pictures that are left out to the next that is encoded. It is bounded to
// maxCaptionBytes; the oldest go first.
type captionQueue struct {
	waiting []byte
}

func (q *captionQueue) add(triplets []byte) {
	q.waiting = append(q.waiting, triplets[:len(triplets)/tripletSize*tripletSize]...)
	if over := len(q.waiting) - maxCaptionBytes; over > 0 {
		q.waiting = q.waiting[over:]
	}
}

// take returns the captions of the next picture. When there are more than it can
// carry, the padding goes first: at 15 pictures a second a full channel would
// never fit.
func (q *captionQueue) take() []byte {
	if len(q.waiting) > maxTriplets*tripletSize {
		q.waiting = withoutPadding(q.waiting)
	}
	n := min(len(q.waiting), maxTriplets*tripletSize)
	out := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	if len(q.waiting) == 0 {
		q.waiting = nil
	}
	return out
}

// withoutPadding drops the triplets that say nothing: those that are not valid,
// unless they end a 708 packet, and pairs of CEA-608 null characters.
func withoutPadding(triplets []byte) []byte {
	const valid, typeMask = 0x04, 0x03
	kept := make([]byte, 0, len(triplets))
	for t := triplets; len(t) >= tripletSize; t = t[tripletSize:] {
		line21 := t[0]&typeMask < 2
		if t[0]&valid == 0 || line21 && t[1]&0x7f == 0 && t[2]&0x7f == 0 {
			continue
		}
		kept = append(kept, t[:tripletSize]...)
	}
	return kept
}

// attachCaptions gives f the captions, of which there are at most maxTriplets.
func attachCaptions(f *astiav.Frame, triplets []byte) {
	if len(triplets) == 0 {
		return
	}
	if d := f.NewSideData(astiav.FrameSideDataTypeA53Cc, uint64(len(triplets))); d != nil {
		d.SetData(triplets)
	}
}
