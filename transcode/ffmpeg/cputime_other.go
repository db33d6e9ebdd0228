//go:build !linux

package ffmpeg

import "time"

// cpuTime returns wall time, which is the same on a machine that does nothing
// else.
func cpuTime() (time.Duration, error) {
	return time.Duration(time.Now().UnixNano()), nil
}
