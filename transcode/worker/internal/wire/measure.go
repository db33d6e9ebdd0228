package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

const (
	stoppedSize     = 1 + 8
	loudnessSize    = 5 * 8
	thumbnailHeader = runHeader + 8 + 4 + 4

	// maxSide is the largest width and height of a thumbnail, in pixels.
	maxSide = 4096

	// loudest bounds LUFS and dBFS in both directions: silence is minus infinity
	// to an engine, and JSON has no word for that.
	loudest = 200
)

// AppendStopped appends the news that a rung was shed.
func AppendStopped(dst []byte, run uint32, s transcode.Stopped) ([]byte, error) {
	if !sane(s.At, s.At) {
		return dst, fmt.Errorf("%w: stopped at %d", ErrUnsendable, s.At)
	}
	return appendRun(dst, KindStopped, run, binary.BigEndian.AppendUint64([]byte{byte(s.Track)}, uint64(s.At)))
}

// ParseStopped reads the news that a rung was shed.
func ParseStopped(body []byte) (run uint32, s transcode.Stopped, err error) {
	run, rest, err := splitRun(KindStopped, body, stoppedSize)
	if err != nil {
		return 0, s, err
	}
	s = transcode.Stopped{Track: media.TrackID(rest[0]), At: int64(binary.BigEndian.Uint64(rest[1:]))}
	if !sane(s.At, s.At) {
		return 0, s, fmt.Errorf("%w: stopped at %d", ErrFrame, s.At)
	}
	return run, s, nil
}

// AppendThumbnail appends a picture.
func AppendThumbnail(dst []byte, run uint32, t transcode.Thumbnail) ([]byte, error) {
	if err := checkThumbnail(t); err != nil {
		return dst, fmt.Errorf("%w: %w", ErrUnsendable, err)
	}
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(begin(dst, KindThumbnail), run)
	dst = binary.BigEndian.AppendUint64(dst, uint64(t.PTS))
	dst = binary.BigEndian.AppendUint32(dst, uint32(t.Width))
	dst = binary.BigEndian.AppendUint32(dst, uint32(t.Height))
	return seal(append(dst, t.JPEG...), start)
}

// ParseThumbnail reads a picture, whose bytes are copied.
func ParseThumbnail(body []byte) (run uint32, t transcode.Thumbnail, err error) {
	if len(body) < thumbnailHeader {
		return 0, t, fmt.Errorf("%w: thumbnail of %d bytes", ErrFrame, len(body))
	}
	be := binary.BigEndian
	t = transcode.Thumbnail{
		PTS: time.Duration(be.Uint64(body[4:])), Width: int(be.Uint32(body[12:])), Height: int(be.Uint32(body[16:])),
		JPEG: body[thumbnailHeader:],
	}
	if err = checkThumbnail(t); err != nil {
		return 0, transcode.Thumbnail{}, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	t.JPEG = bytes.Clone(t.JPEG)
	return be.Uint32(body), t, nil
}

func checkThumbnail(t transcode.Thumbnail) error {
	switch {
	case t.Width < 1 || t.Height < 1 || t.Width > maxSide || t.Height > maxSide:
		return fmt.Errorf("thumbnail of %dx%d pixels", t.Width, t.Height)
	case !bytes.HasPrefix(t.JPEG, []byte{0xff, 0xd8}): // SOI, ITU-T T.81 §B.1.1.3
		return fmt.Errorf("thumbnail of %d bytes that is no JPEG", len(t.JPEG))
	default:
		return nil
	}
}

// AppendLoudness appends a measurement.
func AppendLoudness(dst []byte, run uint32, l transcode.Loudness) ([]byte, error) {
	body := make([]byte, 0, loudnessSize)
	for _, v := range []uint64{
		uint64(l.PTS), uint64(l.Duration), math.Float64bits(l.ShortTerm), math.Float64bits(l.Peak), uint64(l.Clipped),
	} {
		body = binary.BigEndian.AppendUint64(body, v)
	}
	return appendRun(dst, KindLoudness, run, body)
}

// ParseLoudness reads a measurement. What is not a number, or out of reason,
// comes out as the nearest loudness that is.
func ParseLoudness(body []byte) (run uint32, l transcode.Loudness, err error) {
	run, rest, err := splitRun(KindLoudness, body, loudnessSize)
	if err != nil {
		return 0, l, err
	}
	v := func(i int) uint64 { return binary.BigEndian.Uint64(rest[8*i:]) }
	return run, transcode.Loudness{
		PTS: time.Duration(v(0)), Duration: time.Duration(v(1)),
		ShortTerm: level(v(2)), Peak: level(v(3)), Clipped: int(min(v(4), math.MaxInt32)),
	}, nil
}

func level(bits uint64) float64 {
	f := math.Float64frombits(bits)
	if math.IsNaN(f) {
		return -loudest
	}
	return min(max(f, -loudest), loudest)
}
