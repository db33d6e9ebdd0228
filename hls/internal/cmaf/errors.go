package cmaf

import "errors"

// ErrFormat is returned for a track that cannot be described: another codec than
// H.264, HEVC and AAC, or decoder parameters that are missing or cut short.
var ErrFormat = errors.New("track format cannot be packaged")
