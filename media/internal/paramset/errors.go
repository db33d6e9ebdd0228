package paramset

import (
	"errors"
	"fmt"

	"github.com/lectern/lectern/media"
)

var (
	// ErrMalformed is returned, wrapped with the place, when bytes break the
	// syntax of their format or a limit of the standard.
	ErrMalformed = errors.New("malformed parameter set")

	// ErrIncomplete is returned by [Sets.Track] while a parameter set is missing.
	ErrIncomplete = errors.New("parameter sets are incomplete")
)

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrMalformed, fmt.Errorf(format, args...))
}

// The largest picture that is accepted, in luma samples. Decoders need memory in
// proportion, so the check comes before any of them is opened.
const (
	MaxLongSide  = 4096
	MaxShortSide = 2304
)

// checkSize bounds the picture as coded, before cropping: that is what a decoder
// allocates. Sides are rounded up to whole blocks, hence the slack of 64.
func checkSize(width, height uint64) error {
	if width == 0 || height == 0 {
		return malformed("picture of %d x %d samples", width, height)
	}
	const slack = 64
	if max(width, height) >= MaxLongSide+slack || min(width, height) >= MaxShortSide+slack {
		return tooLarge()
	}
	return nil
}

func tooLarge() error {
	return &media.RefusalError{
		Code: "picture_size",
		Text: fmt.Sprintf("The picture is larger than %d x %d. In OBS choose Settings > Video > Output (Scaled) Resolution: 1920x1080 or 1280x720.", MaxLongSide, MaxShortSide),
	}
}

// crop returns the size that is shown, given the size as coded and the samples
// to cut off on all sides.
func crop(width, height, cutX, cutY uint64) (shownWidth, shownHeight int, err error) {
	if cutX >= width || cutY >= height {
		return 0, 0, malformed("cropping of %d x %d leaves nothing of %d x %d", cutX, cutY, width, height)
	}
	width -= cutX
	height -= cutY
	if max(width, height) > MaxLongSide || min(width, height) > MaxShortSide {
		return 0, 0, tooLarge()
	}
	return int(width), int(height), nil
}
