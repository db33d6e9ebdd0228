package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/lectern/lectern/transcode"
)

const (
	// probeTime is how long a worker may take to measure the machine.
	probeTime = time.Minute

	// probeBytes bounds what it may say.
	probeBytes = 64 << 10
)

// Machine is what a worker process found out about the machine.
type Machine struct {
	// Encoders are the video encoders that open, the one that is always there
	// first.
	Encoders []string `json:"encoders"`

	Calibration transcode.Calibration `json:"calibration"`
}

// Resolve returns what a configured encoder means on the machine: the best that
// opens for transcode.EncoderAuto, and configured otherwise.
func (m Machine) Resolve(configured string) string {
	if configured != transcode.EncoderAuto {
		return configured
	}
	if slices.Contains(m.Encoders, transcode.EncoderNVENC) {
		return transcode.EncoderNVENC
	}
	return transcode.EncoderX264
}

// Probe runs command, which is as in Deps, with the argument -probe. It takes some
// seconds of one core.
func Probe(ctx context.Context, command, env []string) (Machine, error) {
	if len(command) == 0 {
		return Machine{}, errors.New("measure the machine: there is no worker")
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], append(slices.Clone(command[1:]), "-probe")...) //nolint:gosec // our own program
	cmd.Env = passedOn(env)
	var out, said limitedBuffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return Machine{}, fmt.Errorf("measure the machine: %w: %s", err, strings.TrimSpace(said.String()))
	}
	var m Machine
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		return Machine{}, fmt.Errorf("measure the machine: %w", err)
	}
	if len(m.Encoders) == 0 {
		return Machine{}, errors.New("measure the machine: no video encoder opens; is FFmpeg built with libx264?")
	}
	if err := m.Calibration.Validate(); err != nil {
		return Machine{}, fmt.Errorf("measure the machine: %w", err)
	}
	return m, nil
}

// limitedBuffer keeps the first probeBytes.
type limitedBuffer struct{ bytes.Buffer }

// Write implements io.Writer and takes everything.
func (b *limitedBuffer) Write(p []byte) (int, error) {
	if room := probeBytes - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
