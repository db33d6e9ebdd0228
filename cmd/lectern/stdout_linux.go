package main

import (
	"fmt"
	"os"
	"syscall"
)

// ownStdout returns standard output for the caller alone: whatever else writes to
// it, such as a C library, reaches standard error instead of the peer.
func ownStdout() (*os.File, error) {
	fd, err := syscall.Dup(1)
	if err != nil {
		return nil, fmt.Errorf("duplicate standard output: %w", err)
	}
	syscall.CloseOnExec(fd)
	if err := syscall.Dup3(2, 1, 0); err != nil {
		return nil, fmt.Errorf("redirect standard output: %w", err)
	}
	return os.NewFile(uintptr(fd), "stdout"), nil
}
