//go:build !linux

package worker

import (
	"errors"
	"os/exec"
)

// launch starts cmd. What keeps workers humble is known for Linux only.
func launch(cmd *exec.Cmd) error { return cmd.Start() }

// residentBytes is known for Linux only.
func residentBytes(int) (int64, error) { return 0, errors.ErrUnsupported }
