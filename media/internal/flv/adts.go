package flv

import (
	"time"

	"github.com/lectern/lectern/media/internal/paramset"
)

// ADTSFrame is one frame of an ADTS stream (ISO/IEC 14496-3 §1.A.3.2) without
// its header.
type ADTSFrame struct {
	// Config is an AudioSpecificConfig that says the same as the header.
	Config [2]byte

	// Duration of the frame: 1024 samples, before spectral band replication.
	Duration time.Duration

	// Data is the raw_data_block. It aliases the message.
	Data []byte
}

// StartsWithADTS reports whether b begins with an ADTS syncword and layer 0. Raw
// AAC never does: it would be a frame that ends before it begins.
func StartsWithADTS(b []byte) bool {
	return len(b) >= 2 && b[0] == 0xFF && b[1]&0xF6 == 0xF0
}

// IsLOAS reports whether b is LATM in a LOAS AudioSyncStream (ISO/IEC 14496-3
// §1.7.2): a syncword and a length that fits.
func IsLOAS(b []byte) bool {
	return len(b) >= 3 && b[0] == 0x56 && b[1]&0xE0 == 0xE0 && int(b[1]&0x1F)<<8|int(b[2]) == len(b)-3
}

// maxADTSFrames bounds the frames of a message; AAC in a second has 94 at most.
const maxADTSFrames = 64

// SplitADTS returns the frames of b, which must consist of whole ADTS frames,
// with or without CRC, of one raw data block each. The error wraps ErrMalformed.
func SplitADTS(b []byte) ([]ADTSFrame, error) {
	var frames []ADTSFrame
	for len(b) > 0 {
		header := 7
		if len(b) < header || !StartsWithADTS(b) {
			return nil, malformed("no ADTS header in %d bytes", len(b))
		}
		if b[1]&1 == 0 { // protection_absent
			header += 2
		}
		size := int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5]>>5)
		rateIndex := int(b[2] >> 2 & 0x0F)
		rate := paramset.SampleRate(rateIndex)
		switch {
		case size <= header || size > len(b):
			return nil, malformed("ADTS frame of %d bytes in %d", size, len(b))
		case b[6]&3 != 0:
			return nil, malformed("ADTS frame of %d raw data blocks", b[6]&3+1)
		case rate == 0:
			return nil, malformed("ADTS sampling rate index %d", rateIndex)
		case len(frames) == maxADTSFrames:
			return nil, malformed("more than %d ADTS frames", maxADTSFrames)
		}
		objectType := b[2]>>6 + 1
		layout := b[2]&1<<2 | b[3]>>6
		frames = append(frames, ADTSFrame{
			Config:   [2]byte{objectType<<3 | byte(rateIndex)>>1, byte(rateIndex)<<7 | layout<<3},
			Duration: 1024 * time.Second / time.Duration(rate),
			Data:     b[header:size],
		})
		b = b[size:]
	}
	return frames, nil
}
