package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Version is that of the protocol. It changes with every change of a frame.
const Version = 1

// Kind says what a frame is.
type Kind uint8

// The kinds. A Hello goes both ways and is always the first.
const (
	KindHello Kind = iota + 1

	KindOpen   // from here on: server to worker
	KindUnit   // both ways
	KindEffort // server to worker
	KindDrain

	KindOpened // from here on: worker to server
	KindStopped
	KindDrained
	KindThumbnail
	KindLoudness
	KindStats
	KindFailed
)

// String returns the word used in errors.
func (k Kind) String() string {
	words := [...]string{
		KindHello: "hello", KindOpen: "open", KindUnit: "access unit", KindEffort: "effort", KindDrain: "drain",
		KindOpened: "opened", KindStopped: "stopped", KindDrained: "drained", KindThumbnail: "thumbnail",
		KindLoudness: "loudness", KindStats: "stats", KindFailed: "failed",
	}
	if int(k) < len(words) && words[k] != "" {
		return words[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// The limits of bodies, in bytes.
const (
	MaxUnitBytes      = 9 << 20 // of an access unit with its header
	maxSpecBytes      = 1 << 20
	maxThumbnailBytes = 1<<20 + thumbnailHeader
	maxTracksBytes    = 64 << 10
	maxStatsBytes     = 16 << 10
	maxSmallBytes     = 4 << 10
)

// limit returns the longest body of a frame of kind k, in bytes.
func (k Kind) limit() int {
	switch k {
	case KindUnit:
		return MaxUnitBytes
	case KindOpen:
		return maxSpecBytes
	case KindThumbnail:
		return maxThumbnailBytes
	case KindOpened:
		return maxTracksBytes
	case KindStats:
		return maxStatsBytes
	default:
		return maxSmallBytes
	}
}

const (
	frameHeader = 5
	runHeader   = 4

	// readBuffer is what is read from a pipe at once; a Linux pipe holds 64 KiB.
	readBuffer = 64 << 10
)

// side tells which kinds may be read.
type side [KindFailed + 1]bool

// Reader reads frames from one side of the protocol.
type Reader struct {
	src     *bufio.Reader
	allowed side
	buf     []byte // for all bodies but access units
}

// NewServerReader reads what a server sends: a worker's stdin.
func NewServerReader(r io.Reader) *Reader {
	return newReader(r, KindHello, KindOpen, KindUnit, KindEffort, KindDrain)
}

// NewWorkerReader reads what a worker sends: its stdout.
func NewWorkerReader(r io.Reader) *Reader {
	return newReader(r, KindHello, KindUnit, KindOpened, KindStopped, KindDrained, KindThumbnail, KindLoudness, KindStats, KindFailed)
}

func newReader(r io.Reader, kinds ...Kind) *Reader {
	out := &Reader{src: bufio.NewReaderSize(r, readBuffer)}
	for _, k := range kinds {
		out.allowed[k] = true
	}
	return out
}

// Next reads one frame. The body of an access unit belongs to the caller, every
// other one is valid until the next call. The error is io.EOF at the end of a
// frame, io.ErrUnexpectedEOF within one, and wraps ErrFrame for a frame that this
// side does not take; nothing can be read after an error.
func (r *Reader) Next() (Kind, []byte, error) {
	head, err := r.src.Peek(frameHeader)
	if err != nil {
		if errors.Is(err, io.EOF) && len(head) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	length, kind := binary.BigEndian.Uint32(head), Kind(head[4])
	if int(kind) >= len(r.allowed) || !r.allowed[kind] {
		return 0, nil, fmt.Errorf("%w: it begins with %q", ErrFrame, head)
	}
	if length < 1 || int64(length) > int64(kind.limit())+1 {
		return 0, nil, fmt.Errorf("%w: %s of %d bytes", ErrFrame, kind, length)
	}
	if _, err = r.src.Discard(frameHeader); err != nil {
		return 0, nil, err
	}
	n := int(length) - 1
	var body []byte
	if kind == KindUnit {
		body = make([]byte, n) // the one allocation for its payload
	} else {
		if cap(r.buf) < n {
			r.buf = make([]byte, n)
		}
		body = r.buf[:n]
	}
	if _, err = io.ReadFull(r.src, body); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	return kind, body, nil
}

// begin appends the head of a frame whose length seal fills in.
func begin(dst []byte, k Kind) []byte { return append(dst, 0, 0, 0, 0, byte(k)) }

// seal finishes the frame that begin began at offset start.
func seal(dst []byte, start int) ([]byte, error) {
	k, n := Kind(dst[start+4]), len(dst)-start-frameHeader
	if n > k.limit() {
		return dst[:start], fmt.Errorf("%w: %s of %d bytes", ErrUnsendable, k, n)
	}
	binary.BigEndian.PutUint32(dst[start:], uint32(n+1))
	return dst, nil
}

// appendRun appends a frame that is nothing but the number of a run and rest.
func appendRun(dst []byte, k Kind, run uint32, rest []byte) ([]byte, error) {
	start := len(dst)
	dst = slices.Grow(dst, frameHeader+runHeader+len(rest))
	dst = binary.BigEndian.AppendUint32(begin(dst, k), run)
	return seal(append(dst, rest...), start)
}

// splitRun splits the body of a frame with a run; size, if not negative, is what
// must follow.
func splitRun(k Kind, body []byte, size int) (uint32, []byte, error) {
	if len(body) < runHeader || size >= 0 && len(body) != runHeader+size {
		return 0, nil, fmt.Errorf("%w: %s of %d bytes", ErrFrame, k, len(body))
	}
	return binary.BigEndian.Uint32(body), body[runHeader:], nil
}
