package mediatest

import (
	"encoding/binary"
	"testing"
)

// Frames returns a clip of a codec that [Source] does not make: what belongs into
// the codec's header (nil if it has none) and the coded frames as ffmpeg's muxers
// get them. name is that of a file in testdata without ".frames"; README.md there
// says what is in it. The caller may keep what is returned.
func Frames(tb testing.TB, name string) (header []byte, frames [][]byte) {
	tb.Helper()
	b := readFile(tb, name+".frames")
	for len(b) >= 2 {
		n := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; n > len(b) {
			tb.Fatalf("clip %s is cut short", name)
		}
		frames = append(frames, b[:n:n])
		b = b[n:]
	}
	if header = frames[0]; len(header) == 0 {
		header = nil
	}
	return header, frames[1:]
}
