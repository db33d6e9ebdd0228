package storyboard

import "errors"

var (
	// ErrPicture is returned by [Board.Add] for what is not a JPEG picture that
	// can be shown: damaged, too large, or in a colour space of print.
	ErrPicture = errors.New("not a usable picture")

	// ErrOrder is returned by [Board.Add] for a picture that is not newer than
	// the latest, or whose time is negative or beyond 99 hours.
	ErrOrder = errors.New("picture out of order")
)
