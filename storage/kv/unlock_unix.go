//go:build unix

package kv

import (
	"os"
	"syscall"
)

// unlock lets go of the file lock at once. Closing the file is not enough while
// a mapping of it remains, and bbolt leaves its mapping behind when it panics.
func unlock(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
}
