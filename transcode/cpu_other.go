//go:build !linux

package transcode

import "runtime"

// HostCPU measures how busy the processors are, on Linux; elsewhere it measures
// nothing.
type HostCPU struct{}

// NewHostCPU returns a meter that knows nothing.
func NewHostCPU() *HostCPU { return &HostCPU{} }

// Share returns false.
func (h *HostCPU) Share() (share float64, ok bool) { return 0, false }

// Cores returns how many cores the process may run on.
func (h *HostCPU) Cores() float64 { return float64(runtime.NumCPU()) }
