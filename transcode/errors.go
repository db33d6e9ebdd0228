package transcode

import "errors"

// ErrSpec is returned by Engines for a Spec that can never work.
var ErrSpec = errors.New("the encoder cannot do this")
