package ffmpeg

import (
	"bytes"

	"github.com/lectern/lectern/media"
)

// maxUnits is how many NAL units of a coded picture are passed on; x264 makes
// three or four.
const maxUnits = 1024

// chunks returns the payload of an access unit as the decoder of codec wants it,
// in pieces that follow each other.
func chunks(codec media.Codec, payload [][]byte) [][]byte {
	switch codec {
	case media.CodecH264, media.CodecHEVC:
		return annexB(payload)
	case media.CodecAV1:
		return lowOverhead(payload)
	default:
		return payload
	}
}

// annexB puts a start code before each NAL unit (ITU-T H.264 and H.265 annex B).
func annexB(units [][]byte) [][]byte {
	out := make([][]byte, 0, 2*len(units))
	for _, u := range units {
		if len(u) > 0 {
			out = append(out, []byte{0, 0, 0, 1}, u)
		}
	}
	return out
}

// splitAnnexB returns the NAL units of b, which share its memory, without start
// codes and trailing zeros.
func splitAnnexB(b []byte) [][]byte {
	startCode := []byte{0, 0, 1}
	var units [][]byte
	i := bytes.Index(b, startCode)
	for i >= 0 && len(units) < maxUnits {
		b = b[i+len(startCode):]
		i = bytes.Index(b, startCode)
		unit := b
		if i >= 0 {
			unit = b[:i]
		}
		// No NAL unit ends in a zero byte (ITU-T H.264 §7.4.1).
		if unit = bytes.TrimRight(unit, "\x00"); len(unit) > 0 {
			units = append(units, unit)
		}
	}
	return units
}

// lowOverhead gives each OBU a size field (AV1 §5.2, §5.3): payloads from RTP
// have none. An element that has one may be a row of OBUs and stays as it is.
func lowOverhead(obus [][]byte) [][]byte {
	const extension, hasSize = 0x04, 0x02
	out := make([][]byte, 0, 2*len(obus))
	for _, o := range obus {
		if len(o) == 0 {
			continue
		}
		if o[0]&hasSize != 0 {
			out = append(out, o)
			continue
		}
		head := 1
		if o[0]&extension != 0 {
			head = 2
		}
		if len(o) < head {
			continue
		}
		header := append([]byte{o[0] | hasSize}, o[1:head]...)
		out = append(out, appendLEB128(header, len(o)-head), o[head:])
	}
	return out
}

// appendLEB128 appends n as AV1 §4.10.5 codes it.
func appendLEB128(b []byte, n int) []byte {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

// The H.264 NAL unit types (ITU-T H.264 table 7-1) that matter here.
const (
	nalIDR       = 5
	nalSPS       = 7
	nalPPS       = 8
	nalDelimiter = 9
	nalFiller    = 12
)

// pictureUnits returns what of an encoder's packet is the access unit, and
// whether it is an IDR picture.
func pictureUnits(b []byte) (units [][]byte, idr bool) {
	for _, u := range splitAnnexB(b) {
		switch u[0] & 0x1f {
		case nalSPS, nalPPS, nalDelimiter, nalFiller:
			continue
		case nalIDR:
			idr = true
		}
		units = append(units, u)
	}
	return units, idr
}
