package transcode

import (
	"errors"
	"fmt"
	"math"

	"github.com/lectern/lectern/media"
)

// Calibration is how much work a machine's cores do, in core-seconds: what a
// Cost is worked out from. It is kept as JSON.
type Calibration struct {
	// Decode is a megapixel of H.264 decoded. Other codecs are taken to cost up to
	// twice as much.
	Decode float64 `json:"decode"`

	// Scale is a megapixel of the source scaled down, for each rung.
	Scale float64 `json:"scale"`

	// Picture and Encode are one picture encoded with preset veryfast, whatever
	// its size, and each of its megapixels beside that: small pictures have more
	// detail to a pixel.
	Picture float64 `json:"picture"`
	Encode  float64 `json:"encode"`

	// Fast is the share of Picture and Encode that preset superfast takes.
	Fast float64 `json:"fast"`

	// Audio is a second of sound decoded and encoded.
	Audio float64 `json:"audio"`
}

// DefaultCalibration returns figures measured with x264 on two virtual cores of a
// middling server, with camera pictures.
func DefaultCalibration() Calibration {
	return Calibration{Decode: 0.00297, Scale: 0.0009, Picture: 0.0030, Encode: 0.0133, Fast: 0.5, Audio: 0.01}
}

// Scaled returns the calibration of a machine that needs factor times as long for
// everything. A quick measurement is this: encode something, and divide what it
// took by what Cost says.
func (c Calibration) Scaled(factor float64) Calibration {
	c.Decode *= factor
	c.Scale *= factor
	c.Picture *= factor
	c.Encode *= factor
	c.Audio *= factor
	return c
}

// Validate reports every figure that is no positive number.
func (c Calibration) Validate() error {
	var errs []error
	for _, f := range []struct {
		key   string
		value float64
	}{{"decode", c.Decode}, {"scale", c.Scale}, {"picture", c.Picture}, {"encode", c.Encode}, {"fast", c.Fast}, {"audio", c.Audio}} {
		if !(f.value > 0) || math.IsInf(f.value, 0) {
			errs = append(errs, fmt.Errorf("calibration: %s: %v is not a positive number", f.key, f.value))
		}
	}
	return errors.Join(errs...)
}

// decodeFactor is what decoding a codec costs beside H.264; estimates.
func decodeFactor(t media.Track) float64 {
	factor := 1.0
	switch t.Codec {
	case media.CodecHEVC, media.CodecVP9:
		factor = 1.5
	case media.CodecAV1:
		factor = 2
	}
	if t.Video.BitDepth > 8 {
		factor *= 1.25
	}
	return factor
}
