package ffmpeg

import (
	"fmt"
	"syscall"
	"time"
)

// rusageThread is RUSAGE_THREAD, which package syscall lacks.
const rusageThread = 1

// cpuTime returns how long the calling thread has been running.
func cpuTime() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(rusageThread, &u); err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
