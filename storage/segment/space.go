package segment

import (
	"errors"
	"fmt"
	"syscall"
)

// Space grants room on the disk. Its methods may be called from any goroutine and
// must not block.
type Space interface {
	// Take asks for n bytes of media; an error refuses them. The index and the
	// journals, about 1 KiB a segment, are not asked for.
	Take(n int64) error
	// Give returns n bytes that this run has taken and not kept.
	Give(n int64)
}

// noSpace is the [Space] of a Log that was given none.
type noSpace struct{}

// Take implements Space.
func (noSpace) Take(int64) error { return nil }

// Give implements Space.
func (noSpace) Give(int64) {}

// errRefused marks what Space said no to.
var errRefused = errors.New("no space granted")

// take asks Space for n bytes.
func (l *Log) take(n int64) error {
	if err := l.space.Take(n); err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return nil
}

// shortage returns the reason label of err, and whether the disk works and only lacks
// something that may come back: room, or file descriptors.
func shortage(err error) (reason string, passing bool) {
	switch {
	case errors.Is(err, errRefused):
		return reasonSpace, true
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return reasonFull, true
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return reasonDescriptors, true
	default:
		return reasonDisk, false
	}
}
