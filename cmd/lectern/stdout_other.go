//go:build !linux

package main

import "os"

// ownStdout returns standard output.
func ownStdout() (*os.File, error) { return os.Stdout, nil }
