package mediatest

import (
	"bytes"
	"embed"
	"testing"

	"github.com/lectern/lectern/media"
)

//go:embed testdata/*.h264 testdata/*.h265 testdata/*.aac testdata/*.frames
var files embed.FS //nolint:gochecknoglobals // go:embed needs a package variable

// clip is a run of coded pictures, cut into NAL units.
type clip struct {
	parameterSets [][]byte   // in the order of [media.VideoFormat]
	pictures      [][][]byte // decode order, parameter sets and delimiters left out
	tails         [][][]byte // by (GOP length - 4) / 2, for clips with B pictures
}

// nalKind sorts the NAL units of both codecs as far as a clip needs.
type nalKind uint8

const (
	nalSlice nalKind = iota
	nalParameterSet
	nalDelimiter
)

func kindOf(nal []byte, codec media.Codec) nalKind {
	if codec == media.CodecHEVC {
		switch nal[0] >> 1 & 0x3f {
		case 32, 33, 34: // VPS, SPS, PPS (ITU-T H.265 table 7-1)
			return nalParameterSet
		case 35:
			return nalDelimiter
		}
		return nalSlice
	}
	switch nal[0] & 0x1f {
	case 7, 8: // SPS, PPS (ITU-T H.264 table 7-1)
		return nalParameterSet
	case 9:
		return nalDelimiter
	}
	return nalSlice
}

func loadClip(tb testing.TB, codec media.Codec, name, tails string) clip {
	tb.Helper()
	var c clip
	c.parameterSets, c.pictures = splitPictures(readFile(tb, name), codec)
	if tails != "" {
		_, c.tails = splitPictures(readFile(tb, tails), codec)
	}
	return c
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := files.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatalf("read clip: %v", err)
	}
	return b
}

// splitPictures cuts a byte stream (ITU-T H.264 annex B) in which every access
// unit starts with a delimiter.
func splitPictures(b []byte, codec media.Codec) (parameterSets [][]byte, pictures [][][]byte) {
	for _, nal := range splitNALUnits(b) {
		switch kindOf(nal, codec) {
		case nalDelimiter:
			pictures = append(pictures, nil)
		case nalParameterSet:
			if len(pictures) == 1 {
				parameterSets = append(parameterSets, nal)
			}
		case nalSlice:
			last := len(pictures) - 1
			pictures[last] = append(pictures[last], nal)
		}
	}
	return parameterSets, pictures
}

func splitNALUnits(b []byte) [][]byte {
	var nals [][]byte
	startCode := []byte{0, 0, 1}
	for {
		start := bytes.Index(b, startCode)
		if start < 0 {
			return nals
		}
		b = b[start+len(startCode):]
		end := bytes.Index(b, startCode)
		if end < 0 {
			end = len(b)
		}
		if nal := bytes.TrimRight(b[:end], "\x00"); len(nal) > 0 {
			nals = append(nals, nal)
		}
	}
}

// splitADTS cuts ADTS frames (ISO/IEC 14496-3 §1.A.2) and drops their headers.
func splitADTS(b []byte) [][]byte {
	var frames [][]byte
	for len(b) >= 7 {
		n := int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5])>>5
		if n < 7 || n > len(b) {
			return frames
		}
		frames = append(frames, b[7:n])
		b = b[n:]
	}
	return frames
}
