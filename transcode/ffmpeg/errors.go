package ffmpeg

import "errors"

var (
	// ErrBroken is returned by an Encoding's Write when for 10 s of the class's
	// clock no access unit could be decoded.
	ErrBroken = errors.New("nothing could be decoded")

	// ErrDrained is returned by an Encoding's Write and Drain after Drain.
	ErrDrained = errors.New("the encoding has been drained")

	// errNoEncoder is returned when an encoder cannot be opened on this machine.
	errNoEncoder = errors.New("the encoder cannot be opened")
)
