package ffmpeg_test

import (
	"context"
	"errors"
	"testing"
)

func TestCalibrate(t *testing.T) {
	engine := newEngine(t)
	c, err := engine.Calibrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err = c.Validate(); err != nil {
		t.Error(err)
	}
	// Ratios do not depend on the machine: encoding is most of the work.
	if c.Encode < c.Decode || c.Encode < c.Scale || c.Fast > 1 {
		t.Errorf("calibration %+v", c)
	}
	t.Logf("%+v", c)
}

func TestCalibrateEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newEngine(t).Calibrate(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want that of the context", err)
	}
}
