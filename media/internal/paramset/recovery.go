package paramset

import (
	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// maxRecoveryFrames is the longest recovery that is worth to wait for: ten seconds
// at 60 pictures a second.
const maxRecoveryFrames = 600

// hasRecoveryPoint reports whether an H.264 SEI unit has a recovery point message
// (ITU-T H.264 §D.1.8) for decoding to start at: after recovery_frame_cnt pictures
// all is right, or nearly so (exact_match_flag). A broken link does not matter to
// a decoder that has nothing before it.
func hasRecoveryPoint(nal []byte) bool {
	// The message is the first or comes after buffering period and picture timing:
	// what stands behind a long one is not looked for.
	const look, recoveryPoint = 256, 6
	b := h264.EmulationPreventionRemove(nal[1:min(len(nal), look)])
	for len(b) >= 2 {
		kind, rest, ok := seiNumber(b)
		if !ok {
			return false
		}
		size, rest, ok := seiNumber(rest)
		if !ok {
			return false
		}
		if kind == recoveryPoint {
			pos := 0
			frames, err := bits.ReadGolombUnsigned(rest[:min(size, len(rest))], &pos)
			return err == nil && frames <= maxRecoveryFrames
		}
		if size > len(rest) {
			return false
		}
		b = rest[size:]
	}
	return false
}

// seiNumber reads payloadType or payloadSize (ITU-T H.264 §7.3.2.3.1).
func seiNumber(b []byte) (n int, rest []byte, ok bool) {
	for i, c := range b {
		n += int(c)
		if c != 0xFF {
			return n, b[i+1:], true
		}
	}
	return 0, nil, false
}
