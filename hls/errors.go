package hls

import "errors"

// ErrConfig is returned by New, wrapped around what is wrong, for a Config that
// does not pass Validate.
var ErrConfig = errors.New("invalid packager configuration")
