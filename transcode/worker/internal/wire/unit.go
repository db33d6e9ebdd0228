package wire

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/lectern/lectern/media"
)

const (
	// unitHeader is run, received, PTS, DTS, track, flags, count of payload parts.
	unitHeader = 4 + 8 + 8 + 8 + 1 + 1 + 2

	// maxParts is how many NAL units an access unit may have: 4,096 slices are far
	// more than level 6.2 allows.
	maxParts = 4096

	// maxTicks bounds timestamps so that sums of them cannot overflow: in ticks of
	// 90 kHz it is 3,000 years.
	maxTicks = 1 << 53

	flagRandomAccess = 1
)

// Unit is an access unit in transit. CapturedAt does not cross the pipe.
type Unit struct {
	Run        uint32
	Received   time.Time // when the server got it; of no meaning from the worker
	AccessUnit *media.AccessUnit
}

// UnitSize is how long the frame of au is, in bytes.
func UnitSize(au *media.AccessUnit) int {
	return frameHeader + unitHeader + 4*len(au.Payload) + au.Size()
}

// CheckUnit returns an error that wraps ErrUnsendable if AppendUnit would.
func CheckUnit(au *media.AccessUnit) error {
	if size := UnitSize(au) - frameHeader; size > MaxUnitBytes {
		return fmt.Errorf("%w: access unit of %d bytes", ErrUnsendable, size)
	}
	if n := len(au.Payload); n == 0 || n > maxParts {
		return fmt.Errorf("%w: access unit of %d parts", ErrUnsendable, n)
	}
	if slices.ContainsFunc(au.Payload, func(p []byte) bool { return len(p) == 0 }) {
		return fmt.Errorf("%w: access unit with an empty part", ErrUnsendable)
	}
	if !sane(au.PTS, au.DTS) {
		return fmt.Errorf("%w: access unit with pts %d and dts %d", ErrUnsendable, au.PTS, au.DTS)
	}
	return nil
}

func sane(pts, dts int64) bool {
	return dts >= -maxTicks && pts >= dts && pts <= maxTicks
}

// AppendUnit appends an access unit.
func AppendUnit(dst []byte, u Unit) ([]byte, error) {
	au := u.AccessUnit
	if err := CheckUnit(au); err != nil {
		return dst, err
	}
	start := len(dst)
	dst = begin(slices.Grow(dst, UnitSize(au)), KindUnit)
	dst = binary.BigEndian.AppendUint32(dst, u.Run)
	dst = binary.BigEndian.AppendUint64(dst, uint64(u.Received.UnixNano()))
	dst = binary.BigEndian.AppendUint64(dst, uint64(au.PTS))
	dst = binary.BigEndian.AppendUint64(dst, uint64(au.DTS))
	flags := byte(0)
	if au.RandomAccess {
		flags = flagRandomAccess
	}
	dst = append(dst, byte(au.Track), flags)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(au.Payload)))
	for _, p := range au.Payload {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(p)))
	}
	for _, p := range au.Payload {
		dst = append(dst, p...)
	}
	return seal(dst, start)
}

// ParseUnit reads an access unit, whose payload then lies in body.
func ParseUnit(body []byte) (Unit, error) {
	if len(body) < unitHeader {
		return Unit{}, fmt.Errorf("%w: access unit of %d bytes", ErrFrame, len(body))
	}
	be := binary.BigEndian
	u := Unit{Run: be.Uint32(body), Received: time.Unix(0, int64(be.Uint64(body[4:])))}
	au := &media.AccessUnit{
		PTS: int64(be.Uint64(body[12:])), DTS: int64(be.Uint64(body[20:])),
		Track: media.TrackID(body[28]), RandomAccess: body[29] == flagRandomAccess,
	}
	if !sane(au.PTS, au.DTS) {
		return Unit{}, fmt.Errorf("%w: access unit with pts %d and dts %d", ErrFrame, au.PTS, au.DTS)
	}
	if body[29] > flagRandomAccess {
		return Unit{}, fmt.Errorf("%w: access unit with flags %#x", ErrFrame, body[29])
	}
	count := int(be.Uint16(body[30:]))
	if count == 0 || count > maxParts || len(body) < unitHeader+4*count {
		return Unit{}, fmt.Errorf("%w: access unit of %d bytes with %d parts", ErrFrame, len(body), count)
	}
	sizes, rest := body[unitHeader:unitHeader+4*count], body[unitHeader+4*count:]
	au.Payload = make([][]byte, count)
	for i := range au.Payload {
		n := int64(be.Uint32(sizes[4*i:]))
		if n == 0 || n > int64(len(rest)) {
			return Unit{}, fmt.Errorf("%w: part of %d bytes where %d are left", ErrFrame, n, len(rest))
		}
		au.Payload[i], rest = rest[:n:n], rest[n:]
	}
	if len(rest) > 0 {
		return Unit{}, fmt.Errorf("%w: %d bytes behind an access unit", ErrFrame, len(rest))
	}
	u.AccessUnit = au
	return u, nil
}
